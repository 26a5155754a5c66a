#!/usr/bin/env bash
# People hold fleet keys and team keys wherever keys can live: a fleet is founded with each, its keys are renewed with
# it, and each is registered for a team, with the real programs.
# usage: key-holders.sh   (ROADSTEAD_PROGRAMS: where the programs are; HOLDERS: a file with lines NAME|ROOT-URI|TEAM-URI
# of keys in services; what reaches them is in the environment)
set -euo pipefail
cd "$(dirname "$0")/../../.."
. deploy/story.sh

work=$(mktemp -d /tmp/roadstead-key-holders.XXXXXX)
chmod 755 "$work" # the database server, which is never root, must reach its own folder in here
export ROADSTEAD_CONFIG_HOME=$work/config
end() {
    local status=$?
    # It ends at no other signal when those are blocked where it was started.
    if [ -n "${agent:-}" ]; then kill -KILL "$agent" 2>/dev/null || true; fi
    stop_children
    if [ "$status" -ne 0 ]; then echo "key holders: everything is in $work" >&2; else rm -rf "$work"; fi
    exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

number() { ceremony=$(grep -oE 'ceremony [0-9]+' <<<"$output" | head -1 | cut -d' ' -f2); }

holds() { # name root-uri team-uri option…
    local name=$1 root=$2 team=$3
    shift 3
    say "$name"
    agreed alice fleet add "$name" --team acme
    expect 0 alice ceremony open --fleet "$name" --key "$root" "$@"
    number
    expect 0 alice ceremony sign "$ceremony" --key "$root" "$@" --yes
    expect_text "published with release"
    expect 0 alice ceremony close "$ceremony"
    expect 0 alice ceremony open --fleet "$name" --rotate timestamp
    number
    expect 0 alice ceremony sign "$ceremony" --key "$root" "$@" --yes
    expect_text "published with release"
    expect 0 carol team keys add acme --key "$team" "$@"
    expect_text "is registered for team acme"
}

start_server "$work/server"
make_people_and_team "$work/server"
agreed alice person invite carol --role team-admin --team acme --out "$work/carol.invitation"
expect 0 roadstead login --server "$address" --invitation-file "$work/carol.invitation" --label laptop --profile carol

secret "$work/phrase"
mkdir -m 700 "$work/keys"
for key in root team; do
    expect 0 roadstead key generate --key-type ec-p256 --out "$work/keys/$key.pem" --passphrase-file "$work/phrase"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -noenc -subj "/CN=$key" -days 2 \
        -keyout "$work/own.key" -out "$work/own.crt" 2>/dev/null
    (umask 077 && openssl pkcs12 -export -inkey "$work/own.key" -in "$work/own.crt" -out "$work/keys/$key.p12" \
        -passout "file:$work/phrase")
done
holds file "file:$work/keys/root.pem" "file:$work/keys/team.pem" --passphrase-file "$work/phrase"
holds pkcs12 "pkcs12:$work/keys/root.p12" "pkcs12:$work/keys/team.p12" --passphrase-file "$work/phrase"

make_token "$work/token" ops
for key in root team; do
    expect 0 roadstead key generate --key-type ec-p384 "pkcs11:token=ops;object=$key" --pin-file "$work/token/pin"
done
holds pkcs11 "pkcs11:token=ops;object=root" "pkcs11:token=ops;object=team" --pin-file "$work/token/pin"

export SSH_AUTH_SOCK=$work/agent.sock
ssh-agent -D -a "$SSH_AUTH_SOCK" >/dev/null 2>&1 &
agent=$!
for _ in $(seq 100); do [ -S "$SSH_AUTH_SOCK" ] && break; sleep 0.05; done
for key in root team; do
    ssh-keygen -q -t ed25519 -N '' -C "$key" -f "$work/ssh-$key"
    ssh-add -q "$work/ssh-$key"
    rm "$work/ssh-$key"
done
holds ssh-agent ssh-agent:root ssh-agent:team

secret "$work/signer-token"
(umask 077 && tr -d '\n' <"$work/signer-token" >"$work/keys/token")
for key in root team; do
    expect 0 roadstead key generate --key-type ec-p256 --out "$work/keys/raw-$key.pem" --passphrase-file "$work/phrase"
done
raw() {
    printf '"%s":{"uri":"file:%s/keys/raw-%s.pem","usage":"raw","formats":["tuf"],"callers":["holder"],"passphraseFile":"%s","criteria":{"unrestricted":true}}' \
        "$1" "$work" "$1" "$work/phrase"
}
printf '{"listen":{"host":"127.0.0.1","port":0},"log":"%s","callers":{"holder":{"tokenSHA256":"%s"}},"keys":{%s,%s}}' \
    "$work/decisions.jsonl" "$(sha256sum <"$work/keys/token" | cut -d' ' -f1)" "$(raw root)" "$(raw team)" \
    >"$work/signer.json"
roadstead-signer serve --config "$work/signer.json" >"$work/signer.log" 2>&1 &
children+=($!)
for _ in $(seq 200); do grep -q 'serving at' "$work/signer.log" && break; sleep 0.05; done
signer=$(grep -oE '127\.0\.0\.1:[0-9]+' "$work/signer.log" | head -1)
for _ in $(seq 200); do curl -fsS "http://$signer/readyz" 2>/dev/null | grep -q '"status":"ready"' && break; sleep 0.05; done
export ROADSTEAD_SIGNER_TOKEN_FILE=$work/keys/token ROADSTEAD_SIGNER_PLAIN_LOOPBACK=1
holds roadstead "roadstead://$signer/root" "roadstead://$signer/team"

while IFS='|' read -r name root team; do holds "$name" "$root" "$team"; done <"${HOLDERS:-/dev/null}"

echo
echo "Done: every step showed what it should."
