"""The stories: look first, then think, then act."""
