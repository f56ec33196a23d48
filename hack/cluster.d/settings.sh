# settings.sh: every folder, address and port of the cluster, in one place. Sourced by hack/cluster.
# All may be set from the environment; nothing here has an effect on the machine.
# shellcheck shell=bash
# shellcheck disable=SC2034  # the other files read these

readonly COMPONENTS=(etcd apiserver controller-manager scheduler containerd kubelet kube-proxy)
readonly DEFAULT_RELEASE=1.37

readonly CACHE=${DRILLYARD_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/drillyard}
STATE=${DRILLYARD_STATE:-/var/lib/drillyard-cluster}
while [[ $STATE == ?*/ ]]; do STATE=${STATE%/}; done
# `down` removes it, and its last part names what `down` ends: with an empty one that would be every process and all of /run.
[[ $STATE =~ ^(/[a-zA-Z0-9_][a-zA-Z0-9._-]*)+$ ]] ||
    die "DRILLYARD_STATE: \"$STATE\" wants to be the plain absolute path of a folder of its own, such as /var/lib/drillyard-cluster"
# The longest socket below it, or below RUN, is then shorter than 100 characters; sun_path has 108 (unix(7)).
((${#STATE} <= 60)) || die "DRILLYARD_STATE: \"$STATE\" has ${#STATE} characters; at most 60 can be, since the paths of sockets begin with it"
readonly STATE
# Sockets, pid files and network namespaces; named after the state folder so that two clusters do not share it, and so that it is nobody
# else's: /run and the cgroups have names such as docker and user already.
RUN=${STATE##*/}
[[ $RUN == drillyard-* ]] || RUN=drillyard-$RUN
readonly CGROUP=$RUN # all pods live below it, so that `down` knows its own processes
readonly RUN=/run/$RUN

readonly POD_NET=${DRILLYARD_POD_NET:-10.88.0}         # the first three numbers of a /24
readonly SERVICE_NET=${DRILLYARD_SERVICE_NET:-10.89.0} # likewise
readonly NODE_IP=$POD_NET.1                            # the bridge's address: the kubelet refuses a loopback one
readonly BRIDGE=${DRILLYARD_BRIDGE:-drillyard0}
readonly NODE_NAME=${DRILLYARD_NODE:-drillyard-node}

# Away from the well-known ports and below the ephemeral range, so that other clusters and clients are not met.
readonly PORT_BASE=${DRILLYARD_PORTS:-24000}
readonly APISERVER_PORT=$((PORT_BASE + 443))
readonly ETCD_PORT=$((PORT_BASE + 379))
readonly ETCD_PEER_PORT=$((PORT_BASE + 380))
readonly KUBELET_HEALTH_PORT=$((PORT_BASE + 248))
readonly PROXY_METRICS_PORT=$((PORT_BASE + 249))
readonly KUBELET_PORT=$((PORT_BASE + 250))
readonly PROXY_HEALTH_PORT=$((PORT_BASE + 256))
readonly CONTROLLER_MANAGER_PORT=$((PORT_BASE + 257))
readonly SCHEDULER_PORT=$((PORT_BASE + 259))

readonly SERVER=https://$NODE_IP:$APISERVER_PORT
readonly CONTAINERD_SOCKET=$RUN/containerd.sock
readonly ADMIN_KUBECONFIG=$STATE/admin.kubeconfig
readonly PAUSE_IMAGE=localhost/drillyard-pause:1

# The version of each program is the one in its go.mod; this table only names the modules a release is built from.
kubernetes_module() { # RELEASE (such as 1.37)
    printf '%s/kubernetes-%s' "$HERE" "$1"
}

known_releases() {
    local folder
    for folder in "$HERE"/kubernetes-*/; do
        folder=${folder%/}
        printf '%s ' "${folder##*/kubernetes-}"
    done
}

module_version() { # FOLDER MODULE
    local version
    version=$(sed -n "s|^\(require \)\?[[:space:]]*$2 \(v[0-9.]*\).*|\2|p" "$1/go.mod")
    [[ -n $version ]] || die "$1/go.mod requires no $2"
    printf '%s' "$version"
}
