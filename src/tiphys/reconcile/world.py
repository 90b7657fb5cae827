"""What a story is given: the outside by its ports, the terms it works on, and what earlier looks remember."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime

from tiphys.core.diff.pointers import Pointers
from tiphys.core.diff.system import SystemRules
from tiphys.core.sync.advance import Terms
from tiphys.model.api import Application
from tiphys.model.flow import Comparison
from tiphys.model.objects import AppName, Key
from tiphys.model.tracking import instance_name
from tiphys.reconcile.ports import (
    Applications,
    ChartRepositories,
    Cluster,
    Meter,
    RenderCache,
    Renderer,
    Repositories,
)
from tiphys.reconcile.tips import Tips
from tiphys.reconcile.witness import Nobody, Witness


@dataclass(frozen=True)
class Memory:
    """What may be forgotten at any time, at the price of asking again."""

    comparisons: dict[Key, tuple[str, Comparison]] = field(default_factory=dict)
    """The last comparison of each object that needed the API server, with a digest of what it was made from."""
    places: dict[Key, dict[tuple[str, bytes], Pointers]] = field(default_factory=dict)
    """Where jq expressions led to in an object, by expression and a digest of the content."""
    system: dict[str, SystemRules] = field(default_factory=dict)
    """The settings of comparisons, by the version of the ConfigMap that has them; one or none."""
    resting: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    """Until when a jq expression is not asked again, and why."""
    owners: dict[Key, AppName] = field(default_factory=dict)
    """Who wants an object, so that an event about one that carries no mark yet finds its application."""
    reads: dict[AppName, tuple[str, ...]] = field(default_factory=dict)
    """The folders and files of its repository that an application's render last read."""
    writes: dict[AppName, datetime] = field(default_factory=dict)
    """When an application's sync last changed something, for the pause between two waves."""
    malformed: dict[AppName, str] = field(default_factory=dict)
    """What was told of Applications that cannot be read, so that it is told once."""
    image_troubles: dict[AppName, Sequence[str]] = field(default_factory=dict)
    """What keeps images from being watched as the Applications ask."""

    def forget(self, name: AppName) -> None:
        """Drop what is remembered of an application that is gone."""
        self.reads.pop(name, None)
        self.writes.pop(name, None)
        self.malformed.pop(name, None)
        self.image_troubles.pop(name, None)
        for key in [key for key, owner in self.owners.items() if owner == name]:
            del self.owners[key]
            self.comparisons.pop(key, None)
            self.places.pop(key, None)


class Unmeasured:
    """A ``Meter`` that nobody reads."""

    def took(self, project: str, seconds: Mapping[str, float]) -> None:
        """Nothing."""


@dataclass(frozen=True)
class World:
    """Everything that a story can reach."""

    applications: Applications
    cluster: Cluster
    repositories: Repositories
    charts: ChartRepositories
    renderer: Renderer
    cache: RenderCache
    tips: Tips
    workspace: Callable[[], AbstractContextManager[str]]
    """A fresh folder for one render, gone afterwards."""
    now: Callable[[], datetime]
    namespace: str = "argocd"
    """The control plane's own namespace."""
    engines: str = ""
    """The version of the render engines, part of every render's key."""
    terms: Terms = field(default_factory=Terms)
    meter: Meter = field(default_factory=Unmeasured)
    memory: Memory = field(default_factory=Memory)
    witness: Witness = field(default_factory=Nobody)

    def on_behalf_of(self, project: str) -> "World":
        """The same, with repositories as a project may read them."""
        return replace(self, repositories=self.repositories.of(project), charts=self.charts.of(project))

    def name_of(self, application: Application) -> AppName:
        """What names an application."""
        return AppName(application.metadata.namespace, application.metadata.name)

    def instance(self, name: AppName) -> str:
        """What tracking ids call an application."""
        return instance_name(name, self.namespace)
