{{- define "podmeter.fullname" -}}
{{- printf "%s-podmeter" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "podmeter.labels" -}}
app.kubernetes.io/name: podmeter
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
