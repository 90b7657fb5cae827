"""Images that are watched: which ones, by what policy, and which of a registry's tags that chooses."""
