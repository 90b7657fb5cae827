"""The server in memory keeps every promise that the real one keeps."""

from adapters.cluster.test_contract import *  # noqa: F403
