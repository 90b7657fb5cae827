"""The charts of the plays, and what chance makes of them."""

import json
from random import Random
from typing import Any

from simulation.books import REPO

WAVE = "argocd.argoproj.io/sync-wave"
FINALIZER = "resources-finalizer.argocd.argoproj.io"
ROOT = "root"
BROKEN = "broken"
"""A tag whose image never gets ready."""


def root(names: list[str]) -> dict[str, str]:
    """A chart that makes Applications of other charts."""
    head = {f"{ROOT}/Chart.yaml": json.dumps({"name": ROOT, "version": "0.1.0"})}
    return head | {path: text for name in names for path, text in listed(name).items()}


def listed(name: str) -> dict[str, str]:
    """The root's file for one application."""
    return {f"{ROOT}/templates/{name}.json": json.dumps(application(name))}


def application(name: str) -> dict[str, Any]:
    """An Application of a chart."""
    metadata: dict[str, Any] = {"name": name, "namespace": "argocd", "finalizers": [FINALIZER]}
    spec = {
        "project": "default",
        "source": {"repoURL": REPO, "path": name, "targetRevision": "main"},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True, "allowEmpty": True},
            "syncOptions": ["CreateNamespace=true"],
        },
    }
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}


def chart(name: str, random: Random) -> dict[str, str]:
    """A chart with a Deployment, perhaps an autoscaler, and some ConfigMaps in waves."""
    files = {
        f"{name}/Chart.yaml": json.dumps({"name": name, "version": "0.1.0"}),
        f"{name}/values.json": values(random),
        f"{name}/templates/deployment.json": deployment(name, random),
    }
    if random.random() < 0.5:
        files[f"{name}/templates/autoscaler.json"] = autoscaler(name)
    for number in range(random.randrange(4)):
        files |= config_map(name, f"{name}-{number}", random)
    if random.random() < 0.3:
        files |= definition(name)
    return files


def definition(name: str) -> dict[str, str]:
    """A custom resource definition, and a resource of the kind that it brings."""
    group, kind = f"{name}.example.org", f"Widget{name.capitalize()}"
    spec = {
        "group": group,
        "names": {"kind": kind, "plural": kind.lower()},
        "scope": "Namespaced",
        "versions": [{"name": "v1", "served": True, "storage": True}],
    }
    metadata = {"name": f"{kind.lower()}.{group}"}
    head = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    widget = {
        "apiVersion": f"{group}/v1",
        "kind": kind,
        "metadata": {"name": f"{name}-widget"},
        "spec": {"n": "$tag"},
    }
    return {
        f"{name}/templates/definition.json": json.dumps({**head, "metadata": metadata, "spec": spec}),
        f"{name}/templates/widget.json": json.dumps(widget),
    }


def values(random: Random) -> str:
    """Values for the templates, now and then of an image that never gets ready."""
    tag = BROKEN if random.random() < 0.1 else f"v{random.randrange(100)}"
    return json.dumps({"tag": tag, "colour": random.choice(["red", "green", "blue"])})


def config_map(chart: str, name: str, random: Random) -> dict[str, str]:
    """A file with a ConfigMap."""
    data = {"colour": "$colour", f"key{random.randrange(3)}": str(random.randrange(5))}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(name, random), "data": data}
    return {f"{chart}/templates/{name}.json": json.dumps(body)}


def deployment(name: str, random: Random) -> str:
    """A Deployment whose number of replicas Git may set."""
    container = {"name": "web", "image": f"example.org/{name}:$tag", "ports": [{"containerPort": 8080}]}
    if random.random() < 0.5:
        container["env"] = [{"name": "COLOUR", "value": "$colour"}]  # type: ignore[list-item]
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
    }
    if random.random() < 0.6:
        spec["replicas"] = random.randrange(1, 6)
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(name, random), "spec": spec}
    return json.dumps(body)


def autoscaler(name: str) -> str:
    """An autoscaler of the Deployment."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    spec = {"scaleTargetRef": target, "maxReplicas": 9}
    metadata = {"name": name}
    kind = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
    return json.dumps({**kind, "metadata": metadata, "spec": spec})


def edited(files: dict[str, str], name: str, random: Random) -> dict[str, str]:  # noqa: PLR0911 - a table of chances
    """The files after a change of one chart, as somebody might commit it."""
    templates = [path for path in files if path.startswith(f"{name}/templates/{name}-")]
    match random.randrange(10):
        case 0 | 1:
            return {**files, f"{name}/values.json": values(random)}
        case 2:
            return {**files, **config_map(name, f"{name}-{random.randrange(5)}", random)}
        case 3 if templates:
            gone = random.choice(templates)
            return {path: text for path, text in files.items() if path != gone}
        case 4:
            return {**files, f"{name}/templates/deployment.json": deployment(name, random)}
        case 5:
            return _with_or_without(files, f"{name}/templates/autoscaler.json", autoscaler(name))
        case 6 if templates:
            return _moved(files, random.choice(templates), random)
        case 7 if f"{name}/templates/widget.json" in files:
            gone = [f"{name}/templates/{each}.json" for each in ("widget", "definition")]
            return {path: text for path, text in files.items() if path not in gone}
        case 8:
            return {**files, **(definition(name) if random.random() < 0.5 else {})}
    broken = '{"kind": $missing}' if random.random() < 0.5 else '{"kind": "ConfigMap"}'
    return {**files, f"{name}/templates/broken.json": broken}


def repaired(files: dict[str, str]) -> dict[str, str]:
    """The files without what does not render, or never gets ready."""
    return {
        path: text.replace(f'"{BROKEN}"', '"v0"') if path.endswith("/values.json") else text
        for path, text in files.items()
        if not path.endswith("/broken.json")
    }


def recoloured(files: dict[str, str], names: list[str]) -> dict[str, str]:
    """The files with another image and another colour."""
    return files | {f"{name}/values.json": json.dumps({"tag": "v999", "colour": "new"}) for name in names}


def unshared(files: dict[str, str]) -> dict[str, str]:
    """The files without objects that several charts have: each application would want them its own way."""
    owners: dict[str, str] = {}
    for path in files:
        owners.setdefault(path.rpartition("/")[2], path)
    shared = {path for path in files if "-" in path and owners[path.rpartition("/")[2]] != path}
    return {path: text for path, text in files.items() if path not in shared}


def _moved(files: dict[str, str], path: str, random: Random) -> dict[str, str]:
    """An object goes over to another chart."""
    charts = sorted({each.split("/")[0] for each in files} - {ROOT})
    others = {name: text for name, text in files.items() if name != path}
    return {**others, f"{random.choice(charts)}/templates/{path.rpartition('/')[2]}": files[path]}


def _with_or_without(files: dict[str, str], path: str, text: str) -> dict[str, str]:
    if path not in files:
        return {**files, path: text}
    return {name: content for name, content in files.items() if name != path}


def _metadata(name: str, random: Random) -> dict[str, Any]:
    wave = random.choice([None, None, None, -1, 0, 1, 2])
    return {"name": name, **({"annotations": {WAVE: str(wave)}} if wave is not None else {})}
