# processes.sh: starting, finding and ending the cluster's own processes, and no others.
# A pid file holds the pid and the process's start time, so a pid that the kernel gave to somebody else is never taken
# for ours.
# shellcheck shell=bash

# Field 22 of /proc/PID/stat (proc(5)); the name in field 2 may hold spaces, so counting begins after its bracket.
start_time() { # PID
    local stat
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    read -ra stat <<<"${stat##*) }"
    printf '%s' "${stat[19]}"
}

process_state() { # PID
    local stat
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    stat=${stat##*) }
    printf '%s' "${stat:0:1}"
}

# Runs COMMAND in a session of its own with its output in the component's log. The new process writes its own pid file
# before it becomes COMMAND: if we are killed meanwhile, it is still found.
spawn() { # COMPONENT COMMAND...
    local component=$1 self
    shift
    mkdir -p "$STATE/log" "$RUN/pid"
    rm -f "$RUN/pid/$component"
    (
        [[ -z ${LOCK_FD:-} ]] || exec {LOCK_FD}>&-
        self=$BASHPID # in $() it would be that subshell's
        printf '%s %s\n' "$self" "$(start_time "$self")" >"$RUN/pid/$component"
        cd / && exec setsid "$@"
    ) </dev/null >>"$STATE/log/$component.log" 2>&1 &
    disown
}

# Prints the pid of a component that is there, running or paused.
pid_of() { # COMPONENT
    local pid started
    { read -r pid started <"$RUN/pid/$1"; } 2>/dev/null || return 1
    [[ $(start_time "$pid") == "$started" && $(process_state "$pid") != Z ]] || return 1
    printf '%s' "$pid"
}

is_running() { # COMPONENT
    local pid
    pid=$(pid_of "$1") && [[ $(process_state "$pid") != T ]]
}

is_dead() { # COMPONENT
    ! pid_of "$1" >/dev/null
}

signal_component() { # COMPONENT SIGNAL
    local pid
    pid=$(pid_of "$1") || return 1
    kill -s "$2" "$pid" 2>/dev/null
}

# Asks, waits, insists. SIGCONT because a stopped process does not see SIGTERM.
end_component() { # COMPONENT SECONDS
    signal_component "$1" TERM || return 0
    signal_component "$1" CONT || true
    wait_for "$2" "" is_dead "$1" && return
    signal_component "$1" KILL || true
    wait_for 5 "" is_dead "$1" || die "$1 (pid $(pid_of "$1")) does not end, not even on SIGKILL"
}

# What the last lines of a component's log say, for the person who must find out why.
show_log() { # COMPONENT
    printf -- '--- last lines of %s:\n' "$STATE/log/$1.log" >&2
    tail -n 15 "$STATE/log/$1.log" >&2 || true
}

# Processes that name our folders on their command line and are one of the programs we start: container shims, and
# components whose pid file was lost. Somebody's `tail -f` of a log is not among them.
stray_processes() {
    local folder exe
    for folder in /proc/[0-9]*; do
        exe=$(readlink "$folder/exe" 2>/dev/null) || continue
        exe=${exe% (deleted)}
        case ${exe##*/} in
        etcd | kube-apiserver | kube-controller-manager | kube-scheduler | kubelet | kube-proxy | containerd | \
            containerd-shim-runc-v2) ;;
        *) continue ;;
        esac
        tr '\0' '\n' <"$folder/cmdline" 2>/dev/null | grep -q -F -e "$RUN/" -e "$STATE/" || continue
        printf '%s\n' "${folder##*/}"
    done
}

no_stray_processes() {
    local pid
    for pid in $(stray_processes); do
        kill -KILL "$pid" 2>/dev/null || true
    done
    [[ -z $(stray_processes) ]]
}
