"""Charts that between them use what Helm can do, as files by name; small enough to be read."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

Files = Mapping[str, str]


def chart_yaml(name: str, *more: str) -> str:
    return "\n".join(["apiVersion: v2", f"name: {name}", "version: 1.2.3", *more]) + "\n"


def config_map(name: str, **data: str) -> str:
    lines = "".join(f"\n  {key}: {value}" for key, value in data.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:{lines}\n"


COMMON = {
    "Chart.yaml": chart_yaml("common", "type: library"),
    "templates/_deployment.tpl": """
{{- define "common.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "common.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.deployment.replicas }}
  template:
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ required "image.repository is required" .Values.deployment.image.repository }}:{{ .Values.deployment.image.tag }}"
          env: {{- toYaml .Values.env | nindent 12 }}
{{- end -}}
""",  # noqa: E501 - as long as in life
    "templates/_labels.tpl": """
{{- define "common.labels" -}}
app: {{ .Chart.Name }}
chart: "{{ .Chart.Name }}-{{ .Chart.Version }}"
heritage: {{ .Release.Service }}
{{- end -}}
""",
    "templates/ignored.yaml": "a library's templates are not rendered",
}

HOMEPAGE = {
    "Chart.yaml": chart_yaml(
        "homepage",
        "appVersion: '7'",
        "dependencies: [{name: common, version: 1.x.x, repository: file://../common}]",
    ),
    "values.yaml": """
deployment: {replicas: 1, image: {repository: example.com/homepage, tag: v1}}
env: []
""",
    "values-prod.yaml": "deployment: {replicas: 3}\nenv: [{name: STAGE, value: prod}, {name: N, value: null}]\n",
    "templates/deployment.yaml": '{{ include "common.deployment" . }}\n',
    "templates/NOTES.txt": "Welcome to {{ .Release.Name }}: not an object.",
    "files/page.html": "<h1>ä & 🙂</h1>\n",
    "templates/page.yaml": """
apiVersion: v1
kind: ConfigMap
metadata: {name: page}
data:
{{ (.Files.Glob "files/*").AsConfig | indent 2 }}
binaryData: {{ (.Files.Glob "files/*").AsSecrets | nindent 2 }}
""",
    **{f"charts/common/{name}": text for name, text in COMMON.items()},
}

HOOKS = {
    "Chart.yaml": chart_yaml("hooks"),
    "templates/all.yaml": """
# a comment alone
---
apiVersion: v1
kind: Service
metadata: {name: web}
---
apiVersion: example.com/v1
kind: Zebra
metadata: {name: z}
---
apiVersion: v1
kind: Namespace
metadata: {name: first}
---

---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: inner}}
---
apiVersion: example.com/v1
kind: Aardvark
metadata: {name: a, annotations: {number: 1, yes: no}}
""",
    "templates/hooks.yaml": """
{{- range $hook, $weight := dict "pre-install,pre-upgrade" "-5" "post-install" "3" "test" "0" "crd-install" "1" }}
---
apiVersion: batch/v1
kind: Job
metadata:
  generateName: {{ $hook | replace "," "-" }}-
  annotations:
    helm.sh/hook: {{ $hook }}
    helm.sh/hook-weight: "{{ $weight }}"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}
""",
    "templates/account.yaml": """
apiVersion: v1
kind: ServiceAccount
metadata: {name: migrations, annotations: {"helm.sh/hook": pre-install}}
""",
    "crds/zebra.yaml": """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: zebras.example.com}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: aardvarks.example.com}
""",
    "crds/README.md": "not a manifest",
}

BACKEND = {
    "Chart.yaml": chart_yaml(
        "backend", "dependencies: [{name: cache, version: '>=1.0.0', condition: cache.enabled}]"
    ),
    "values.yaml": """
