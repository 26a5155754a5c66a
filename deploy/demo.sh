#!/usr/bin/env bash
# Tells the whole story with the real programs and real files, and checks every step.
# usage: demo.sh   (ROADSTEAD_PROGRAMS: where the programs are; ROADSTEAD_DEMO_KEEP=1 keeps what it made)
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/story.sh

work=$(mktemp -d /tmp/roadstead-demo.XXXXXX)
chmod 755 "$work" # the database server, which is never root, must reach its own folder in here
export ROADSTEAD_CONFIG_HOME=$work/config
end() {
    local status=$?
    stop_children
    if [ "${ROADSTEAD_DEMO_KEEP:-}" = 1 ] || [ "$status" -ne 0 ]; then echo "demo: everything is in $work" >&2; else rm -rf "$work"; fi
    exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

say "A server with its own private PostgreSQL"
start_server "$work/server"
echo "    $address"

mkdir -p "$work/acme" "$work/stranger"
make_people_and_team "$work/server"

say "A root CA and a signing certificate"
make_pki "$work/acme" acme
register_root
make_fleet
enrol_host "$work/host"

say "An image, signed by acme, is accepted"
image=$work/app
digest=$(make_image "$image" "hello from acme")
expect 0 roadstead sign --key "file:$work/acme/build/signing.key" --passphrase-file "$work/acme/passphrase" \
    --certificate-chain "$work/acme/build/chain.pem" --oci-layout "$image@$digest"
expect 0 roadstead verify --oci-layout "$image@$digest" --scope "$scope/app" --state "$work/host"

say "An image signed under a root that nobody registered is rejected"
make_pki "$work/stranger" stranger
other=$work/other
other_digest=$(make_image "$other" "hello from a stranger")
expect 0 roadstead sign --key "file:$work/stranger/build/signing.key" --passphrase-file "$work/stranger/passphrase" \
    --certificate-chain "$work/stranger/build/chain.pem" --oci-layout "$other@$other_digest"
expect 1 roadstead verify --oci-layout "$other@$other_digest" --scope "$scope/app" --state "$work/host"

say "The root is removed, by one person at once; the host syncs"
expect 0 alice anchor list --team acme --output json
anchor=$(grep -oE '"id": [0-9]+' <<<"$output" | head -1 | grep -oE '[0-9]+')
expect 0 bob anchor remove "$anchor" --reason "the build root is retired"
publish_release
expect 0 roadstead-agent sync --state "$work/host"

say "The first image is now rejected"
expect 1 roadstead verify --oci-layout "$image@$digest" --scope "$scope/app" --state "$work/host"

say "Who did what is on record"
expect 0 alice audit verify
expect_text intact
expect 0 alice host list --fleet demo

say "Done: every step showed what it should."
