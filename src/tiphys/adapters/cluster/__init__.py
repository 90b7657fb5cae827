"""
A Kubernetes cluster: a thin client of our own, and on top of it a cluster that is watched.

The client is thin because the watch is the heart of the engine: bytes stay bytes until somebody asks.

Import from the files: who only needs credentials shall not load the watches.
"""
