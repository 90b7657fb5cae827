"""
What we ask of the API server: predictions, applies, replacements, deletions, and how each is told.

Everything here is safe to give twice. What our own write left behind goes to the store at once, so that
nobody who asks afterwards sees an older state. A refusal is a value, in the API server's words; messages of
success are kubectl's.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from tiphys.adapters.cluster import readings, requests
from tiphys.adapters.cluster.api import Answer, Api, Rejected, Request
from tiphys.adapters.cluster.backoff import holds
from tiphys.adapters.cluster.catalog import DEFINITIONS, WatchedCatalog
from tiphys.adapters.cluster.store import Store
from tiphys.adapters.cluster.trials import Trials
from tiphys.adapters.cluster.wording import readable
from tiphys.model.errors import Refused, SpecError, Stale, TiphysError
from tiphys.model.flow import Apply, Command, Delete, Phase, Predicted, Result
from tiphys.model.objects import Body, Key, Kind, Live, Manifest, Resource
from tiphys.model.redaction import redact_text

_GONE_WITHIN = 60.0
"""Seconds that an object which is to be created anew may take to go."""

_SECRET = Kind("", "Secret")
_TOO_LARGE = re.compile(r"request is too large|message larger than max")
"""What etcd says of an object of more than 1.5 MB, and its client of one of more than 2 MB."""


class Writer:
    """Writes to one API server."""

    def __init__(self, api: Api, catalog: WatchedCatalog, store: Store) -> None:
        self._api = api
        self._catalog = catalog
        self._store = store
        self._trials = Trials(store)

    async def predict(self, target: Manifest) -> Predicted:
        """
        What a server-side apply of the target would give.

        Unknown fields do not spoil a prediction (``--validate=warn``), though an apply may refuse them.
        """
        resource = await self._catalog.find(target.key.of)
        if not resource or (refusal := _unserved(target, resource)):
            return Predicted(None, refusal if resource else self._unknown(target))
        options = {**requests.DRY_RUN, "fieldValidation": "Warn"}
        trial = self._trials.begin(target)
        answer = await self._api.ask(requests.apply(resource, target.key, target.body, options))
        if not answer.ok:
            return Predicted(None, self._spoken(answer.message, target))
        if not answer.warned:
            self._trials.passed(trial)
        return Predicted(answer.document(), live=await self._live_as(target, resource))

    async def _live_as(self, target: Manifest, resource: Resource) -> Body | None:
        """The live object in the target's version, where another one is watched: only like can be compared."""
        version = requests.version_of(target.body)
        if version == resource.version:
            return None
        answer = await self._api.ask(requests.get(resource, target.key, version))
        return answer.document() if answer.ok else None

    async def perform(self, command: Command) -> Result:
        """Do it, and tell what became of it."""
        try:
            match command:
                case Apply(target=target):
                    result = await self._bring_about(command)
                    return replace(result, message=self._spoken(result.message, target))
                case Delete():
                    return await self._delete(command)
        except Refused as refusal:
            return _failed(command.key, str(refusal))

    def _spoken(self, message: str, target: Manifest) -> str:
        """A message as it may be shown: the API server quotes what it refuses, and what there was before."""
        kept = self._store.get(target.key) if target.key.of == _SECRET else None
        return readable(redact_text(message, target.body, kept.live().body if kept else {}))

    async def create(self, target: Manifest) -> Result:
        """Create an object unless there is one of its key already, which is left as it is."""
        resource = await self._catalog.expect(target.key.of)
        if not resource:
            return _failed(target.key, self._unknown(target))
        answer = await self._api.ask(requests.create(resource, target.key, target.body, {}))
        if answer.reason == "AlreadyExists" or (
            # Who may not create is not told that it is there.
            answer.reason == "Forbidden" and (await self._api.ask(requests.get(resource, target.key))).ok
        ):
            return Result(target.key, Phase.SUCCEEDED, f"{noun(target.key)} unchanged")
        return await self._told(Apply(target.key, target), answer, resource, "created")

    async def patch(self, key: Key, patch: Body, resource_version: str = "") -> Live | None:
        """Merge a patch into an object; ``None`` if it is gone. Raises ``Stale`` at another version."""
        resource = await self._catalog.find(key.of)
        if not resource:
            return None
        request = requests.merge_patch(resource, key, requests.at(patch, resource_version))
        answer = await self._api.ask(request)
        if answer.code == 404:
            return None
        if not answer.ok:
            raise _unpatched(key, request, answer)
        return self._store.live(self._seen(answer, resource))

    async def _bring_about(self, command: Apply) -> Result:
        resource = await self._catalog.expect(command.key.of)
        if not resource or (refusal := _unserved(command.target, resource)):
            return _failed(command.key, refusal if resource else self._unknown(command.target))
        if command.replace:
            return await self._replace(command, resource)
        return await self._apply(command, resource)

    async def _apply(self, command: Apply, resource: Resource) -> Result:
        if command.dry_run and self._trials.spare(command.target):
            return _tried(command.key, "serverside-applied")
        body = await self._body(command, resource)
        if body is None:
            return Result(command.key, Phase.RUNNING, f"{noun(command.key)} is gone", conflict=True)
        answer = await self._api.ask(requests.apply(resource, command.key, body, _options(command)))
        if command.force and answer.reason == "Invalid":
            return await self._recreate(command, resource, answer)
        return await self._told(command, answer, resource, "serverside-applied")

    async def _body(self, command: Apply, resource: Resource) -> Body | None:
        """What to apply; ``None`` if it is meant for a version of an object that is gone."""
        if not command.resource_version:
            return command.target.body
        live = self._store.get(command.key) or await self._read(resource, command.key)
        return requests.at(command.target.body, command.resource_version, live.uid) if live else None

    async def _replace(self, command: Apply, resource: Resource) -> Result:
        found = await self._api.ask(requests.get(resource, command.key))
        if found.code == 404:
            return await self._create(command, resource, "created")
        if not found.ok:
            return _failed(command.key, found.message)
        if command.force:
            return await self._recreate(command, resource, found)
        version = command.resource_version or readings.version_of(found.body)
        body = requests.at(command.target.body, version)
        answer = await self._api.ask(requests.put(resource, command.key, body, _options(command)))
        return await self._told(command, answer, resource, "replaced")

    async def _create(self, command: Apply, resource: Resource, done: str) -> Result:
        request = requests.create(resource, command.key, command.target.body, _options(command))
        answer = await self._api.ask(request)
        return await self._told(command, answer, resource, done)

    async def _recreate(self, command: Apply, resource: Resource, because: Answer) -> Result:
        """
        Delete what is live and create the target, but only if the API server would take the target as it is.

        Otherwise a mistake in Git would cost the live object.
        """
        trial = replace(command, dry_run=True)
        request = requests.create(resource, command.key, command.target.body, _options(trial))
        would = await self._api.ask(request)
        if not would.ok and would.reason != "AlreadyExists":
            return _failed(command.key, would.message if because.ok else because.message)
        if command.dry_run:
            return _tried(command.key, "replaced")
        if obstacle := await self._cleared(resource, command.key):
            return _failed(command.key, obstacle)
        return await self._create(command, resource, "replaced")

    async def _cleared(self, resource: Resource, key: Key) -> str:
        """Delete whatever has the key, and wait until it is gone; answers with what is in the way of that."""
        live = await self._read(resource, key)
        if not live:
            return ""
        answer = await self._api.ask(requests.delete(resource, key, live.uid, "Background"))
        if not answer.ok and answer.code not in {404, 409}:
            return answer.message
        return await self._gone(resource, live)

    async def _gone(self, resource: Resource, live: Live) -> str:
        """Wait until the object is gone; answers with what holds it if it stays."""

        async def is_gone() -> bool:
            found = await self._read(resource, live.key)
            return found is None or found.uid != live.uid

        if await holds(is_gone, _GONE_WITHIN):
            self._store.bury(live.key, live.uid)
            return ""
        finalizers = (await self._read(resource, live.key) or live).metadata.get("finalizers") or ()
        held = ", ".join(map(str, finalizers)) or "its grace period"
        return f"{noun(live.key)} was deleted to be created anew, but is still there (held by {held})"

    async def _delete(self, command: Delete) -> Result:
        if not command.uid:
            raise ValueError(f"delete {command.key}: a deletion names the UID")
        resource = await self._catalog.find(command.key.of)
        if not resource:
            return self._undeletable(command.key)
        answer = await self._api.ask(requests.delete(resource, command.key, command.uid, command.propagation))
        if not answer.ok and answer.code not in {404, 409}:
            return _failed(command.key, answer.message)
        # An object in the answer may be on its way out or gone already; a conflict, that it is another one.
        over = answer.code == 404 or (answer.ok and answer.status.kind == "Status")
        still = None if over else await self._read(resource, command.key)
        if still is None or still.uid != command.uid:
            self._store.bury(command.key, command.uid)
            return Result(command.key, Phase.SUCCEEDED, f"{noun(command.key)} deleted")
        if still.deleting:
            return Result(command.key, Phase.SUCCEEDED, f"{noun(command.key)} is being deleted", still)
        return Result(command.key, Phase.RUNNING, answer.message, still, conflict=True)

    def _undeletable(self, key: Key) -> Result:
        if self._catalog.undiscovered(key.of):
            return _failed(key, f"the API group {key.group} cannot be discovered; is its API server up?")
        return Result(key, Phase.SUCCEEDED, f"{noun(key)} deleted (its kind is not served any more)")

    async def _read(self, resource: Resource, key: Key) -> Live | None:
        request = requests.get(resource, key)
        answer = await self._api.ask(request)
        if answer.code == 404:
            return None
        if not answer.ok:
            raise Refused(f"{request}: {answer.message}")
        return self._store.live(self._seen(answer, resource))

    async def _told(self, command: Apply, answer: Answer, resource: Resource, done: str) -> Result:
        """The result of a write that brings a target about."""
        key = command.key
        if answer.reason in {"Conflict", "AlreadyExists"}:
            return Result(key, Phase.RUNNING, answer.message, conflict=True)
        if not answer.ok:
            return _failed(key, answer.message)
        if command.dry_run:
            return _tried(key, done)
        if key.of in DEFINITIONS:
            self._catalog.stir()
        same = requests.version_of(command.target.body) == resource.version
        live = self._store.live(self._seen(answer, resource)) if same else await self._read(resource, key)
        return Result(key, Phase.SUCCEEDED, f"{noun(key)} {done}", live)

    def _seen(self, answer: Answer, resource: Resource) -> readings.Reading:
        """Keep what the API server gave back, unless a later write or event came in before."""
        reading = readings.read(answer.body, resource)
        self._store.want(reading.key)
        self._store.see(reading)
        return reading

    def _unknown(self, target: Manifest) -> str:
        if self._catalog.undiscovered(target.key.of):
            return f"the API group {target.key.group} cannot be discovered; is its API server up?"
        return (
            f'no matches for kind "{target.key.kind}" in version "{target.api_version}"; '
            "ensure CRDs are installed first"
        )


