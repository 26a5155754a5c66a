#!/usr/bin/env bash
# Tells the whole story with the real programs and real files, and checks every step.
# usage: demo.sh   (ROADSTEAD_PROGRAMS: where the programs are; ROADSTEAD_DEMO_KEEP=1 keeps what it made)
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/story.sh
. deploy/story-signing.sh

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
accept_image() { expect 0 roadstead verify --oci-layout "$image@$digest" --scope "$scope/app" --state "$work/host"; }
accept_image

sign_on_a_token
sign_on_a_second_machine

say "An image signed under a root that nobody registered is rejected"
make_pki "$work/stranger" stranger
other=$work/other
other_digest=$(make_image "$other" "hello from a stranger")
expect 0 roadstead sign --key "file:$work/stranger/build/signing.key" --passphrase-file "$work/stranger/passphrase" \
    --certificate-chain "$work/stranger/build/chain.pem" --oci-layout "$other@$other_digest"
expect 1 roadstead verify --oci-layout "$other@$other_digest" --scope "$scope/app" --state "$work/host"

say "acme is restricted to its own roots: the stranger's is refused, by a rule that has a name, and the attempt is on record"
expect 1 alice anchor add "$work/stranger/ca/ca.crt" --team acme --store ca/prod --origin third-party --reason "we like their images"
expect_text "refused by rule"
expect 0 alice audit search --action attempt.refused
expect_text "refused by rule"

say "A third party is registered as a vendor, with evidence and two approvals, one of them from outside the team that asks"
agreed alice person invite carol --role team-admin --team acme --out "$work/carol.invitation"
expect 0 roadstead login --server "$address" --invitation-file "$work/carol.invitation" --profile carol
fingerprint=$(sed '/-----/d' "$work/stranger/ca/ca.crt" | base64 -d | sha256sum | cut -d' ' -f1)
expect 4 alice vendor add stranger --team acme --oci-layout "$other@$other_digest" --fingerprint "$fingerprint" \
    --display-name "Stranger Ltd" --contact pki@stranger.example --source https://stranger.example/pki \
    --review-by "$(date -u -d '+300 days' +%F)" --reason "we run their agent"
expect_text "needs 2 approvals"
change=$(grep -oE 'C-[0-9]+' <<<"$output" | head -1)
expect 1 alice change approve "$change" --yes
expect 0 carol change approve "$change" --yes
expect_text "(1 of 2 approvals)"
expect 0 bob change approve "$change" --yes
wait_for_change "$change"
agreed alice rule set acme-vendors --team acme --origin third-party --registered-vendor --approvals 1
agreed alice vendor use stranger --team acme --store ca/prod --reason "for the agent"
publish_release
expect 0 roadstead-agent sync --state "$work/host"
expect 0 roadstead verify --oci-layout "$other@$other_digest" --scope "$scope/app" --state "$work/host"

say "The fleet's root key moves to a token, and the server's keys are renewed; a host that knows the old ones follows"
make_token "$work/token" custodians
pin=(--pin-file "$work/token/pin")
root_key='pkcs11:token=custodians;object=fleet-root'
expect 0 roadstead key generate --key-type ec-p256 "$root_key" "${pin[@]}"
expect 0 alice ceremony open --fleet demo --key "$root_key" --threshold 1 --rotate timestamp,snapshot "${pin[@]}"
ceremony=$(grep -oE 'ceremony [0-9]+' <<<"$output" | head -1 | cut -d' ' -f2)
expect 0 alice ceremony sign "$ceremony" --key "file:$work/root.key" --passphrase-file "$work/root.passphrase" --yes
expect_text "1 more of the keys of root 2"
expect 0 alice ceremony sign "$ceremony" --key "$root_key" "${pin[@]}" --yes
expect 0 alice ceremony close "$ceremony"
follow_release
expect 0 roadstead-agent sync --state "$work/host"
expect 0 grep -oE '"version": *2\b' "$work/host/tuf/root.json"
accept_image

say "acme takes its trust into its own hands: one member's key is on a token, the other's in a file, and both must sign"
agreed alice person invite dave --role team-member --team acme --out "$work/dave.invitation"
expect 0 roadstead login --server "$address" --invitation-file "$work/dave.invitation" --profile dave
carol_key=(--key 'pkcs11:token=custodians;object=acme-carol' "${pin[@]}")
dave_key=(--key "file:$work/dave.key" --passphrase-file "$work/dave.passphrase")
expect 0 roadstead key generate --key-type ed25519 'pkcs11:token=custodians;object=acme-carol' "${pin[@]}"
secret "$work/dave.passphrase"
expect 0 roadstead key generate --key-type ed25519 --out "$work/dave.key" --passphrase-file "$work/dave.passphrase"
expect 0 carol team keys add acme "${carol_key[@]}"
expect 0 dave team keys add acme "${dave_key[@]}"
expect 0 alice team keys list acme --output json
mapfile -t members < <(grep -oE '"keyID": *"[0-9a-f]{64}"' <<<"$output" | grep -oE '[0-9a-f]{64}')
expect 4 alice team custody set acme --key "${members[0]}" --key "${members[1]}" --threshold 2 --reason "we answer for our roots"
change=$(grep -oE 'C-[0-9]+' <<<"$output" | head -1)
expect 0 bob change approve "$change" --yes
wait_for_draft "$change"
expect 0 carol change sign "$change" "${carol_key[@]}" --yes
expect 0 dave change sign "$change" "${dave_key[@]}" --yes
publish_release
expect 0 alice team custody show acme
expect_text "not protected from the server"
expect 0 roadstead-agent sync --state "$work/host"
accept_image

say "One person removes the root: hosts refuse it at once, although the members have signed nothing yet"
expect 0 alice anchor list --team acme --output json
anchor=$(grep -oE '"id": [0-9]+' <<<"$output" | head -1 | grep -oE '[0-9]+')
expect 0 bob anchor remove "$anchor" --reason "the build root is retired"
change=$(grep -oE 'C-[0-9]+' <<<"$output" | head -1)
expect 0 alice deny list
publish_release
expect 0 roadstead-agent sync --state "$work/host"
expect 1 roadstead verify --oci-layout "$image@$digest" --scope "$scope/app" --state "$work/host"

say "The members' own edit follows"
wait_for_draft "$change"
expect 0 dave change sign "$change" "${dave_key[@]}" --yes
expect 0 carol change sign "$change" "${carol_key[@]}" --yes
publish_release
expect 0 roadstead-agent sync --state "$work/host"
expect 1 roadstead verify --oci-layout "$image@$digest" --scope "$scope/app" --state "$work/host"

say "Who did what is on record"
expect 0 alice audit verify
expect_text intact
expect 0 alice host list --fleet demo

say "Done: every step showed what it should."
