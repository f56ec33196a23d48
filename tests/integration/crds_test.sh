#!/bin/bash
# The CRDs on a real API server: they are established, every example of crds/examples/valid and every object of the catalog is
# accepted, every example of crds/examples/invalid refused with its message, and kubectl explain has something to say about every field.
#
# Needs KUBECONFIG and kubectl. Applies crds/, and leaves them; works in a namespace of its own, which it deletes.
# An invalid example begins with "# expect: <part of the message>". Of more documents than one all but the last must be
# accepted; with "# then: apply" they are applied in turn, with "# then: status" all after the first to the status.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
namespace=crds-test-$$
number=0
passed=0
failed=0

cleanup() {
    kubectl delete namespace "$namespace" --wait=false >"$work/cleanup" 2>&1
    rm -rf "$work"
}
trap cleanup EXIT

# result STATUS DESCRIPTION: one line; on failure what stands in $work/out follows as a comment.
result() {
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok $number - $2"
    else
        failed=$((failed + 1))
        echo "not ok $number - $2"
        sed 's/^/#   /' "$work/out"
    fi
}

# Discovery is read anew: a cache of an older version would hide what this tests.
k() {
    kubectl --cache-dir="$work/cache" --namespace "$namespace" "$@" >"$work/out" 2>&1
}

: "${KUBECONFIG:?must name the kubeconfig of a cluster for tests}"

"$root/hack/crds" --check >"$work/out" 2>&1
result $? "crds/ is what hack/crds writes"

k apply -f "$root/crds"
result $? "the CRDs are applied"

kinds="drilltargets chaoscards drillschedules drills triggers playbooks playbookruns codingtasks remediationtemplates"
for plural in $kinds; do
    k wait --for=condition=NamesAccepted --for=condition=Established --timeout=30s "crd/$plural.drillyard.dev"
    result $? "$plural: names accepted, established"
    size=$(wc -c <"$root/crds/$plural.yaml")
    echo "$size bytes" >"$work/out"
    [ "$size" -lt 262144 ]
    result $? "$plural: $size bytes are less than 256 KiB"
done

