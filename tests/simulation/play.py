"""
A play: an engine, a cluster and a repository, and for some minutes everything that can happen to them.

All chance comes from the seed. In the end the faults stop; ``verdict`` says whether all is well then.
"""

import asyncio
import random as chance
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

from memory import controllers
from memory.merging import Writer
from memory.rules import Refusal
from memory.server import Server
from memory.wire import Fault, MemoryApi, keep_running
from simulation.books import REPO, Books, Kept, Reader
from simulation.charts import chart, edited, repaired
from simulation.engine import live, now, simulated_clocks
from tiphys.adapters.cluster.api import Request
from tiphys.core.projects import default_project
from tiphys.model.api import to_json
from tiphys.model.api.schema import definitions
from tiphys.model.errors import Unavailable
from tiphys.model.objects import Key, Kind

APPLICATION = Kind("argoproj.io", "Application")
DEPLOYMENT, CONFIG_MAP = Kind("apps", "Deployment"), Kind("", "ConfigMap")
SOMEBODY = Writer("Update", "kubectl-edit")
FINALIZER = "resources-finalizer.argocd.argoproj.io"
TURMOIL = 400.0
"""Seconds of faults and changes."""
PEACE = 1500.0
"""Seconds after which all must be well: longer than an operation may take, and its retries."""


