"""The containers that pods and pod templates name, whatever kind of object they stand in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tiphys.model.objects import Body, part

_POD_SPECS = (
    ("spec",),
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
)


def images_of(body: Body) -> Iterator[str]:
    """The images of all containers, as they are written; what is malformed names none."""
    for path in _POD_SPECS:
        spec = part(body, *path)
        for field in ("initContainers", "containers"):
            for container in mappings(spec.get(field)):
                if isinstance(container.get("image"), str) and container["image"]:
                    yield container["image"]


def mappings(value: Any) -> Sequence[Mapping[str, Any]]:
    """The mappings of a list; none of what is no list."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
