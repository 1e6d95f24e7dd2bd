{{- define "gatewright.hasExternalService" -}}
{{- if and .Values.controller.service.enabled .Values.controller.service.external.enabled }}true{{ end -}}
{{- end -}}

{{/* As in the chart of ingress-nginx, an internal Service without annotations is none. */}}
{{- define "gatewright.hasInternalService" -}}
{{- with .Values.controller.service }}{{ if and .enabled .internal.enabled .internal.annotations }}true{{ end }}{{ end -}}
{{- end -}}

{{/* Fields of a Service that stand in the values as in the Service. */}}
{{- define "gatewright.serviceFields" -}}
{{- $fields := dict -}}
{{- range $key := list "type" "clusterIP" "clusterIPs" "loadBalancerIP" "loadBalancerClass" "externalTrafficPolicy" "sessionAffinity" "sessionAffinityConfig" "ipFamilyPolicy" "externalIPs" "loadBalancerSourceRanges" "ipFamilies" "healthCheckNodePort" "trafficDistribution" -}}
{{- with get $ $key }}{{ $_ := set $fields $key . }}{{ end -}}
{{- end -}}
{{- if kindIs "bool" (get . "allocateLoadBalancerNodePorts") -}}
{{- if eq (get . "type") "LoadBalancer" }}{{ $_ := set $fields "allocateLoadBalancerNodePorts" .allocateLoadBalancerNodePorts }}{{ end -}}
{{- end -}}
{{- toYaml $fields -}}
{{- end -}}

{{/* Refuses what the Services that there are cannot have. */}}
{{- define "gatewright.checkServices" -}}
{{- $service := .Values.controller.service -}}
{{- $metrics := .Values.controller.metrics -}}
{{- if include "gatewright.hasExternalService" . }}{{ include "gatewright.checkService" (list "controller.service" $service) }}{{ end -}}
{{- if include "gatewright.hasInternalService" . }}{{ include "gatewright.checkService" (list "controller.service.internal" (merge (dict "type" (default $service.type $service.internal.type)) $service.internal)) }}{{ end -}}
{{- if and $metrics.enabled $metrics.service.enabled }}{{ include "gatewright.checkService" (list "controller.metrics.service" $metrics.service) }}{{ end -}}
{{- if .Values.defaultBackend.enabled }}{{ include "gatewright.checkService" (list "defaultBackend.service" .Values.defaultBackend.service) }}{{ end -}}
{{- end -}}

{{/* The same of one: name of the values, and the values. */}}
{{- define "gatewright.checkService" -}}
{{- $name := index . 0 -}}
{{- with index . 1 -}}
{{- $type := .type -}}
{{- range $key := list "loadBalancerClass" "loadBalancerSourceRanges" -}}
{{- if and (get (index $ 1) $key) (ne $type "LoadBalancer") }}{{ fail (printf "%s.%s needs type LoadBalancer; it is %s" $name $key $type) }}{{ end -}}
{{- end -}}
{{- if and .externalTrafficPolicy (eq $type "ClusterIP") (not .externalIPs) }}{{ fail (printf "%s.externalTrafficPolicy needs type LoadBalancer or NodePort, or externalIPs; it is ClusterIP" $name) }}{{ end -}}
{{- if and .healthCheckNodePort (not (and (eq $type "LoadBalancer") (eq (default "" .externalTrafficPolicy) "Local"))) }}{{ fail (printf "%s.healthCheckNodePort needs type LoadBalancer and externalTrafficPolicy Local" $name) }}{{ end -}}
{{- if and .sessionAffinityConfig (ne (default "" .sessionAffinity) "ClientIP") }}{{ fail (printf "%s.sessionAffinityConfig needs sessionAffinity ClientIP" $name) }}{{ end -}}
{{- if and (gt (len (default list .ipFamilies)) 1) (eq (default "SingleStack" .ipFamilyPolicy) "SingleStack") }}{{ fail (printf "%s.ipFamilies names two; use ipFamilyPolicy PreferDualStack or RequireDualStack, or one of them" $name) }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* A Service for visitors: root, service (its values), name, labels. */}}
{{- define "gatewright.service" -}}
{{- $root := .root -}}
{{- $service := .service -}}
{{- $both := $root.Values.controller.service -}}
{{- $nodePorts := ternary dict $service.nodePorts (eq $service.type "ClusterIP") -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name | toYaml }}
  namespace: {{ include "gatewright.namespace" $root | toYaml }}
  labels:
    {{- include "gatewright.labelsWith" (list $root .labels) | nindent 4 }}
  {{- with $service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "gatewright.serviceFields" $service | nindent 2 }}
  ports:
    {{- range $name, $on := dict "http" $both.enableHttp "https" $both.enableHttps }}
    {{- if $on }}
    - name: {{ $name | toYaml }}
      port: {{ get $service.ports $name }}
      targetPort: {{ get $service.targetPorts $name }}
      protocol: TCP
      {{- if $service.appProtocol }}
      appProtocol: {{ $name }}
      {{- end }}
      {{- with get $nodePorts $name }}
      nodePort: {{ . }}
      {{- end }}
    {{- end }}
    {{- end }}
    {{- range $protocol := include "gatewright.protocols" $root | fromJsonArray }}
    {{- range $port, $_ := index $root.Values $protocol }}
    - name: {{ include "gatewright.portName" (list $root $port $protocol) | toYaml }}
      port: {{ $port }}
      targetPort: {{ include "gatewright.portName" (list $root $port $protocol) | toYaml }}
      protocol: {{ upper $protocol }}
      {{- with get (get $nodePorts $protocol | default dict) $port }}
      nodePort: {{ . }}
      {{- end }}
    {{- end }}
    {{- end }}
  selector:
    {{- include "gatewright.selectorLabels" $root | nindent 4 }}
{{- end -}}

{{/* Name of the port of a TCP or UDP service: root, port, protocol. */}}
{{- define "gatewright.portName" -}}
{{- with (index . 0).Values.portNamePrefix }}{{ . }}-{{ end }}{{ index . 1 }}-{{ index . 2 -}}
{{- end -}}
