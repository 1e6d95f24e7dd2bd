{{/* What is told after the installation about values that do not do what one might think, as a JSON list. */}}
{{- define "gatewright.remarks" -}}
{{- $remarks := include "gatewright.withoutEffect" . | fromJsonArray -}}
{{- $controller := .Values.controller -}}
{{- $namespace := include "gatewright.namespace" . -}}
{{- $fullname := include "gatewright.fullname" . -}}
{{- if include "gatewright.isForeignImage" . -}}
{{- $remarks = append $remarks (printf "controller.image has no effect: it is the image of ingress-nginx; %s is run." (include "gatewright.image" .)) -}}
{{- end -}}
{{- if not (contains "/" (include "gatewright.image" .)) -}}
{{- $remarks = append $remarks (printf "controller.image names no registry: where no node has %s by itself, build it as images/controller/Containerfile says, push it to a registry of yours, and name it in controller.image.repository." (include "gatewright.image" .)) -}}
{{- end -}}
{{- if and $controller.scope.enabled $controller.scope.namespaceSelector -}}
{{- $remarks = append $remarks "controller.scope.namespaceSelector has no effect while controller.scope.enabled is set." -}}
{{- end -}}
{{- range $key := list "namespace" "namespaces" -}}
{{- if and (get $controller.scope $key) (not $controller.scope.enabled) -}}
{{- $remarks = append $remarks (printf "controller.scope.%s has no effect without controller.scope.enabled." $key) -}}
{{- end -}}
{{- end -}}
{{- if and $controller.service.internal.enabled (not $controller.service.internal.annotations) -}}
{{- $remarks = append $remarks "controller.service.internal.enabled has no effect without controller.service.internal.annotations." -}}
{{- end -}}
{{- if ne $namespace (default $namespace $controller.configMapNamespace) -}}
{{- $remarks = append $remarks (printf "controller.config has no effect: the settings are those of ConfigMap %s/%s, which this chart does not make." $controller.configMapNamespace $fullname) -}}
{{- end -}}
{{- range $protocol := list "tcp" "udp" -}}
{{- with (index $controller $protocol).configMapNamespace -}}
{{- if and (index $.Values $protocol) (ne . $namespace) -}}
{{- $remarks = append $remarks (printf "%s only opens ports: the services are those of ConfigMap %s/%s-%s, which this chart does not make." $protocol . $fullname $protocol) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.udp (eq .Values.proxy.kind "haproxy") -}}
{{- $remarks = append $remarks "udp has no effect with proxy.kind=haproxy, which forwards no datagrams: its ports are not opened." -}}
{{- end -}}
{{- $flags := include "gatewright.flags" . | fromJson -}}
{{- $ports := list (get $flags "http-port") (get $flags "https-port") -}}
{{- $hasService := or (include "gatewright.hasExternalService" .) (include "gatewright.hasInternalService" .) -}}
{{- if and $controller.hostNetwork (not $hasService) (not $controller.hostPort.enabled) (ne (join " " $ports) "80 443") -}}
{{- $remarks = append $remarks (printf "controller.hostNetwork: nodes listen on %s; with controller.hostPort.enabled=true on the ports of controller.hostPort.ports, which are %s and %s." (join " and " $ports) (include "gatewright.text" $controller.hostPort.ports.http) (include "gatewright.text" $controller.hostPort.ports.https)) -}}
{{- end -}}
{{- if and (lt (int (include "gatewright.leastPort" .)) 1024) $controller.hostNetwork -}}
{{- $remarks = append $remarks "controller.hostNetwork with a port below 1024 needs net.ipv4.ip_unprivileged_port_start on the nodes: no container here has a capability." -}}
{{- end -}}
{{- with include "gatewright.addedCapabilities" $controller | fromJsonArray -}}
{{- $remarks = append $remarks (printf "controller.containerSecurityContext.capabilities.add: the proxy's container gets %s, which helps only where a file of its image has it: no program of the stock images does. Ports below 1024 are opened by net.ipv4.ip_unprivileged_port_start." (join ", " .)) -}}
{{- end -}}
{{- with $controller.networkPolicy -}}
{{- if and .enabled $controller.hostNetwork -}}
{{- $remarks = append $remarks "controller.networkPolicy.enabled has no effect on Pods that are on the network of the host." -}}
{{- else if and .enabled (not .extraEgress) -}}
{{- $api := list -}}
{{- range .apiServerPorts }}{{ $api = append $api (include "gatewright.text" .) }}{{ end -}}
{{- $remarks = append $remarks (printf "controller.networkPolicy: only Pods are reached, names on port 53, and the API server on %s (controller.networkPolicy.apiServerPorts). Services of type ExternalName, the auth-url of a host outside and what runs on the network of nodes are not, without rules in controller.networkPolicy.extraEgress." (join ", " $api)) -}}
{{- end -}}
{{- end -}}
{{- with $controller.metrics -}}
{{- range $part := list "serviceMonitor" "prometheusRule" -}}
{{- if and (get $controller.metrics $part).enabled (not $controller.metrics.enabled) -}}
{{- $remarks = append $remarks (printf "controller.metrics.%s.enabled has no effect without controller.metrics.enabled." $part) -}}
{{- end -}}
{{- end -}}
{{- if and .enabled .serviceMonitor.enabled (not .service.enabled) -}}
{{- $remarks = append $remarks "controller.metrics.serviceMonitor.enabled finds nothing without the Service of controller.metrics.service.enabled." -}}
{{- end -}}
{{- end -}}
{{- if eq $controller.kind "DaemonSet" -}}
{{- range list "autoscaling" "keda" -}}
{{- if (get $controller .).enabled }}{{ $remarks = append $remarks (printf "controller.%s.enabled has no effect on a DaemonSet, which has a Pod on every node." .) }}{{ end -}}
{{- end -}}
{{- else -}}
{{- $parts := list (list "controller.resources" $controller.resources) (list "proxy.resources" .Values.proxy.resources) -}}
{{- range $controller.extraContainers }}{{ $parts = append $parts (list (printf "container %s of controller.extraContainers" .name) .resources) }}{{ end -}}
{{- $remarks = concat $remarks (include "gatewright.unmeasured" (list "controller" $controller.autoscaling $parts) | fromJsonArray) -}}
{{- end -}}
{{- if .Values.defaultBackend.enabled -}}
{{- with .Values.defaultBackend }}{{ $remarks = concat $remarks (include "gatewright.unmeasured" (list "defaultBackend" .autoscaling (list (list "defaultBackend.resources" .resources))) | fromJsonArray) }}{{ end -}}
{{- end -}}
{{- if not (or .Values.rbac.secrets (get $flags "secrets-from")) -}}
{{- $remarks = append $remarks "rbac.secrets=false: certificates and passwords of Secrets are not served; TLS is answered with a self-signed certificate." -}}
{{- end -}}
{{- toJson $remarks -}}
{{- end -}}

