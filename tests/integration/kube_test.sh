#!/bin/bash
# tests/integration/kube_test.sh PROGRAM: runs PROGRAM (kube_test.c) against the cluster of KUBECONFIG, whose etcd has forgotten the past:
# a young cluster still knows revision 1, and one that asks for it would get it.
set -eu

"$(dirname "$0")/../../hack/cluster" compact
exec "${1:?usage: kube_test.sh PROGRAM}"
