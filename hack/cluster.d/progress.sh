# progress.sh: what the person at the terminal sees. Everything goes to standard error; standard output is for answers.
# shellcheck shell=bash

say() {
    printf '%4ds  %s\n' "$SECONDS" "$*" >&2
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Runs COMMAND quietly; its output is shown only when it fails.
quietly() { # COMMAND...
    local output
    output=$("$@" 2>&1) || {
        printf '%s\n' "$output" | tail -n 40 >&2
        return 1
    }
}

# Polls CONDITION until it holds. Polling is right here: the programs have no other way to say that they are ready.
wait_for() { # SECONDS WHAT CONDITION...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || return 1
        sleep 0.2
    done
    [[ -z $what ]] || say "$what"
}

# One holder at a time for NAME; the lock ends with this process. Children are started with the descriptor closed.
take_lock() { # NAME
    mkdir -p "$CACHE"
    exec {LOCK_FD}>"$CACHE/$1.lock"
    flock --nonblock "$LOCK_FD" && return
    say "waiting for another invocation of hack/${0##*/} to end"
    flock "$LOCK_FD"
}

drop_lock() {
    exec {LOCK_FD}>&-
}
