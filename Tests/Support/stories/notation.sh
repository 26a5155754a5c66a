# What the real notation makes of our signatures, and we of its own. Sourced after deploy/story.sh and backends.sh.
# The program is `notation` on the PATH, or the one that NOTATION names.

notation=${NOTATION:-notation}
export NOTATION_EXPERIMENTAL=1 XDG_CONFIG_HOME="$work/xdg"

# Debian's registry on a free port; sets `registry`.
start_registry() {
    local port
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    registry=127.0.0.1:$port
    cat >"$work/registry.yml" <<YAML
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: "$work/registry"}}
http: {addr: "$registry"}
YAML
    docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
    children+=($!)
    for _ in $(seq 100); do
        curl -fsS "http://$registry/v2/" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    fail "docker-registry does not answer"
}

# A web server for what lies in a directory; sets `web`.
start_web() {
    local port
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    web=http://127.0.0.1:$port
    python3 -m http.server --bind 127.0.0.1 --directory "$1" "$port" >"$work/web.log" 2>&1 &
    children+=($!)
    for _ in $(seq 100); do
        curl -fsS "$web/" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    fail "the web server does not answer"
}

end_children() { for child in "${children[@]}"; do kill -KILL "$child" 2>/dev/null || true; done; }

push_blob() { # repository file
    local place digest
    digest=sha256:$(sha256sum "$2" | cut -d' ' -f1)
    place=$(curl -fsSD- -o /dev/null -X POST "http://$registry/v2/$1/blobs/uploads/" | tr -d '\r' | awk 'tolower($1) == "location:" {print $2}')
    curl -fsS -o /dev/null -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$2" "$place&digest=$digest"
}

push_manifest() { # repository tag type file
    curl -fsS -o /dev/null -X PUT -H "Content-Type: $3" --data-binary "@$4" "http://$registry/v2/$1/manifests/$2"
}

manifest_type=application/vnd.oci.image.manifest.v1+json
index_type=application/vnd.oci.image.index.v1+json

