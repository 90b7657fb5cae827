"""The command line, one file per noun. It talks to the Kubernetes API alone."""
