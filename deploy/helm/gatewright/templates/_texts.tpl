{{/* Refuses texts of values that Kubernetes would refuse later, each by its name and with what would do. Here stand those whose
     pattern says nothing to a reader; what is plain is in values.schema.json. */}}
{{- define "gatewright.checkTexts" -}}
{{- $paths := dict
  "address" (list "controller.hostAliases[].ip" "controller.dnsConfig.nameservers[]" "controller.healthCheckHost")
  "clusterIP" list
  "network" (list "controller.networkPolicy.apiServer[]")
  "share" (list "controller.minAvailable" "controller.maxUnavailable" "defaultBackend.minAvailable" "defaultBackend.maxUnavailable")
  "registry" (list "controller.image.registry" "defaultBackend.image.registry" "global.image.registry")
  "image" (list "controller.image.image" "controller.image.repository" "proxy.image.repository" "defaultBackend.image.image" "defaultBackend.image.repository")
  "name" (list "controller.electionID" "controller.priorityClassName" "controller.runtimeClassName" "controller.hostAliases[].hostnames[]" "controller.ingressClassResource.name" "controller.ingressClassResource.aliases[]" "controller.admissionWebhooks.secretName" "serviceAccount.name" "imagePullSecrets[].name" "defaultBackend.priorityClassName")
  "label" (list "controller.hostname")
  "port" list
  "key" (list "controller.service.loadBalancerClass" "controller.service.internal.loadBalancerClass" "defaultBackend.service.loadBalancerClass" "controller.metrics.service.loadBalancerClass")
  "annotation" (list "controller.podAnnotations~" "controller.configAnnotations~" "defaultBackend.podAnnotations~")
  "value" list
  "data" list
  "sysctl" (list "controller.sysctls~")
  "duration" (list "controller.metrics.serviceMonitor.scrapeInterval" "controller.metrics.serviceMonitor.scrapeTimeout")
  "selector" (list "controller.scope.namespaceSelector")
-}}
{{- range $service := list "controller.service" "controller.service.internal" "controller.metrics.service" "defaultBackend.service" -}}
{{- range list "externalIPs[]" "loadBalancerIP" }}{{ $_ := set $paths "address" (append $paths.address (printf "%s.%s" $service .)) }}{{ end -}}
{{- range list "clusterIP" "clusterIPs[]" }}{{ $_ := set $paths "clusterIP" (append $paths.clusterIP (printf "%s.%s" $service .)) }}{{ end -}}
{{- $_ := set $paths "network" (append $paths.network (printf "%s.loadBalancerSourceRanges[]" $service)) -}}
{{- range list "nodePort" "nodePorts.http" "nodePorts.https" "nodePorts.tcp{}" "nodePorts.udp{}" }}{{ $_ := set $paths "port" (append $paths.port (printf "%s.%s" $service .)) }}{{ end -}}
{{- end -}}
{{- range $part := list "controller" "defaultBackend" -}}
{{- range list "maxSurge" "maxUnavailable" }}{{ $_ := set $paths "share" (append $paths.share (printf "%s.updateStrategy.rollingUpdate.%s" $part .)) }}{{ end -}}
{{- $_ := set $paths "key" (concat $paths.key (list (printf "%s.nodeSelector~" $part) (printf "%s.tolerations[].key" $part))) -}}
{{- $_ := set $paths "value" (concat $paths.value (list (printf "%s.nodeSelector{}" $part) (printf "%s.tolerations[].value" $part))) -}}
{{- end -}}
{{- range list "commonLabels" "controller.labels" "controller.podLabels" "controller.service.labels" "controller.service.external.labels" "controller.service.internal.labels" "controller.metrics.service.labels" "controller.metrics.serviceMonitor.additionalLabels" "controller.metrics.prometheusRule.additionalLabels" "controller.admissionWebhooks.labels" "defaultBackend.labels" "defaultBackend.podLabels" -}}
{{- $_ := set $paths "key" (append $paths.key (printf "%s~" .)) -}}
{{- $_ := set $paths "value" (append $paths.value (printf "%s{}" .)) -}}
{{- end -}}
{{- range list "controller" "controller.ingressClassResource" "controller.service" "controller.service.internal" "controller.autoscaling" "controller.keda.scaledObject" "controller.metrics.service" "controller.metrics.serviceMonitor" "controller.metrics.prometheusRule" "controller.tcp" "controller.udp" "controller.admissionWebhooks" "controller.admissionWebhooks.service" "defaultBackend.autoscaling" "defaultBackend.service" "serviceAccount" }}{{ $_ := set $paths "annotation" (append $paths.annotation (printf "%s.annotations~" .)) }}{{ end -}}
{{- range list "config" "addHeaders" "proxySetHeaders" }}{{ $_ := set $paths "data" (append $paths.data (printf "controller.%s~" .)) }}{{ end -}}
{{- $kinds := include "gatewright.kindsOfText" . | fromJson -}}
{{- range $kind, $all := $paths -}}
{{- range $path := $all }}{{ include "gatewright.checkText" (list $.Values $path (get $kinds $kind)) }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* What a text can have to be: its pattern, what is said of one that is something else, and the most characters, as JSON. */}}
{{- define "gatewright.kindsOfText" -}}
{{- $octet := "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])" -}}
{{- $four := printf "%s(\\.%s){3}" $octet $octet -}}
{{- $group := "[0-9A-Fa-f]{1,4}" -}}
{{- $six := list (printf "(%s:){7}%s" $group $group) (printf "(%s:){1,7}:" $group) (printf ":(:%s){1,7}" $group) "::" -}}
{{- range $left := untilStep 1 7 1 }}{{ $six = append $six (printf "(%s:){%d}(:%s){1,%d}" $group $left $group (sub 7 $left)) }}{{ end -}}
{{- $ipv6 := join "|" $six -}}
{{- $label := "[a-z0-9]([-a-z0-9]*[a-z0-9])?" -}}
{{- $subdomain := printf "%s(\\.%s)*" $label $label -}}
{{- $word := "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?" -}}
{{- $key := printf "(%s/)?%s" $subdomain $word -}}
{{- $wanted := printf "(!? *%s|%s *(=|==|!=) *(%s)?|%s +(in|notin) *\\([^()]*\\))" $key $key $word $key -}}
{{- $component := "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*" -}}
{{- $host := "(localhost|[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+|([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:]+\\]):[0-9]+)" -}}
{{- dict
  "address" (list (printf "%s|%s" $four $ipv6) "an IP address such as 192.0.2.10" 45)
  "clusterIP" (list (printf "None|%s|%s" $four $ipv6) "an IP address, or None" 45)
  "network" (list (printf "%s/(3[0-2]|[12]?[0-9])|(%s)/(12[0-8]|1[01][0-9]|[1-9]?[0-9])" $four $ipv6) "a network such as 192.0.2.0/24" 49)
  "share" (list "[0-9]{1,9}|(100|[1-9]?[0-9])%" "a number of Pods, or a share of them from 0% to 100%" 9)
  "registry" (list (printf "(%s|%s)(/%s)*" $host $component $component) "a registry such as registry.example:5000" 255)
  "image" (list (printf "(%s/)?%s(/%s)*" $host $component $component) "the name of an image; after a registry, only small letters and digits are in it, with . _ - or / between them" 255)
  "name" (list $subdomain "the name of an object; use small letters, digits, and dashes or dots between them" 253)
  "label" (list $label "a name of this kind; use small letters, digits, and dashes between them" 63)
  "port" (list "6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}" "a port; a number from 1 to 65535 is" 5)
  "key" (list $key "such a key; use a name such as team, or with a domain before it, example.com/team" 317)
  "annotation" (list (printf "((?i:%s)/)?%s" $subdomain $word) "the key of an annotation; use a name such as note, or with a domain before it, example.com/note" 317)
  "value" (list $word "the value of a label; use at most 63 letters, digits, and - _ or . between them" 63)
  "data" (list "[-._A-Za-z0-9]+" "a key of a ConfigMap; use letters, digits, and - _ or ." 253)
  "sysctl" (list "[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*" "the name of a sysctl; use one such as net.core.somaxconn" 253)
  "duration" (list "0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?" "a duration of Prometheus; use one such as 30s or 1m30s" 60)
  "selector" (list (printf " *%s *(, *%s *)*" $wanted $wanted) "a selector of labels; use one such as team=a or tier in (web,shop)" 1000)
| toJson -}}
{{- end -}}

