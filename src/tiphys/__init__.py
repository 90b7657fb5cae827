"""Tiphys, a GitOps continuous-delivery engine: what runs in the cluster is what Git says."""

__version__ = "0.1.0"
