# components.sh: how each component starts, when it is ready, and what it listens on.
# A component NAME has three functions: start_NAME, ready_NAME and address_NAME (with _ for -).
# shellcheck shell=bash

# @NAME@ in a template is the value of the setting NAME.
render() { # TEMPLATE TARGET
    local text name
    text=$(<"$HERE/config/$1.in")
    for name in STATE RUN CONTAINERD_SOCKET PAUSE_IMAGE CGROUP BRIDGE POD_NET NODE_IP NODE_NAME KUBELET_PORT \
        KUBELET_HEALTH_PORT PROXY_HEALTH_PORT PROXY_METRICS_PORT; do
        text=${text//@$name@/${!name}}
    done
    printf '%s\n' "$text" >"$2.part"
    mv "$2.part" "$2"
}

render_all() {
    local name
    mkdir -p "$STATE/config" "$STATE/cni" "$RUN"
    for name in containerd.toml kubelet.yaml kube-proxy.yaml scheduler.yaml audit.yaml rbac.yaml; do
        render "$name" "$STATE/config/$name"
    done
    render cni.conflist "$STATE/cni/10-drillyard.conflist"
}

admin() { # KUBECTL_ARGUMENTS...
    kubectl --kubeconfig "$ADMIN_KUBECONFIG" --request-timeout=5s "$@"
}

# --- etcd

start_etcd() {
    # The cluster is thrown away, so nothing is worth waiting for the disk.
    spawn etcd etcd --name drillyard --data-dir "$STATE/etcd" --unsafe-no-fsync --logger zap --log-level warn \
        --listen-client-urls "http://127.0.0.1:$ETCD_PORT" --advertise-client-urls "http://127.0.0.1:$ETCD_PORT" \
        --listen-peer-urls "http://127.0.0.1:$ETCD_PEER_PORT" \
        --initial-advertise-peer-urls "http://127.0.0.1:$ETCD_PEER_PORT" \
        --initial-cluster "drillyard=http://127.0.0.1:$ETCD_PEER_PORT"
}

ready_etcd() { curl -fsS --max-time 2 "http://127.0.0.1:$ETCD_PORT/readyz"; }

# https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/: a key of one NUL byte is there for the header's revision alone.
compact_etcd() {
    local url=http://127.0.0.1:$ETCD_PORT/v3/kv revision
    revision=$(curl -fsS --max-time 5 "$url/range" -d '{"key":"AA=="}' | sed -n 's/.*"revision":"\([0-9]*\)".*/\1/p')
    [[ -n $revision ]] && curl -fsS --max-time 5 "$url/compaction" -d "{\"revision\":\"$revision\"}" >/dev/null
}
address_etcd() { printf '127.0.0.1:%s 127.0.0.1:%s' "$ETCD_PORT" "$ETCD_PEER_PORT"; }

# --- apiserver

# What a release does not serve by itself although the product wants it. MutatingAdmissionPolicy is GA in 1.36.
release_flags() {
    case $RELEASE in
    1.35) printf '%s\n' --feature-gates=MutatingAdmissionPolicy=true \
        --runtime-config=admissionregistration.k8s.io/v1beta1=true ;;
    esac
}

start_apiserver() {
    local pki=$STATE/pki flags
    mapfile -t flags < <(release_flags)
    # InternalIP: there is no DNS for the node's name. The requestheader flags let nobody in (no certificate has that
    # name); without them controller-manager and scheduler complain for ever that the setting is missing.
    spawn apiserver kube-apiserver --etcd-servers "http://127.0.0.1:$ETCD_PORT" \
        --bind-address "$NODE_IP" --advertise-address "$NODE_IP" --secure-port "$APISERVER_PORT" \
        --service-cluster-ip-range "$SERVICE_NET.0/24" --cert-dir "$pki" \
        --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
        --client-ca-file "$pki/ca.crt" --kubelet-certificate-authority "$pki/ca.crt" \
        --kubelet-client-certificate "$pki/apiserver-client.crt" \
        --kubelet-client-key "$pki/apiserver-client.key" --kubelet-preferred-address-types InternalIP \
        --requestheader-client-ca-file "$pki/ca.crt" --requestheader-allowed-names front-proxy \
        --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group \
        --service-account-issuer https://kubernetes.default.svc \
        --service-account-key-file "$pki/service-account.key" \
        --service-account-signing-key-file "$pki/service-account.key" \
        --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --allow-privileged \
        --audit-policy-file "$STATE/config/audit.yaml" --audit-log-path "$STATE/log/audit.log" \
        --audit-log-maxsize 200 --audit-log-maxbackup 2 --profiling=false "${flags[@]}"
}

