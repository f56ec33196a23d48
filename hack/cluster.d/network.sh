# network.sh: the bridge that is the node's address, and the kernel settings around it. Everything is undone by `down`.
# shellcheck shell=bash

# Settings that we or the programs change; their former values are kept to be put back.
readonly KERNEL_SETTINGS=(
    net.ipv4.ip_forward                   # CNI's bridge plugin
    net.ipv4.conf.all.route_localnet      # kube-proxy
    net.bridge.bridge-nf-call-iptables    # below
    vm.overcommit_memory                  # the kubelet, as the next ones
    vm.panic_on_oom
    kernel.panic
    kernel.panic_on_oops
    kernel.keys.root_maxkeys
    kernel.keys.root_maxbytes
)

save_kernel_settings() {
    local file=$STATE/kernel-settings
    [[ ! -e $file ]] || return 0
    sysctl --ignore "${KERNEL_SETTINGS[@]}" >"$file.part" 2>/dev/null || true
    mv "$file.part" "$file"
}

restore_kernel_settings() {
    [[ ! -e $STATE/kernel-settings ]] || sysctl --quiet --load="$STATE/kernel-settings" >/dev/null 2>&1 || true
}

make_bridge() {
    if ! ip link show dev "$BRIDGE" >/dev/null 2>&1; then
        ! ip -4 route show match "$NODE_IP" | grep -q -v '^default' ||
            die "$POD_NET.0/24 is in use on this machine; choose another with DRILLYARD_POD_NET"
        ip link add name "$BRIDGE" type bridge
    fi
    ip addr replace "$NODE_IP/24" dev "$BRIDGE"
    ip link set dev "$BRIDGE" up
    # A reply from pod to pod must pass the rules that translated the request's ClusterIP.
    modprobe br_netfilter 2>/dev/null || true
    sysctl --quiet --ignore --write net.bridge.bridge-nf-call-iptables=1 >/dev/null 2>&1 || true
}

remove_bridge() {
    local link
    for link in $(ip -o link show master "$BRIDGE" 2>/dev/null | sed 's/^[0-9]*: \([^@:]*\).*/\1/'); do
        ip link delete dev "$link" 2>/dev/null || true # gone already if its namespace went meanwhile
    done
    ip link delete dev "$BRIDGE" 2>/dev/null || true
}

# The names of kube-proxy's tables are fixed, so there can be one kube-proxy on a machine. Another's must stay whole.
claim_proxy_rules() {
    [[ ! -e $STATE/owns-proxy-rules ]] || return 0
    ! nft list table ip kube-proxy >/dev/null 2>&1 ||
        die "another cluster's kube-proxy has its rules (nft table \"ip kube-proxy\") on this machine"
    touch "$STATE/owns-proxy-rules"
}

# kube-proxy leaves its tables behind on purpose: connections outlive its restart.
remove_proxy_rules() {
    local family
    [[ -e $STATE/owns-proxy-rules ]] || return 0
    for family in ip ip6; do
        nft delete table "$family" kube-proxy 2>/dev/null || true
    done
}
