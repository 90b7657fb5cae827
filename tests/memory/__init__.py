"""
A Kubernetes API server in memory, for the engine to be tested on without waiting.

It is not a mock of our client: our own client speaks its requests to it, and the suite that holds for a real API
server holds for it too (``tests/adapters/cluster``). What it knows of Kubernetes is what the engine depends on.
"""

from memory.server import Server
from memory.wire import Fault, MemoryApi, opened

__all__ = ["Fault", "MemoryApi", "Server", "opened"]
