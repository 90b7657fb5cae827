"""The outside: each speaks one thing's protocol and translates it to our nouns."""
