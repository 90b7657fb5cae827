"""Small languages that users write inside fields, read here for all packages of the core."""
