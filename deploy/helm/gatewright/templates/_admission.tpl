{{- define "gatewright.admissionName" -}}
{{- include "gatewright.suffixed" (list (include "gatewright.fullname" .) "admission") -}}
{{- end -}}

{{/* Labels that its Pods have and the controller's have not. */}}
{{- define "gatewright.admissionSelectorLabels" -}}
app.kubernetes.io/name: {{ include "gatewright.name" . }}-admission
app.kubernetes.io/instance: {{ .Release.Name | toYaml }}
{{- end -}}

{{- define "gatewright.admissionLabels" -}}
{{- merge (include "gatewright.admissionSelectorLabels" . | fromYaml) (default (dict) .Values.controller.admissionWebhooks.labels) (include "gatewright.labels" . | fromYaml) | toYaml -}}
{{- end -}}

{{/* The flags of the controller that decide which Ingresses are its own and what may be in them, as JSON. */}}
{{- define "gatewright.admissionFlags" -}}
{{- $flags := include "gatewright.flags" . | fromJson -}}
{{- toJson (pick $flags
  "annotations-prefix" "configmap" "controller-class" "deep-inspect" "disable-catch-all" "disable-svc-external-name"
  "enable-ssl-passthrough" "ingress-class" "ingress-class-by-name" "proxy" "raw-snippet-namespaces" "watch-ingress-without-class"
  "watch-namespace" "watch-namespace-selector") -}}
{{- end -}}

{{/* Name of the Secret with the certificate. */}}
{{- define "gatewright.admissionSecret" -}}
{{- default (include "gatewright.admissionName" .) .Values.controller.admissionWebhooks.secretName -}}
{{- end -}}

{{/* Certificate, key and authority as JSON, all in base64: those of the Secret that is there, or new ones. */}}
{{- define "gatewright.admissionCertificate" -}}
{{- $name := include "gatewright.admissionName" . -}}
{{- $namespace := include "gatewright.namespace" . -}}
{{- $there := (lookup "v1" "Secret" $namespace $name).data | default dict -}}
{{- if hasKey $there "ca.crt" -}}
{{- toJson (dict "certificate" (get $there "tls.crt") "key" (get $there "tls.key") "authority" (get $there "ca.crt")) -}}
{{- else -}}
{{- $years := 3650 -}}
{{- $service := printf "%s.%s.svc" $name $namespace -}}
{{- $authority := genCA $name $years -}}
{{- $certificate := genSignedCert $service nil (list $service) $years $authority -}}
{{- toJson (dict "certificate" (b64enc $certificate.Cert) "key" (b64enc $certificate.Key) "authority" (b64enc $authority.Cert)) -}}
{{- end -}}
{{- end -}}

{{/* The rules by namespace, as JSON: the same as `gatewright rbac --webhook` prints for the flags. */}}
{{- define "gatewright.admissionRoles" -}}
{{- $flags := include "gatewright.flags" . | fromJson -}}
{{- $own := include "gatewright.namespace" . -}}
{{- $watched := include "gatewright.watchedNamespaces" (list . $flags) | fromJsonArray -}}
{{- $roles := dict -}}
{{- if not .Values.rbac.scope -}}
{{- $_ := include "gatewright.permit" (list $roles "" "networking.k8s.io" "ingressclasses" "list,watch") -}}
{{- if get $flags "watch-namespace-selector" }}{{ $_ := include "gatewright.permit" (list $roles "" "" "namespaces" "list,watch") }}{{ end -}}
{{- end -}}
{{- range $namespace := $watched | default (list "") -}}
{{- range $kind := list (list "networking.k8s.io" "ingresses") (list "" "services") (list "" "configmaps") (list "gatewright.dev" "gatewrightparameters") -}}
{{- $_ := include "gatewright.permit" (list $roles $namespace (index $kind 0) (index $kind 1) "list,watch") -}}
{{- end -}}
{{- end -}}
{{- $path := splitList "/" (get $flags "configmap") -}}
{{- if and $watched (not (has (index $path 0) $watched)) -}}
{{- $_ := include "gatewright.permit" (list $roles (index $path 0) "" "configmaps" "list,watch" (index $path 1)) -}}
{{- end -}}
{{- if and (not .Values.rbac.scope) $watched (not (has $own $watched)) -}}
{{- $_ := include "gatewright.permit" (list $roles $own "gatewright.dev" "gatewrightparameters" "list,watch") -}}
{{- end -}}
{{- toJson $roles -}}
{{- end -}}