def _unpatched(key: Key, request: Request, answer: Answer) -> TiphysError:
    """Why a patch was not taken, as an error for whoever can do something about it."""
    told = f"patch {key}: {answer.message}"
    if answer.code == 409:
        return Stale(told)
    if answer.code == 403:
        return Refused(told)
    if answer.code < 500 or _TOO_LARGE.search(answer.message):
        return SpecError(told)
    return Rejected(request, answer)


def _options(command: Apply) -> Mapping[str, str]:
    validation = {"fieldValidation": "Strict" if command.validate else "Ignore"}
    return {**validation, **requests.DRY_RUN} if command.dry_run else validation


def _unserved(target: Manifest, resource: Resource) -> str:
    """Why a target cannot be sent although its kind is known; empty if it can."""
    if requests.version_of(target.body) in resource.versions:
        return ""
    served = ", ".join(resource.versions)
    return f'no matches for kind "{target.key.kind}" in version "{target.api_version}"; served: {served}'


def _tried(key: Key, done: str) -> Result:
    return Result(key, Phase.SUCCEEDED, f"{noun(key)} {done} (server dry run)")


def _failed(key: Key, message: str) -> Result:
    return Result(key, Phase.FAILED, message)


def noun(key: Key) -> str:
    """An object as kubectl names it: ``deployment.apps/homepage``."""
    return f"{key.kind.lower()}.{key.group}/{key.name}" if key.group else f"{key.kind.lower()}/{key.name}"
