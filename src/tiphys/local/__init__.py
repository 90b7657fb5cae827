"""A Kubernetes control plane and the example platform on this machine."""
