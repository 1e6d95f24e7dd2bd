{{/* Refuses names of which two are the same, where the API server would refuse the Pod, or a Service would lead elsewhere. */}}
{{- define "gatewright.checkNames" -}}
{{- include "gatewright.checkContainers" . -}}
{{- include "gatewright.checkVolumes" . -}}
{{- $names := include "gatewright.portNames" . | fromJson -}}
{{- include "gatewright.checkTargets" (list "controller.service.targetPorts" (ternary .Values.controller.service.targetPorts dict (not (empty (include "gatewright.hasExternalService" .)))) $names) -}}
{{- include "gatewright.checkTargets" (list "controller.service.internal.targetPorts" (ternary (default (dict) .Values.controller.service.internal.targetPorts) dict (not (empty (include "gatewright.hasInternalService" .)))) $names) -}}
{{- end -}}

{{/* Takes a name for whoever says it, and refuses one that is taken: names by who has them, name, who, and what needs it. */}}
{{- define "gatewright.claim" -}}
{{- $name := toString (index . 1) -}}
{{- with get (index . 0) $name }}{{ fail (printf "%s and %s are both %q; each %s of its own" . (index $ 2) $name (index $ 3)) }}{{ end -}}
{{- $_ := set (index . 0) $name (index . 2) -}}
{{- end -}}

{{- define "gatewright.checkContainers" -}}
{{- $controller := .Values.controller -}}
{{- $names := dict "install" "the name of the chart's init container" "proxy" "the name of the proxy's container" -}}
{{- include "gatewright.claim" (list $names $controller.containerName "controller.containerName" "container needs a name") -}}
{{- range $key := list "extraInitContainers" "extraContainers" -}}
{{- range $at, $container := get $controller $key | default list -}}
{{- include "gatewright.claim" (list $names .name (printf "controller.%s[%d].name" $key $at) "container needs a name") -}}
{{- end -}}
{{- end -}}
{{- $variables := dict "POD_NAME" "a variable of the chart" "POD_NAMESPACE" "a variable of the chart" -}}
{{- range $at, $_ := $controller.extraEnvs }}{{ include "gatewright.claim" (list $variables .name (printf "controller.extraEnvs[%d].name" $at) "variable needs a name") }}{{ end -}}
{{- end -}}

{{- define "gatewright.checkVolumes" -}}
{{- $controller := .Values.controller -}}
{{- $names := dict -}}
{{- range list "program" "state" "run" "tmp" "token" }}{{ $_ := set $names . "a volume of the chart" }}{{ end -}}
{{- $paths := dict -}}
{{- range list "/var/lib/gatewright" "/var/lib/gatewright/run" "/var/run/secrets/kubernetes.io/serviceaccount" }}{{ $_ := set $paths . "the path of a volume of the chart" }}{{ end -}}
{{- range $at, $_ := $controller.secretVolumes }}{{ $_ := set $names (printf "secret-%d" $at) (printf "the volume of controller.secretVolumes[%d]" $at) }}{{ end -}}
{{- range $at, $_ := $controller.extraVolumes }}{{ include "gatewright.claim" (list $names .name (printf "controller.extraVolumes[%d].name" $at) "volume needs a name") }}{{ end -}}
{{- range $at, $_ := $controller.extraVolumeMounts }}{{ include "gatewright.claim" (list $paths (trimSuffix "/" .mountPath) (printf "controller.extraVolumeMounts[%d].mountPath" $at) "volume needs a path") }}{{ end -}}
{{- end -}}

{{/* The names of the Pod's ports and who says them, as JSON. Several further containers may have one in common, which no Service of
     the chart leads to; each of theirs is another one than those of the chart. */}}
{{- define "gatewright.portNames" -}}
{{- $controller := .Values.controller -}}
{{- $own := dict "http" "the proxy's port for HTTP" "https" "the proxy's port for HTTPS" -}}
{{- include "gatewright.claim" (list $own $controller.metrics.portName "controller.metrics.portName" "port needs a name") -}}
{{- range $protocol := include "gatewright.protocols" . | fromJsonArray -}}
{{- range $port, $_ := index $.Values $protocol }}{{ include "gatewright.claim" (list $own (include "gatewright.portName" (list $ $port $protocol)) (printf "the name of %s.%s" $protocol $port) "port needs a name") }}{{ end -}}
{{- end -}}
{{- $taken := include "gatewright.takenPorts" . | fromJson -}}
{{- $all := merge (dict) $own -}}
{{- range $key := list "extraInitContainers" "extraContainers" -}}
{{- range $at, $container := get $controller $key | default list -}}
{{- $names := merge (dict) $own -}}
{{- range $number, $_ := .ports -}}
{{- $who := printf "controller.%s[%d].ports[%d]" $key $at $number -}}
{{- with .name }}{{ include "gatewright.claim" (list $names . (printf "%s.name" $who) "port needs a name") }}{{ end -}}
{{- with get $taken (printf "%s/%s" (include "gatewright.text" .containerPort) (.protocol | default "TCP" | lower)) }}{{ fail (printf "%s.containerPort: this port is that of %s; use another one" $who .) }}{{ end -}}
{{- end -}}
{{- $all = merge $all $names -}}
{{- end -}}
{{- end -}}
{{- toJson $all -}}
{{- end -}}

{{/* Refuses ports that a Service leads to and the Pod does not have: name of the value, ports, names of those of the Pod. */}}
{{- define "gatewright.checkTargets" -}}
{{- $names := index . 2 -}}
{{- range $port, $target := index . 1 -}}
{{- if and (kindIs "string" $target) (not (regexMatch "^[0-9]+$" $target)) (not (hasKey $names $target)) -}}
{{- fail (printf "%s.%s: the Pod has no port named %q; it has %s" (index $ 0) $port $target (keys $names | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
