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
