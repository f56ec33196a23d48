# images.sh: images without a registry. The pause image is made here; others come as tars (docker-archive or OCI).
# shellcheck shell=bash

our_ctr() {
    ctr --address "$CONTAINERD_SOCKET" --namespace k8s.io "$@"
}

# A docker-archive is a tar of manifest.json, the image's configuration and one tar per layer.
pack_image() { # ROOT_FOLDER TAG ENTRYPOINT TARGET
    local work layer
    work=$(mktemp -d)
    tar --create --file "$work/layer.tar" --directory "$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 .
    layer=$(sha256sum "$work/layer.tar")
    printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":["%s"],"User":"65535:65535"},' \
        "$(dpkg --print-architecture)" "$3" >"$work/config.json"
    printf '"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "${layer%% *}" >>"$work/config.json"
    printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$2" >"$work/manifest.json"
    tar --create --file "$4" --directory "$work" manifest.json config.json layer.tar
    rm -rf "$work"
}

make_pause_image() {
    local work
    [[ ! -e $STATE/pause.tar ]] || return 0
    work=$(mktemp -d)
    quietly cc -Os -static -s -o "$work/pause" "$HERE/pause/pause.c"
    chmod 755 "$work" "$work/pause"
    pack_image "$work" "$PAUSE_IMAGE" /pause "$STATE/pause.tar.part"
    mv "$STATE/pause.tar.part" "$STATE/pause.tar"
    rm -rf "$work"
}

import_image() { # TAR
    our_ctr images import "$1"
}
