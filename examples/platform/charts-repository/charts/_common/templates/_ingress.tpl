{{/*
ingress:
  className: nginx
  host: homepage.example.com
  path: /
  tls: true              # with a certificate in the Secret <release>-tls
  annotations: {}
*/}}
{{- define "common.ingress" -}}
{{- $ingress := .Values.ingress -}}
{{- $host := required "ingress.host is missing" $ingress.host -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ include "common.name" . }}
  labels: {{- include "common.labels" . | nindent 4 }}
  {{- with $ingress.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with $ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- if $ingress.tls }}
  tls:
    - hosts: [{{ $host | quote }}]
      secretName: {{ include "common.name" . }}-tls
  {{- end }}
  rules:
    - host: {{ $host | quote }}
      http:
        paths:
          - path: {{ $ingress.path | default "/" }}
            pathType: Prefix
            backend:
              service:
                name: {{ include "common.name" . }}
                port:
                  name: http
{{- end -}}
