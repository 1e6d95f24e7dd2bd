{{/* A value as text. Helm reads numbers of files as floating ones, which it would print as 3.1536e+07. */}}
{{- define "gatewright.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) -}}
{{- printf "%.0f" . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{/* The flags of `gatewright run` by name, as JSON: what the values mean, and extraArgs over it. */}}
{{- define "gatewright.flags" -}}
{{- $controller := .Values.controller -}}
{{- $own := include "gatewright.namespace" . -}}
{{- $listen := ternary $controller.containerPort $controller.hostPort.ports (eq (include "gatewright.listenKey" .) "containerPort") -}}
{{- $flags := dict
  "proxy" .Values.proxy.kind
  "proxy-mode" .Values.proxy.mode
  "state-dir" "/var/lib/gatewright"
  "configmap" (printf "%s/%s" (default $own $controller.configMapNamespace) (include "gatewright.fullname" .))
  "controller-class" $controller.ingressClassResource.controllerValue
  "ingress-class" $controller.ingressClass
  "election-id" (include "gatewright.electionID" .)
  "health-check-path" $controller.healthCheckPath
  "http-port" (include "gatewright.text" $listen.http)
  "https-port" (include "gatewright.text" $listen.https)
  "healthz-port" (include "gatewright.text" $controller.metrics.port)
-}}
{{- $switches := dict
  "ingress-class-by-name" $controller.ingressClassByName
  "watch-ingress-without-class" $controller.watchIngressWithoutClass
  "disable-leader-election" $controller.disableLeaderElection
  "report-node-internal-ip-address" $controller.reportNodeInternalIp
  "enable-topology-aware-routing" $controller.enableTopologyAwareRouting
  "enable-metrics" $controller.metrics.enabled
-}}
{{- range $name, $on := $switches }}{{ if $on }}{{ $_ := set $flags $name "true" }}{{ end }}{{ end -}}
{{- range $name, $value := dict "election-ttl" $controller.electionTTL "healthz-host" $controller.healthCheckHost }}{{ if $value }}{{ $_ := set $flags $name $value }}{{ end }}{{ end -}}
{{- range $protocol := list "tcp" "udp" -}}
{{- if index $.Values $protocol }}{{ $_ := set $flags (printf "%s-services-configmap" $protocol) (printf "%s/%s-%s" (default $own (index $controller $protocol).configMapNamespace) (include "gatewright.fullname" $) $protocol) }}{{ end -}}
{{- end -}}
{{- if .Values.defaultBackend.enabled }}{{ $_ := set $flags "default-backend-service" (printf "%s/%s" $own (include "gatewright.defaultBackend" .)) }}{{ end -}}
{{- if $controller.secretVolumes }}{{ $_ := set $flags "secrets-from" "/var/run/secrets/gatewright" }}{{ end -}}
{{- $_ := include "gatewright.scopeFlags" (list . $flags) -}}
{{- range $name, $value := $controller.extraArgs -}}
{{- $_ := set $flags $name (replace "$(POD_NAMESPACE)" $own (include "gatewright.text" $value)) -}}
{{- end -}}
{{- range $name := list "configmap" "tcp-services-configmap" "udp-services-configmap" "publish-service" "default-ssl-certificate" "default-backend-service" -}}
{{- if not (regexMatch "^([a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-.a-z0-9]*[a-z0-9])?)?$" (get $flags $name)) }}{{ fail (printf "--%s: %q has to be namespace/name" $name (get $flags $name)) }}{{ end -}}
{{- end -}}
{{- toJson $flags -}}
{{- end -}}

{{/* Adds where Ingresses are and whose addresses they get, where extraArgs says nothing else: these flags exclude each other. */}}
{{- define "gatewright.scopeFlags" -}}
{{- $flags := index . 1 -}}
{{- with index . 0 -}}
{{- $given := default (dict) .Values.controller.extraArgs -}}
{{- $scope := .Values.controller.scope -}}
{{- if not (or (hasKey $given "watch-namespace") (hasKey $given "watch-namespace-selector")) -}}
{{- if and $scope.enabled $scope.namespaces -}}
{{- $_ := set $flags "watch-namespace-selector" (printf "kubernetes.io/metadata.name in (%s)" (join "," (sortAlpha $scope.namespaces | uniq))) -}}
{{- else if $scope.enabled -}}
{{- $_ := set $flags "watch-namespace" (default (include "gatewright.namespace" .) $scope.namespace) -}}
{{- else if $scope.namespaceSelector -}}
{{- $_ := set $flags "watch-namespace-selector" $scope.namespaceSelector -}}
{{- end -}}
{{- end -}}
{{- $service := include "gatewright.publishService" . -}}
{{- if and $service (not (hasKey $given "publish-status-address")) }}{{ $_ := set $flags "publish-service" $service }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* The namespaces that Ingresses may be in, as a JSON list; empty: all. */}}
{{- define "gatewright.watchedNamespaces" -}}
{{- $flags := index . 1 -}}
{{- with index . 0 -}}
{{- $given := default (dict) .Values.controller.extraArgs -}}
{{- $scope := .Values.controller.scope -}}
{{- $bySelector := and $scope.enabled $scope.namespaces (not (hasKey $given "watch-namespace")) (not (hasKey $given "watch-namespace-selector")) -}}
{{- toJson (ternary (sortAlpha $scope.namespaces | uniq) (compact (list (get $flags "watch-namespace"))) (not (empty $bySelector))) -}}
{{- end -}}
{{- end -}}

{{/* The kinds of the values of flags by name, as JSON; that of a flag without effect is empty. */}}
{{- define "gatewright.flagKinds" -}}
{{- $kinds := dict -}}
{{- range compact (.Files.Lines "files/flags.txt") }}{{ $words := splitList " " . }}{{ $_ := set $kinds (first $words) (join " " (rest $words)) }}{{ end -}}
{{- toJson $kinds -}}
{{- end -}}

{{/* Flags as they are given to the program: root, flags. An empty value of a switch is a bare flag. */}}
{{- define "gatewright.args" -}}
{{- $kinds := include "gatewright.flagKinds" (index . 0) | fromJson -}}
{{- range $name, $value := index . 1 }}
- {{ ternary (printf "--%s" $name) (printf "--%s=%s" $name $value) (and (eq $value "") (eq (get $kinds $name) "BOOL")) | quote }}
{{- end }}
{{- end -}}

{{/* Whether a switch is on, given the flags, its name and its default; as the program reads it. */}}
{{- define "gatewright.isOn" -}}
{{- $flags := index . 0 -}}
{{- $value := ternary (get $flags (index . 1) | default "true") (toString (index . 2)) (hasKey $flags (index . 1)) -}}
{{- if not (has (lower $value) (list "n" "no" "f" "false" "off" "0")) }}true{{ end -}}
{{- end -}}