port: 80
exports: {data: {shared: {from: backend}}}
inner: {deep: {x: 1}}
cache: {enabled: true}
""",
    "templates/c.yaml": config_map(
        "{{ .Release.Name }}-{{ .Chart.Name }}",
        port='"{{ .Values.port }}"',
        globally='"{{ .Values.global.zone }}"',
        root='"{{ .Chart.IsRoot }}"',
    ),
    "crds/backend.yaml": (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: b.example.com}\n"
    ),
    "charts/cache/Chart.yaml": chart_yaml("cache"),
    "charts/cache/templates/c.yaml": config_map(
        "{{ .Release.Name }}-cache", size='"{{ .Values.size | default 5 }}"'
    ),
}

UMBRELLA = {
    "Chart.yaml": """
apiVersion: v2
name: umbrella
version: 0.1.0
dependencies:
  - {name: backend, version: 1.x, alias: blue, import-values: [data, {child: inner.deep, parent: taken}]}
  - {name: backend, version: 1.x, alias: green, condition: green.enabled}
  - {name: frontend, version: 1.x, tags: [web]}
""",
    "values.yaml": """
global: {zone: eu}
blue: {port: 81}
green: {enabled: false, port: 82}
taken: {mine: true}
""",
    "templates/c.yaml": config_map(
        "umbrella",
        taken="{{ .Values.taken | toJson | quote }}",
        shared="{{ .Values.shared | toJson | quote }}",
    ),
    "charts/frontend/Chart.yaml": chart_yaml("frontend"),
    "charts/frontend/templates/c.yaml": config_map("frontend"),
    **{f"charts/backend/{name}": text for name, text in BACKEND.items()},
}

ODD = {
    "Chart.yaml": chart_yaml("odd", "kubeVersion: '>=1.20.0-0'"),
    "values.yaml": "big: 1000660000\nfloat: 1.0\ntag: v1\nnorway: no\nmode: 0755\nday: 2024-02-30\nnothing: null\n",
    "templates/odd.yaml": """
apiVersion: v1
kind: ConfigMap
metadata: {name: odd}
norway: [no, NO, n, y, on, off, "no", ~, null]
numbers: [0755, 0o17, 0x1F, 1_000, 1e3, 1.0, 1.5, 1000660000, 12345678901234567, 18446744073709551615, 1e21, +1, .5, 12:30]
times: [2024-01-02, 2001-12-14t21:59:43.10-05:00]
twice: 1
twice: 2
1: number
true: boolean
text: |
  a: b
   keeps  its spaces
folded: >-
  one
  line
anchor: &a {x: 1}
alias: *a
merge: {<<: *a, y: 2}
emoji: "🙂 \\u00e4 ä"
values: {{ .Values | toJson | quote }}
yaml: {{- toYaml .Values | nindent 2 }}
big: {{ .Values.big }} / {{ int64 .Values.big }} / {{ .Values.big | toString }}
helm: {{ .Capabilities.HelmVersion.Version }}
kube: {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.KubeVersion.Minor }}
has: {{ .Capabilities.APIVersions.Has "apps/v1" }} {{ .Capabilities.APIVersions.Has "example.com/v1/Zebra" }}
upgrade: {{ .Release.IsUpgrade }} {{ .Release.Revision }}
date: {{ dateInZone "2006-01-02 15:04" (toDate "2006-01-02" "2020-07-01") "Europe/Berlin" }}
tpl: {{ tpl "{{ .Release.Name }}-{{ .Values.tag }}" . }}
host: "{{ getHostByName "localhost" }}"
found: {{ lookup "v1" "Pod" "" "" | toJson }}
""",  # noqa: E501
    "templates/crlf.yaml": config_map("crlf", a="b").replace("\n", "\r\n"),
    "templates/.hidden.yaml": "not: rendered",
    "templates/blank.yaml": "{{ if false }}x{{ end }}\n",
    ".helmignore": "*.bak\nscratch/\n",
    "templates/old.yaml.bak": "{{ this is no template",
    "scratch/huge": "ignored",
}

SPECIMENS = {"homepage": HOMEPAGE, "hooks": HOOKS, "umbrella": UMBRELLA, "odd": ODD}


def lay(files: Files, folder: Path) -> Path:
    """Write a chart's files into a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="")
    return folder


def pack(files: Files, name: str, folder: Path) -> Path:
    """Write a chart as the archive that a chart repository would serve."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.2.3.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for file, text in files.items():
            member = tarfile.TarInfo(f"{name}/{file}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path
