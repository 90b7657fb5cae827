"""
Whose an object is: the tracking id that it carries, and the name under which we own its fields.

The format is Argo CD's (its page on resource tracking), so that either engine recognises the other's objects.
Only the method ``annotation`` is known here, Argo CD's default since 3.0.
"""

from dataclasses import dataclass, replace

from tiphys.model.objects import AppName, Key, Live, Manifest, part

TRACKING_ID = "argocd.argoproj.io/tracking-id"
"""The annotation that says which application an object belongs to."""

TIMELINE = "tiphys.dev/timeline"
"""The annotation of an Application in which the engine notes how far each commit came. It is no part of any target."""

FIELD_MANAGER = "argocd-controller"
"""
The field manager of our server-side applies: Argo CD's, so that adopting its objects loses no ownership.
"""


@dataclass(frozen=True, slots=True)
class TrackingId:
    """What a tracking id says: an application, by its instance name, and the object that it tracks."""

    application: str
    key: Key

    def __str__(self) -> str:
        key = self.key
        return f"{self.application}:{key.group}/{key.kind}:{key.namespace}/{key.name}"

    def names(self, key: Key) -> bool:
        """
        Whether the object that carries this id is the one that the id names.

        A controller may copy annotations from an object to another; the copy is nobody's. A cluster-scoped
        object carries the destination's namespace in its id, which says nothing about it.
        """
        return self.key == key or (not key.namespace and self.key._replace(namespace="") == key)


def instance_name(application: AppName, control_namespace: str) -> str:
    """
    The application's name in tracking ids: ``<namespace>_<name>`` where it lives outside the control plane's.
    """
    if application.namespace == control_namespace:
        return application.name
    return f"{application.namespace}_{application.name}"


def parse_tracking_id(text: str) -> TrackingId | None:
    """
    Read ``<application>:<group>/<Kind>:<namespace>/<name>``; ``None`` for anything else.

    Names may hold colons (``system:node``), so only the first two divide.
    """
    parts = text.split(":", 2)
    if len(parts) != 3 or parts[1].count("/") != 1 or parts[2].count("/") != 1:
        return None
    application, kind, place = parts
    return TrackingId(application, Key(*kind.split("/"), *place.split("/")))


def tracked_by(live: Live) -> TrackingId | None:
    """The tracking id of a live object, if it carries one that names this very object."""
    found = parse_tracking_id(live.annotations.get(TRACKING_ID, ""))
    return found if found and found.names(live.key) else None


def with_tracking(manifest: Manifest, application: str, namespace: str = "") -> Manifest:
    """
    The manifest with the tracking id of an application, given by its instance name.

    ``namespace`` is the destination's; as in Argo CD it stands in the ids of objects that have none of their
    own, cluster-scoped ones among them.
    """
    key = manifest.key
    tracking = TrackingId(application, key._replace(namespace=key.namespace or namespace))
    metadata = part(manifest.body, "metadata")
    annotations = {**part(metadata, "annotations"), TRACKING_ID: str(tracking)}
    return replace(manifest, body={**manifest.body, "metadata": {**metadata, "annotations": annotations}})


def app_name(instance: str, control_namespace: str) -> AppName:
    """The Application that an instance name of tracking ids means: the reverse of ``instance_name``."""
    namespace, underscore, name = instance.partition("_")
    # No name of Kubernetes holds an underscore, so there is no doubt.
    return AppName(namespace, name) if underscore else AppName(control_namespace, instance)
