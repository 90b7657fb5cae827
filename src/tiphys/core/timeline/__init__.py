"""When a commit became live: what the engine notes of each, and the durations between."""
