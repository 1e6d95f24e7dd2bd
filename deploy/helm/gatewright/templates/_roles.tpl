{{/* Adds a rule to roles by namespace: roles, namespace, group, resource, verbs with commas, perhaps the name of the one object. */}}
{{- define "gatewright.permit" -}}
{{- $roles := index . 0 -}}
{{- $rule := dict "apiGroups" (list (index . 2)) "resources" (list (index . 3)) "verbs" (splitList "," (index . 4)) -}}
{{- if gt (len .) 5 }}{{ $_ := set $rule "resourceNames" (list (index . 5)) }}{{ end -}}
{{- $_ := set $roles (index . 1) (append (get $roles (index . 1) | default list) $rule) -}}
{{- end -}}

{{/* Adds what is asked for wherever Ingresses are. */}}
{{- define "gatewright.permitWatched" -}}
{{- $roles := index . 0 -}}
{{- $namespace := index . 1 -}}
{{- $flags := index . 2 -}}
{{- $secrets := index . 3 -}}
{{- $status := include "gatewright.isOn" (list $flags "update-status" true) -}}
{{- $_ := include "gatewright.permit" (list $roles $namespace "networking.k8s.io" "ingresses" (ternary "get,list,watch" "list,watch" (not (empty $status)))) -}}
{{- $_ := include "gatewright.permit" (list $roles $namespace "" "services" "list,watch") -}}
{{- $_ := include "gatewright.permit" (list $roles $namespace "discovery.k8s.io" "endpointslices" "list,watch") -}}
{{- $_ := include "gatewright.permit" (list $roles $namespace "" "configmaps" "list,watch") -}}
{{- $_ := include "gatewright.permit" (list $roles $namespace "gatewright.dev" "gatewrightparameters" "list,watch") -}}
{{- if $secrets }}{{ $_ := include "gatewright.permit" (list $roles $namespace "" "secrets" "list,watch") }}{{ end -}}
{{- if $status }}{{ $_ := include "gatewright.permit" (list $roles $namespace "networking.k8s.io" "ingresses/status" "update") }}{{ end -}}
{{- if not (include "gatewright.isOn" (list $flags "disable-sync-events" false)) -}}
{{- $_ := include "gatewright.permit" (list $roles $namespace "" "events" "create,patch") -}}
{{- end -}}
{{- end -}}

{{/* Adds what is in no namespace. */}}
{{- define "gatewright.permitCluster" -}}
{{- $roles := index . 0 -}}
{{- $flags := index . 1 -}}
{{- $_ := include "gatewright.permit" (list $roles "" "networking.k8s.io" "ingressclasses" "list,watch") -}}
{{- if get $flags "watch-namespace-selector" }}{{ $_ := include "gatewright.permit" (list $roles "" "" "namespaces" "list,watch") }}{{ end -}}
{{- with get $flags "watch-namespace" }}{{ $_ := include "gatewright.permit" (list $roles "" "" "namespaces" "get" .) }}{{ end -}}
{{- $zone := and (include "gatewright.isOn" (list $flags "enable-topology-aware-routing" false)) (not (hasKey $flags "topology-zone")) -}}
{{- $nodes := and (include "gatewright.isOn" (list $flags "update-status" true)) (not (get $flags "publish-service")) (not (get $flags "publish-status-address")) -}}
{{- if or $zone $nodes }}{{ $_ := include "gatewright.permit" (list $roles "" "" "nodes" "get") }}{{ end -}}
{{- end -}}

