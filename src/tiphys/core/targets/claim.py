"""
Rendered objects become targets: lists opened, namespaces filled in, duplicates settled, ownership marked.

An object that cannot be a target is a ``SpecError`` that names its file, since nothing of the application may be
applied on a guess.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tiphys.core.targets.hooks import Role, roles_of
from tiphys.model.errors import SpecError
from tiphys.model.objects import Body, Catalog, Key, Kind, Manifest, annotations_of, group_of, key_of, part
from tiphys.model.rendering import RenderedObject
from tiphys.model.tracking import with_tracking

CRD = Kind("apiextensions.k8s.io", "CustomResourceDefinition")


@dataclass(frozen=True)
class Claim:
    """What of a render is the application's to bring about."""

    targets: tuple[Manifest, ...]
    hooks: tuple[Key, ...] = ()
    """Set aside: hooks are not run yet."""
    repeated: tuple[Key, ...] = ()
    """Rendered more than once; the last one counts."""


@dataclass(frozen=True)
class Owner:
    """Whose the targets are, and where those go that name no namespace."""

    application: str
    """The application's name in tracking ids."""
    namespace: str


def claim(objects: Sequence[RenderedObject], owner: Owner, catalog: Catalog) -> Claim:
    """The targets among rendered objects."""
    opened = [each for item in objects for each in _opened(item)]
    roles = list(zip(opened, roles_of([item.body for item in opened]), strict=True))
    wanted = [item for item, role in roles if role is Role.TARGET]
    for item in wanted:
        _expect_object(item)
    scopes = _scopes(wanted, catalog)
    targets: dict[Key, Manifest] = {}
    repeated = []
    for manifest in (_placed(item, owner, scopes) for item in wanted):
        if targets.pop(manifest.key, None):
            repeated.append(manifest.key)
        targets[manifest.key] = with_tracking(manifest, owner.application, owner.namespace)
    hooks = (_key_of_hook(item.body, owner) for item, role in roles if role is Role.HOOK)
    return Claim(tuple(targets.values()), tuple(hooks), tuple(dict.fromkeys(repeated)))


def placed(objects: Sequence[RenderedObject], namespace: str, catalog: Catalog) -> tuple[Manifest, ...]:
    """The objects, each with the namespace that it goes to, and marked as nobody's."""
    opened = [each for item in objects for each in _opened(item)]
    for item in opened:
        _expect_object(item)
    owner, scopes = Owner("", namespace), _scopes(opened, catalog)
    return tuple(_placed(item, owner, scopes) for item in opened)


def kinds_to_come(targets: Iterable[Manifest]) -> frozenset[Kind]:
    """The kinds that CRDs among the targets will bring."""
    return frozenset(kind for t in targets if t.key.of == CRD for kind in [_kind_of_crd(t.body)] if kind)


def _opened(item: RenderedObject) -> Iterator[RenderedObject]:
    """The object itself, or the members of a ``List``, at any depth."""
    if not str(item.body.get("kind") or "").endswith("List") or not isinstance(item.body.get("items"), list):
        yield item
        return
    for member in item.body["items"]:
        if not isinstance(member, Mapping):
            raise SpecError(f"{item.file}: a {item.body['kind']} holds something that is not an object")
        yield from _opened(RenderedObject(item.file, member))


def _expect_object(item: RenderedObject) -> None:
    lacks = [field for field in ("apiVersion", "kind") if not isinstance(item.body.get(field), str)]
    metadata = part(item.body, "metadata")
    if not lacks and not metadata.get("name"):
        lacks = ["metadata.name"] if not metadata.get("generateName") else []
        if metadata.get("generateName"):
            raise SpecError(
                f"{item.file}: {item.body['kind']} with metadata.generateName: give it a name; only hooks may go "
                "without one, since what has no fixed name cannot be compared"
            )
    if lacks:
        raise SpecError(f"{item.file}: an object without {' and '.join(lacks)} is no Kubernetes manifest")
    names = [metadata.get("name"), metadata.get("namespace") or ""]
    if not all(isinstance(name, str) for name in names):
        raise SpecError(
            f"{item.file}: {item.body['kind']}: metadata.name and namespace must be strings: quote them"
        )


def _key_of_hook(hook: Body, owner: Owner) -> Key:
    """What to call a hook, which need not have a name of its own."""
    key = key_of(hook, owner.namespace)
    return key if key.name else key._replace(name=f"{part(hook, 'metadata').get('generateName') or '?'}*")


def _placed(item: RenderedObject, owner: Owner, scopes: Mapping[Kind, bool]) -> Manifest:
    kind = Kind(group_of(item.body["apiVersion"]), item.body["kind"])
    metadata = part(item.body, "metadata")
    namespaced = scopes.get(kind, True)
    namespace = str(metadata.get("namespace") or owner.namespace) if namespaced else ""
    if namespaced and not namespace:
        raise SpecError(
            f"{item.file}: {kind} {metadata['name']} names no namespace and spec.destination.namespace is empty: "
            "set one of the two"
        )
    body: dict[str, Any] = {**item.body, "metadata": {**metadata, "namespace": namespace}}
    if not namespace:
        del body["metadata"]["namespace"]
    annotations = part(metadata, "annotations")
    if annotations and len(annotations_of(body)) != len(annotations):
        odd = next(k for k, v in annotations.items() if not isinstance(v, str))
        raise SpecError(
            f"{item.file}: {kind} {metadata['name']}: annotation {odd} must be a string: quote it"
        )
    return Manifest(Key(*kind, namespace, str(metadata["name"])), body, item.file)


def _scopes(items: Iterable[RenderedObject], catalog: Catalog) -> Mapping[Kind, bool]:
    """Which kinds are namespaced, those included that are served once the items are there."""
    return {**_scopes_of_crds(items), **{k: r.namespaced for k, r in catalog.resources.items()}}


def _scopes_of_crds(items: Iterable[RenderedObject]) -> dict[Kind, bool]:
    """The scope of kinds whose CRD is rendered along, since the API server cannot know them yet."""
    found = {}
    for item in items:
        kind = _kind_of_crd(item.body)
        if kind and item.body.get("kind") == CRD.kind:
            found[kind] = part(item.body, "spec").get("scope") != "Cluster"
    return found


def _kind_of_crd(body: Body) -> Kind | None:
    group, kind = part(body, "spec").get("group"), part(body, "spec", "names").get("kind")
    return Kind(group, kind) if isinstance(group, str) and isinstance(kind, str) else None
