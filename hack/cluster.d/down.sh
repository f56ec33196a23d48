# down.sh: takes everything away, in an order in which nothing is started again behind our back. Each step holds when it
# has been done already, so `down` can be repeated, and can follow a kill -9 of anything.
# shellcheck shell=bash

end_processes() {
    local component
    # The kubelet and containerd first: they would put back what is ended below.
    for component in kubelet containerd kube-proxy scheduler controller-manager apiserver etcd; do
        end_component "$component" 3 # nothing is worth a longer wait: it is thrown away
    done
    # A shim that sees its container die tidies up; one without containerd cannot, so both are ended.
    wait_for 20 "" no_pod_processes || die "processes in the cgroup $CGROUP do not end"
    wait_for 20 "" no_stray_processes || die "processes of the cluster do not end: $(stray_processes | xargs)"
    wait_for 20 "" no_pod_processes || die "processes in the cgroup $CGROUP do not end"
    wait_for 10 "" remove_cgroups || die "cgroups stay: $(our_cgroups | head -n 3 | xargs)"
}

# Mount points below our folders, the deepest first. \040 and the like: see proc(5), mountinfo.
our_mounts() {
    local point
    while read -r _ _ _ _ point _; do
        point=$(printf '%b' "$point")
        [[ $point/ != "$STATE"/* && $point/ != "$RUN"/* ]] || printf '%s\n' "$point"
    done </proc/self/mountinfo | sort --reverse
}

# The network namespaces of the pods are mounts too and end with them, and their links with them.
unmount_all() {
    local point
    while read -r point; do
        umount "$point" 2>/dev/null || umount --lazy "$point" 2>/dev/null || true
    done < <(our_mounts)
    [[ -z $(our_mounts) ]]
}

# Removes FOLDER if it is empty, and the empty ones above it.
remove_if_empty() { # FOLDER
    rmdir --parents --ignore-fail-on-non-empty "$1" 2>/dev/null || true
}

# What the programs write outside of our folders without a setting to change it: only files that are ours go.
remove_outside_files() {
    local file container
    # Sockets of containerd's shims; each bundle says which.
    for file in "$RUN"/containerd/io.containerd.runtime.v2.task/*/*/address; do
        [[ ! -e $file ]] || rm -f "$(sed 's|^unix://||' "$file")"
    done
    remove_if_empty /run/containerd/s
    # CNI's record of each attachment; libcni calls containerd's own loopback network cni-loopback.
    for file in /var/lib/cni/results/"$CGROUP"-*; do
        [[ -e $file ]] || continue
        container=${file##*/"$CGROUP"-}
        rm -f "$file" "/var/lib/cni/results/cni-loopback-${container%-*}-lo"
    done
    remove_if_empty /var/lib/cni/results
    find /var/log/containers -maxdepth 1 -lname "$STATE/*" -delete 2>/dev/null || true
    remove_if_empty /var/log/containers
    # The kubelet's device plug-in socket, whatever its --root-dir.
    rm -f /var/lib/kubelet/device-plugins/{kubelet.sock,kubelet_internal_checkpoint,DEPRECATION}
    remove_if_empty /var/lib/kubelet/device-plugins
}

# A folder that `up` did not make is nobody's to remove: DRILLYARD_STATE may have been mistyped.
need_own_state() {
    [[ ! -e $STATE || -e $STATE/release || -z $(ls -A "$STATE") ]] ||
        die "\"$STATE\" is no state folder of a cluster (it has no file \"release\"), and is left alone"
}

# The mark goes last, so that a removal that was cut short can be repeated. Never through a mount.
remove_state() {
    [[ ! -d $STATE ]] || find "$STATE" -mindepth 1 -maxdepth 1 ! -name release -exec rm -rf --one-file-system {} +
    rm -rf --one-file-system "$STATE"
}

take_down() {
    need_own_state
    end_processes
    wait_for 10 "" unmount_all || die "mounts stay: $(our_mounts | head -n 3 | xargs)"
    remove_bridge
    remove_proxy_rules
    restore_kernel_settings
    remove_outside_files
    rm -rf --one-file-system "$RUN"
    remove_state
}
