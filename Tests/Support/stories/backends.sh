# Signs an image with one key, wherever it lives, and verifies it as a host does. Sourced after deploy/story.sh.
# usage: signs_with NAME URI OPTION…   (the options that open the key)

authority() {
    [ -e "$work/ca/ca.crt" ] && return 0
    secret "$work/passphrase"
    expect 0 roadstead ca init --subject "C=US,ST=WA,O=acme,CN=acme root" --out "$work/ca" --passphrase-file "$work/passphrase"
    mkdir -p "$work/notation/truststore/x509/ca/acme"
    cp "$work/ca/ca.crt" "$work/notation/truststore/x509/ca/acme/"
    cat >"$work/notation/trustpolicy.json" <<'JSON'
{"version":"1.0","trustPolicies":[{"name":"acme","registryScopes":["registry.example.com/acme/app"],
"signatureVerification":{"level":"strict"},"trustStores":["ca:acme"],
"trustedIdentities":["x509.subject: C=US, ST=WA, O=acme"]}]}
JSON
}

signs_with() {
    local name=$1 uri=$2 digest format
    shift 2
    authority
    expect 0 roadstead key test "$uri" "$@"
    expect 0 roadstead key csr "$uri" "$@" --subject "C=US, ST=WA, O=acme, CN=$name" --out "$work/$name.csr"
    openssl req -verify -noout -in "$work/$name.csr" >/dev/null 2>&1 || fail "openssl does not verify the request of $name"
    expect 0 roadstead ca issue --ca "$work/ca" --passphrase-file "$work/passphrase" --csr "$work/$name.csr" --out "$work/$name"
    for format in jws cose; do
        digest=$(make_image "$work/$name-$format" "signed with $name as $format")
        expect 0 roadstead sign --key "$uri" "$@" --certificate-chain "$work/$name/chain.pem" --format "$format" \
            --oci-layout "$work/$name-$format@$digest"
        expect 0 roadstead verify --oci-layout "$work/$name-$format@$digest" --scope registry.example.com/acme/app \
            --config "$work/notation"
    done
}

# refuses_to_open EXPECTED-TEXT URI OPTION…: the key is not opened, and the reason is said.
refuses_to_open() {
    local text=$1 uri=$2
    shift 2
    expect 3 roadstead key test "$uri" "$@"
    expect_text "$text"
}

# refuses_for_images URI EXPECTED-TEXT: key test says that the key signs no images, and nothing else takes it for that.
refuses_for_images() {
    local uri=$1 text=$2 digest command
    expect 0 roadstead key test "$uri"
    expect_text "notation: no: $text"
    expect 3 roadstead key csr "$uri" --subject "C=US, ST=WA, O=acme, CN=ci"
    expect_text "$text"
    digest=$(make_image "$work/image" "not signed")
    expect 3 roadstead sign --key "$uri" --dry-run --oci-layout "$work/image@$digest"
    expect_text "$text"
    expect 3 roadstead blob sign --key "$uri" "$work/image/index.json"
    expect_text "$text"
    for command in describe-key generate-signature; do
        printf '{"contractVersion":"1.0","keyId":"%s","keySpec":"RSA-%s","hashAlgorithm":"SHA-%s","payload":"cGF5bG9hZA=="}' \
            "$uri" $(grep -q 3072 <<<"$uri" && echo 3072 384 || echo 4096 512) >"$work/request"
        expect 1 roadstead notation-plugin "$command" <"$work/request"
        expect_text '"errorCode":"VALIDATION_ERROR"'
        expect_text "$text"
    done
}
