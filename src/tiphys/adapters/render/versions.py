"""Versions: which of many a constraint chooses, and which engines are built in."""

from collections.abc import Mapping, Sequence

from tiphys.adapters.render.toolbox import Toolbox


async def best_version(
    toolbox: Toolbox, constraint: str, versions: Sequence[str], deadline_seconds: float
) -> str | None:
    """The highest version that Helm would choose for a dependency's constraint; ``None`` if there is none."""
    answer = await toolbox.call(
        "semver.best",
        {"constraint": constraint, "versions": versions},
        deadline_seconds,
        doing="choose a version",
    )
    return answer["version"] if isinstance(answer["version"], str) else None


async def engine_versions(toolbox: Toolbox, deadline_seconds: float) -> Mapping[str, str]:
    """The versions of what is built in: ``toolbox``, ``go``, ``helm``, ``yaml``, ``jq``, ``semver``."""
    answer = await toolbox.call("version", {}, deadline_seconds)
    return {name: value for name, value in answer.items() if isinstance(value, str)}
