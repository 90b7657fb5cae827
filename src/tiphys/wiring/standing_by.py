"""Opens what tells the engine whether Argo CD's controller is at work in its namespace."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

from tiphys.controller.standby import Standby
from tiphys.core.migration.controllers import KINDS, SELECTOR, Controller, controllers
from tiphys.model.errors import Refused
from tiphys.model.objects import part
from tiphys.wiring.connecting import Calls, open_api
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
        found += controllers(kind, await _items(api, path, SELECTOR))
    return [str(each) for each in found if each.at_work or await _lingering(api, namespace, each.selector)]


async def _lingering(api: Calls, namespace: str, selector: str) -> bool:
    """Whether a pod of these labels has not ended: a workload that is scaled down may not count it any more."""
    pods = await _items(api, f"/api/v1/namespaces/{quote(namespace, safe='')}/pods", selector)
    return any(part(pod, "status").get("phase") not in ("Succeeded", "Failed") for pod in pods)


async def _items(api: Calls, path: str, labels: str) -> Sequence[dict[str, object]]:
    answer = await api.call("GET", path, {"labelSelector": labels})
    if answer.code == 404:
        return ()
    if not answer.ok:
        raise Refused(f"GET {path}: {answer.message}; the engine has to see whether Argo CD runs there")
    found: Sequence[dict[str, object]] = json.loads(answer.body).get("items") or ()
    return found