{{/* Adds Secrets where they are not read wherever Ingresses are: roles, flags, namespaces whose Secrets are read beside these, and all
     namespaces whose Secrets are read (none: all there are). */}}
{{- define "gatewright.permitSecrets" -}}
{{- $roles := index . 0 -}}
{{- $all := index . 3 -}}
{{- range index . 2 }}{{ $_ := include "gatewright.permit" (list $roles . "" "secrets" "list,watch") }}{{ end -}}
{{- with get (index . 1) "default-ssl-certificate" -}}
{{- $path := splitList "/" . -}}
{{- if and $all (not (has (index $path 0) $all)) }}{{ $_ := include "gatewright.permit" (list $roles (index $path 0) "" "secrets" "list,watch" (index $path 1)) }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* Adds objects that flags name: roles, flags, and namespaces that are watched (none: all). */}}
{{- define "gatewright.permitNamed" -}}
{{- $roles := index . 0 -}}
{{- $flags := index . 1 -}}
{{- $watched := index . 2 -}}
{{- range $name := list "configmap" "tcp-services-configmap" "udp-services-configmap" -}}
{{- with get $flags $name -}}
{{- $path := splitList "/" . -}}
{{- if and $watched (not (has (index $path 0) $watched)) -}}
{{- $_ := include "gatewright.permit" (list $roles (index $path 0) "" "configmaps" "list,watch" (index $path 1)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $status := not (empty (include "gatewright.isOn" (list $flags "update-status" true))) -}}
{{- range $name := concat (ternary (list "publish-service") list $status) (list "default-backend-service") -}}
{{- with get $flags $name -}}
{{- $path := splitList "/" . -}}
{{- $_ := include "gatewright.permit" (list $roles (index $path 0) "" "services" "get" (index $path 1)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Adds the controller's own Pods, Lease and events: roles, flags, own namespace, and whether it lacks the parameters of classes. */}}
{{- define "gatewright.permitOwn" -}}
{{- $roles := index . 0 -}}
{{- $flags := index . 1 -}}
{{- $own := index . 2 -}}
{{- $_ := include "gatewright.permit" (list $roles $own "" "events" "create,patch") -}}
{{- if index . 3 }}{{ $_ := include "gatewright.permit" (list $roles $own "gatewright.dev" "gatewrightparameters" "list,watch") }}{{ end -}}
{{- $status := not (empty (include "gatewright.isOn" (list $flags "update-status" true))) -}}
{{- $_ := include "gatewright.permit" (list $roles $own "" "pods" (ternary "get,list" "get" $status)) -}}
{{- if not (include "gatewright.isOn" (list $flags "disable-leader-election" false)) -}}
{{- $_ := include "gatewright.permit" (list $roles $own "coordination.k8s.io" "leases" "create") -}}
{{- $_ := include "gatewright.permit" (list $roles $own "coordination.k8s.io" "leases" "get,update" (get $flags "election-id")) -}}
{{- end -}}
{{- end -}}

{{/* The rules by namespace, as JSON; those of the cluster are at the empty one. The same as `gatewright rbac` prints for the flags. */}}
{{- define "gatewright.roles" -}}
{{- $flags := include "gatewright.flags" . | fromJson -}}
{{- $own := include "gatewright.namespace" . -}}
{{- $watched := include "gatewright.watchedNamespaces" (list . $flags) | fromJsonArray -}}
{{- $secrets := and .Values.rbac.secrets (not (get $flags "secrets-from")) -}}
{{- $in := default (list) .Values.rbac.secretNamespaces | sortAlpha | uniq -}}
{{- $roles := dict -}}
{{- $_ := include "gatewright.permitCluster" (list $roles $flags) -}}
{{- range $namespace := $watched | default (list "") -}}
{{- $_ := include "gatewright.permitWatched" (list $roles $namespace $flags (and $secrets (not $in))) -}}
{{- end -}}
{{- if $secrets }}{{ $_ := include "gatewright.permitSecrets" (list $roles $flags $in (default $watched $in)) }}{{ end -}}
{{- $lacksParameters := and (not .Values.rbac.scope) $watched (not (has $own $watched)) -}}
{{- $_ := include "gatewright.permitOwn" (list $roles $flags $own $lacksParameters) -}}
{{- $_ := include "gatewright.permitNamed" (list $roles $flags $watched) -}}
{{- if .Values.rbac.scope -}}
{{- if not (get $flags "watch-namespace") }}{{ fail "rbac.scope needs controller.scope.enabled and one namespace: other ones are found by a ClusterRole" }}{{ end -}}
{{- $roles = omit $roles "" -}}
{{- range $watched }}{{ $_ := include "gatewright.permit" (list $roles . "" "namespaces" "get" .) }}{{ end -}}
{{- end -}}
{{- toJson $roles -}}
{{- end -}}

{{/* Roles and their bindings: root, the rules by namespace, their name, the ServiceAccount, labels. */}}
{{- define "gatewright.roleObjects" -}}
{{- $root := index . 0 -}}
{{- $name := index . 2 -}}
{{- $account := index . 3 -}}
{{- $labels := index . 4 -}}
{{- range $namespace, $rules := index . 1 }}
{{- $kind := ternary "Role" "ClusterRole" (ne $namespace "") }}
{{- range $object := list $kind (printf "%sBinding" $kind) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $object }}
metadata:
  name: {{ $name | toYaml }}
  {{- with $namespace }}
  namespace: {{ . | toYaml }}
  {{- end }}
  labels:
    {{- $labels | nindent 4 }}
{{- if eq $object $kind }}
rules:
  {{- range $rules }}
  - apiGroups: {{ toJson .apiGroups }}
    resources: {{ toJson .resources }}
    {{- with .resourceNames }}
    resourceNames: {{ toJson . }}
    {{- end }}
    verbs: {{ toJson .verbs }}
  {{- end }}
{{- else }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ $name | toYaml }}
subjects:
  - kind: ServiceAccount
    name: {{ $account | toYaml }}
    namespace: {{ include "gatewright.namespace" $root | toYaml }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
