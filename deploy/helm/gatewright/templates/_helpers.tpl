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

{{- define "gatewright.watchedNamespace" -}}
{{- default (include "gatewright.namespace" .) .Values.controller.scope.namespace -}}
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

{{- define "gatewright.args" -}}
- run
- --proxy={{ .Values.proxy.kind }}
- --proxy-mode={{ .Values.proxy.mode }}
- --state-dir=/var/lib/gatewright
- --configmap={{ include "gatewright.namespace" . }}/{{ include "gatewright.fullname" . }}
- --controller-class={{ .Values.controller.ingressClassResource.controllerValue }}
- --ingress-class={{ .Values.controller.ingressClass }}
{{- if .Values.controller.ingressClassByName }}
- --ingress-class-by-name
{{- end }}
{{- if .Values.controller.watchIngressWithoutClass }}
- --watch-ingress-without-class
{{- end }}
{{- range $protocol := list "tcp" "udp" }}
{{- if index $.Values $protocol }}
- --{{ $protocol }}-services-configmap={{ include "gatewright.namespace" $ }}/{{ include "gatewright.fullname" $ }}-{{ $protocol }}
{{- end }}
{{- end }}
{{- with include "gatewright.publishService" . }}
- --publish-service={{ . }}
{{- end }}
{{- if .Values.controller.disableLeaderElection }}
- --disable-leader-election
{{- else }}
- --election-id={{ include "gatewright.electionID" . }}
{{- end }}
{{- if .Values.controller.scope.enabled }}
{{- if .Values.controller.scope.namespaceSelector }}
- --watch-namespace-selector={{ .Values.controller.scope.namespaceSelector }}
{{- else }}
- --watch-namespace={{ include "gatewright.watchedNamespace" . }}
{{- end }}
{{- end }}
{{- if .Values.controller.reportNodeInternalIp }}
- --report-node-internal-ip-address
{{- end }}
{{- if .Values.controller.enableTopologyAwareRouting }}
- --enable-topology-aware-routing
{{- end }}
- --health-check-path={{ .Values.controller.healthCheckPath }}
- --http-port={{ .Values.controller.containerPort.http }}
- --https-port={{ .Values.controller.containerPort.https }}
- --healthz-port={{ .Values.controller.metrics.port }}
{{- if .Values.controller.metrics.enabled }}
- --enable-metrics
{{- end }}
{{- range $key, $value := .Values.controller.extraArgs }}
{{- if eq (toString $value) "" }}
- --{{ $key }}
{{- else }}
- {{ printf "--%s=%s" $key (toString $value) | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Flags of extraArgs that change what is permitted; the same as `gatewright rbac` makes of them. Empty is false. */}}
{{- define "gatewright.writesStatus" -}}
{{- if ne (toString (index .Values.controller.extraArgs "update-status")) "false" }}true{{ end -}}
{{- end -}}
{{- define "gatewright.writesEvents" -}}
{{- $flag := index .Values.controller.extraArgs "disable-sync-events" -}}
{{- if or (not (hasKey .Values.controller.extraArgs "disable-sync-events")) (eq (toString $flag) "false") }}true{{ end -}}
{{- end -}}
{{- define "gatewright.readsNodes" -}}
{{- $zone := and .Values.controller.enableTopologyAwareRouting (not (index .Values.controller.extraArgs "topology-zone")) -}}
{{- if or $zone (and (include "gatewright.writesStatus" .) (not (include "gatewright.publishService" .)) (not (index .Values.controller.extraArgs "publish-status-address"))) }}true{{ end -}}
{{- end -}}

{{/* What is asked for wherever Ingresses are; the same as `gatewright rbac` prints. */}}
{{- define "gatewright.watchedRules" -}}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [{{ if include "gatewright.writesStatus" . }}get, {{ end }}list, watch]
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [list, watch]
- apiGroups: [gatewright.dev]
  resources: [gatewrightparameters]
  verbs: [list, watch]
{{- if .Values.rbac.secrets }}
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, watch]
{{- end }}
{{- if include "gatewright.writesStatus" . }}
- apiGroups: [networking.k8s.io]
  resources: [ingresses/status]
  verbs: [update]
{{- end }}
{{- if include "gatewright.writesEvents" . }}
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end }}
{{- end -}}

{{- define "gatewright.watchedNamespaceRule" -}}
- apiGroups: [""]
  resources: [namespaces]
  resourceNames: [{{ include "gatewright.watchedNamespace" . }}]
  verbs: [get]
{{- end -}}

{{- define "gatewright.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}