ready_apiserver() { admin get --raw /readyz; }
address_apiserver() { printf '%s:%s' "$NODE_IP" "$APISERVER_PORT"; }

# --- controller-manager

start_controller_manager() {
    local pki=$STATE/pki config=$STATE/controller-manager.kubeconfig
    spawn controller-manager kube-controller-manager --kubeconfig "$config" --authentication-kubeconfig "$config" \
        --authorization-kubeconfig "$config" --bind-address 127.0.0.1 --secure-port "$CONTROLLER_MANAGER_PORT" \
        --tls-cert-file "$pki/controller-manager.crt" --tls-private-key-file "$pki/controller-manager.key" \
        --root-ca-file "$pki/ca.crt" --cluster-signing-cert-file "$pki/ca.crt" \
        --cluster-signing-key-file "$pki/ca.key" --service-account-private-key-file "$pki/service-account.key" \
        --use-service-account-credentials --leader-elect=false --flex-volume-plugin-dir "$STATE/volume-plugins"
}

ready_controller_manager() { healthy_https "$CONTROLLER_MANAGER_PORT"; }
address_controller_manager() { printf '127.0.0.1:%s' "$CONTROLLER_MANAGER_PORT"; }
healthy_https() { curl -fsS --max-time 2 --cacert "$STATE/pki/ca.crt" "https://127.0.0.1:$1/healthz"; }

# --- scheduler

start_scheduler() {
    local pki=$STATE/pki config=$STATE/scheduler.kubeconfig
    spawn scheduler kube-scheduler --config "$STATE/config/scheduler.yaml" --authentication-kubeconfig "$config" \
        --authorization-kubeconfig "$config" --bind-address 127.0.0.1 --secure-port "$SCHEDULER_PORT" \
        --tls-cert-file "$pki/scheduler.crt" --tls-private-key-file "$pki/scheduler.key"
}

ready_scheduler() { healthy_https "$SCHEDULER_PORT"; }
address_scheduler() { printf '127.0.0.1:%s' "$SCHEDULER_PORT"; }

# --- containerd

start_containerd() {
    spawn containerd containerd --config "$STATE/config/containerd.toml"
}

ready_containerd() { our_ctr version; }
address_containerd() { printf '%s' "$CONTAINERD_SOCKET"; }

# --- kubelet

start_kubelet() {
    spawn kubelet kubelet --config "$STATE/config/kubelet.yaml" --kubeconfig "$STATE/kubelet.kubeconfig" \
        --root-dir "$STATE/kubelet" --cert-dir "$STATE/pki" --hostname-override "$NODE_NAME" --node-ip "$NODE_IP"
}

ready_kubelet() { curl -fsS --max-time 2 "http://127.0.0.1:$KUBELET_HEALTH_PORT/healthz"; }
address_kubelet() { printf '%s:%s 127.0.0.1:%s' "$NODE_IP" "$KUBELET_PORT" "$KUBELET_HEALTH_PORT"; }

# --- kube-proxy

start_kube_proxy() {
    spawn kube-proxy kube-proxy --config "$STATE/config/kube-proxy.yaml"
}

ready_kube_proxy() { curl -fsS --max-time 2 "http://127.0.0.1:$PROXY_HEALTH_PORT/healthz"; }
address_kube_proxy() { printf '127.0.0.1:%s 127.0.0.1:%s' "$PROXY_HEALTH_PORT" "$PROXY_METRICS_PORT"; }

# --- any of them

# Calls VERB_COMPONENT.
component() { # VERB COMPONENT
    "$1_${2//-/_}"
}

start_component() { # COMPONENT
    local component=$1
    if is_dead "$component"; then
        component start "$component"
    else
        signal_component "$component" CONT # it may be paused
    fi
}

# Ready, or dead: both end the waiting.
settled() { # COMPONENT
    component ready "$1" || is_dead "$1"
}

await_component() { # COMPONENT
    local pid_file=$RUN/pid/$1
    wait_for 5 "" test -s "$pid_file" || die "$1 did not start"
    if ! wait_for 90 "" settled "$1" || is_dead "$1"; then
        show_log "$1"
        die "$1 is not ready"
    fi
    say "$1 is ready"
}
