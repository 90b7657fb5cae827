"""Opens what tells the engine whether Argo CD's controller is at work in its namespace."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

from tiphys.adapters.cluster.api import Answer
from tiphys.controller.standby import Standby
from tiphys.core.migration.controllers import KINDS, SELECTOR, Controller, controllers
from tiphys.model.errors import Refused
from tiphys.wiring.connecting import Calls, open_api
from tiphys.wiring.migrating import ScaledWorkloads
from tiphys.wiring.settings import Settings


@asynccontextmanager
async def open_standby(settings: Settings) -> AsyncIterator[Standby | None]:
    """The engine's standby for a ``with`` block; ``None`` where it was told to act beside Argo CD."""
    if settings.beside_argocd:
        yield None
        return
    async with open_api(settings) as api:
        yield Standby(lambda: argocd_at_work(api, settings.namespace))


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
