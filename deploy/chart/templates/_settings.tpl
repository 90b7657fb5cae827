{{/* Settings as the engine reads them. Helm makes large numbers floats, so a count goes through int. */}}
{{- define "tiphys.settings" -}}
{{- $settings := .Values.settings -}}
{{- with $settings.applicationNamespaces }}
- name: TIPHYS_APPLICATION_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- with $settings.plainRegistries }}
- name: TIPHYS_PLAIN_REGISTRIES
  value: {{ join "," . | quote }}
{{- end }}
{{- with $settings.workers }}
- name: TIPHYS_WORKERS
  value: {{ int . | quote }}
{{- end }}
{{- if not $settings.leaderElection }}
- name: TIPHYS_LEADER_ELECTION
  value: "false"
{{- end }}
{{- with $settings.webhookMib }}
- name: TIPHYS_WEBHOOK_MIB
  value: {{ int . | quote }}
{{- end }}
{{- if .Values.registries.secret }}
- name: TIPHYS_REGISTRY_CONFIG
  value: /etc/tiphys/registries/config.json
{{- end }}
{{- range $key, $variable := dict "poll" "TIPHYS_POLL" "syncDeadline" "TIPHYS_SYNC_DEADLINE" "waveDelay" "TIPHYS_SYNC_WAVE_DELAY" "renderDeadline" "TIPHYS_RENDER_DEADLINE" "imagePoll" "TIPHYS_IMAGE_POLL" "lease" "TIPHYS_LEASE" "logLevel" "TIPHYS_LOG_LEVEL" "logFormat" "TIPHYS_LOG_FORMAT" }}
{{- with get $settings $key }}
- name: {{ $variable }}
  value: {{ toString . | quote }}
{{- end }}
{{- end }}
{{- end -}}
