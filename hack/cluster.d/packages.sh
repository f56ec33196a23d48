# packages.sh: the Debian packages and the Go toolchain that hack/cluster and hack/image need.
# shellcheck shell=bash

# A row is a command (or a file) that must be there and the package that has it.
# shellcheck disable=SC2034  # hack/cluster hands it to ensure_packages
readonly CLUSTER_PACKAGES="
containerd                    containerd
runc                          runc
/usr/lib/cni/bridge           containernetworking-plugins
nft                           nftables
conntrack                     conntrack
ip                            iproute2
openssl                       openssl
mount                         mount
flock                         util-linux
sysctl                        procps
curl                          curl
cc                            gcc
/usr/include/stdlib.h         libc6-dev
/etc/ssl/certs/ca-certificates.crt  ca-certificates
"

have() { # COMMAND or FILE
    if [[ $1 == /* ]]; then [[ -e $1 ]]; else command -v "$1" >/dev/null; fi
}

missing_packages() { # TABLE
    local what package
    while read -r what package; do
        [[ -z $what ]] || have "$what" || printf '%s ' "$package"
    done <<<"$1"
}

install_packages() { # PACKAGE...
    command -v apt-get >/dev/null || die "these programs are missing and this machine has no apt-get: $*"
    say "installing Debian packages: $*"
    export DEBIAN_FRONTEND=noninteractive
    # The lists of a fresh machine are empty or old; then the first attempt fails, and what it says is of no use.
    apt-get install -y -q --no-install-recommends "$@" >/dev/null 2>&1 ||
        { quietly apt-get update -q && quietly apt-get install -y -q --no-install-recommends "$@"; } ||
        die "apt-get could not install: $*"
}

ensure_packages() { # TABLE
    local missing
    read -ra missing <<<"$(missing_packages "$1")"
    ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
}

# --- Go ------------------------------------------------------------------------------------------------------------

# The compiler used when the machine has none that is new enough.
readonly GO_VERSION=1.26.8

# Whether GO is at least VERSION. The toolchain switch is off: it answers for itself, not for one it would fetch.
go_is_at_least() { # GO VERSION
    local have_version
    have_version=$(cd / && GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
    printf '%s\n%s\n' "$2" "${have_version#go}" | sort --check=quiet --version-sort
}

any_go() {
    command -v go || compgen -G '/usr/local/go/bin/go' || compgen -G '/usr/lib/go-*/bin/go' || return 1
}

# golang.org/toolchain is an ordinary module to an old Go, even to one that knows no GOTOOLCHAIN, and the checksum
# database covers it. What a module download does not keep are the execute bits, hence the chmod.
fetch_go() { # GO TARGET
    local module folder
    module=golang.org/toolchain@v0.0.1-go$GO_VERSION.linux-$(cd / && "$1" env GOARCH)
    say "fetching Go $GO_VERSION (module golang.org/toolchain)"
    folder=$(cd / && GOFLAGS='' "$1" mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",\?$/\1/p')
    [[ -d $folder ]] || die "the module proxy has no $module"
    rm -rf "$2" "$2.part"
    mkdir -p "$2.part"
    cp -r "$folder/." "$2.part"
    chmod -R u+w "$2.part"
    find "$2.part/bin" "$2.part/pkg/tool" -type f -exec chmod +x {} +
    mv "$2.part" "$2"
}

# Prints the path of a Go that can build every module here.
ensure_go() {
    local own=$CACHE/go-$GO_VERSION/bin/go go
    go=$(any_go | head -n 1) || true
    if [[ -n $go ]] && go_is_at_least "$go" "${GO_VERSION%.*}"; then
        printf '%s' "$go"
        return
    fi
    if ! go_is_at_least "$own" "$GO_VERSION"; then
        [[ -n $go ]] || install_packages golang-go >&2
        go=${go:-$(any_go | head -n 1)}
        fetch_go "$go" "$CACHE/go-$GO_VERSION" >&2
    fi
    printf '%s' "$own"
}
