{{/* Refuses values that are good ones by themselves, and cannot be good together. */}}
{{- define "gatewright.check" -}}
{{- $controller := .Values.controller -}}
{{- $given := default (dict) $controller.extraArgs -}}
{{- $fullname := include "gatewright.fullname" . -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" $fullname) -}}
{{- fail (printf "%q, of the names of the release and nameOverride, cannot be the name of an object; use small letters, digits and dashes, or set fullnameOverride" $fullname) -}}
{{- end -}}
{{- $mounted := dict -}}
{{- range $controller.secretVolumes -}}
{{- if hasKey $mounted .secret }}{{ fail (printf "controller.secretVolumes: %s is there twice; it can be mounted once" .secret) }}{{ end -}}
{{- $_ := set $mounted .secret true -}}
{{- end -}}
{{- if and (eq .Values.proxy.mode "supervise") (eq (int64 .Values.proxy.runAsUser) (int64 $controller.image.runAsUser)) -}}
{{- fail (printf "proxy.runAsUser and controller.image.runAsUser are both %d; the proxy must not be able to signal or read the controller" (int64 .Values.proxy.runAsUser)) -}}
{{- end -}}
{{- range $at, $image := dict "controller.image" $controller.image "proxy.image" .Values.proxy.image "defaultBackend.image" .Values.defaultBackend.image -}}
{{- range $key := list "image" "repository" -}}
{{- if regexMatch "[:@]" (base (get $image $key)) }}{{ fail (printf "%s.%s: %q has a version, which goes into %s.tag or %s.digest" $at $key (get $image $key) $at $at) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $encoded := nospace (default "" .Values.dhParam) -}}
{{- if ne (b64enc (b64dec $encoded)) $encoded -}}
{{- fail "dhParam has to be in base64: `openssl dhparam 2048 | base64` prints it" -}}
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
{{- with $controller.scope -}}
{{- if and .enabled .namespace .namespaces }}{{ fail "controller.scope.namespace and .namespaces cannot both be set: put all of them into the second" }}{{ end -}}
{{- end -}}
{{- with ternary $controller.ingressClassResource.parameters nil $controller.ingressClassResource.enabled -}}
{{- $at := "controller.ingressClassResource.parameters" -}}
{{- $parameters := . -}}
{{- range list "kind" "name" -}}
{{- if not (get $parameters .) }}{{ fail (printf "%s.%s is missing; parameters are an object of some kind and name" $at .) }}{{ end -}}
{{- if regexMatch "^[.]{1,2}$|[/%]" (get $parameters .) }}{{ fail (printf "%s.%s: %q cannot stand in a path of the API; use one without / and %%" $at . (get $parameters .)) }}{{ end -}}
{{- end -}}
{{- if and (eq (default "Cluster" .scope) "Namespace") (not .namespace) }}{{ fail (printf "%s.scope=Namespace needs %s.namespace" $at $at) }}{{ end -}}
{{- if and (ne (default "Cluster" .scope) "Namespace") .namespace }}{{ fail (printf "%s.namespace needs %s.scope=Namespace" $at $at) }}{{ end -}}
{{- end -}}
{{- $known := include "gatewright.flagKinds" . | fromJson | keys | sortAlpha -}}
{{- range $flag, $_ := $given -}}
{{- if not (has $flag $known) -}}
{{- if hasPrefix "-" $flag }}{{ fail (printf "controller.extraArgs.%s: flags stand here without dashes; write %s" $flag (trimAll "-" $flag)) }}{{ end -}}
{{- $near := include "gatewright.nearest" (list $flag $known) -}}
{{- fail (printf "controller.extraArgs.%s: gatewright run has no such flag%s" $flag (ternary "" (printf "; the nearest are %s" $near) (eq $near ""))) -}}
{{- end -}}
{{- end -}}
{{- range list "state-dir" "manifests" -}}
{{- if hasKey $given . }}{{ fail (printf "controller.extraArgs.%s: it cannot be changed in a Pod" .) }}{{ end -}}
{{- end -}}
{{- with .Values.rbac.secretNamespaces -}}
{{- $flags := include "gatewright.flags" $ | fromJson -}}
{{- if not $.Values.rbac.secrets }}{{ fail "rbac.secretNamespaces and rbac.secrets=false cannot both be set: the first says whose Secrets are read" }}{{ end -}}
{{- if get $flags "secrets-from" }}{{ fail (printf "rbac.secretNamespaces and controller.%s cannot both be set: with volumes no Secret is asked of the API server" (ternary "extraArgs.secrets-from" "secretVolumes" (hasKey $given "secrets-from"))) }}{{ end -}}
{{- $watched := include "gatewright.watchedNamespaces" (list $ $flags) | fromJsonArray -}}
{{- range . -}}
{{- if and $watched (not (has . $watched)) }}{{ fail (printf "rbac.secretNamespaces: %s is none of the namespaces that Ingresses are served of: %s" . (join ", " $watched)) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- with $controller.admissionWebhooks -}}
{{- if and .secretName .certManager.enabled }}{{ fail "controller.admissionWebhooks.secretName and .certManager.enabled cannot both be set: the first names a certificate that is there already" }}{{ end -}}
{{- $bundle := nospace (default "" .caBundle) -}}
{{- if ne (b64enc (b64dec $bundle)) $bundle }}{{ fail "controller.admissionWebhooks.caBundle has to be in base64: `base64 ca.crt` prints it" }}{{ end -}}
{{- if and .secretName (not .caBundle) }}{{ fail "controller.admissionWebhooks.secretName needs .caBundle: the API server has to know the authority" }}{{ end -}}
{{- end -}}
{{- if and (has "Deny" $controller.admissionPolicy.actions) (has "Warn" $controller.admissionPolicy.actions) -}}
{{- fail "controller.admissionPolicy.actions: Deny and Warn exclude each other: what is denied is told anyway" -}}
{{- end -}}
{{- include "gatewright.checkTexts" . -}}
{{- include "gatewright.checkPods" (list "controller" $controller (eq $controller.kind "Deployment")) -}}
{{- include "gatewright.checkPods" (list "defaultBackend" .Values.defaultBackend true) -}}
{{- include "gatewright.checkServices" . -}}
{{- include "gatewright.checkKinds" . -}}
{{- include "gatewright.checkPorts" . -}}
{{- include "gatewright.checkNames" . -}}
{{- end -}}

{{/* Refuses what the Pods of a part cannot have: its name, its values, and whether they are of a Deployment. */}}
{{- define "gatewright.checkPods" -}}
{{- $part := index . 0 -}}
{{- $isDeployment := index . 2 -}}
{{- with index . 1 -}}
{{- range $at, $toleration := .tolerations -}}
{{- $name := printf "%s.tolerations[%d]" $part $at -}}
{{- if and (eq (default "" .operator) "Exists") .value }}{{ fail (printf "%s.value: with operator Exists any value is tolerated; leave one of them out" $name) }}{{ end -}}
{{- if and (not .key) (ne (default "" .operator) "Exists") }}{{ fail (printf "%s.key is missing; only with operator Exists all taints are tolerated" $name) }}{{ end -}}
{{- if and (hasKey . "tolerationSeconds") (ne (default "" .effect) "NoExecute") }}{{ fail (printf "%s.tolerationSeconds needs effect NoExecute" $name) }}{{ end -}}
{{- end -}}
{{- range $key, $probe := dict "livenessProbe" .livenessProbe "startupProbe" .startupProbe -}}
{{- if gt (int64 (default (dict) $probe).successThreshold) 1 }}{{ fail (printf "%s.%s.successThreshold is %d; for this probe it can be 1 only" $part $key (int64 $probe.successThreshold)) }}{{ end -}}
{{- end -}}
{{- $strategy := default (dict) .updateStrategy -}}
{{- $other := ternary "OnDelete" "Recreate" $isDeployment -}}
{{- if eq (default "" $strategy.type) $other }}{{ fail (printf "%s.updateStrategy.type: %s is none of a %s; use RollingUpdate or %s" $part $other (ternary "Deployment" "DaemonSet" $isDeployment) (ternary "Recreate" "OnDelete" $isDeployment)) }}{{ end -}}
{{- if and $strategy.rollingUpdate (ne (default "RollingUpdate" $strategy.type) "RollingUpdate") }}{{ fail (printf "%s.updateStrategy.rollingUpdate needs type RollingUpdate; it is %s" $part $strategy.type) }}{{ end -}}
{{- with $strategy.rollingUpdate -}}
{{- $some := list -}}
{{- range $key, $default := dict "maxSurge" (ternary "25%" "0" $isDeployment) "maxUnavailable" (ternary "25%" "1" $isDeployment) -}}
{{- if not (has (include "gatewright.text" (ternary (get $strategy.rollingUpdate $key) $default (hasKey $strategy.rollingUpdate $key))) (list "0" "0%")) }}{{ $some = append $some $key }}{{ end -}}
{{- end -}}
{{- if not $some }}{{ fail (printf "%s.updateStrategy.rollingUpdate: maxSurge and maxUnavailable are both 0, so that no Pod could be replaced" $part) }}{{ end -}}
{{- if and (not $isDeployment) (eq (len $some) 2) }}{{ fail (printf "%s.updateStrategy.rollingUpdate: a DaemonSet takes maxSurge only with maxUnavailable 0" $part) }}{{ end -}}
{{- end -}}
{{- $seccomp := .image.seccompProfile -}}
{{- if ne (eq $seccomp.type "Localhost") (not (empty $seccomp.localhostProfile)) }}{{ fail (printf "%s.image.seccompProfile: type Localhost and localhostProfile need each other" $part) }}{{ end -}}
{{- $deadline := int64 (default 600 .progressDeadlineSeconds) -}}
{{- if and $isDeployment (le $deadline (int64 .minReadySeconds)) }}{{ fail (printf "%s.minReadySeconds is %d and progressDeadlineSeconds %d; the second has to be more" $part (int64 .minReadySeconds) $deadline) }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* Refuses values of flags with which the program would end at start. Ports have a check of their own; what Kubernetes puts in for
     $(NAME) is not known here. */}}
{{- define "gatewright.checkKinds" -}}
{{- $given := default (dict) .Values.controller.extraArgs -}}
{{- $kinds := include "gatewright.flagKinds" . | fromJson -}}
{{- $known := dict
  "BOOL" (list "(?i)^(y|yes|t|true|on|1|n|no|f|false|off|0)?$" "true or false")
  "DURATION" (list "^(0|([0-9]+(ms|s|m|h))+)$" "a duration such as 30s or 1m30s")
  "NAMESPACE" (list "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$" "the name of a namespace")
  "LEASE" (list "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$" "the name of an object, of small letters, digits, and dashes or dots between them")
  "NUMBER" (list "^[0-9]{1,9}$" "a number")
  "SECONDS" (list "^[0-9]{1,9}$" "a number of seconds")
  "DIR" (list "." "a path")
  "FILE" (list "." "a path")
  "FORMAT" (list "^(text|json)$" "text or json")
  "LEVEL" (list "^(error|warn|info|debug|trace)$" "error, warn, info, debug or trace")
  "WHEN" (list "^(true|false|auto)$" "true, false or auto")
-}}
{{- range $flag, $value := include "gatewright.flags" . | fromJson -}}
{{- with get $known (get $kinds $flag) -}}
{{- if not (or (contains "$(" $value) (regexMatch (index . 0) $value)) -}}
{{- fail (printf "%s%s: %q has to be %s" (ternary "controller.extraArgs." "--" (hasKey $given $flag)) $flag $value (index . 1)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of these names those that begin most like this one: name, names. */}}
{{- define "gatewright.nearest" -}}
{{- $name := index . 0 | kebabcase | replace "_" "-" -}}
{{- $near := list -}}
{{- range $length := untilStep (len $name) 2 -1 -}}
{{- range ternary (index $ 1) list (empty $near) }}{{ if hasPrefix (substr 0 $length $name) . }}{{ $near = append $near . }}{{ end }}{{ end -}}
{{- end -}}
{{- join ", " $near -}}
{{- end -}}
