# The part of the demo that signs with keys in other places than a file. Sourced after story.sh, never run.

# certify NAME URI OPTION…: acme's CA issues a certificate for a key that stays where it is.
certify() {
    local name=$1 uri=$2
    shift 2
    expect 0 roadstead key csr "$uri" "$@" --subject "C=US,ST=WA,O=acme,CN=acme $name" --out "$work/acme/$name.csr"
    expect 0 roadstead ca issue --ca "$work/acme/ca" --passphrase-file "$work/acme/passphrase" \
        --csr "$work/acme/$name.csr" --out "$work/acme/$name"
}

accept() { expect 0 roadstead verify --oci-layout "$1" --scope "$scope/app" --state "$work/host"; }

sign_on_a_token() {
    local key='pkcs11:token=acme;object=release' image
    say "The same with a key that a token made and never gives out"
    make_token "$work/token" acme
    expect 0 roadstead key generate --key-type ec-p256 "$key" --pin-file "$work/token/pin"
    expect 0 roadstead key test "$key" --pin-file "$work/token/pin"
    certify token "$key" --pin-file "$work/token/pin"
    image=$work/app-token@$(make_image "$work/app-token" "signed on a token")
    expect 0 roadstead sign --key "$key" --pin-file "$work/token/pin" --certificate-chain "$work/acme/token/chain.pem" \
        --oci-layout "$image"
    accept "$image"
}

sign_on_a_second_machine() {
    local image other
    say "A second machine holds the release key, and signs only what a trusted builder made from the main branch"
    start_signer "$work/signer"
    image=$work/app-released@$(make_image "$work/app-released" "signed by the second machine")
    provenance "$image" refs/heads/main >"$work/main.dsse"
    provenance "$image" refs/heads/experiment >"$work/experiment.dsse"

    expect 1 roadstead sign --key "$signer_key" --oci-layout "$image"
    expect_text provenance
    expect 1 roadstead sign --key "$signer_key" --evidence "$work/experiment.dsse" --explain --oci-layout "$image"
    expect_text refs/heads/experiment
    other=$work/app-other@$(make_image "$work/app-other" "nobody says who built it")
    expect 1 roadstead sign --key "$signer_key" --evidence "$work/main.dsse" --dry-run --oci-layout "$image" --oci-layout "$other"
    expect_text "2 images: 1 would sign, 1 denied"
    expect 0 roadstead sign --key "$signer_key" --evidence "$work/main.dsse" --explain --oci-layout "$image"
    accept "$image"

    say "Every decision of the second machine is on its record, the refused ones too"
    expect 0 grep -oE '"outcome":"[a-z]+"' "$work/signer/decisions.jsonl"
    expect_text denied
    expect 0 roadstead-signer log verify "$work/signer/decisions.jsonl"
}

# Starts the service with a key of acme; its callers show a token.
start_signer() { # directory
    local pid
    mkdir -p "$1"
    secret "$1/passphrase"
    secret "$1/token"
    expect 0 roadstead key generate --key-type ec-p384 --out "$1/release.key" --passphrase-file "$1/passphrase"
    certify release "file:$1/release.key" --passphrase-file "$1/passphrase"
    openssl ecparam -name prime256v1 -genkey -noout -out "$1/builder.key" 2>/dev/null
    openssl pkey -in "$1/builder.key" -pubout -out "$1/builder.pub"
    cat >"$1/signer.json" <<JSON
{
  "listen": {"host": "127.0.0.1", "port": 0},
  "log": "decisions.jsonl",
  "callers": {"ci": {"tokenSHA256": "$(tr -d '\n' <"$1/token" | sha256sum | cut -d' ' -f1)"}},
  "attesters": {"builder": {"publicKey": "builder.pub"}},
  "keys": {
    "release": {
      "uri": "file:release.key", "passphraseFile": "passphrase", "certificates": "$work/acme/release/chain.pem",
      "usage": "notation", "callers": ["ci"],
      "criteria": {
        "provenance": {
          "attesters": ["builder"], "threshold": 1, "builders": ["https://ci.example.com/builder"],
          "repositories": ["https://git.example.com/acme/app"], "refs": ["refs/heads/main"], "maximumAgeSeconds": 86400
        },
        "rate": [{"count": 100, "seconds": 3600, "per": "caller"}]
      }
    }
  }
}
JSON
    expect 0 roadstead-signer config check --config "$1/signer.json"
    setsid roadstead-signer serve --config "$1/signer.json" >"$1/log" 2>&1 &
    pid=$!
    children+=("$pid")
    for _ in $(seq 100); do
        signer_address=$(grep -oE '127\.0\.0\.1:[0-9]+' "$1/log" | head -1 || true)
        if [ -n "$signer_address" ] && curl -fsS "http://$signer_address/readyz" >/dev/null 2>&1; then break; fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    curl -fsS "http://$signer_address/readyz" >/dev/null || { cat "$1/log" >&2; fail "the signing service is not ready"; }
    signer_key=roadstead://$signer_address/release
    export ROADSTEAD_SIGNER_TOKEN_FILE=$1/token ROADSTEAD_SIGNER_PLAIN_LOOPBACK=1
}

# SLSA provenance of an image in a DSSE envelope, as a builder signs it.
provenance() { # image ref
    local type=application/vnd.in-toto+json payload signature
    payload=$(printf '{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"app","digest":{"sha256":"%s"}}],"predicateType":"https://slsa.dev/provenance/v1","predicate":{"buildDefinition":{"buildType":"https://ci.example.com/build/v1","externalParameters":{"workflow":{"repository":"https://git.example.com/acme/app","ref":"%s"}}},"runDetails":{"builder":{"id":"https://ci.example.com/builder"},"metadata":{"finishedOn":"%s"}}}}' \
        "${1##*sha256:}" "$2" "$(date -u +%FT%TZ)")
    signature=$(printf 'DSSEv1 %d %s %d %s' ${#type} "$type" ${#payload} "$payload" |
        openssl dgst -sha256 -sign "$work/signer/builder.key" | base64 -w0)
    printf '{"payloadType":"%s","payload":"%s","signatures":[{"keyid":"builder","sig":"%s"}]}\n' \
        "$type" "$(printf '%s' "$payload" | base64 -w0)" "$signature"
}
