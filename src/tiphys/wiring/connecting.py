"""Which API server, and with whose credentials."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tiphys.adapters.cluster.api import Answer, Api, Request, Stream
from tiphys.adapters.cluster.credentials import Connection, from_kubeconfig, in_cluster
from tiphys.model.errors import SpecError


class Reach(Protocol):
    """What names a cluster: a kubeconfig and a context of it."""

    @property
    def kubeconfig(self) -> Path | None:
        """``None`` for what the environment names."""

    @property
    def context(self) -> str:
        """Empty for the current one."""


def connection_of(reach: Reach, environment: Mapping[str, str]) -> Connection:
    """
    The connection that a user means.

    What was named wins, then ``KUBECONFIG``, then the pod's own service account, then the user's own kubeconfig, as
    with kubectl. Raises ``SpecError`` if there is none.
    """
    if reach.kubeconfig:
        return from_kubeconfig([reach.kubeconfig], reach.context)
    named = [Path(part) for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    if named:
        # One of several may be missing, as with kubectl.
        return from_kubeconfig([file for file in named if file.exists()] or named, reach.context)
    host = environment.get("KUBERNETES_SERVICE_HOST", "")
    if host:
        return in_cluster(host, environment.get("KUBERNETES_SERVICE_PORT", "443"))
    own = Path(environment.get("HOME", "/nonexistent")) / ".kube" / "config"
    if own.exists():
        return from_kubeconfig([own], reach.context)
    raise SpecError(
        "no cluster is known: give --kubeconfig or set KUBECONFIG; "
        "for the platform of `tiphys up`: export KUBECONFIG=$(tiphys local kubeconfig)"
    )


@dataclass(frozen=True)
class Calls:
    """An API server by raw requests, for those who print what it says."""

    api: Api

    @property
    def server(self) -> str:
        """Its URL, for messages."""
        return self.api.server

    async def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        content_type: str = "application/json",
    ) -> Answer:
        """The answer, also when it is no. Raises ``Unavailable`` if there is none."""
        return await self.api.ask(Request(method, path, query or {}, body, content_type))

    def follow(
        self, path: str, query: Mapping[str, str], seconds: int
    ) -> AbstractAsyncContextManager[Stream]:
        """A watch that lasts for so long at most. Raises ``Unavailable`` where it is not granted."""
        return self.api.stream(Request("GET", path, query, deadline=seconds))


@asynccontextmanager
async def open_api(reach: Reach) -> AsyncIterator[Calls]:
    """An API server for a ``with`` block. Raises ``SpecError`` if none is known."""
    async with Api.open(connection_of(reach, os.environ)) as api:
        yield Calls(api)
