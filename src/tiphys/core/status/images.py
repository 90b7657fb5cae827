"""The images and addresses that an application's live objects show, for ``status.summary``."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tiphys.model.objects import Body, Live, part

_POD_SPECS = (
    ("spec",),
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
)


def images_of(objects: Iterable[Live]) -> tuple[str, ...]:
    """Every image that pods or pod templates among the objects name, sorted."""
    return tuple(sorted({image for live in objects for image in _images(live.body)}))


def urls_of(objects: Iterable[Live]) -> tuple[str, ...]:
    """The addresses of Ingresses, sorted: https where TLS covers the host (Argo CD's external URL page)."""
    return tuple(sorted({u for live in objects if live.key.kind == "Ingress" for u in _urls(live.body)}))


def _images(body: Body) -> Iterator[str]:
    for path in _POD_SPECS:
        spec = part(body, *path)
        for field in ("initContainers", "containers"):
            for container in _mappings(spec.get(field)):
                if isinstance(container.get("image"), str):
                    yield container["image"]


def _urls(body: Body) -> Iterator[str]:
    spec = part(body, "spec")
    secure = {
        host for tls in _mappings(spec.get("tls")) for host in tls.get("hosts") or () if isinstance(host, str)
    }
    for rule in _mappings(spec.get("rules")):
        host = rule.get("host")
        if isinstance(host, str) and host:
            for path in _mappings(part(rule, "http").get("paths")) or [{}]:
                where = str(path.get("path") or "/").rstrip("*")
                yield f"{'https' if host in secure else 'http'}://{host}{where}".rstrip("/")


def _mappings(value: Any) -> Sequence[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
