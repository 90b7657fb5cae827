{{/*
deployment:
  replicaCount: 1
  image: {repository, tag, pullPolicy}
  port: 8080             # where the container listens; none if left out
  command, args, env, resources, readinessPath, lifecycle, podAnnotations
*/}}
{{- define "common.deployment" -}}
{{- $deployment := .Values.deployment -}}
{{- $image := required "deployment.image is missing" $deployment.image -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "common.name" . }}
  labels: {{- include "common.labels" . | nindent 4 }}
spec:
  replicas: {{ $deployment.replicaCount | default 1 }}
  selector:
    matchLabels: {{- include "common.selector" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "common.labels" . | nindent 8 }}
      {{- if or .Values.configmap $deployment.podAnnotations }}
      annotations:
        {{- with .Values.configmap }}
        {{- /* Pods read their settings when they start: other settings, other pods. */}}
        checksum/config: {{ toJson .data | sha256sum }}
        {{- end }}
        {{- with $deployment.podAnnotations }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "common.account" . }}
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ required "deployment.image.repository is missing" $image.repository }}:{{ required "deployment.image.tag is missing" $image.tag }}"
          imagePullPolicy: {{ $image.pullPolicy | default "IfNotPresent" }}
          {{- with $deployment.command }}
          command: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with $deployment.args }}
          args: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with $deployment.port }}
          ports:
            - name: http
              containerPort: {{ . }}
          {{- end }}
          {{- with $deployment.env }}
          env: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- if .Values.configmap }}
          envFrom:
            - configMapRef:
                name: {{ include "common.name" . }}
          {{- end }}
          {{- with $deployment.readinessPath }}
          readinessProbe:
            httpGet:
              path: {{ . }}
              port: http
          {{- end }}
          {{- with $deployment.lifecycle }}
          lifecycle: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with $deployment.resources }}
          resources: {{- toYaml . | nindent 12 }}
          {{- end }}
{{- end -}}