{{/* What an autoscaler cannot measure in percent, because a container of its Pods requests none of it, as a JSON list: section, its
     autoscaling, and names of containers with their resources. */}}
{{- define "gatewright.unmeasured" -}}
{{- $section := index . 0 -}}
{{- $autoscaling := index . 1 -}}
{{- $parts := index . 2 -}}
{{- $remarks := list -}}
{{- if $autoscaling.enabled -}}
{{- range $resource, $percent := dict "cpu" $autoscaling.targetCPUUtilizationPercentage "memory" $autoscaling.targetMemoryUtilizationPercentage -}}
{{- range ternary $parts list (not (empty $percent)) -}}
{{- $resources := default (dict) (index . 1) -}}
{{- if not (or (hasKey (default (dict) $resources.requests) $resource) (hasKey (default (dict) $resources.limits) $resource)) -}}
{{- $remarks = append $remarks (printf "%s.autoscaling cannot measure %s: it is a percentage of what is requested, and %s requests none." $section $resource (index . 0)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $remarks -}}
{{- end -}}

{{/* Values of the chart of ingress-nginx that have no effect here: what they are when nobody has set them, and why. */}}
{{- define "gatewright.withoutEffect" -}}
{{- $keys := list
  (list "controller.admissionWebhooks.certificate" "" "the files are those of the Secret")
  (list "controller.admissionWebhooks.key" "" "the files are those of the Secret")
  (list "controller.admissionWebhooks.patch.enabled" "" "the chart makes the certificate and names its authority by itself")
  (list "controller.maxmindLicenseKey" "" "stock proxies have no GeoIP module")
  (list "controller.customTemplate.configMapName" "" "templates of ingress-nginx do not fit; see --templates")
  (list "controller.extraModules" "" "the proxy's image brings its modules")
  (list "controller.lifecycle" "" "the proxy drains by itself when it is told to stop")
  (list "controller.opentelemetry.enabled" "" "the stock image has no such module")
  (list "controller.image.chroot" "" "the proxy has a container of its own")
  (list "controller.image.digestChroot" "" "the proxy has a container of its own")
  (list "controller.enableMimalloc" "true" "the proxy's image decides it")
  (list "controller.enableAnnotationValidations" "true" "annotations are always checked")
  (list "controller.shareProcessNamespace" "" "proxy.mode decides it")
  (list "controller.automountServiceAccountToken" "" "only the controller's container gets a token")
  (list "controller.existingPsp" "" "there are no PodSecurityPolicies any more")
  (list "controller.name" "controller" "objects are named after the release")
  (list "podSecurityPolicy.enabled" "" "there are no PodSecurityPolicies any more")
  (list "serviceAccount.automountServiceAccountToken" "true" "only the controller's container gets a token")
  (list "defaultBackend.networkPolicy.enabled" "" "make one for its Pods yourself")
  (list "defaultBackend.extraConfigMaps" "" "make them yourself, and mount them with defaultBackend.extraVolumes")
  (list "defaultBackend.serviceAccount.create" "true" "its Pods get no token")
  (list "defaultBackend.serviceAccount.name" "" "its Pods get no token")
-}}
{{- $said := list -}}
{{- range $keys -}}
{{- $at := $.Values -}}
{{- range splitList "." (index . 0) }}{{ if kindIs "map" $at }}{{ $at = get $at . }}{{ else }}{{ $at = "" }}{{ end }}{{ end -}}
{{- $harmless := index . 1 -}}
{{- if ternary (not (has (toString $at) (list "" $harmless))) (not (empty $at)) (ne $harmless "") -}}
{{- $said = append $said (printf "%s has no effect here: %s." (index . 0) (index . 2)) -}}
{{- end -}}
{{- end -}}
{{- toJson $said -}}
{{- end -}}
