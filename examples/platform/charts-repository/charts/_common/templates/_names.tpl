{{/* The name of everything a release makes: there is one application in a release. */}}
{{- define "common.name" -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels by which a Service and a Deployment find their pods. They can never change. */}}
{{- define "common.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "common.labels" -}}
{{ include "common.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* The service account that pods run as: the release's own if it has one. */}}
{{- define "common.account" -}}
{{- if hasKey .Values "serviceaccount" -}}
{{- .Values.serviceaccount.name | default (include "common.name" .) -}}
{{- else -}}
default
{{- end -}}
{{- end -}}
