"""
A Kubernetes cluster: a thin client of our own, and on top of it a cluster that is watched.

The client is thin because the watch is the heart of the engine: bytes stay bytes until somebody asks.
"""

from tiphys.adapters.cluster.applications import ApplicationChange, WatchedApplications
from tiphys.adapters.cluster.cluster import WHOLE, WatchedCluster
from tiphys.adapters.cluster.credentials import Connection, from_kubeconfig, in_cluster
from tiphys.adapters.cluster.installing import install
from tiphys.adapters.cluster.store import Change

__all__ = [
    "WHOLE",
    "ApplicationChange",
    "Change",
    "Connection",
    "WatchedApplications",
    "WatchedCluster",
    "from_kubeconfig",
    "in_cluster",
    "install",
]