python3 - "$root"/crds/*.yaml >"$work/out" 2>&1 <<'PYTHON'
import sys

import yaml

bare = []
count = 0


def walk(schema, where):
    global count
    for name, child in schema.get("properties", {}).items():
        path = where + "." + name
        count += 1
        # The API server allows metadata nothing but its type, and describes it itself.
        if not child.get("description") and path.split(".")[1:] != ["metadata"]:
            bare.append(path)
        walk(child, path)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            walk(schema[key], where + "[]")


for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as f:
        crd = yaml.safe_load(f)
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    if not schema.get("description"):
        bare.append(crd["spec"]["names"]["kind"])
    walk(schema, crd["spec"]["names"]["kind"])
print("\n".join(bare) if bare else "%d fields" % count)
sys.exit(1 if bare else 0)
PYTHON
result $? "every field has a description ($(tail -n 1 "$work/out"))"

k create namespace "$namespace"
result $? "a namespace for the test"

# explain FIELD TEXT: the server answers with the text; kubectl breaks lines, so blanks are made one.
explain() {
    k explain "$1"
    local status=$?
    tr -s ' \n' ' ' <"$work/out" >"$work/flat"
    [ $status -eq 0 ] && grep -qF -- "$2" "$work/flat"
    result $? "kubectl explain $1"
}
explain drill.spec "Nothing of it can be changed once the drill is made, except abort"
explain drill.spec.abort "Cannot be taken back"
explain drill.status.gates "The four gates"
explain drilltarget.spec.facets.heartbeat "The sign of life of the service"
explain drilltarget.spec.facets.logs "the word Stdout"
explain drilltarget.spec.facets.health.http.latency "percentile"
explain chaoscard.spec.injection.killProcess.signal "Default: KILL"
explain drillschedule.spec.every "at least 10s"
explain trigger.spec.probe "Exactly one kind of probe"
explain trigger.spec.for "without a break"
explain playbook.spec.branches.steps.runSmokeTests.probes "must all hold"
explain playbookrun.spec.reporter "outside healer"
explain codingtask.spec.gap "Key of the gap"
explain remediationtemplate.spec.policy "Pinned"

for file in "$root"/crds/examples/valid/*.yaml; do
    wanted=$(grep -c '^kind: ' "$file")
    k apply --dry-run=server --validate=strict -f "$file" && [ "$(grep -c 'server dry run' "$work/out")" -eq "$wanted" ]
    result $? "accepted: $(basename "$file") ($wanted)"
done

for file in "$root"/manifests/catalog/*.yaml; do
    k apply --dry-run=server --validate=strict -f "$file"
    result $? "accepted: catalog/$(basename "$file")"
done

# split FILE: its documents become $work/document.0, .1, … ; prints the number of the last.
split() {
    rm -f "$work"/document.*
    awk -v prefix="$work/document." '/^---$/ { n++; next } { print > (prefix n + 0) }' "$1"
    grep -c '^---$' "$1"
}

# Objects for real: what kubectl get prints is part of the contract.
k apply --validate=strict -f "$root/crds/examples/valid/drills.yaml" && k get drills && [ "$(head -n 1 "$work/out" |
    tr -s ' ' | sed 's/ $//')" = "NAME CARD TARGET PHASE GATES DETECT HEAL AGE" ]
result $? "kubectl get drills prints drills and nothing else, in the promised columns"
k get drill --field-selector spec.target=shop,spec.card=kh001-heartbeat-stops && [ "$(grep -c shop-kh001-now "$work/out")" -eq 1 ]
result $? "drills can be selected by target and card"
k get drillyard && grep -q shop-kh001-now "$work/out"
result $? "the category drillyard lists them all"

# Status: the second document is what the controller would write; "# prints:" is then the row of kubectl get, up to the ages.
for file in "$root"/crds/examples/status/*.yaml; do
    split "$file" >/dev/null
    row=$(sed -n 's/^# prints: //p' "$file")
    kind=$(sed -n 's/^kind: //p' "$work/document.0")
    name=$(sed -n 's/^metadata: {name: \(.*\)}$/\1/p' "$work/document.0")
    k apply --validate=strict -f "$work/document.0" &&
        k apply --server-side --validate=strict --subresource=status -f "$work/document.1" &&
        k get "$kind.drillyard.dev" "$name" --no-headers && case "$(tr -s ' ' <"$work/out")" in "$row "*) ;; *) false ;; esac
    result $? "status: $(basename "$file"): $row"
    k delete -f "$work/document.0"
done

# refused FILE: applies its documents in turn.
refused() {
    local file=$1 expect then last=0 document
    expect=$(sed -n 's/^# expect: //p' "$file")
    then=$(sed -n 's/^# then: //p' "$file")
    last=$(split "$file")
    for document in $(seq 0 "$last"); do
        case "$then,$document" in
        ,*) k apply --dry-run=server --validate=strict -f "$work/document.$document" ;;
        status,[1-9]) k apply --server-side --subresource=status --force-conflicts -f "$work/document.$document" ;;
        *) k apply --validate=strict -f "$work/document.$document" ;;
        esac
        local status=$?
        if [ "$document" -lt "$last" ] && [ $status -ne 0 ]; then
            return 1
        fi
    done
    if [ -n "${then}" ]; then
        cp "$work/out" "$work/kept"
        k delete -f "$work/document.0"
        cp "$work/kept" "$work/out"
    fi
    [ $status -ne 0 ] && [ -n "$expect" ] && grep -qF -- "$expect" "$work/out"
}
for file in "$root"/crds/examples/invalid/*.yaml; do
    refused "$file"
    result $? "refused: $(basename "$file" .yaml): $(sed -n 's/^# expect: //p' "$file")"
    if [ -n "${CRDS_TEST_MESSAGES:-}" ]; then
        sed 's/^/#   /' "$work/out"
    fi
done

echo "1..$number"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
