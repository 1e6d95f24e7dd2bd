{{- define "gatewright.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "gatewright.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "gatewright.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A name with a suffix, as short as that of a Service has to be: name, suffix. */}}
{{- define "gatewright.suffixed" -}}
{{- printf "%s-%s" (index . 0 | trunc (int (sub 62 (len (index . 1)))) | trimSuffix "-") (index . 1) -}}
{{- end -}}

{{- define "gatewright.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "gatewright.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "gatewright.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "gatewright.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gatewright.name" . | toYaml }}
app.kubernetes.io/instance: {{ .Release.Name | toYaml }}
{{- end -}}

{{- define "gatewright.labels" -}}
{{ include "gatewright.labelsWith" (list . dict) }}
{{- end -}}

{{/* The labels of every object, and further ones: root, labels. */}}
{{- define "gatewright.labelsWith" -}}
{{- $more := index . 1 | default dict -}}
{{- with index . 0 -}}
{{- $common := dict
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_")
-}}
{{- merge (include "gatewright.selectorLabels" . | fromYaml) $more (default (dict) .Values.controller.labels) (default (dict) .Values.commonLabels) $common | toYaml -}}
{{- end -}}
{{- end -}}

{{- define "gatewright.electionID" -}}
{{- default (printf "%s-leader" (include "gatewright.fullname" .)) .Values.controller.electionID -}}
{{- end -}}

{{/* Whether values made for ingress-nginx name its image, which is none of ours. */}}
{{- define "gatewright.isForeignImage" -}}
{{- with .Values.controller.image }}{{ if contains "ingress-nginx/" (default .image .repository) }}true{{ end }}{{ end -}}
{{- end -}}

{{- define "gatewright.image" -}}
{{- $image := ternary (dict "image" .Chart.Name) .Values.controller.image (not (empty (include "gatewright.isForeignImage" .))) -}}
{{- $name := $image.image -}}
{{- $global := ternary "" (dig "image" "registry" "" (default (dict) .Values.global)) (not (empty (include "gatewright.isForeignImage" .))) -}}
{{- with default $global $image.registry }}{{ $name = printf "%s/%s" . $image.image }}{{ end -}}
{{- with $image.repository }}{{ $name = . }}{{ end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "gatewright.proxyImage" -}}
{{- $image := .Values.proxy.image -}}
{{- $name := default .Values.proxy.kind $image.repository -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default (ternary "1.28" "3.2" (eq .Values.proxy.kind "nginx")) $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Whose addresses Ingresses get, as namespace/name; empty: those of nodes. */}}
{{- define "gatewright.publishService" -}}
{{- if .Values.controller.publishService.enabled -}}
{{- $own := include "gatewright.fullname" . -}}
{{- if .Values.controller.publishService.pathOverride -}}
{{- include "gatewright.templated" (list . "controller.publishService.pathOverride" .Values.controller.publishService.pathOverride (include "gatewright.same" . | fromJsonArray)) -}}
{{- else if include "gatewright.hasExternalService" . -}}
{{- printf "%s/%s" (include "gatewright.namespace" .) $own -}}
{{- else if include "gatewright.hasInternalService" . -}}
{{- printf "%s/%s" (include "gatewright.namespace" .) (include "gatewright.suffixed" (list $own "internal")) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of the Pod. Ports below 1024 are opened to everybody in the Pod, so that nobody needs a capability for them. */}}
{{- define "gatewright.podSecurityContext" -}}
{{- $own := dict "runAsNonRoot" true "fsGroup" (int64 .Values.controller.image.runAsGroup) "seccompProfile" .Values.controller.image.seccompProfile -}}
{{- $sysctls := dict -}}
{{- $least := int (include "gatewright.leastPort" .) -}}
{{- if and (lt $least 1024) (not .Values.controller.hostNetwork) }}{{ $_ := set $sysctls "net.ipv4.ip_unprivileged_port_start" (toString $least) }}{{ end -}}
{{- range $name, $value := .Values.controller.sysctls }}{{ $_ := set $sysctls $name (include "gatewright.text" $value) }}{{ end -}}
{{- $list := list -}}
{{- range $name, $value := $sysctls }}{{ $list = append $list (dict "name" $name "value" $value) }}{{ end -}}
{{- if $list }}{{ $_ := set $own "sysctls" $list }}{{ end -}}
{{- range $key, $value := .Values.controller.podSecurityContext }}{{ $_ := set $own $key $value }}{{ end -}}
{{- toYaml $own -}}
{{- end -}}

{{/* Which capabilities are added by `containerSecurityContext` in the values of a part, as a JSON list. */}}
{{- define "gatewright.addedCapabilities" -}}
{{- $context := default (dict) .containerSecurityContext -}}
{{- get (default (dict) $context.capabilities) "add" | default list | toJson -}}
{{- end -}}

{{/* Of the proxy's container, which binds the ports: capabilities are added to it, and to no other one of the controller's part. */}}
{{- define "gatewright.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
  {{- with include "gatewright.addedCapabilities" .Values.controller | fromJsonArray }}
  add: {{ toJson . }}
  {{- end }}
{{- end -}}

{{/* Of a container, from `image` and `containerSecurityContext` in the values of its part. All capabilities are always dropped. */}}
{{- define "gatewright.ownSecurityContext" -}}
{{- $own := dict
  "allowPrivilegeEscalation" (default false .image.allowPrivilegeEscalation)
  "readOnlyRootFilesystem" .image.readOnlyRootFilesystem
  "runAsNonRoot" .image.runAsNonRoot
  "runAsUser" (int64 .image.runAsUser)
  "runAsGroup" (int64 .image.runAsGroup)
-}}
{{- range $key, $value := .containerSecurityContext }}{{ $_ := set $own $key $value }}{{ end -}}
{{- $_ := set $own "capabilities" (dict "drop" (list "ALL")) -}}
{{- toYaml $own -}}
{{- end -}}

{{/* The templates of the chart of ingress-nginx that this one has too. */}}
{{- define "gatewright.same" -}}
{{- toJson (list "name" "fullname" "namespace" "labels" "selectorLabels") -}}
{{- end -}}

{{/* A text that is a template, as in the chart of ingress-nginx: root, name of the value, text, and which of the templates there
     stand for those of this chart. */}}
{{- define "gatewright.templated" -}}
{{- $text := index . 2 -}}
{{- range $same := index . 3 }}{{ $text = replace (printf "\"ingress-nginx.%s\"" $same) (printf "\"gatewright.%s\"" $same) $text }}{{ end -}}
{{- with regexFind "\\b(include|template) +\"ingress-nginx\\.[^\"]*\"" $text -}}
{{- fail (printf "%s: %s is a template of the chart of ingress-nginx, which is not here; write out what it makes" (index $ 1) .) -}}
{{- end -}}
{{- tpl $text (index . 0) -}}
{{- end -}}

{{/* A probe: how it asks where the values do not say, and the values. */}}
{{- define "gatewright.probe" -}}
{{- $probe := index . 1 -}}
{{- $given := false -}}
{{- range list "tcpSocket" "exec" "grpc" }}{{ if hasKey $probe . }}{{ $given = true }}{{ end }}{{ end -}}
{{- toYaml (ternary $probe (mergeOverwrite (dict "httpGet" (dict "path" (index . 0) "port" (index . 2))) $probe) $given) -}}
{{- end -}}

{{/* Rules of a NetworkPolicy for what asks the API server. */}}
{{- define "gatewright.egress" -}}
# Names.
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
# The API server.
- ports:
    {{- range .Values.controller.networkPolicy.apiServerPorts }}
    - port: {{ . }}
    {{- end }}
  {{- with .Values.controller.networkPolicy.apiServer }}
  to:
    {{- range . }}
    - ipBlock:
        cidr: {{ . | toYaml }}
    {{- end }}
  {{- end }}
{{- end -}}

{{/* The token of the ServiceAccount, as a kubelet would mount it by itself. */}}
{{- define "gatewright.tokenVolume" -}}
- name: token
  projected:
    # 0440; readers of YAML 1.2 take no octal numbers.
    defaultMode: 288
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: 3600
      - configMap:
          name: kube-root-ca.crt
          items:
            - key: ca.crt
              path: ca.crt
      - downwardAPI:
          items:
            - path: namespace
              fieldRef:
                fieldPath: metadata.namespace
{{- end -}}
