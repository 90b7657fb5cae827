"""
The objects of an application, each with its last known sync, health and message; and which of them are meant.

A state merges what the comparison said with what the latest operation said, as ``argocd`` shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import click

from tiphys.cli.options import Command
from tiphys.model.api import Application, ResourceResult, ResourceStatus
from tiphys.model.objects import Key


@dataclass(frozen=True, slots=True)
class State:
    """One object, or one hook, as a line of a table."""

    key: Key
    status: str = ""
    health: str = ""
    hook: str = ""
    message: str = ""

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.key.group

    @property
    def kind(self) -> str:
        """The kind."""
        return self.key.kind

    @property
    def namespace(self) -> str:
        """The namespace; empty for a cluster-scoped object."""
        return self.key.namespace

    @property
    def name(self) -> str:
        """The name."""
        return self.key.name

    def line(self) -> tuple[str, ...]:
        """The cells of the state, as ``argocd`` orders them."""
        return (*self.key, self.status, self.health, self.hook, self.message)


@dataclass(frozen=True, slots=True)
class Choice:
    """Objects that a user named: ``apps:Deployment:web``, ``:Service:ns/web``, ``!*:Secret:*``."""

    group: str
    kind: str
    namespace: str
    name: str
    exclude: bool = False

    def covers(self, key: Key) -> bool:
        """Whether it names this object; an empty group is the core group, other empty parts match all."""
        wanted = (self.group, self.kind or "*", self.namespace or "*", self.name or "*")
        return all(fnmatchcase(have, want) for have, want in zip(key, wanted, strict=True))


def choice(text: str) -> Choice:
    """The objects that a ``--resource`` names. Raises ``BadParameter`` where it is malformed."""
    parts = text.removeprefix("!").split(":")
    if len(parts) != 3 or parts[2].count("/") > 1:
        raise click.BadParameter(f"{text!r} must be GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME")
    namespace, _, name = parts[2].rpartition("/")
    return Choice(parts[0], parts[1], namespace, name, text.startswith("!"))


def with_resources(command: Command) -> Command:
    """Give a command ``--resource``."""
    option = click.option(
        "--resource",
        "resources",
        metavar="[!]GROUP:KIND:NAME",
        multiple=True,
        help="Only (or not) these objects; * is any, NAME may be NAMESPACE/NAME; may be repeated.",
    )
    return option(command)


def chosen(key: Key, choices: Sequence[Choice]) -> bool:
    """Whether an object is meant: excluded by none, and included by one if there is one that includes."""
    if any(c.covers(key) for c in choices if c.exclude):
        return False
    including = [c for c in choices if not c.exclude]
    return not including or any(c.covers(key) for c in including)


def states_of(app: Application, choices: Sequence[Choice] = ()) -> list[State]:
    """The application's objects: those that the latest operation touched, in its order, then the others."""
    compared = {_key(resource): resource for resource in app.status.resources}
    result = app.status.operation_state and app.status.operation_state.sync_result
    touched = [_touched(r, compared) for r in result.resources] if result else []
    seen = {state.key for state in touched}
    others = [_untouched(compared[key]) for key in sorted(compared) if key not in seen]
    return [state for state in (*touched, *others) if chosen(state.key, choices)]


def _key(resource: ResourceStatus | ResourceResult) -> Key:
    return Key(resource.group, resource.kind, resource.namespace, resource.name)


def _untouched(resource: ResourceStatus) -> State:
    return State(_key(resource), resource.status, resource.health.status if resource.health else "")


def _touched(result: ResourceResult, compared: dict[Key, ResourceStatus]) -> State:
    """What the operation said, with sync and health of the comparison unless it is a hook or gone."""
    key = _key(result)
    if result.hook_type or key not in compared:
        return State(key, result.hook_phase, result.status, result.hook_type, result.message)
    now = _untouched(compared[key])
    return State(key, now.status, now.health, "", result.message)
