{{/*
Everything an application asks for by a top-level key of its values.
A chart uses it by one line in a template: {{ include "common.application" . }}
*/}}
{{- define "common.application" -}}
{{- range $kind := list "serviceaccount" "configmap" "service" "deployment" "ingress" "scaledobject" }}
{{- if hasKey $.Values $kind }}
---
{{ include (printf "common.%s" $kind) $ }}
{{- end }}
{{- end }}
{{- end -}}
