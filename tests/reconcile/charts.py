"""The charts and manifests of the stories."""

from textwrap import dedent

import yaml

CHART = "apiVersion: v2\nname: {name}\nversion: 0.1.0\n"
DEPLOYMENT = dedent(
    """\
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: {{ .Release.Name }}
    spec:
      {{- with .Values.replicas }}
      replicas: {{ . }}
      {{- end }}
      selector:
        matchLabels: {app: {{ .Release.Name }}}
      template:
        metadata:
          labels: {app: {{ .Release.Name }}}
        spec:
          containers:
            - name: web
              image: {{ .Values.image }}:{{ .Values.tag }}
              ports: [{containerPort: 8080}]
    """
)
CONFIG = dedent(
    """\
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: {{ .Release.Name }}
    data:
      colour: {{ .Values.colour | default "red" }}
    """
)


def chart(name: str, *, values: str = "", **templates: str) -> dict[str, str]:
    """A chart with a Deployment, a ConfigMap, and further templates by name."""
    return {
        f"{name}/Chart.yaml": CHART.format(name=name),
        f"{name}/values.yaml": f"image: example.org/{name}\ntag: v1\n{values}",
        f"{name}/templates/deployment.yaml": DEPLOYMENT,
        f"{name}/templates/config.yaml": CONFIG,
        **{f"{name}/templates/{file}.yaml": text for file, text in templates.items()},
    }


def manifest(kind: str, name: str, api_version: str = "v1", **rest: object) -> str:
    """A manifest as YAML. ``annotations`` go into its metadata."""
    metadata: dict[str, object] = {"name": name}
    if annotations := rest.pop("annotations", None):
        metadata["annotations"] = annotations
    return yaml.safe_dump({"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest})


def wave(number: int) -> dict[str, str]:
    """The annotation of a sync wave."""
    return {"argocd.argoproj.io/sync-wave": str(number)}
