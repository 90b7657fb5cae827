{{/*
serviceaccount:
  name: api              # the release's name if left out
  annotations: {}
*/}}
{{- define "common.serviceaccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "common.account" . }}
  labels: {{- include "common.labels" . | nindent 4 }}
  {{- with .Values.serviceaccount.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
