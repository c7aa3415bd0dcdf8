{{/* The name of what is installed, at most 63 characters with what is put behind it. */}}
{{- define "kestraflow.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 46 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 46 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 46 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What is outside of a namespace has the release's namespace in its name: two releases of one name can be in a cluster. */}}
{{- define "kestraflow.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "kestraflow.fullname" .) -}}
{{- end -}}

{{- define "kestraflow.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "kestraflow.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{ include "kestraflow.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: kestraflow
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The pod of helm test. Not the operator's labels: the Service must not take it for one. */}}
{{- define "kestraflow.testLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "kestraflow.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "kestraflow.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: is needed, as serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "kestraflow.loginSecret" -}}
{{- default (printf "%s-login" (include "kestraflow.fullname" .)) .Values.kestra.existingSecret -}}
{{- end -}}

{{- define "kestraflow.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What serving a namespace needs, and no more: tested against what the operator asks the API server for. */}}
{{- define "kestraflow.servingRules" -}}
- apiGroups: [kestraflow.dev]
  resources: [kestraflows, kestrakvs]
  verbs: [get, list, watch, patch]
- apiGroups: [kestraflow.dev]
  resources: [backfills]
  verbs: [list, watch, patch, delete]
- apiGroups: [kestraflow.dev]
  resources: [kestraflows/status, kestrakvs/status, backfills/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [secrets]
  {{- with .Values.rbac.secretNames }}
  resourceNames: {{ toJson . }}
  {{- end }}
  verbs: {{ ternary "[get, list, watch]" "[get]" .Values.rbac.watchSecrets }}
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end -}}

{{/* What the values must fulfil together; what each must fulfil alone is in values.schema.json. */}}
{{- define "kestraflow.check" -}}
{{- with .Values -}}
{{- if not .kestra.url }}{{ fail "kestra.url: is needed, the address at which the operator reaches Kestra" }}{{ end -}}
{{- if and .kestra.existingSecret (or .kestra.username .kestra.password) -}}
{{- fail "kestra.existingSecret: cannot be given together with kestra.username or kestra.password" -}}
{{- end -}}
{{- if and (not .kestra.existingSecret) (not (and .kestra.username .kestra.password)) -}}
{{- fail "kestra: give existingSecret, or both username and password" -}}
{{- end -}}
{{- if and .kestra.ca.configMap .kestra.ca.secret -}}
{{- fail "kestra.ca: give configMap or secret, not both" -}}
{{- end -}}
{{- if and (not .leaderElection.enabled) (gt (int .replicas) 1) -}}
{{- fail "replicas: must be 1 without leaderElection.enabled, as only one operator may write" -}}
{{- end -}}
{{- end -}}
{{- $settings := splitList " " (include "kestraflow.settings" .) -}}
{{- range .Values.extraEnv -}}
{{- if has .name $settings }}{{ fail (printf "extraEnv: %s is a setting of the operator, which values give it: see values.yaml" .name) }}{{ end -}}
{{- end -}}
{{- end -}}
