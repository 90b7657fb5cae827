"""
A sync play: targets, then turn by turn what is seen and what is asked.

``Playbook([wants("web", wave=1)]).dry_runs("web").sees().asks("apply web")`` reads as the promise it tests.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from tiphys.core.sync.advance import Terms, advance
from tiphys.core.sync.options import effective
from tiphys.core.sync.plan import position
from tiphys.core.sync.state import begun, recorded
from tiphys.model.api import Operation, RetryStrategy, SyncOperation
from tiphys.model.flow import Apply, Command, Delete, Health, HealthCode, Phase, Result, Seen, Task
from tiphys.model.objects import Key, Kind, Live, Manifest

START = datetime(2026, 1, 1, tzinfo=UTC)
HEALTHY, PROGRESSING, DEGRADED = HealthCode.HEALTHY, HealthCode.PROGRESSING, HealthCode.DEGRADED
NOW = Terms(wave_delay=timedelta())


def key(name: str, kind: str = "Deployment") -> Key:
    group = {"Deployment": "apps", "CustomResourceDefinition": "apiextensions.k8s.io"}.get(kind, "")
    namespace = "" if kind in ("Namespace", "CustomResourceDefinition") else "shop"
    return Key(group, kind, namespace, name)


def wants(
    name: str, kind: str = "Deployment", *, wave: int = 0, options: str = "", in_sync: bool = False
) -> Task:
    named = key(name, kind)
    body = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}}
    return Task(
        named, Manifest(named, body), wave=wave, options=effective(options.split(","), {}), in_sync=in_sync
    )


def unwanted(name: str, kind: str = "Deployment", *, wave: int = 0, options: str = "") -> Task:
    return Task(key(name, kind), None, wave=wave, options=effective(options.split(","), {}))


class Playbook:
    """Plays an operation against what the test says is seen."""

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        prune: bool = False,
        dry_run: bool = False,
        retry: int = 0,
        terms: Terms = NOW,
        unserved: Collection[Kind] = (),
    ) -> None:
        self.tasks = sorted(tasks, key=position)
        operation = Operation(
            sync=SyncOperation(prune=prune, dry_run=dry_run),
            retry=RetryStrategy(limit=retry) if retry else None,
        )
        self.state = begun(operation, "a" * 40, None, START)
        self.terms = terms
        self.now = START
        self.commands: tuple[Command, ...] = ()
        self.live: dict[Key, Live] = {
            t.key: Live(t.key, {"metadata": {"uid": t.key.name}}) for t in tasks if t.prunes or t.in_sync
        }
        self.health: dict[Key, Health | None] = {}
        self.unserved = set(unserved)
        self.unreadable: set[Key] = set()
        self.last_write: datetime | None = None
        self.step()

    def step(self) -> None:
        seen = Seen(
            self.live,
            self.health,
            lambda kind: kind not in self.unserved,
            self.now,
            self.last_write,
            self.unreadable,
        )
        told = advance(self.state, self.tasks, seen, self.terms)
        self.state, self.commands, self.again = told.state, told.commands, told.again

    def answers(self, **refusals: str) -> "Playbook":
        """The cluster does what it was asked, but refuses the objects that are named."""
        assert self.commands, f"nothing was asked, so nothing would ever happen: {self.state}"
        results = [self._done(command, refusals.get(command.key.name, "")) for command in self.commands]
        dry = bool(self.commands) and isinstance(self.commands[0], Apply) and self.commands[0].dry_run
        self.state = recorded(self.state, self.tasks, results, dry=dry)
        if self.commands and not dry:
            self.last_write = self.now
        self.step()
        return self

    def _done(self, command: Command, refusal: str) -> Result:
        if refusal:
            return Result(command.key, Phase.FAILED, refusal)
        match command:
            case Apply(dry_run=False):
                self.live[command.key] = Live(command.key, {"metadata": {"uid": command.key.name}})
                self.health.setdefault(command.key, Health(HEALTHY))
            case Delete():
                self.live.pop(command.key, None)
        return Result(command.key, Phase.SUCCEEDED, "done")

    def tried(self) -> "Playbook":
        """The dry runs are asked for and accepted."""
        assert all(isinstance(c, Apply) and c.dry_run for c in self.commands), self.commands
        return self.answers()

    def sees(self, **healths: HealthCode) -> "Playbook":
        """From now on these objects have this health."""
        self.health.update({k: Health(healths[k.name]) for k in self.live if k.name in healths})
        self.step()
        return self

    def loses(self, name: str) -> "Playbook":
        """Somebody deletes an object."""
        for gone in [k for k in self.live if k.name == name]:
            del self.live[gone]
            self.health.pop(gone, None)
        self.step()
        return self

    def later(self, **delta: float) -> "Playbook":
        self.now += timedelta(**delta)
        self.step()
        return self

    def asks(self, *wanted: str) -> "Playbook":
        """What is asked of the cluster now, such as ``apply web``, ``try web`` or ``delete web``."""
        assert [_said(c) for c in self.commands] == list(wanted), (self.commands, self.state)
        return self

    def ends(self, phase: Phase, message: str = "") -> "Playbook":
        assert self.state.phase == phase, self.state
        assert message in self.state.message, self.state.message
        assert not self.commands
        return self

    def terminated(self) -> "Playbook":
        self.state = replace(self.state, phase=Phase.TERMINATING)
        self.step()
        return self

    def lives(self, *names: str) -> "Playbook":
        assert {k.name for k in self.live} == set(names)
        return self


def _said(command: Command) -> str:
    match command:
        case Apply(dry_run=True):
            return f"try {command.key.name}"
        case Apply():
            return f"apply {command.key.name}"
        case Delete():
            return f"delete {command.key.name}"
