"""The stories, on a cluster in memory, real Git repositories and the real engines."""
