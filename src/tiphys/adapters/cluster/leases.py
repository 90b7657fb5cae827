"""The Lease that engines elect their leader by, as the API server keeps it (``coordination.k8s.io/v1``)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from tiphys.adapters.cluster.api import READ, Answer, Api, Rejected, Request
from tiphys.adapters.cluster.requests import MERGE_PATCH
from tiphys.model.errors import Refused
from tiphys.model.leases import LeaseRecord
from tiphys.model.objects import Body, part
from tiphys.model.tracking import FIELD_MANAGER

_USUAL = 15
"""Seconds that client-go gives a holder: counted where a Lease names none."""


@dataclass(frozen=True)
class Lease:
    """A Lease by its name. All questions raise ``Unavailable`` without an answer, ``Refused`` without the right."""

    api: Api
    namespace: str
    name: str = "tiphys"

    async def read(self, deadline: float = READ) -> LeaseRecord | None:
        """What it says now; ``None`` if there is none."""
        request = Request("GET", self._path(self.name), deadline=deadline)
        answer = await self.api.ask(request)
        return None if answer.code == 404 else _record(self._granted(request, answer).document())

    async def write(self, record: LeaseRecord, deadline: float = READ) -> LeaseRecord | None:
        """Write it if it is of the record's version still; ``None`` if it is not, or somebody made it first."""
        return await (self._patch if record.version else self._create)(record, deadline)

    async def _patch(self, record: LeaseRecord, deadline: float) -> LeaseRecord | None:
        body = {"metadata": {"resourceVersion": record.version}, "spec": _spec(record)}
        request = self._request("PATCH", self._path(self.name), body, deadline)
        answer = await self.api.ask(request)
        return None if answer.code in (404, 409) else _record(self._granted(request, answer).document())

    async def _create(self, record: LeaseRecord, deadline: float) -> LeaseRecord | None:
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": _spec(record),
        }
        request = self._request("POST", self._path(), body, deadline)
        answer = await self.api.ask(request)
        if answer.code == 404:  # there is no namespace yet
            await self._make_namespace(deadline)
            answer = await self.api.ask(request)
        return None if answer.code == 409 else _record(self._granted(request, answer).document())

    async def _make_namespace(self, deadline: float) -> None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        request = self._request("POST", "/api/v1/namespaces", body, deadline)
        answer = await self.api.ask(request)
        if answer.code != 409:
            self._granted(request, answer)

    def _path(self, name: str = "") -> str:
        of_all = f"/apis/coordination.k8s.io/v1/namespaces/{quote(self.namespace, safe='')}/leases"
        return f"{of_all}/{quote(name, safe='')}" if name else of_all

    def _request(self, method: str, path: str, body: Body, deadline: float) -> Request:
        kind = MERGE_PATCH if method == "PATCH" else "application/json"
        return Request(
            method, path, {"fieldManager": FIELD_MANAGER}, orjson.dumps(body), kind, deadline=deadline
        )

    def _granted(self, request: Request, answer: Answer) -> Answer:
        if answer.ok:
            return answer
        if answer.code == 403:
            raise Refused(
                f"{request}: {answer.message}; engines elect who acts by the Lease {self.namespace}/{self.name}: "
                "grant get, create and patch of it, or run a single engine with TIPHYS_LEADER_ELECTION=false"
            )
        raise Rejected(request, answer)


def _spec(record: LeaseRecord) -> dict[str, Any]:
    return {
        "holderIdentity": record.holder,
        "leaseDurationSeconds": record.duration,
        "acquireTime": record.acquired or None,
        "renewTime": record.renewed or None,
        "leaseTransitions": record.transitions,
    }


def _record(body: Body) -> LeaseRecord:
    spec = part(body, "spec")
    return LeaseRecord(
        holder=str(spec.get("holderIdentity") or ""),
        duration=int(spec.get("leaseDurationSeconds") or _USUAL),
        acquired=str(spec.get("acquireTime") or ""),
        renewed=str(spec.get("renewTime") or ""),
        transitions=int(spec.get("leaseTransitions") or 0),
        version=str(part(body, "metadata").get("resourceVersion") or ""),
    )
