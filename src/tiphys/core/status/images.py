"""The images and addresses that an application's live objects show, for ``status.summary``."""

from collections.abc import Iterable, Iterator

from tiphys.model import pods
from tiphys.model.objects import Body, Live, part
from tiphys.model.pods import mappings


def images_of(objects: Iterable[Live]) -> tuple[str, ...]:
    """Every image that pods or pod templates among the objects name, sorted."""
    return tuple(sorted({image for live in objects for image in pods.images_of(live.body)}))


def urls_of(objects: Iterable[Live]) -> tuple[str, ...]:
    """The addresses of Ingresses, sorted: https where TLS covers the host (Argo CD's external URL page)."""
    return tuple(sorted({u for live in objects if live.key.kind == "Ingress" for u in _urls(live.body)}))


def _urls(body: Body) -> Iterator[str]:
    spec = part(body, "spec")
    secure = {
        host for tls in mappings(spec.get("tls")) for host in tls.get("hosts") or () if isinstance(host, str)
    }
    for rule in mappings(spec.get("rules")):
        host = rule.get("host")
        if isinstance(host, str) and host:
            for path in mappings(part(rule, "http").get("paths")) or [{}]:
                where = str(path.get("path") or "/").rstrip("*")
                yield f"{'https' if host in secure else 'http'}://{host}{where}".rstrip("/")
