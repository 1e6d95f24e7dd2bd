{{/* PodDisruptionBudget and HorizontalPodAutoscaler: root, name, section, values, isDeployment, selector, labels. */}}
{{- define "gatewright.scaling" -}}
{{- $values := .values -}}
{{- $autoscaling := $values.autoscaling -}}
{{- $least := ternary $autoscaling.minReplicas $values.replicaCount (not (empty $autoscaling.enabled)) -}}
{{- if dig "keda" "enabled" false $values }}{{ $least = $values.keda.minReplicas }}{{ end -}}
{{- if and .isDeployment (gt (int $least) 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name | toYaml }}
  namespace: {{ include "gatewright.namespace" .root | toYaml }}
  labels:
    {{- .labels | nindent 4 }}
spec:
  {{- $which := ternary "minAvailable" "maxUnavailable" (has $values.maxUnavailable (list nil "")) }}
  {{- $pods := get $values $which }}
  {{- if has $pods (list nil "") }}{{ fail (printf "%s.minAvailable and .maxUnavailable are both empty; one of them has to say how many Pods stay" .section) }}{{ end }}
  {{ $which }}: {{ include "gatewright.text" $pods }}
  {{- with $values.unhealthyPodEvictionPolicy }}
  unhealthyPodEvictionPolicy: {{ . }}
  {{- end }}
  selector:
    matchLabels:
      {{- .selector | nindent 6 }}
{{- end }}
{{- if and .isDeployment $autoscaling.enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .name | toYaml }}
  namespace: {{ include "gatewright.namespace" .root | toYaml }}
  labels:
    {{- .labels | nindent 4 }}
  {{- with $autoscaling.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .name | toYaml }}
  minReplicas: {{ int64 $autoscaling.minReplicas }}
  maxReplicas: {{ int64 $autoscaling.maxReplicas }}
  {{- with $autoscaling.behavior }}
  behavior:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  metrics:
    {{- range $resource, $percent := dict "cpu" $autoscaling.targetCPUUtilizationPercentage "memory" $autoscaling.targetMemoryUtilizationPercentage }}
    {{- with $percent }}
    - type: Resource
      resource:
        name: {{ $resource }}
        target:
          type: Utilization
          averageUtilization: {{ . }}
    {{- end }}
    {{- end }}
    {{- with $values.autoscalingTemplate }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
{{- end -}}
