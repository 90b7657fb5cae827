"""The workloads that a migration scales, by the API server of the cluster that a user means."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from tiphys.adapters.cluster.api import Answer
from tiphys.core.migration.controllers import Controller, controllers
from tiphys.model.errors import Refused, SpecError, Unavailable
from tiphys.model.objects import Body, Key, part
from tiphys.wiring.connecting import Calls

_MERGE = "application/merge-patch+json"


@dataclass(frozen=True)
class ScaledWorkloads:
    """Fulfils the port ``Workloads`` of a namespace."""

    api: Calls
    namespace: str

    async def read(self, key: Key) -> Controller | None:
        """One that acts on Applications, as it is now; ``None`` if it is gone."""
        answer = await self.api.call("GET", self._path(key))
        if answer.code == 404:
            return None
        body = json.loads(self._granted(answer, f"read {key}").body)
        return next(iter(controllers(key.kind, [body])), None)

    async def patch(self, key: Key, patch: Body) -> bool:
        """Merge a patch (RFC 7386); whether it was still the version that the patch names."""
        path, body = self._path(key), json.dumps(patch).encode()
        answer = await self.api.call("PATCH", path, {"fieldManager": "tiphys"}, body, _MERGE)
        if answer.code == 409:
            return False
        self._granted(answer, f"scale {key}")
        return True

    async def pods(self, selector: str) -> Sequence[str]:
        """The names of the pods with these labels that have not ended."""
        path = f"/api/v1/namespaces/{quote(self.namespace, safe='')}/pods"
        answer = await self.api.call("GET", path, {"labelSelector": selector})
        items = json.loads(self._granted(answer, "list pods").body).get("items") or ()
        running = [pod for pod in items if part(pod, "status").get("phase") not in ("Succeeded", "Failed")]
        return [str(part(pod, "metadata").get("name")) for pod in running]

    def _path(self, key: Key) -> str:
        namespace, name = (quote(word, safe="") for word in (key.namespace, key.name))
        return f"/apis/apps/v1/namespaces/{namespace}/{key.kind.lower()}s/{name}"

    def _granted(self, answer: Answer, doing: str) -> Answer:
        if answer.ok:
            return answer
        if answer.code == 403:
            raise Refused(f"cannot {doing}: {answer.message}; ask for the right, or use another --context")
        if answer.code in (400, 404, 422):
            raise SpecError(f"cannot {doing}: {answer.message}")
        raise Unavailable(f"cannot {doing} on {self.api.server}: {answer.message}")
