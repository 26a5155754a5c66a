#!/usr/bin/env bash
# Every ceremony of docs/ceremonies.md, with the real programs.
# usage: ceremonies.sh   (ROADSTEAD_PROGRAMS: where the programs are; FOLLOW: a client to run after each ceremony)
set -euo pipefail
cd "$(dirname "$0")/../../.."
. deploy/story.sh

work=$(mktemp -d /tmp/roadstead-ceremonies.XXXXXX)
chmod 755 "$work" # the database server, which is never root, must reach its own folder in here
export ROADSTEAD_CONFIG_HOME=$work/config
end() {
    local status=$?
    stop_children
    if [ "$status" -ne 0 ]; then echo "ceremonies: everything is in $work" >&2; else rm -rf "$work"; fi
    exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

phrase=$work/passphrase
number() { ceremony=$(grep -oE 'ceremony [0-9]+' <<<"$output" | head -1 | cut -d' ' -f2); }
make_key() { # name
    roadstead key generate --key-type ed25519 --out "$work/$1.key" --passphrase-file "$phrase" >"$work/$1.pub" 2>/dev/null
}
sign() { # ceremony key…
    local id=$1 keys=() name
    shift
    for name; do keys+=(--key "file:$work/$name.key"); done
    expect 0 alice ceremony sign "$id" "${keys[@]}" --passphrase-file "$phrase" --yes
}
# Tests let another client follow after each ceremony.
follow() { if [ -n "${FOLLOW:-}" ]; then expect 0 $FOLLOW "$work/follower" "$address/fleets/prod"; fi; }

secret "$phrase"
start_server "$work/server"
make_people_and_team "$work/server"
for name in root-a root-b root-c root-d canary admin-a admin-b; do make_key "$name"; done
openssl ecparam -name prime256v1 -genkey -noout -out "$work/hsm.pem"
openssl pkey -in "$work/hsm.pem" -pubout -out "$work/hsm.pub"

say "The first keys: two of three"
agreed alice fleet add prod --team acme
expect 0 alice ceremony open --fleet prod --key "file:$work/root-a.pub" --key "file:$work/root-b.pub" \
    --key "file:$work/root-c.pub" --threshold 2
number
sign "$ceremony" root-a
expect_text "missing: 1 more of the keys of root 1"
expect_text "root: 2 of these must sign"
expect_text "(yours)"
sign "$ceremony" root-b
expect_text "published with release 1"
expect 0 alice ceremony close "$ceremony"
follow

say "A server that shows something else than what is remembered is found out"
remembered=$ROADSTEAD_CONFIG_HOME/profiles.json
cp -p "$remembered" "$work/remembered"
sed -i -E '/"signed"/,$ s/("sha256": *")[0-9a-f]{8}/\100000000/' "$remembered"
expect 1 alice ceremony close "$ceremony"
expect_text "is not what was signed here"
sed -i -E 's/("sha256": *")[0-9a-f]{8}/\100000000/' "$remembered"
expect 1 alice ceremony close "$ceremony"
expect_text "are not the ones that are remembered here"
expect 1 alice host join-token --fleet prod --out "$work/join"
expect_text "are not the ones that are remembered here"
cp -p "$work/remembered" "$remembered"
expect 0 alice ceremony close "$ceremony"

say "A key of one fleet is refused for another, and many fleets are renewed in one run"
agreed alice fleet add canary --team acme
expect 1 alice ceremony open --fleet canary --key "file:$work/root-a.pub"
expect_text "the root key of fleet prod"
expect 0 alice ceremony open --fleet canary --key "file:$work/canary.pub"
number
sign "$ceremony" canary
expect 0 alice ceremony open --fleet prod --fleet canary --note "yearly renewal"
number
sign "$ceremony" root-a root-c canary
expect 0 alice ceremony close "$ceremony"
follow

say "The server's keys are replaced"
expect 0 alice ceremony open --fleet prod --rotate timestamp,snapshot,targets,deny,revocation,ops
number
sign "$ceremony" root-a root-b
expect_text "published with release"
follow

say "The holders change: the old quorum and the new one sign; one of them on a machine without a network"
expect 0 alice ceremony open --fleet prod --key "file:$work/root-b.pub" --key "file:$work/root-d.pub" \
    --key "file:$work/hsm.pub" --threshold 2
number
expect 0 alice ceremony export "$ceremony" "$work/draft"
expect 0 roadstead ceremony sign --draft "$work/draft" --key "file:$work/root-a.key" --key "file:$work/root-b.key" \
    --passphrase-file "$phrase" --yes --out "$work/draft.signed"
expect 0 alice ceremony import "$ceremony" "$work/draft.signed"
expect_text "missing: 1 more of the keys of root 4"

say "Another tool signs with a P-256 key"
expect 0 alice ceremony sign "$ceremony" --to-sign "$work/bytes"
expect 0 openssl dgst -sha256 -sign "$work/hsm.pem" -out "$work/root.sig" "$work/bytes/prod.4.root.tosign"
expect 0 alice ceremony sign "$ceremony" --signature "$work/root.sig" --key "file:$work/hsm.pub"
expect_text "published with release"
expect 0 alice ceremony close "$ceremony"
follow

say "The fleet's settings leave the server"
expect 0 alice ceremony open --fleet prod --targets-key "file:$work/admin-a.pub" --targets-key "file:$work/admin-b.pub" \
    --targets-threshold 2
number
sign "$ceremony" root-b root-d admin-a admin-b
expect_text "published with release"
expect_text "all of it: what was before, the server alone has signed"
expect_text "role acme: key added: "
expect 0 alice ceremony close "$ceremony"
expect 0 alice fleet show prod
follow

say "What waits for them is signed"
agreed alice team add cards --scope registry.example.com/cards
agreed alice fleet set prod --add-team cards
expect 0 alice release publish --fleet prod
expect 0 alice ceremony open --fleet prod --role targets
number
sign "$ceremony" admin-a admin-b
expect_text "published with release"
follow

say "Back to the server"
expect 0 alice ceremony open --fleet prod --targets-online
number
sign "$ceremony" root-b root-d
expect_text "published with release"
follow

say "Too few root keys are left: the fleet starts over"
expect 2 alice ceremony open --fleet prod --start-over --key "file:$work/root-c.pub" --confirm canary
expect 0 alice ceremony open --fleet prod --start-over --key "file:$work/root-c.pub" --confirm prod
number
sign "$ceremony" root-c
expect_text "published with release"
expect 0 alice ceremony close "$ceremony"
expect 0 alice ceremony list --fleet prod
say "Done: every step showed what it should."
