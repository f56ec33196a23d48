# programs.sh: builds the Kubernetes programs, etcd and helm from their Go modules, once per version.
# A group is one folder with a go.mod; its `tool` lines are the programs. Built groups lie in $CACHE/programs.
# shellcheck shell=bash

programs_dir() { # GROUP
    printf '%s/programs/%s' "$CACHE" "$1"
}

kubernetes_group() { # RELEASE
    printf 'kubernetes-%s' "$(module_version "$(kubernetes_module "$1")" k8s.io/kubernetes)"
}

etcd_group() {
    printf 'etcd-%s' "$(module_version "$HERE/etcd" go.etcd.io/etcd/server/v3)"
}

helm_group() {
    printf 'helm-%s' "$(module_version "$HERE/helm" helm.sh/helm/v4)"
}

# Without a stamp the kubelet calls itself v0.0.0-master, and version checks of kubectl and helm go wrong.
kubernetes_stamp() { # VERSION
    local package major minor
    IFS=. read -r major minor _ <<<"${1#v}"
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        printf -- '-X %s.gitVersion=%s -X %s.gitMajor=%s -X %s.gitMinor=%s -X %s.gitTreeState=clean ' \
            "$package" "$1" "$package" "$major" "$package" "$minor" "$package"
    done
}

link_flags() { # GROUP
    printf -- '-s -w '
    case $1 in
    kubernetes-*) kubernetes_stamp "${1#kubernetes-}" ;;
    helm-*) printf -- '-X helm.sh/helm/v4/internal/version.version=%s' "${1#helm-}" ;;
    esac
}

# A line every 15 seconds while the compiler is silent; LIST has one line per package done so far.
heartbeat() { # WHAT LIST
    local start=$SECONDS never
    exec {never}<> <(:) # a pipe that nothing is written to: no child process that would outlive a killed heartbeat
    until read -r -t 15 -u "$never"; do
        say "  building $1: $(wc -l <"$2") packages compiled after $((SECONDS - start)) s"
    done
}

compile() { # GO GROUP MODULE_FOLDER TARGET
    local beat status=0
    heartbeat "$2" "$4.log" &
    beat=$!
    # GOWORK and GOFLAGS of the user would change what is built; -mod=readonly holds it to the go.sum in the tree.
    (cd "$3" && CGO_ENABLED=0 GOWORK=off GOFLAGS='' "$1" build ${DRILLYARD_JOBS:+-p "$DRILLYARD_JOBS"} -v \
        -mod=readonly -buildvcs=false -trimpath -ldflags "$(link_flags "$2")" -o "$4/" tool) >"$4.log" 2>&1 ||
        status=$?
    kill "$beat"
    wait "$beat" 2>/dev/null || true
    ((status == 0)) || tail -n 20 "$4.log" >&2
    return "$status"
}

# Compiles beside the final place and renames, so that what is there under its name is always whole.
build_group() { # GROUP MODULE_FOLDER
    local target part go
    target=$(programs_dir "$1")
    [[ ! -d $target ]] || return 0
    go=$(ensure_go)
    part=$CACHE/programs/.part-$1
    rm -rf "$part" "$part.log"
    mkdir -p "$part"
    say "building $1 with $("$go" env GOVERSION) (minutes, the first time only)"
    compile "$go" "$1" "$2" "$part" || die "$1 did not build; the whole output is in $part.log"
    [[ $1 != etcd-* ]] || mv "$part/server" "$part/etcd" # Go names a program after its folder
    mv "$part" "$target"
    rm -f "$part.log"
    say "built $1"
}

is_built() { # RELEASE
    [[ -d $(programs_dir "$(etcd_group)") && -d $(programs_dir "$(kubernetes_group "$1")") &&
        -d $(programs_dir "$(helm_group)") ]]
}

build_programs() { # RELEASE
    ! is_built "$1" || return 0 # and nobody waits for somebody else's build
    take_lock build
    build_group "$(etcd_group)" "$HERE/etcd"
    build_group "$(kubernetes_group "$1")" "$(kubernetes_module "$1")"
    build_group "$(helm_group)" "$HERE/helm"
    drop_lock
}

# The folders to put on PATH.
program_path() { # RELEASE
    printf '%s:%s:%s' "$(programs_dir "$(kubernetes_group "$1")")" "$(programs_dir "$(etcd_group)")" \
        "$(programs_dir "$(helm_group)")"
}
