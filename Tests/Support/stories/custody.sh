#!/usr/bin/env bash
# A team signs its own role, and what one officer removes is refused on a host at once: with the real programs.
# usage: custody.sh   (ROADSTEAD_PROGRAMS: where the programs are;
# ROADSTEAD_DEMO_AFTER_RELEASE: a client that follows every release)
set -euo pipefail
cd "$(dirname "$0")/../../.."
. deploy/story.sh

work=$(mktemp -d /tmp/roadstead-custody.XXXXXX)
chmod 755 "$work" # the database server, which is never root, must reach its own folder in here
export ROADSTEAD_CONFIG_HOME=$work/config
end() {
    local status=$?
    stop_children
    if [ "$status" -ne 0 ]; then echo "custody: everything is in $work" >&2; else rm -rf "$work"; fi
    exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

declare -A key_ids
member() { # name role key-type
    agreed alice person invite "$1" --role "$2" --team acme --out "$work/$1.invitation"
    expect 0 roadstead login --server "$address" --invitation-file "$work/$1.invitation" --label laptop --profile "$1"
    secret "$work/$1.passphrase"
    roadstead key generate --key-type "$3" --out "$work/$1.key" --passphrase-file "$work/$1.passphrase" \
        >"$work/$1.pub" 2>/dev/null
    expect 0 roadstead team keys add acme --key "file:$work/$1.key" --passphrase-file "$work/$1.passphrase" --profile "$1"
    key_ids[$1]=$(grep -oE '[0-9a-f]{64}' <<<"$output" | head -1)
}

# Waits for the draft that holds a change, and exports its bytes.
export_draft() { # change file
    for _ in $(seq 50); do
        if roadstead change sign "$1" --to-sign "$2" --profile alice >/dev/null 2>&1; then return 0; fi
        sleep 0.2
    done
    fail "no draft holds $1"
}

# Publishes until hosts are given the state that is waited for.
sync_until() { # command that succeeds then
    for _ in $(seq 50); do
        roadstead-agent sync --state "$work/host" >/dev/null 2>&1 || true
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.2
    done
    fail "that never came: $*"
}

say "A server, a team, a root, a fleet and a host"
start_server "$work/server"
mkdir -p "$work/acme"
make_people_and_team "$work/server"
make_pki "$work/acme" acme
register_root
make_fleet
enrol_host "$work/host"
image=$work/app
digest=$(make_image "$image" "hello from acme")
expect 0 roadstead sign --key "file:$work/acme/build/signing.key" --passphrase-file "$work/acme/passphrase" \
    --certificate-chain "$work/acme/build/chain.pem" --oci-layout "$image@$digest"
verify() { roadstead verify --oci-layout "$image@$digest" --scope "$scope/app" --state "$work/host"; }
refused() { ! verify; }
expect 0 verify

say "Three members register keys that never leave them; two of the three are to sign"
member carol team-admin ed25519
member dora team-member ec-p256
member eve team-member ed25519
expect 4 roadstead team custody set acme --key "${key_ids[carol]}" --key "${key_ids[dora]}" --key "${key_ids[eve]}" \
    --threshold 2 --reason "we sign ourselves" --profile carol
custody=$(grep -oE 'C-[0-9]+' <<<"$output" | head -1)
expect 0 bob change approve "$custody" --yes

say "One signs here, another exports the bytes to a tool of their own; the server only puts them together"
export_draft "$custody" "$work/role.bytes"
expect 0 roadstead change sign "$custody" --key "file:$work/carol.key" --passphrase-file "$work/carol.passphrase" --yes \
    --profile carol
expect_text "missing: 1 more of the keys of team acme"
openssl dgst -sha256 -sign "$work/dora.key" -passin "file:$work/dora.passphrase" -out "$work/dora.signature" "$work/role.bytes"
expect 1 roadstead change sign "$custody" --signature "$work/dora.signature" --key "file:$work/eve.pub" --profile eve
expect 1 roadstead change sign "$custody" --signature "$work/dora.signature" --key "file:$work/dora.pub" --profile eve
expect 0 roadstead change sign "$custody" --signature "$work/dora.signature" --key "file:$work/dora.pub" --profile dora
expect_text "complete"
publish_release
expect 0 roadstead-agent sync --state "$work/host"
expect 0 verify
expect 0 alice team custody show acme
expect_text "2 of 3 keys signs since"
expect_text "not protected from the server"

say "One officer removes the root: the host refuses at once, before anybody has signed"
expect 0 alice anchor list --team acme --output json
anchor=$(grep -oE '"id": [0-9]+' <<<"$output" | head -1 | grep -oE '[0-9]+')
expect 0 bob anchor remove "$anchor" --reason "the build root was stolen"
expect_text "denied at once"
removal=$(grep -oE 'C-[0-9]+' <<<"$output" | head -1)
sync_until refused
expect 0 alice deny list --fleet demo
expect_text "D-1"
expect 1 verify
expect 1 roadstead anchor add "$work/acme/ca/ca.crt" --team acme --store ca/prod --reason "back" --profile carol
expect_text "lift the denial first"

say "The members sign the role's own edit"
export_draft "$removal" "$work/role.bytes"
for name in carol eve; do
    expect 0 roadstead change sign "$removal" --key "file:$work/$name.key" --passphrase-file "$work/$name.passphrase" \
        --yes --profile "$name"
    expect_text "anchor removed"
done
expect 0 alice change show "$removal"
publish_release

say "Lifting the denial is adding trust, which takes two"
expect 0 alice deny show D-1
expect 4 bob deny lift D-1 --reason "another root was meant"
lift=$(grep -oE 'C-[0-9]+' <<<"$output" | head -1)
expect 1 bob change approve "$lift" --yes
expect 0 alice change approve "$lift" --yes
publish_release
expect 0 alice deny list
expect 0 alice team keys remove acme "${key_ids[eve]}"
expect_text "hosts still believe it until other keys are set"
expect 0 alice audit verify

say "Done: every step showed what it should."
