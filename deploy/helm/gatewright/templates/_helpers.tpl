{{- define "gatewright.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "gatewright.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "gatewright.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "gatewright.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "gatewright.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "gatewright.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "gatewright.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gatewright.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "gatewright.labels" -}}
{{ include "gatewright.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "gatewright.electionID" -}}
{{- default (printf "%s-leader" (include "gatewright.fullname" .)) .Values.controller.electionID -}}
{{- end -}}

{{- define "gatewright.image" -}}
{{- $image := .Values.controller.image -}}
{{- $name := $image.image -}}
{{- if $image.registry }}{{ $name = printf "%s/%s" $image.registry $image.image }}{{ end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "gatewright.proxyImage" -}}
{{- $image := .Values.proxy.image -}}
{{- $name := default .Values.proxy.kind $image.repository -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default (ternary "1.28" "3.2" (eq .Values.proxy.kind "nginx")) $image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "gatewright.publishService" -}}
{{- if and .Values.controller.publishService.enabled (or .Values.controller.publishService.pathOverride .Values.controller.service.enabled) -}}
{{- default (printf "%s/%s" (include "gatewright.namespace" .) (include "gatewright.fullname" .)) .Values.controller.publishService.pathOverride -}}
{{- end -}}
{{- end -}}

{{- define "gatewright.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}
