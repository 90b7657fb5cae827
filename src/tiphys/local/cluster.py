"""How a place's cluster is named to ``wiring``, which opens it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cluster:
    """The kubeconfig of a place, as ``wiring`` wants to be told of a cluster."""

    kubeconfig: Path | None
    context: str = ""
