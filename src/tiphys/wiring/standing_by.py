"""Opens what tells the engine whether it may act: its own election, and Argo CD's controller in its namespace."""

import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from tiphys.adapters.cluster.api import Answer
from tiphys.adapters.cluster.leases import Lease
from tiphys.controller.gates import Gate
from tiphys.controller.leadership import Clocks, Leadership
from tiphys.controller.standby import Standby
from tiphys.core.election.lease import Me, Standing
from tiphys.core.migration.controllers import KINDS, SELECTOR, Controller, controllers
from tiphys.model.errors import Refused
from tiphys.wiring.connecting import Calls, open_api
from tiphys.wiring.migrating import ScaledWorkloads
from tiphys.wiring.settings import Settings
from tiphys.wiring.statefolder import open_folder


@dataclass(frozen=True)
class Told:
    """Who is told what the engine waits for, and whom it follows."""

    waits_for: Callable[[str], None]
    follows: Callable[[str], None]


@asynccontextmanager
async def open_gates(settings: Settings, told: Told) -> AsyncIterator[Sequence[Gate]]:
    """
    The gates that the engine has to pass before it acts, for a ``with`` block, in the order in which they are passed.

    After the block the Lease is given back: whatever acts has to have ended before.
    """
    async with open_api(settings) as api, _election(settings, api, told) as election:
        yield (*election, *_argocd(settings, api, told))


@asynccontextmanager
async def _election(settings: Settings, api: Calls, told: Told) -> AsyncIterator[Sequence[Gate]]:
    """The gates by which one of several engines acts; none where that is switched off."""
    if not settings.leader_election:
        yield ()
        return
    folder = open_folder(settings.state)
    folder.tell = lambda: told.waits_for("another engine on its state folder to end")
    with folder.lock:
        me = Me(os.uname().nodename, folder.name, secrets.token_hex(4), int(settings.lease.total_seconds()))
        lease = Lease(api.api, settings.namespace)
        leadership = Leadership(lease, Standing(me), _CLOCKS, told.follows)
        try:
            yield folder, leadership
        finally:
            await leadership.make_way()


def _argocd(settings: Settings, api: Calls, told: Told) -> Sequence[Gate]:
    if settings.beside_argocd:
        return ()
    waits = "Argo CD's application controller to be gone"
    return (Standby(lambda: argocd_at_work(api, settings.namespace), lambda: told.waits_for(waits)),)


def _steady() -> float:
    """Goes on while the machine sleeps, where the system has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


_CLOCKS = Clocks(_steady, lambda: datetime.now(UTC))


async def argocd_at_work(api: Calls, namespace: str) -> Sequence[str]:
    """The application controllers of Argo CD that run in a namespace, or whose last pods are about to end."""
    found: list[Controller] = []
    for kind in KINDS:
        path = f"/apis/apps/v1/namespaces/{quote(namespace, safe='')}/{kind.lower()}s"
        answer = await api.call("GET", path, {"labelSelector": SELECTOR})
        if answer.code != 404:
            found += controllers(kind, _granted(answer, path).document().get("items") or ())
    pods = ScaledWorkloads(api, namespace).pods
    # A workload that is scaled down may not count its last pods any more.
    return [str(each) for each in found if each.at_work or (each.selector and await pods(each.selector))]


def _granted(answer: Answer, path: str) -> Answer:
    if not answer.ok:
        raise Refused(f"GET {path}: {answer.message}; the engine has to see whether Argo CD runs there")
    return answer
