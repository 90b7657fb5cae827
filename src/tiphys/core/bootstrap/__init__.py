"""A chart installed as Helm installs it: what is recorded, whose an object is, what runs when, what has to go."""
