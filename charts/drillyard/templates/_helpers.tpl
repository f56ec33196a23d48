{{- define "drillyard.labels" -}}
app.kubernetes.io/name: drillyard
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: drillyard
{{- end }}

{{- define "drillyard.selector" -}}
app.kubernetes.io/name: drillyard
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "drillyard.image" -}}
{{- $ := index . 0 -}}
{{- with $.Values.image.registry }}{{ . }}/{{ end }}{{ index . 1 }}:{{ $.Values.image.tag | default $.Chart.AppVersion }}
{{- end }}

{{- /* The names of cluster-wide objects carry the release's namespace, so that two releases do not collide. */ -}}
{{- define "drillyard.clusterName" -}}
{{ .Release.Name }}-{{ .Release.Namespace }}
{{- end }}

{{- define "drillyard.serviceAccount" -}}
{{ .Release.Name }}-controller
{{- end }}

{{- define "drillyard.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "drillyard.serviceAccount" . }}
{{- end }}

{{- /* Where the controller may work: its own namespace (catalog) and the drilled ones, each once, comma separated. */ -}}
{{- define "drillyard.namespaces" -}}
{{- prepend .Values.namespaces .Release.Namespace | uniq | join "," -}}
{{- end }}