class Play:
    """See above."""

    def __init__(self, seed: int, say: Callable[[str], None] = lambda _: None) -> None:
        self.random = Random(seed)  # noqa: S311 - no secret
        self.say = say
        self.server = Server(now, seed)
        self.books = Books()
        self.cache = Kept()
        self.names = [f"app{n}" for n in range(self.random.randrange(1, 4))]
        self.bugs: list[Exception] = []
        self.troubled = True
        self.git_down = False
        self.likely = self.random.choice([0.0, 0.002, 0.02])
        self.slow = self.random.choice([0.0, 0.02, 0.5])
        self.foreign: list[Key] = []
        self.api: MemoryApi | None = None
        self.moments: list[tuple[int, float]] = []
        """When each version was written, in seconds of the loop."""

    async def run(self) -> None:
        """From the beginning to the peace at the end."""
        chance.seed(self.random.random())
        with simulated_clocks():
            loop = asyncio.get_running_loop()
            self.server.listeners.append(lambda event: self.moments.append((event.version, loop.time())))
            self._prepare()
            nature = asyncio.create_task(keep_running(self.server, lambda: self.random.uniform(0.01, 3)))
            engines = asyncio.create_task(self._engines())
            try:
                await self._turmoil()
                await self._peace(engines)
            finally:
                for task in (nature, engines):
                    task.cancel()
                await asyncio.gather(nature, engines, return_exceptions=True)

    def _prepare(self) -> None:
        for body in definitions().values():
            self.server.create(body, SOMEBODY)
        controllers.settle(self.server)
        for name in ("argocd", "shop"):
            self.server.create(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, SOMEBODY
            )
        self.server.create(to_json(default_project("argocd")), SOMEBODY)
        self.books.push(
            {path: text for name in self.names for path, text in chart(name, self.random).items()}
        )
        for name in self.names:
            self._create_application(name)
        for number in range(3):
            self._create_foreign(number)

    def _create_application(self, name: str) -> None:
        metadata: dict[str, Any] = {"name": name, "namespace": "argocd", "finalizers": [FINALIZER]}
        spec = {
            "project": "default",
            "source": {"repoURL": REPO, "path": name, "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        }
        kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"}
        self.server.create({**kind, "metadata": metadata, "spec": spec}, SOMEBODY)

    def _create_foreign(self, number: int) -> None:
        """An object of others: with the mark of an object of ours, copied, or without any."""
        key = Key(*CONFIG_MAP, "shop", f"foreign-{number}")
        copied = {"argocd.argoproj.io/tracking-id": f"{self.names[0]}:/ConfigMap:shop/{self.names[0]}-0"}
        metadata = {"name": key.name, "namespace": "shop", "annotations": copied if number else {}}
        self.server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, SOMEBODY)
        self.foreign.append(key)

    # The engine's lives

    async def _engines(self) -> None:
        """One engine after another; each lives until it is killed or stopped."""
        while True:
            self.api = api = MemoryApi(
                self.server, latency=self._latency, lag=self._latency, faults=self._fault
            )
            reader = Reader(self.books, latency=self._latency, down=lambda: self.git_down)
            self.say("an engine starts")
            life = asyncio.create_task(live(api, reader, self.cache, self._bug))
            death = asyncio.create_task(api.killed.wait())
            try:
                await asyncio.wait({life, death}, return_when=asyncio.FIRST_COMPLETED)
                if not death.done():
                    await self._ended(life)
            finally:
                for task in (life, death):
                    task.cancel()
                await asyncio.gather(life, death, return_exceptions=True)
            self.say("the engine is gone")
            await asyncio.sleep(self.random.uniform(0, 20))

    async def _ended(self, life: "asyncio.Task[None]") -> None:
        """A life that ended by itself: only an API server that was away as it began excuses that."""
        error = life.exception()
        if not self.troubled or not error or not _is_outside(error):
            raise error or AssertionError("the engine ended")
        self.say(f"the engine could not start: {error}")

    async def _bug(self, error: Exception) -> None:
        self.bugs.append(error)

    def _latency(self) -> float:
        return self.random.uniform(0, self.slow)

    def _fault(self, request: Request) -> Fault:
        if not self.troubled or self.random.random() >= self.likely:
            return Fault.NONE
        fault = self.random.choice([f for f in Fault if f is not Fault.NONE])
        self.say(f"{fault.name} {request}")
        return fault

    # What happens to them

    async def _turmoil(self) -> None:
        until = asyncio.get_running_loop().time() + TURMOIL
        while asyncio.get_running_loop().time() < until:
            await asyncio.sleep(self.random.choice([0.1, 1, 5, 20]) * self.random.random())
            happening = self.random.choices(*zip(*HAPPENINGS, strict=True))[0]
            self.say(happening.__name__.strip("_"))
            with suppress(Refusal):
                happening(self)

    async def _peace(self, engines: "asyncio.Task[None]") -> None:
        self.say("peace")
        self.troubled = self.git_down = False
        self.books.push(repaired(self.books.files))
        for key in self._ours(DEPLOYMENT):
            # Nobody else would take it back: Git says nothing about it.
            self.server.patch(key, {"spec": {"paused": None}}, SOMEBODY)
        until = asyncio.get_running_loop().time() + PEACE
        while asyncio.get_running_loop().time() < until:
            for name in self.names:
                with suppress(Refusal):
                    self._create_application(name)
            await asyncio.sleep(30)
            if engines.done():
                engines.result()

    def _commit(self) -> None:
        files = repaired(self.books.files) if self.random.random() < 0.7 else self.books.files
        self.books.push(edited(files, self.random.choice(self.names), self.random))

    def _drift(self) -> None:
        """Somebody edits an object of ours by hand."""
        if not (keys := self._ours(CONFIG_MAP)):
            return
        patch = self.random.choice(
            [
                {"data": {"colour": "by hand"}},
                {"data": {"by-hand": "yes"}},
                {"data": None},
                {"metadata": {"annotations": None}},
                {"metadata": {"labels": {"by": "hand"}}},
            ]
        )
        self.server.patch(self.random.choice(keys), patch, SOMEBODY)

    def _drift_of_a_workload(self) -> None:
        if not (keys := self._ours(DEPLOYMENT)):
            return
        container = {"name": "web", "image": "example.org/by-hand:v1"}
        patch = self.random.choice(
            [
                {"spec": {"template": {"spec": {"containers": [container]}}}},
                {"spec": {"revisionHistoryLimit": 3}},
                {"spec": {"paused": True}},
                {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}},
            ]
        )
        self.server.patch(self.random.choice(keys), patch, SOMEBODY)

    def _deletion(self) -> None:
        if keys := self._ours(CONFIG_MAP) + self._ours(DEPLOYMENT):
            how = self.random.choice(["Background", "Foreground"])
            self.server.delete(self.random.choice(keys), propagation=how, who="kubectl")

    def _scaling(self) -> None:
        """An autoscaler does its work."""
        scaled = [key for key, _ in self.server.of_kind(controllers.AUTOSCALER)]
        for key in scaled:
            target = Key(*DEPLOYMENT, key.namespace, key.name)
            if target in self.server.records and self.random.random() < 0.7:
                controllers.scale(self.server, target, self.random.randrange(1, 10))

    def _application_deleted(self) -> None:
        key = Key(*APPLICATION, "argocd", self.random.choice(self.names))
        self.server.delete(key, who="kubectl")

    def _application_created(self) -> None:
        self._create_application(self.random.choice(self.names))

    def _refresh(self) -> None:
        how = self.random.choice(["normal", "hard"])
        self._edit_application({"metadata": {"annotations": {"argocd.argoproj.io/refresh": how}}})

    def _operation(self) -> None:
        sync: dict[str, Any] = {"prune": self.random.random() < 0.5}
        if self.random.random() < 0.3:
            sync["revision"] = self.random.choice(self.books.order)
        if self.random.random() < 0.2:
            sync["dryRun"] = True
        self._edit_application({"operation": {"sync": sync, "initiatedBy": {"username": "ada"}}})

    def _termination(self) -> None:
        name = self.random.choice(self.names)
        body = self.server.body(Key(*APPLICATION, "argocd", name)) or {}
        if body.get("status", {}).get("operationState", {}).get("phase") == "Running":
            self._edit_application({"status": {"operationState": {"phase": "Terminating"}}}, name)

    def _edit_application(self, patch: dict[str, Any], name: str = "") -> None:
        key = Key(*APPLICATION, "argocd", name or self.random.choice(self.names))
        if key in self.server.records:
            self.server.patch(key, patch, SOMEBODY)

    def _watches_end(self) -> None:
        if self.api:
            self.api.break_watches()

    def _history_is_forgotten(self) -> None:
        self.server.compact()
        self._watches_end()

    def _git_goes_or_comes(self) -> None:
        self.git_down = not self.git_down

    def _kill(self) -> None:
        if self.api:
            self.api.killed.set()

    def _ours(self, kind: Kind) -> list[Key]:
        return [key for key, _ in self.server.of_kind(kind) if key.name.startswith("app")]


HAPPENINGS: list[tuple[Callable[[Play], None], int]] = [
    (Play._commit, 20),
    (Play._drift, 15),
    (Play._drift_of_a_workload, 8),
    (Play._deletion, 8),
    (Play._scaling, 20),
    (Play._application_deleted, 2),
    (Play._application_created, 4),
    (Play._refresh, 5),
    (Play._operation, 5),
    (Play._termination, 3),
    (Play._watches_end, 4),
    (Play._history_is_forgotten, 2),
    (Play._git_goes_or_comes, 3),
    (Play._kill, 3),
]


def _is_outside(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_outside(each) for each in error.exceptions)
    return isinstance(error, Unavailable)