{{/* Looks at the texts at a path: values, path, kind. NAME[] means each item, NAME{} each value, and NAME~ each key. What is empty
     was not given. */}}
{{- define "gatewright.checkText" -}}
{{- $found := list (list "" (index . 0)) -}}
{{- range $part := splitList "." (index . 1) -}}
{{- $key := trimAll "[]{}~" $part -}}
{{- $next := list -}}
{{- range $place := $found -}}
{{- $name := printf "%s.%s" (index $place 0) $key | trimPrefix "." -}}
{{- $value := "" -}}
{{- if kindIs "map" (index $place 1) }}{{ $value = get (index $place 1) $key }}{{ end -}}
{{- if eq $part $key -}}
{{- $next = append $next (list $name $value) -}}
{{- else if hasSuffix "[]" $part -}}
{{- range $at, $item := $value | default list }}{{ $next = append $next (list (printf "%s[%d]" $name $at) $item) }}{{ end -}}
{{- else -}}
{{- range $own, $item := $value | default dict }}{{ $next = append $next (list (printf "%s.%s" $name $own) (ternary $own $item (hasSuffix "~" $part))) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $found = $next -}}
{{- end -}}
{{- $kind := index . 2 -}}
{{- range $found -}}
{{- $text := include "gatewright.text" (index . 1 | default "") -}}
{{- $isGood := or (eq $text "") (and (regexMatch (printf "^(%s)$" (index $kind 0)) $text) (le (len $text) (int (index $kind 2)))) -}}
{{- if not $isGood }}{{ fail (printf "%s: %q is not %s" (index . 0) $text (index $kind 1)) }}{{ end -}}
{{- end -}}
{{- end -}}
