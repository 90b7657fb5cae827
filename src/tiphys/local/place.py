"""
Where a local platform lives on disk, and which addresses it has been given.

One folder holds all of one platform, so that several can stand side by side and each is forgotten by
removing it. What the parts put into their folders is theirs to know.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tiphys.model.errors import SpecError

NAMESPACE = "argocd"
"""Where the Applications of a local platform are."""

FILES = ("log", "log.old", "lock", "json", "new")
"""What a part may have beside its folder."""


@dataclass(frozen=True, slots=True)
class Place:
    """The state folder of one local platform."""

    folder: Path

    @property
    def kube(self) -> Path:
        """The control plane's own folder: its store, certificates, ``ready`` and ``kubeconfig``."""
        return self.folder / "kube"

    @property
    def kubeconfig(self) -> Path:
        """Credentials of the cluster's administrator, there from the first start on."""
        return self.kube / "kubeconfig"

    @property
    def repositories(self) -> Path:
        """Bare Git repositories, served under ``/git/``."""
        return self.folder / "git"

    @property
    def charts(self) -> Path:
        """A chart repository (``index.yaml`` and packed charts), served under ``/charts/``."""
        return self.folder / "charts"

    @property
    def work(self) -> Path:
        """Checkouts of the repositories, for the user to edit."""
        return self.folder / "work"

    @property
    def engine(self) -> Path:
        """The engine's clones and caches."""
        return self.folder / "engine"

    @property
    def node(self) -> Path:
        """What a real node keeps: images, containers, volumes."""
        return self.folder / "node"

    @property
    def registry(self) -> Path:
        """The images of a registry for it."""
        return self.folder / "registry"

    @property
    def helm(self) -> Path:
        """Caches and settings of ``helm``, apart from those that the user may have at home."""
        return self.folder / "helm"

    @property
    def names(self) -> frozenset[str]:
        """What can be in the folder."""
        folders = {"kube", "git", "charts", "work", "engine", "helm", "node", "registry"}
        parts = ("kube", "git", "engine", "node", "registry")
        files = {f"{part}.{kind}" for part in parts for kind in FILES}
        return frozenset(folders | files)

    def log(self, part: str) -> Path:
        """The log of a part: ``kube``, ``git``, ``engine``, ``node`` or ``registry``."""
        return self.folder / f"{part}.log"


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers: ``repositories`` and ``charts`` are the addresses below which things are."""

    address: str

    @property
    def charts(self) -> str:
        """The address of the chart repository."""
        return f"{self.address}/charts"

    def repository(self, name: str) -> str:
        """The address of a bare repository ``<name>.git``."""
        return f"{self.address}/git/{name}.git"


def named(name: str, environ: Mapping[str, str] = os.environ) -> Place:
    """The place of a platform by its name, in the user's state folder."""
    if not name.replace("-", "").replace("_", "").isalnum():
        raise SpecError(f"the name of a local platform may have letters, digits, - and _, and is {name!r}")
    home = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or Path.home()) / ".local" / "state"
    return Place(Path(home) / "tiphys" / name)
