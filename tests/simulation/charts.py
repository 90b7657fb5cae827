"""The charts of the plays, and what chance makes of them."""

import json
from random import Random
from typing import Any

WAVE = "argocd.argoproj.io/sync-wave"


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
    return files


def values(random: Random) -> str:
    """Values for the templates."""
    return json.dumps({"tag": f"v{random.randrange(100)}", "colour": random.choice(["red", "green", "blue"])})


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


def edited(files: dict[str, str], name: str, random: Random) -> dict[str, str]:
    """The files after a change of one chart, as somebody might commit it."""
    templates = [path for path in files if path.startswith(f"{name}/templates/{name}-")]
    match random.randrange(7):
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
    broken = '{"kind": $missing}' if random.random() < 0.5 else '{"kind": "ConfigMap"}'
    return {**files, f"{name}/templates/broken.json": broken}


def repaired(files: dict[str, str]) -> dict[str, str]:
    """The files without what does not render."""
    return {path: text for path, text in files.items() if not path.endswith("/broken.json")}


def _with_or_without(files: dict[str, str], path: str, text: str) -> dict[str, str]:
    if path not in files:
        return {**files, path: text}
    return {name: content for name, content in files.items() if name != path}


def _metadata(name: str, random: Random) -> dict[str, Any]:
    wave = random.choice([None, None, None, -1, 0, 1, 2])
    return {"name": name, **({"annotations": {WAVE: str(wave)}} if wave is not None else {})}
