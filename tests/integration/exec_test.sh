#!/bin/bash
# tests/integration/exec_test.sh PROGRAM: runs PROGRAM (exec_test.c) against the cluster of KUBECONFIG, in a namespace of its own, which
# it deletes. Where the cluster's API server runs on this machine, a second one is started beside it on another port (same storage, same
# rights, its endpoint not published), to be stopped and killed by the test; else those two tests pass over.
set -u

program=${1:?usage: exec_test.sh PROGRAM}
work=$(mktemp -d)
namespace=exec-test-$$
port=24543
second=

cleanup() {
    [ -n "$second" ] && kill -9 "$second" 2>/dev/null
    kubectl delete namespace "$namespace" --wait=false >"$work/cleanup" 2>&1
    rm -rf "$work"
}
trap cleanup EXIT

pod() {
    cat <<END
apiVersion: v1
kind: Pod
metadata: {name: $1, namespace: $namespace}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: drillyard/sample-busybox:0.1.0
      imagePullPolicy: Never
      command: [sleep, "3600"]
END
}

kubectl create namespace "$namespace" >/dev/null || exit 1
for ((i = 0; i < 50; i++)); do
    kubectl -n "$namespace" get serviceaccount default >/dev/null 2>&1 && break
    sleep 0.2
done
{ pod target; echo ---; pod victim; } | kubectl apply -f - >/dev/null || exit 1
kubectl -n "$namespace" wait --for=condition=Ready pod/target pod/victim --timeout=60s >/dev/null || exit 1

first=$(pgrep -x kube-apiserver | head -n 1)
if [ -n "$first" ] && mapfile -d '' -t flags <"/proc/$first/cmdline" 2>/dev/null; then
    command=()
    address=127.0.0.1
    for ((i = 0; i < ${#flags[@]}; i++)); do
        case ${flags[i]} in
        --secure-port) i=$((i + 1)) ;;
        --bind-address) address=${flags[i + 1]}; command+=("${flags[i]}") ;;
        --audit-*) case ${flags[i]} in *=*) ;; *) i=$((i + 1)) ;; esac ;;
        *) command+=("${flags[i]}") ;;
        esac
    done
    "$(readlink "/proc/$first/exe")" "${command[@]:1}" --secure-port "$port" --endpoint-reconciler-type none \
        >"$work/apiserver.log" 2>&1 &
    second=$!
    sed "s|server: https://.*|server: https://$address:$port|" "${KUBECONFIG:?}" >"$work/kubeconfig"
    for ((i = 0; i < 150; i++)); do
        kubectl --kubeconfig "$work/kubeconfig" get --raw /readyz >/dev/null 2>&1 && break
        sleep 0.2
    done
    export EXEC_APISERVER_PID=$second EXEC_APISERVER_KUBECONFIG=$work/kubeconfig
fi

EXEC_NS=$namespace EXEC_POD=target EXEC_VICTIM=victim "$program"
status=$?
if [ -n "$second" ]; then
    wait "$second" 2>/dev/null
    second=
fi
exit "$status"
