"""
A play: an engine, a cluster and a repository, and for some minutes everything that can happen to them.

All chance comes from the seed. In the end the faults stop; ``verdict`` says whether all is well then.
"""

import asyncio
import random as chance
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

from memory import controllers
from memory.merging import Writer
from memory.rules import Refusal
from memory.server import Server
from memory.wire import Fault, MemoryApi, keep_running
from simulation.books import Books, Kept, Reader
from simulation.charts import ROOT, application, chart, edited, listed, recoloured, repaired, root, unshared
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
PROJECT = Key("argoproj.io", "AppProject", "argocd", "default")
NAMESPACES = ("shop", "other")
HOLD = "example.org/hold"
SKIP = "argocd.argoproj.io/skip-reconcile"
TURMOIL = 400.0
"""Seconds of faults and changes."""
PEACE = 1100.0
"""Seconds after which all must be well: longer than an operation may take, and its retries."""


class Play:
    """See above."""

    def __init__(self, seed: int, say: Callable[[str], None] = lambda _: None) -> None:
        self.random = Random(seed)  # noqa: S311 - no secret
        self.say = say
        self.server = Server(now, seed)
        self.books = Books()
        self.cache = Kept()
        self.charts = [f"app{n}" for n in range(self.random.randrange(1, 4))]
        self.rooted = self.random.random() < 0.3
        """Whether an application makes the others."""
        self.names = [*self.charts, *([ROOT] if self.rooted else [])]
        self.bugs: list[Exception] = []
        self.troubled = True
        self.git_away = 0.0
        self.lives = 0
        self.outage = 0.0
        """Until when the API server does not answer, in seconds of the loop."""
        self.likely = self.random.choice([0.0, 0.002, 0.02])
        self.slow = self.random.choice([0.0, 0.02, 0.5])
        self.foreign: list[Key] = []
        self.api: MemoryApi | None = None

    @asynccontextmanager
    async def on_stage(self) -> AsyncIterator[None]:
        """A cluster that lives, and an engine that is started again whenever it ended."""
        chance.seed(self.random.random())
        with simulated_clocks():
            self._prepare()
            nature = asyncio.create_task(keep_running(self.server, lambda: self.random.uniform(0.01, 3)))
            self._engine = asyncio.create_task(self._engines())
            try:
                yield
            finally:
                for task in (nature, self._engine):
                    task.cancel()
                await asyncio.gather(nature, self._engine, return_exceptions=True)

    async def turmoil(self) -> None:
        """Everything happens."""
        loop = asyncio.get_running_loop()
        until = loop.time() + TURMOIL
        while loop.time() < until:
            await self.passes(self.random.choice([0.1, 1, 5, 20]) * self.random.random())
            happening = self.random.choices(*zip(*HAPPENINGS, strict=True))[0]
            self.say(happening.__name__.strip("_"))
            with suppress(Refusal):
                happening(self)

    async def peace(self) -> None:
        """Nothing goes wrong any more, and people put right what Git says nothing about."""
        self.say("peace")
        self.troubled = False
        self.git_away = 0.0
        files = unshared(repaired(self.books.files))
        self.books.push(files | (root(self.charts) if self.rooted else {}))
        until = asyncio.get_running_loop().time() + PEACE
        while asyncio.get_running_loop().time() < until:
            with suppress(Refusal):
                self._make_good()
            await self.passes(30)

    def stir(self) -> None:
        """A commit, and a drift of every ConfigMap."""
        self.say("a commit and a drift in peace")
        self.books.push(recoloured(self.books.files, self.charts))
        for key in self._ours(CONFIG_MAP):
            self.server.patch(key, {"data": {"colour": "by hand"}}, SOMEBODY)

    async def passes(self, seconds: float) -> None:
        """Time passes. Raises what an engine ended with that nothing excuses."""
        await asyncio.sleep(seconds)
        if self._engine.done():
            self._engine.result()

    def _prepare(self) -> None:
        for body in definitions().values():
            self.server.create(body, SOMEBODY)
        controllers.settle(self.server)
        for name in ("argocd", *NAMESPACES):
            self.server.create(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, SOMEBODY
            )
        self.server.create(to_json(default_project("argocd")), SOMEBODY)
        files = {path: text for name in self.charts for path, text in chart(name, self.random).items()}
        self.books.push(files | (root(self.charts) if self.rooted else {}))
        for name in [ROOT] if self.rooted else self.charts:
            self._create_application(name)
        for number in range(3):
            self._create_foreign(number)

    def _create_application(self, name: str) -> None:
        self.server.create(application(name), SOMEBODY)

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
            reader = Reader(
                self.books,
                latency=self._latency,
                down=lambda: asyncio.get_running_loop().time() < self.git_away,
            )
            self.say("an engine starts")
            self.lives += 1
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
        if not self.troubled:
            return Fault.NONE
        if asyncio.get_running_loop().time() < self.outage:
            return Fault.UNREACHABLE
        if self.random.random() >= self.likely:
            return Fault.NONE
        fault = self.random.choice([f for f in Fault if f is not Fault.NONE])
        self.say(f"{fault.name} {request}")
        return fault

    # What happens to them

    def _make_good(self) -> None:
        """What people did by hand and Git says nothing about, they take back themselves."""
        for key in self._ours(DEPLOYMENT):
            self.server.patch(key, {"spec": {"paused": None}}, SOMEBODY)
        for key in self._ours(CONFIG_MAP):
            self._let_go(key)
        for key, _ in self.server.of_kind(APPLICATION):
            self.server.patch(key, {"metadata": {"annotations": {SKIP: None}}}, SOMEBODY)
        self.server.patch(PROJECT, {"spec": {"namespaceResourceBlacklist": None}}, SOMEBODY)
        for name in self.names:
            if Key(*APPLICATION, "argocd", name) not in self.server.records:
                self._create_application(name)

    def _commit(self) -> None:
        files = repaired(self.books.files) if self.random.random() < 0.7 else self.books.files
        self.books.push(edited(files, self.random.choice(self.charts), self.random))

    def _listing(self) -> None:
        """An application is taken from the root's list, or comes back."""
        if self.rooted:
            file = listed(self.random.choice(self.charts))
            files = {path: text for path, text in self.books.files.items() if path not in file}
            self.books.push(files if len(files) < len(self.books.files) else files | file)

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

    def _hold(self) -> None:
        """Somebody has an object of ours not go before they are done with it."""
        if keys := self._ours(CONFIG_MAP):
            key = self.random.choice(keys)
            if not self.server.get(key).metadata.get("deletionTimestamp"):
                self.server.patch(key, {"metadata": {"finalizers": [HOLD]}}, SOMEBODY)

    def _let_go(self, key: Key | None = None) -> None:
        """They are done with it."""
        for each in [key] if key else self._ours(CONFIG_MAP):
            record = self.server.records.get(each)
            if record and HOLD in record.metadata.get("finalizers", ()):
                left = [f for f in record.metadata["finalizers"] if f != HOLD]
                self.server.patch(each, {"metadata": {"finalizers": left or None}}, SOMEBODY)

    def _move(self) -> None:
        """An application is to live in another namespace."""
        where = {"spec": {"destination": {"namespace": self.random.choice(NAMESPACES)}}}
        self._edit_application(where, self.random.choice(self.charts))

    def _namespace_deleted(self) -> None:
        self.server.delete(Key("", "Namespace", "", NAMESPACES[1]), who="kubectl")

    def _project(self) -> None:
        """What the project permits changes."""
        forbidden = self.random.choice([None, None, None, [{"group": "", "kind": "ConfigMap"}]])
        self.server.patch(PROJECT, {"spec": {"namespaceResourceBlacklist": forbidden}}, SOMEBODY)

    def _skip(self) -> None:
        self._edit_application(
            {"metadata": {"annotations": {SKIP: self.random.choice(["true", None, None, None])}}}
        )

    def _outage(self) -> None:
        """The API server is away for a while."""
        self.outage = asyncio.get_running_loop().time() + self.random.choice([0.5, 5, 60])
        self._watches_end()

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
        if not self.rooted:
            self._create_application(self.random.choice(self.names))

    def _refresh(self) -> None:
        how = self.random.choice(["normal", "hard"])
        self._edit_application({"metadata": {"annotations": {"argocd.argoproj.io/refresh": how}}})

    def _operation(self) -> None:
        sync: dict[str, Any] = {"prune": self.random.random() < 0.5}
        if self.random.random() < 0.3:
            sync["revision"] = self.random.choice(self.books.order[-5:])
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

    def _git_is_down(self) -> None:
        """The repository is away for a while."""
        self.git_away = asyncio.get_running_loop().time() + self.random.choice([0.5, 15, 60])

    def _kill(self) -> None:
        if self.api:
            self.api.killed.set()

    def _ours(self, kind: Kind) -> list[Key]:
        return [key for key, _ in self.server.of_kind(kind) if key.name.startswith("app")]


HAPPENINGS: list[tuple[Callable[[Play], None], float]] = [
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
    (Play._git_is_down, 3),
    (Play._kill, 3),
    (Play._listing, 3),
    (Play._hold, 2),
    (Play._let_go, 5),
    (Play._move, 1),
    (Play._namespace_deleted, 0.5),
    (Play._project, 2),
    (Play._skip, 3),
    (Play._outage, 2),
]


def _is_outside(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_outside(each) for each in error.exceptions)
    return isinstance(error, Unavailable)
