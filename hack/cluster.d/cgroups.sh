# cgroups.sh: the cgroup below which the kubelet puts every pod. What runs in it is ours, whatever else was lost.
# shellcheck shell=bash

# One folder per hierarchy on cgroup v1, one in all on v2, both kinds on a hybrid machine.
cgroup_roots() {
    awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts
}

make_cgroups() {
    local root controller
    for root in $(cgroup_roots); do
        if [[ -e $root/cgroup.subtree_control ]]; then
            for controller in $(<"$root/cgroup.controllers"); do
                echo "+$controller" >"$root/cgroup.subtree_control" 2>/dev/null || true # not all can be, everywhere
            done
        fi
        mkdir -p "$root/$CGROUP"
    done
}

our_cgroups() {
    local root
    for root in $(cgroup_roots); do
        [[ ! -d $root/$CGROUP ]] || find "$root/$CGROUP" -depth -type d 2>/dev/null || true
    done
}

# A frozen process (v1: a paused container) does not die before it is thawed.
thaw() { # FOLDER
    [[ ! -e $1/freezer.state ]] || echo THAWED >"$1/freezer.state" 2>/dev/null || true
}

no_pod_processes() {
    local folder pid left=0
    while read -r folder; do
        while read -r pid; do
            kill -KILL "$pid" 2>/dev/null || true
            left=1
        done < <(cat "$folder/cgroup.procs" 2>/dev/null)
        thaw "$folder"
    done < <(our_cgroups)
    ((left == 0))
}

remove_cgroups() {
    local folder
    while read -r folder; do
        rmdir "$folder" 2>/dev/null || true
    done < <(our_cgroups)
    [[ -z $(our_cgroups) ]]
}
