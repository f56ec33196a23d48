# certificates.sh: the cluster's own certificate authority, certificates and kubeconfigs, in $STATE/pki.
# One authority signs everything: who a client is comes from its subject (CN is the user, O the groups).
# shellcheck shell=bash

# openssl's own configuration would add extensions we did not ask for (CA:TRUE among them).
readonly OPENSSL_CONFIG=$'[req]\ndistinguished_name=subject\n[subject]\n'

make_authority() {
    local pki=$STATE/pki
    [[ ! -e $pki/ca.crt ]] || return 0
    quietly openssl req -x509 -config <(printf '%s' "$OPENSSL_CONFIG") -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
        -noenc -days 3650 -subj /CN=drillyard-cluster -addext basicConstraints=critical,CA:TRUE \
        -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature \
        -addext subjectKeyIdentifier=hash -keyout "$pki/ca.key" -out "$pki/ca.crt"
}

# Signs for SUBJECT; SAN is for a server and may be empty.
make_certificate() { # NAME SUBJECT SAN
    local pki=$STATE/pki
    [[ ! -e $pki/$1.crt ]] || return 0
    quietly openssl req -x509 -config <(printf '%s' "$OPENSSL_CONFIG") -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
        -noenc -days 3650 -subj "$2" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" \
        -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature \
        -addext extendedKeyUsage=serverAuth,clientAuth ${3:+-addext "subjectAltName=$3"} \
        -keyout "$pki/$1.key" -out "$pki/$1.crt"
}

make_service_account_key() {
    [[ -e $STATE/pki/service-account.key ]] ||
        quietly openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$STATE/pki/service-account.key"
}

# The files are in the kubeconfig, not their paths: it can be copied elsewhere.
make_kubeconfig() { # FILE NAME
    local pki=$STATE/pki
    cat >"$1.part" <<KUBECONFIG
apiVersion: v1
kind: Config
current-context: drillyard
contexts: [{name: drillyard, context: {cluster: drillyard, user: $2}}]
clusters:
- name: drillyard
  cluster:
    server: $SERVER
    certificate-authority-data: $(base64 -w0 "$pki/ca.crt")
users:
- name: $2
  user:
    client-certificate-data: $(base64 -w0 "$pki/$2.crt")
    client-key-data: $(base64 -w0 "$pki/$2.key")
KUBECONFIG
    mv "$1.part" "$1"
}

make_keys() {
    local user
    umask 077
    mkdir -p "$STATE/pki"
    make_authority
    make_service_account_key
    make_certificate apiserver /CN=kube-apiserver-server "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,\
DNS:localhost,IP:127.0.0.1,IP:$NODE_IP,IP:$SERVICE_NET.1"
    make_certificate apiserver-client /CN=kube-apiserver ""
    make_certificate kubelet "/O=system:nodes/CN=system:node:$NODE_NAME" "DNS:$NODE_NAME,IP:$NODE_IP"
    make_certificate admin /O=system:masters/CN=admin ""
    make_certificate controller-manager /CN=system:kube-controller-manager "DNS:localhost,IP:127.0.0.1"
    make_certificate scheduler /CN=system:kube-scheduler "DNS:localhost,IP:127.0.0.1"
    make_certificate kube-proxy /CN=system:kube-proxy ""
    for user in controller-manager scheduler kubelet kube-proxy admin; do
        make_kubeconfig "$STATE/$user.kubeconfig" "$user"
    done
    umask 022
}
