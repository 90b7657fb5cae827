"""A real Gitea on loopback, for tests that ask a forge."""
