{{- define "gatewright.defaultBackend" -}}
{{- include "gatewright.suffixed" (list (include "gatewright.fullname" .) .Values.defaultBackend.name) -}}
{{- end -}}

{{/* Another name than that of the controller, whose selectors shall not find these Pods. */}}
{{- define "gatewright.defaultBackendSelector" -}}
app.kubernetes.io/name: {{ include "gatewright.suffixed" (list (include "gatewright.name" .) "default-backend") | toYaml }}
app.kubernetes.io/instance: {{ .Release.Name | toYaml }}
{{- end -}}

{{- define "gatewright.defaultBackendLabels" -}}
{{- $own := merge (include "gatewright.defaultBackendSelector" . | fromYaml) (default (dict) .Values.defaultBackend.labels) -}}
{{- merge $own (include "gatewright.labels" . | fromYaml) | toYaml -}}
{{- end -}}

{{- define "gatewright.defaultBackendImage" -}}
{{- $image := .Values.defaultBackend.image -}}
{{- $name := printf "%s/%s" (default "registry.k8s.io" (default (dig "image" "registry" "" (default (dict) .Values.global)) $image.registry)) $image.image -}}
{{- with $image.repository }}{{ $name = . }}{{ end -}}
{{- if $image.digest }}{{ printf "%s@%s" $name $image.digest }}{{ else }}{{ printf "%s:%s" $name $image.tag }}{{ end -}}
{{- end -}}
