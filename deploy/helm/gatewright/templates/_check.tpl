{{/* Refuses values that are good ones by themselves, and cannot be good together. */}}
{{- define "gatewright.check" -}}
{{- $controller := .Values.controller -}}
{{- $given := default (dict) $controller.extraArgs -}}
{{- if and (eq .Values.proxy.mode "supervise") (eq (int64 .Values.proxy.runAsUser) (int64 $controller.image.runAsUser)) -}}
{{- fail (printf "proxy.runAsUser and controller.image.runAsUser are both %d; the proxy must not be able to signal or read the controller" (int64 .Values.proxy.runAsUser)) -}}
{{- end -}}
{{- if and $controller.autoscaling.enabled $controller.keda.enabled -}}
{{- fail "controller.autoscaling.enabled and controller.keda.enabled cannot both be set: each would undo what the other does" -}}
{{- end -}}
{{- range $section, $scaling := dict "controller.autoscaling" $controller.autoscaling "controller.keda" $controller.keda "defaultBackend.autoscaling" .Values.defaultBackend.autoscaling -}}
{{- if and $scaling.enabled (gt (int64 $scaling.minReplicas) (int64 $scaling.maxReplicas)) -}}
{{- fail (printf "%s.minReplicas is %d and .maxReplicas %d; the least cannot be more than the most" $section (int64 $scaling.minReplicas) (int64 $scaling.maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- range $flag, $value := dict "proxy" "proxy.kind" "proxy-mode" "proxy.mode" -}}
{{- if hasKey $given $flag }}{{ fail (printf "controller.extraArgs.%s: the container of the proxy has to know it too; use %s" $flag $value) }}{{ end -}}
{{- end -}}
{{- range list "state-dir" "manifests" -}}
{{- if hasKey $given . }}{{ fail (printf "controller.extraArgs.%s: it cannot be changed in a Pod" .) }}{{ end -}}
{{- end -}}
{{- with $controller.admissionWebhooks -}}
{{- if and .secretName .certManager.enabled }}{{ fail "controller.admissionWebhooks.secretName and .certManager.enabled cannot both be set: the first names a certificate that is there already" }}{{ end -}}
{{- if and .secretName (not .caBundle) }}{{ fail "controller.admissionWebhooks.secretName needs .caBundle: the API server has to know the authority" }}{{ end -}}
{{- end -}}
{{- $flags := include "gatewright.flags" . | fromJson -}}
{{- range $flag, $value := $flags -}}
{{- if and (hasSuffix "-port" $flag) (not (regexMatch "^(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})$" $value)) -}}
{{- fail (printf "controller.extraArgs.%s: %q is not a port; a number from 1 to 65535 is" $flag $value) -}}
{{- end -}}
{{- end -}}
{{- $listen := include "gatewright.listenKey" . -}}
{{- if eq $listen "hostPort.ports" -}}
{{- range $name := list "http" "https" -}}
{{- $port := include "gatewright.text" (get $controller.hostPort.ports $name) -}}
{{- if ne $port (get $flags (printf "%s-port" $name)) -}}
{{- fail (printf "controller.extraArgs.%s-port is %s and controller.hostPort.ports.%s %s; with controller.hostNetwork they are the same port" $name (get $flags (printf "%s-port" $name)) $name $port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $taken := dict
  (get $flags "healthz-port") "controller.metrics.port"
  (get $flags "status-port" | default "10246") "the status port of the proxy"
-}}
{{- range list "442" "8181" "10245" "10247" }}{{ $_ := set $taken . "a port of the controller" }}{{ end -}}
{{- $http := dict -}}
{{- if include "gatewright.hasExternalService" . -}}
{{- with $controller.service -}}
{{- if .enableHttp }}{{ $_ := set $http (toString .ports.http) "controller.service.ports.http" }}{{ end -}}
{{- if .enableHttps }}{{ $_ := set $http (toString .ports.https) "controller.service.ports.https" }}{{ end -}}
{{- end -}}
{{- end -}}
{{- range $name := list "http" "https" }}{{ $_ := set $http (get $flags (printf "%s-port" $name)) (printf "controller.%s.%s" $listen $name) }}{{ end -}}
{{- range $protocol := list "tcp" "udp" -}}
{{- $mine := ternary (merge (dict) $taken $http) $taken (eq $protocol "tcp") -}}
{{- range $port, $_ := index $.Values $protocol -}}
{{- with get $mine $port }}{{ fail (printf "%s.%s: this port is that of %s; use another one" $protocol $port .) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
