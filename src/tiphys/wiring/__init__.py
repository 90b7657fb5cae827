"""Settings and assembly: the only reader of the environment and opener of adapters."""
