{{/* All names begin with the release's, as is usual, and hold "tiphys": nothing of an Argo CD is called so. */}}
{{- define "tiphys.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "tiphys.fullname" -}}
{{- $name := include "tiphys.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What has no namespace is named by it: there may be an engine in several. */}}
{{- define "tiphys.clusterwide" -}}
{{- printf "%s:%s" (include "tiphys.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "tiphys.selector" -}}
app.kubernetes.io/name: {{ include "tiphys.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: engine
{{- end -}}

{{- define "tiphys.labels" -}}
{{ include "tiphys.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: tiphys
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "tiphys.account" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "tiphys.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name is missing: with serviceAccount.create=false, name an account that is there" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "tiphys.image" -}}
{{- $image := .Values.image -}}
{{- $name := required "image.repository is missing: name the image that you built with deploy/image/Dockerfile and pushed" $image.repository -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name ($image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* The verbs of a GitOps engine: it never impersonates, and deletes object by object. */}}
{{- define "tiphys.manages" -}}
["get", "list", "watch", "create", "update", "patch", "delete"]
{{- end -}}

{{- define "tiphys.subjects" -}}
- kind: ServiceAccount
  name: {{ include "tiphys.account" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
