#!/bin/bash
# What hack/cluster may name and remove follows from DRILLYARD_STATE alone; and quickstart with a cluster of one's own wants no root.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

verdict() { # WHAT WANTED SEEN
    if [[ $2 == "$3" ]]; then
        ((++passed))
    else
        ((++failed))
        printf 'not ok: %s: wanted "%s", saw "%s"\n' "$1" "$2" "$3"
    fi
}

settings() { # STATE: prints what follows from it, or "refused"
    env DRILLYARD_STATE="$1" bash -c '
        source hack/cluster.d/progress.sh; source hack/cluster.d/settings.sh
        echo "$STATE $RUN $CGROUP"' 2>"$scratch/why" && return
    if grep -q -F "DRILLYARD_STATE: \"" "$scratch/why"; then echo refused; else cat "$scratch/why"; fi
}

while read -r state wanted; do
    verdict "DRILLYARD_STATE=$state" "$wanted" "$(settings "$state")"
done <<ROWS
/var/lib/drillyard-cluster   /var/lib/drillyard-cluster /run/drillyard-cluster drillyard-cluster
/var/lib/drillyard-cluster/  /var/lib/drillyard-cluster /run/drillyard-cluster drillyard-cluster
/tmp/a/state///              /tmp/a/state /run/drillyard-state drillyard-state
/var/lib/docker              /var/lib/docker /run/drillyard-docker drillyard-docker
/run/user                    /run/user /run/drillyard-user drillyard-user
/var/lib/drillyard           /var/lib/drillyard /run/drillyard-drillyard drillyard-drillyard
/                            refused
//                           refused
/.                           refused
/var/lib/..                  refused
/var/../lib/a                refused
/var//a                      refused
/var/lib/a*                  refused
relative/path                refused
/tmp/$(printf 'x%.0s' {1..60}) refused
ROWS
verdict "a blank in DRILLYARD_STATE" refused "$(settings "/tmp/a b")"

longest=/$(printf 'x%.0s' {1..59})
read -r state run _ <<<"$(settings "$longest")"
for socket in "$run/containerd.sock.ttrpc" "$state/kubelet/pod-resources/kubelet.sock"; do
    verdict "${#socket} characters of ${socket##*/} fit" yes "$( ((${#socket} < 100)) && echo yes || echo no)"
done

take_away() { # STATE: what `down` does to the folder at the end, and what it asks before all else
    env DRILLYARD_STATE="$1" bash -c 'set -euo pipefail
        source hack/cluster.d/progress.sh; source hack/cluster.d/settings.sh; source hack/cluster.d/down.sh
        need_own_state; remove_state' 2>"$scratch/why" && echo removed || echo "refused"
}
mkdir -p "$scratch/home/mail" "$scratch/ours/pki" "$scratch/empty"
touch "$scratch/ours/release"
verdict "a folder that up did not make" refused "$(take_away "$scratch/home")"
verdict "it is still there" yes "$([[ -d $scratch/home/mail ]] && echo yes)"
verdict "the state of a cluster" removed "$(take_away "$scratch/ours")"
verdict "it is gone" yes "$([[ ! -e $scratch/ours ]] && echo yes)"
verdict "again" removed "$(take_away "$scratch/ours")"
verdict "an empty folder" removed "$(take_away "$scratch/empty")"

# A cluster of one's own: every kubectl and helm succeeds, and four drills have ended.
mkdir "$scratch/bin"
tee "$scratch/bin/kubectl" >"$scratch/bin/helm" <<'FAKE'
#!/bin/sh
case " $* " in *" -f - "*) cat >/dev/null ;; esac
printf 'a\nb\nc\nd\n'
FAKE
chmod -R a+rX "$scratch"
chmod a+x "$scratch/bin/kubectl" "$scratch/bin/helm"
as_nobody=()
((EUID != 0)) || as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
said=$(env -u DRILLYARD_STATE HOME=/nonexistent PATH="$scratch/bin:$PATH" "${as_nobody[@]}" hack/quickstart --context mine 2>&1) && said="ended with 0"
verdict "quickstart --context, not as root" "ended with 0" "${said##*$'\n'}"

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
