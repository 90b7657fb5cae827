"""
Whether a project permits a source, a destination, an object, or an application's home.

Each question is answered with ``None`` for yes, or with a refusal that names the rule and what to do. The
rules are those of Argo CD's page on projects: something is permitted if any rule allows it and no rule with a
leading ``!`` denies it. A rule that only denies allows nothing; what we cannot check yet is refused, never
let through.
"""

from collections.abc import Callable, Iterable

from tiphys.core.projects.rules import address, allows, denies
from tiphys.model.addresses import shown
from tiphys.model.api import AppProject
from tiphys.model.api.project import ClusterResource, GroupKind
from tiphys.model.api.source import ApplicationSource
from tiphys.model.api.spec import Destination
from tiphys.model.objects import Key

HERE = Destination(server="https://kubernetes.default.svc", name="in-cluster")
"""The cluster that the engine runs in, by both its names."""


def application(project: AppProject, namespace: str) -> str | None:
    """Whether an Application that lives in a namespace may belong to the project."""
    home = project.metadata.namespace
    if namespace in ("", home) or any(allows(rule, namespace) for rule in project.spec.source_namespaces):
        return None
    return _refusal(
        project, f"Applications in namespace {namespace}", "sourceNamespaces", "add the namespace"
    )


def source(project: AppProject, wanted: ApplicationSource) -> str | None:
    """Whether a source may be used."""
    return repository(project, wanted.repo_url)


def repository(project: AppProject, url: str) -> str | None:
    """Whether anything may be fetched from a URL: of a source, and of each chart that a chart depends on."""
    told = f"the source {shown(url)}"
    if project.spec.signature_keys or project.spec.source_integrity:
        return (
            f"project {project.metadata.name} asks for signatures (spec.signatureKeys, spec.sourceIntegrity) "
            f"that cannot be checked yet, so {told} is not used"
        )
    wanted = address(url)
    rules = [(rule, address(rule)) for rule in project.spec.source_repos]
    for rule, pattern in rules:
        if rule.startswith("!") and denies(pattern, wanted, "/"):
            return _refusal(project, told, "sourceRepos", f"its rule {rule!r} denies it")
    if any(not rule.startswith("!") and allows(pattern, wanted, "/") for rule, pattern in rules):
        return None
    return _refusal(project, told, "sourceRepos", "add it")


def destination(project: AppProject, wanted: Destination) -> str | None:
    """Whether objects may go to a cluster, by URL or name, and a namespace of it."""
    told = f"the destination {_told(wanted)}"
    if project.spec.permit_only_project_scoped_clusters:
        return (
            f"project {project.metadata.name} permits only its own clusters "
            f"(spec.permitOnlyProjectScopedClusters), which are not known yet, so {told} is not used"
        )
    cluster = _both_names(wanted)
    rules = project.spec.destinations
    if denied := next((rule for rule in rules if _negates(rule) and _denied(rule, cluster)), None):
        return _refusal(project, told, "destinations", f"its rule {_told(denied)} denies it")
    if any(not _negates(rule) and _allowed(rule, cluster) for rule in rules):
        return None
    return _refusal(project, told, "destinations", "add it")


def target(project: AppProject, place: Destination, key: Key, *, namespaced: bool) -> str | None:
    """Whether an object may be made: its kind, and for a namespaced one where it goes."""
    if not namespaced:
        return _cluster_wide(project, key)
    kind = f"the kind {key.of}"
    if denied := _listed(project.spec.namespace_resource_blacklist, key, denies):
        return _refusal(project, kind, "namespaceResourceBlacklist", f"its rule {denied} denies it")
    allowed = project.spec.namespace_resource_whitelist
    if allowed is not None and not _listed(allowed, key, allows):
        return _refusal(project, kind, "namespaceResourceWhitelist", "add it")
    return destination(project, Destination(server=place.server, name=place.name, namespace=key.namespace))


def _cluster_wide(project: AppProject, key: Key) -> str | None:
    """Cluster-wide kinds are permitted only by name; nothing is, where nothing is said."""
    told = f"the cluster-wide {key}"
    if denied := _listed(project.spec.cluster_resource_blacklist, key, denies):
        return _refusal(project, told, "clusterResourceBlacklist", f"its rule {denied} denies it")
    if _listed(project.spec.cluster_resource_whitelist, key, allows):
        return None
    return _refusal(project, told, "clusterResourceWhitelist", "add its group and kind")


def _listed(rules: Iterable[GroupKind | ClusterResource], key: Key, fits: Callable[[str, str], bool]) -> str:
    """The first rule that an object falls under, in words; empty if there is none."""
    for rule in rules:
        name = rule.name if isinstance(rule, ClusterResource) else ""
        if fits(rule.group, key.group) and fits(rule.kind, key.kind) and fits(name or "*", key.name):
            return "/".join(filter(None, (rule.group or "core", rule.kind, name)))
    return ""


def _allowed(rule: Destination, wanted: Destination) -> bool:
    return allows(rule.namespace, wanted.namespace) and _same_cluster(rule, wanted, allows)


def _denied(rule: Destination, wanted: Destination) -> bool:
    """
    Whether a rule with a ``!`` denies: something that it negates is wanted, and the rest of the rule fits.

    ``!kube-system`` on the server ``*`` denies kube-system anywhere; with both negated, either is enough.
    """
    namespace = denies(rule.namespace, wanted.namespace)
    cluster = _same_cluster(rule, wanted, denies)
    if rule.namespace.startswith("!") and (rule.server + rule.name).count("!"):
        return namespace or cluster
    return namespace and cluster


def _same_cluster(rule: Destination, wanted: Destination, fits: Callable[[str, str], bool]) -> bool:
    pairs = ((rule.server, wanted.server), (rule.name, wanted.name))
    return any(pattern and text and fits(pattern, text) for pattern, text in pairs)


def _negates(rule: Destination) -> bool:
    return any(text.startswith("!") for text in (rule.server, rule.name, rule.namespace))


def _both_names(wanted: Destination) -> Destination:
    """The engine's own cluster goes by either name, whichever an application or a rule uses."""
    if HERE.server == wanted.server or HERE.name == wanted.name:
        return Destination(server=HERE.server, name=HERE.name, namespace=wanted.namespace)
    return wanted


def _told(place: Destination) -> str:
    cluster = place.server or place.name or "of no cluster"
    return f"{cluster}, namespace {place.namespace or 'none'}"


def _refusal(project: AppProject, what: str, field: str, remedy: str) -> str:
    return f"project {project.metadata.name} does not permit {what}: see its spec.{field}; {remedy}"
