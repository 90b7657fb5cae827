{{/*
scaledobject:
  minReplicas: 1
  maxReplicas: 5
  prometheus:
    serverAddress: http://prometheus.monitoring:9090
    query: sum(rate(http_requests_total{app="homepage"}[1m]))
    threshold: 50

From here on the number of pods belongs to the autoscaler and not to deployment.replicaCount.
*/}}
{{- define "common.scaledobject" -}}
{{- $scaled := .Values.scaledobject -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ include "common.name" . }}
  labels: {{- include "common.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "common.name" . }}
  minReplicaCount: {{ $scaled.minReplicas }}
  maxReplicaCount: {{ required "scaledobject.maxReplicas is missing" $scaled.maxReplicas }}
  triggers:
    - type: prometheus
      metadata:
        serverAddress: {{ $scaled.prometheus.serverAddress }}
        query: {{ $scaled.prometheus.query | quote }}
        threshold: {{ $scaled.prometheus.threshold | quote }}
{{- end -}}
