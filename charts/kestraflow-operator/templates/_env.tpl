{{/* The operator's settings (docs/reference/settings.md) from the values. */}}
{{- define "kestraflow.env" -}}
- name: KESTRA_URL
  value: {{ .Values.kestra.url | quote }}
- name: KESTRA_USERNAME_FILE
  value: /etc/kestraflow/login/username
- name: KESTRA_PASSWORD_FILE
  value: /etc/kestraflow/login/password
- name: KESTRA_TENANT
  value: {{ .Values.kestra.tenant | quote }}
{{- with .Values.kestra.uiUrl }}
- name: KESTRA_UI_URL
  value: {{ . | quote }}
{{- end }}
{{- if or .Values.kestra.ca.configMap .Values.kestra.ca.secret }}
- name: KESTRA_CA_FILE
  value: /etc/kestraflow/ca/ca.crt
{{- end }}
{{- with .Values.watchNamespaces }}
- name: WATCH_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- if not (kindIs "invalid" .Values.namespacePolicy) }}
- name: NAMESPACE_POLICY
  value: {{ toJson .Values.namespacePolicy | quote }}
{{- end }}
- name: LEADER_ELECTION
  value: {{ .Values.leaderElection.enabled | quote }}
{{- if .Values.leaderElection.enabled }}
- name: LEASE_NAMESPACE
  value: {{ .Release.Namespace | quote }}
- name: LEASE_NAME
  value: {{ include "kestraflow.leaseName" . | quote }}
- name: LEASE_DURATION
  value: {{ .Values.leaderElection.leaseDuration | quote }}
{{- end }}
{{- with .Values.operator }}
- name: INSTANCE
  value: {{ .instance | quote }}
- name: DELETION_POLICY
  value: {{ .deletionPolicy | quote }}
- name: CONCURRENCY
  value: {{ .concurrency | quote }}
- name: DRIFT_INTERVAL
  value: {{ .driftInterval | quote }}
- name: REREAD_INTERVAL
  value: {{ .rereadInterval | quote }}
- name: SECRET_POLL_INTERVAL
  value: {{ .secretPollInterval | quote }}
- name: STALLED_RETRY_INTERVAL
  value: {{ .stalledRetryInterval | quote }}
- name: RECONCILE_DEADLINE
  value: {{ .reconcileDeadline | quote }}
- name: SHUTDOWN_GRACE
  value: {{ .shutdownGrace | quote }}
- name: LOG_LEVEL
  value: {{ .logLevel | quote }}
{{- end }}
{{- end -}}

{{- define "kestraflow.leaseName" -}}
{{- default (include "kestraflow.fullname" .) .Values.leaderElection.leaseName -}}
{{- end -}}

{{/* All settings there are (docs/reference/settings.md): one that came in by extraEnv would go round the values and their checks. */}}
{{- define "kestraflow.settings" -}}
KESTRA_URL KESTRA_USERNAME KESTRA_USERNAME_FILE KESTRA_PASSWORD KESTRA_PASSWORD_FILE KESTRA_TENANT KESTRA_UI_URL KESTRA_CA_FILE KUBECONFIG KUBE_CONTEXT WATCH_NAMESPACES NAMESPACE_POLICY INSTANCE DELETION_POLICY CONCURRENCY DRIFT_INTERVAL REREAD_INTERVAL SECRET_POLL_INTERVAL STALLED_RETRY_INTERVAL RECONCILE_DEADLINE SHUTDOWN_GRACE LEADER_ELECTION LEASE_NAMESPACE LEASE_NAME LEASE_DURATION HTTP_HOST HTTP_PORT LOG_LEVEL
{{- end -}}
