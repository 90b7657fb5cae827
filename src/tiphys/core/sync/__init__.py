"""The sync: when one is due, what it has to do, and how it goes on from whatever it finds."""
