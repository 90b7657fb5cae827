"""The real ``kubectl`` and ``helm`` that are inside ``localkube``, pointed at a place's cluster."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tiphys.local.place import Place
from tiphys.model.errors import Unavailable

_OFFLINE = {
    "kubectl": {"completion", "config", "help", "kustomize", "options", "plugin"},
    "helm": {"completion", "create", "dependency", "env", "help", "lint", "package", "plugin", "pull"}
    | {"push", "registry", "repo", "search", "show", "template", "verify", "version"},
}


def speaks_to_cluster(tool: str, arguments: Sequence[str]) -> bool:
    """Whether a command line needs a control plane that runs. Where that is not plain the answer is no."""
    if {"-h", "--help", "--client"} & set(arguments):
        return False
    words = {word for word in arguments if not word.startswith("-")}
    # Any of them: which word is the command and which the value of a flag before it is the tool's to know.
    return bool(words) and not words & _OFFLINE[tool]


def environment(place: Place) -> dict[str, str]:
    """This process's environment, with the place's cluster, and with caches of its own for ``helm``."""
    return {
        **os.environ,
        "KUBECONFIG": str(place.kubeconfig),
        "HELM_CACHE_HOME": str(place.helm / "cache"),
        "HELM_CONFIG_HOME": str(place.helm / "config"),
        "HELM_DATA_HOME": str(place.helm / "data"),
    }


def run(binary: Path, tool: str, arguments: Sequence[str | Path], place: Place) -> str:
    """What the tool prints. Raises ``Unavailable`` with what it says when it fails."""
    command = [str(part) for part in (binary, tool, *arguments)]
    done = subprocess.run(
        command, env=environment(place), capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        raise Unavailable(f"{' '.join(command[1:])} failed:\n{done.stderr.strip()}")
    return done.stdout
