"""
The webhook of an engine: where its secrets are kept, and who is told what it hears.

The Secret is Argo CD's, ``argocd-secret`` in the control plane's namespace. It is read when a request comes, and kept
for some seconds, so that a change takes effect by itself and a flood of requests is none of questions.
"""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from tiphys.core.webhooks import Secrets
from tiphys.model.errors import SpecError
from tiphys.model.objects import Key, Live

SECRET = "argocd-secret"  # noqa: S105 - its name
PART_OF = "app.kubernetes.io/part-of"
KEPT = 10.0
"""Seconds that a reading holds."""


@dataclass
class KeptSecrets:
    """The webhook's secrets, as they were some seconds ago at the most."""

    read: Callable[[Key], Awaitable[Live | None]]
    """An object as it is now. May raise ``Unavailable``."""
    namespace: str
    clock: Callable[[], float] = time.monotonic
    _kept: tuple[float, Secrets] | None = None
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self) -> Secrets:
        """The secrets. None at all is no error: then nobody has to prove anything, as with Argo CD."""
        async with self._reading:
            if self._kept is None or self.clock() - self._kept[0] > KEPT:
                self._kept = (self.clock(), Secrets(await self._current()))
            return self._kept[1]

    async def _current(self) -> dict[str, str]:
        data = _data(await self.read(self._key(SECRET)))
        told = {name: value for name, value in data.items() if name.startswith("webhook.")}
        return {name: await self._meant(name, value) for name, value in told.items()}

    async def _meant(self, name: str, value: str) -> str:
        """The value; where it is ``$secret:key``, what that Secret has under the key, as in Argo CD."""
        other, colon, key = value.strip().removeprefix("$").partition(":")
        if not value.startswith("$") or not colon:
            return value
        found = await self.read(self._key(other))
        if (
            found is None
            or found.metadata.get("labels", {}).get(PART_OF) != "argocd"
            or key not in _data(found)
        ):
            raise SpecError(
                f"{name} in {SECRET} names {value.strip()}: there has to be a Secret {other} in namespace "
                f"{self.namespace} with the label {PART_OF}: argocd and the key {key}"
            )
        return _data(found)[key]

    def _key(self, name: str) -> Key:
        return Key("", "Secret", self.namespace, name)


def _data(secret: Live | None) -> Mapping[str, str]:
    data = (secret.body.get("data") or {}) if secret else {}
    return {name: base64.b64decode(value).decode("utf-8", "replace") for name, value in data.items()}
