{{/* Labels of one part: called with a list of the root and the part's name. */}}
{{- define "stack.selectorLabels" -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end -}}

{{- define "stack.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name ($root.Chart.Version | replace "+" "_") }}
{{ include "stack.selectorLabels" . }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/part-of: {{ $root.Chart.Name }}
{{- end -}}

{{- define "stack.loginSecret" -}}
{{- default "kestra-login" .Values.kestra.login.existingSecret -}}
{{- end -}}

{{/* Where pods run and what they are pulled with. */}}
{{- define "stack.placement" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The claim of a volume named data: called with {size, storageClass}. */}}
{{- define "stack.claim" -}}
- metadata:
    name: data
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .storageClass }}
    storageClassName: {{ . }}
    {{- end }}
    resources:
      requests:
        storage: {{ .size }}
{{- end -}}

{{/* Kestra's application.yaml: what the chart knows, over it what kestra.configuration says. Logins come from the environment. */}}
{{- define "stack.configuration" -}}
{{- $server := dict "basic-auth" (dict "username" "${LOGIN_USERNAME}" "password" "${LOGIN_PASSWORD}") -}}
{{- $kestra := dict "url" .Values.kestra.url "server" $server -}}
{{- $_ := set $kestra "storage" (dict "type" "local" "local" (dict "base-path" .Values.kestra.storage.path)) -}}
{{- $_ := set $kestra "tasks" (dict "tmp-dir" (dict "path" "/tmp/kestra-wd/tmp")) -}}
{{- $configuration := dict "kestra" $kestra -}}
{{- if .Values.database.enabled -}}
{{- $_ := set $kestra "repository" (dict "type" "postgres") -}}
{{- $_ := set $kestra "queue" (dict "type" "postgres") -}}
{{- $source := dict "url" "jdbc:postgresql://kestra-postgres:5432/kestra" "driver-class-name" "org.postgresql.Driver" -}}
{{- $source = merge $source (dict "username" "${DATABASE_USERNAME}" "password" "${DATABASE_PASSWORD}") -}}
{{- $_ := set $configuration "datasources" (dict "postgres" $source) -}}
{{- end -}}
{{- toYaml (mergeOverwrite $configuration (deepCopy .Values.kestra.configuration)) -}}
{{- end -}}

{{/* A Postgres: called with {root, name, database, values}, where values have username, password and storage. */}}
{{- define "stack.postgres" -}}
{{- $labels := list .root .name -}}
apiVersion: v1
kind: Secret
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "stack.labels" $labels | nindent 4 }}
stringData:
  username: {{ .values.username | quote }}
  password: {{ .values.password | quote }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "stack.labels" $labels | nindent 4 }}
spec:
  selector:
    {{- include "stack.selectorLabels" $labels | nindent 4 }}
  ports:
    - {name: postgres, port: 5432, targetPort: postgres}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "stack.labels" $labels | nindent 4 }}
spec:
  replicas: 1
  serviceName: {{ .name }}
  selector:
    matchLabels:
      {{- include "stack.selectorLabels" $labels | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "stack.labels" $labels | nindent 8 }}
    spec:
      {{- include "stack.placement" .root | nindent 6 }}
      securityContext:
        {{- toYaml .root.Values.postgres.podSecurityContext | nindent 8 }}
      containers:
        - name: postgres
          image: {{ .root.Values.postgres.image }}
          imagePullPolicy: {{ .root.Values.postgres.pullPolicy }}
          env:
            - name: POSTGRES_USER
              valueFrom: {secretKeyRef: {name: {{ .name }}, key: username}}
            - name: POSTGRES_PASSWORD
              valueFrom: {secretKeyRef: {name: {{ .name }}, key: password}}
            - {name: POSTGRES_DB, value: {{ .database | quote }}}
            # A folder below the volume, which may have a lost+found.
            - {name: PGDATA, value: /var/lib/postgresql/data/pgdata}
          ports:
            - {name: postgres, containerPort: 5432}
          # While the image initialises the database, it listens on a socket only.
          startupProbe:
            exec: {command: [pg_isready, -h, 127.0.0.1, -d, {{ .database | quote }}]}
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 60
          readinessProbe:
            exec: {command: [pg_isready, -h, 127.0.0.1, -d, {{ .database | quote }}]}
            periodSeconds: 5
            timeoutSeconds: 5
          resources:
            {{- toYaml .root.Values.postgres.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: {drop: [ALL]}
          volumeMounts:
            - {name: data, mountPath: /var/lib/postgresql/data}
      {{- if not .values.storage.enabled }}
      volumes:
        - {name: data, emptyDir: {}}
      {{- end }}
  {{- if .values.storage.enabled }}
  volumeClaimTemplates:
    {{- include "stack.claim" .values.storage | nindent 4 }}
  {{- end }}
{{- end -}}