# push_image REPOSITORY TAG TEXT: an image whose layer holds the text.
push_image() {
    local layout=$work/pushed/$1/$2 digest blob
    mkdir -p "$(dirname "$layout")"
    digest=$(make_image "$layout" "$3")
    for blob in "$layout"/blobs/sha256/*; do
        [ "sha256:$(basename "$blob")" = "$digest" ] || push_blob "$1" "$blob"
    done
    push_manifest "$1" "$2" "$manifest_type" "$layout/blobs/sha256/${digest#sha256:}"
}

# push_index REPOSITORY TAG TAG…: an index of images that lie there.
push_index() {
    local repository=$1 tag=$2 platform manifests=()
    shift 2
    for platform in "$@"; do
        curl -fsS -H "Accept: $manifest_type" -o "$work/one" "http://$registry/v2/$repository/manifests/$platform"
        manifests+=("$(printf '{"mediaType":"%s","digest":"sha256:%s","size":%d,"platform":{"architecture":"%s","os":"linux"}}' \
            "$manifest_type" "$(sha256sum "$work/one" | cut -d' ' -f1)" "$(stat -c %s "$work/one")" "$platform")")
    done
    printf '{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}' "$index_type" "$(IFS=,; echo "${manifests[*]}")" >"$work/index"
    push_manifest "$repository" "$tag" "$index_type" "$work/index"
}

# make_key NAME TYPE: an encrypted key with a certificate of acme's.
make_key() {
    authority
    expect 0 roadstead key generate --key-type "$2" --out "$work/$1.key" --passphrase-file "$work/passphrase"
    certify_for_notation "$1" "file:$work/$1.key" --passphrase-file "$work/passphrase"
}

certify_for_notation() { # name uri option…
    local name=$1 uri=$2
    shift 2
    expect 0 roadstead key csr "$uri" "$@" --subject "C=US, ST=WA, O=acme, CN=$name" --out "$work/$name.csr"
    expect 0 roadstead ca issue --ca "$work/ca" --passphrase-file "$work/passphrase" --csr "$work/$name.csr" --out "$work/$name"
}

# notation_trusts SCOPE STORES-JSON: for one's own signatures and, where a store is of that type, an authority's.
notation_trusts() {
    local type
    for type in ca signingAuthority; do
        expect 0 "$notation" cert add --type "$type" --store acme "$work/ca/ca.crt"
    done
    cat >"$work/policy.json" <<JSON
{"version":"1.0","trustPolicies":[{"name":"acme","registryScopes":["$1"],"signatureVerification":{"level":"strict"},
"trustStores":$2,"trustedIdentities":["x509.subject: C=US, ST=WA, O=acme"]}]}
JSON
    expect 0 "$notation" policy import --force "$work/policy.json"
}

notation_accepts() { expect 0 "$notation" verify --insecure-registry "$@"; }

# The plugin, found by notation where it looks for plugins.
install_plugin() {
    mkdir -p "$XDG_CONFIG_HOME/notation/plugins/roadstead"
    ln -sf "$programs/roadstead" "$XDG_CONFIG_HOME/notation/plugins/roadstead/notation-roadstead"
    expect 0 "$notation" plugin list
    expect_text SIGNATURE_GENERATOR.RAW
}

# signs_for_notation NAME URI PLUGIN-CONFIG…: notation signs with a key of ours; it and we verify.
signs_for_notation() {
    local name=$1 uri=$2 format settings=()
    shift 2
    for setting in "$@"; do settings+=(--plugin-config "$setting"); done
    expect 0 "$notation" key add "$name" --plugin roadstead --id "$uri" "${settings[@]}"
    for format in jws cose; do
        push_image "acme/$name" "$format" "signed by notation with $name as $format"
        expect 0 "$notation" sign --insecure-registry --key "$name" --signature-format "$format" -m "build=7" \
            --expiry 24h "$registry/acme/$name:$format"
        notation_accepts -m "build=7" "$registry/acme/$name:$format"
        expect 0 roadstead verify --config "$XDG_CONFIG_HOME/notation" --insecure-registry "$registry/acme/$name:$format"
        expect_text build=7
    done
}

# A timestamping authority of openssl's behind HTTP; sets `tsa`, its root is in tsa/root.crt.
start_timestamps() {
    mkdir -p "$work/tsa"
    (
        cd "$work/tsa"
        openssl req -x509 -newkey rsa:3072 -nodes -keyout root.key -out root.crt -days 30 -sha384 -subj "/C=US/O=time/CN=time root" \
            -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
        openssl req -newkey rsa:3072 -nodes -keyout unit.key -out unit.csr -subj "/C=US/O=time/CN=unit"
        printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature \
            extendedKeyUsage=critical,timeStamping subjectKeyIdentifier=hash authorityKeyIdentifier=keyid >unit.ext
        openssl x509 -req -in unit.csr -CA root.crt -CAkey root.key -CAcreateserial -days 20 -sha384 -extfile unit.ext -out unit.crt
        cat >ts.cnf <<CNF
[tsa]
default_tsa = unit
[unit]
serial = $work/tsa/serial
signer_cert = $work/tsa/unit.crt
certs = $work/tsa/root.crt
signer_key = $work/tsa/unit.key
signer_digest = sha384
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
CNF
        echo 01 >serial
    ) >/dev/null 2>&1 || fail "openssl makes no timestamping authority"
    cat >"$work/tsa/serve.py" <<'PYTHON'
import http.server, pathlib, subprocess, sys

class Timestamps(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        query = pathlib.Path(sys.argv[1], "query")
        query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        command = ["openssl", "ts", "-reply", "-config", sys.argv[1] + "/ts.cnf", "-queryfile", str(query)]
        body = subprocess.run(command, check=True, capture_output=True).stdout
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Timestamps)
pathlib.Path(sys.argv[1], "port").write_text(str(server.server_port))
server.serve_forever()
PYTHON
    python3 "$work/tsa/serve.py" "$work/tsa" &
    children+=($!)
    for _ in $(seq 100); do [ -s "$work/tsa/port" ] && break; sleep 0.1; done
    tsa=http://127.0.0.1:$(cat "$work/tsa/port")
}
