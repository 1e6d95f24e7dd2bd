{{/* Which values say the ports that the proxy listens on: on the network of the host, a port of the host is none that leads to
     another one. */}}
{{- define "gatewright.listenKey" -}}
{{- with .Values.controller }}{{ if and .hostNetwork .hostPort.enabled }}hostPort.ports{{ else }}containerPort{{ end }}{{ end -}}
{{- end -}}

{{/* What the proxy can hand on beside HTTP, as a JSON list: HAProxy forwards no datagrams, and none of its ports are opened. */}}
{{- define "gatewright.protocols" -}}
{{- ternary (list "tcp") (list "tcp" "udp") (eq .Values.proxy.kind "haproxy") | toJson -}}
{{- end -}}

{{/* The least port that is listened on in the Pod. */}}
{{- define "gatewright.leastPort" -}}
{{- $least := 65535 -}}
{{- range $port, $_ := include "gatewright.ownPorts" . | fromJson }}{{ $least = min $least (int $port) }}{{ end -}}
{{- range $protocol := include "gatewright.protocols" $ | fromJsonArray }}{{ range $port, $_ := index $.Values $protocol }}{{ $least = min $least (int $port) }}{{ end }}{{ end -}}
{{- $least -}}
{{- end -}}

{{/* The ports of the controller and the proxy and the values that say them, as JSON. Each is one of its own, as `run` wants it. */}}
{{- define "gatewright.ownPorts" -}}
{{- $flags := include "gatewright.flags" . | fromJson -}}
{{- $given := default (dict) .Values.controller.extraArgs -}}
{{- $listen := include "gatewright.listenKey" . -}}
{{- $names := list
  (list "http-port" "" (printf "controller.%s.http" $listen))
  (list "https-port" "" (printf "controller.%s.https" $listen))
  (list "healthz-port" "" "controller.metrics.port")
  (list "status-port" "10246" "the status port of the proxy")
-}}
{{- if include "gatewright.isOn" (list $flags "enable-ssl-passthrough" false) -}}
{{- $names = append $names (list "ssl-passthrough-proxy-port" "442" "the port of --enable-ssl-passthrough") -}}
{{- end -}}
{{- $ports := dict -}}
{{- range $names -}}
{{- $flag := index . 0 -}}
{{- $port := get $flags $flag | default (index . 1) -}}
{{- $name := ternary (printf "controller.extraArgs.%s" $flag) (index . 2) (hasKey $given $flag) -}}
{{- with get $ports $port }}{{ fail (printf "%s and %s are both %s; each needs a port of its own" . $name $port) }}{{ end -}}
{{- $_ := set $ports $port $name -}}
{{- end -}}
{{- toJson $ports -}}
{{- end -}}

{{/* Refuses ports that are none, and those of which two are the same. */}}
{{- define "gatewright.checkPorts" -}}
{{- $controller := .Values.controller -}}
{{- $flags := include "gatewright.flags" . | fromJson -}}
{{- range $flag, $value := $flags -}}
{{- if and (hasSuffix "-port" $flag) (not (regexMatch "^(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})$" $value)) -}}
{{- fail (printf "controller.extraArgs.%s: %q is not a port; a number from 1 to 65535 is" $flag $value) -}}
{{- end -}}
{{- end -}}
{{- if eq (include "gatewright.listenKey" .) "hostPort.ports" -}}
{{- range $name := list "http" "https" -}}
{{- $port := include "gatewright.text" (get $controller.hostPort.ports $name) -}}
{{- if ne $port (get $flags (printf "%s-port" $name)) -}}
{{- fail (printf "controller.extraArgs.%s-port is %s and controller.hostPort.ports.%s %s; with controller.hostNetwork they are the same port" $name (get $flags (printf "%s-port" $name)) $name $port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $doors := merge (dict) (include "gatewright.serviceDoors" . | fromJson) -}}
{{- with $controller.hostPort -}}
{{- $host := dict -}}
{{- if .enabled }}{{ range $name, $port := .ports }}{{ include "gatewright.claim" (list $host (include "gatewright.text" $port) (printf "controller.hostPort.ports.%s" $name) "port of the host needs a number") }}{{ end }}{{ end -}}
{{- $doors = merge $host $doors -}}
{{- end -}}
{{- $taken := include "gatewright.bound" . | fromJson -}}
{{- range $protocol := list "tcp" "udp" -}}
{{- $mine := ternary (merge (dict) $taken $doors) $taken (eq $protocol "tcp") -}}
{{- range $port, $_ := index $.Values $protocol -}}
{{- with get $mine $port }}{{ fail (printf "%s.%s: this port is that of %s; use another one" $protocol $port .) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The ports that the controller and the proxy bind in any case and who says them, as JSON. */}}
{{- define "gatewright.bound" -}}
{{- $ports := include "gatewright.ownPorts" . | fromJson -}}
{{- range list "442" "8181" "10245" "10247" }}{{ $_ := set $ports . (get $ports . | default "a port of the controller") }}{{ end -}}
{{- toJson $ports -}}
{{- end -}}

{{/* All ports that are bound, as PORT/PROTOCOL, and who says them, as JSON. */}}
{{- define "gatewright.takenPorts" -}}
{{- $taken := dict -}}
{{- range $port, $who := include "gatewright.bound" . | fromJson }}{{ $_ := set $taken (printf "%s/tcp" $port) $who }}{{ end -}}
{{- range $protocol := include "gatewright.protocols" . | fromJsonArray -}}
{{- range $port, $_ := index $.Values $protocol }}{{ $_ := set $taken (printf "%s/%s" $port $protocol) (printf "%s.%s" $protocol $port) }}{{ end -}}
{{- end -}}
{{- toJson $taken -}}
{{- end -}}

{{/* The ports for HTTP of the Services that there are and who says them, as JSON. Those of one Service are different ones. */}}
{{- define "gatewright.serviceDoors" -}}
{{- $doors := dict -}}
{{- $service := .Values.controller.service -}}
{{- $internal := default (dict) $service.internal.ports -}}
{{- range $there := compact (list (ternary "service" "" (not (empty (include "gatewright.hasExternalService" .)))) (ternary "service.internal" "" (not (empty (include "gatewright.hasInternalService" .))))) -}}
{{- $own := dict -}}
{{- range $name, $on := dict "http" $service.enableHttp "https" $service.enableHttps -}}
{{- $isInternal := and (eq $there "service.internal") (hasKey $internal $name) -}}
{{- $port := include "gatewright.text" (get (ternary $internal $service.ports $isInternal) $name) -}}
{{- $who := printf "controller.%s.ports.%s" (ternary "service.internal" "service" $isInternal) $name -}}
{{- if $on }}{{ include "gatewright.claim" (list $own $port $who "port of a Service needs a number") }}{{ end -}}
{{- end -}}
{{- $doors = merge $doors $own -}}
{{- end -}}
{{- toJson $doors -}}
{{- end -}}
