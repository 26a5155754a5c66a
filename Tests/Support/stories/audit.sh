#!/usr/bin/env bash
# The audit log as an auditor uses it, and what shows that somebody with the database rewrote it: with the real programs.
# usage: audit.sh   (ROADSTEAD_PROGRAMS: where the programs are)
set -euo pipefail
cd "$(dirname "$0")/../../.."
. deploy/story.sh

work=$(mktemp -d /tmp/roadstead-audit.XXXXXX)
chmod 755 "$work" # the database server, which is never root, must reach its own folder in here
export ROADSTEAD_CONFIG_HOME=$work/config
end() {
    local status=$?
    stop_children
    if [ "$status" -ne 0 ]; then echo "audit: everything is in $work" >&2; else rm -rf "$work"; fi
    exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

owner() { # SQL, as whoever holds the database
    local bin pid="$work/server/postgres/data/postmaster.pid"
    bin=$(find /usr/lib/postgresql -name psql -path '*/bin/*' | sort -V | tail -1)
    "$bin" -q -v ON_ERROR_STOP=1 -h "$(sed -n 5p "$pid")" -p "$(sed -n 4p "$pid")" -U roadstead_owner -d roadstead -c "$1" >/dev/null
}

say "A server, a team with a root, and a fleet"
start_server "$work/server"
mkdir -p "$work/acme"
before=$(date -u -d '-1 minute' +%FT%TZ)
make_people_and_team "$work/server"
make_pki "$work/acme" acme
register_root
make_fleet

say "An auditor finds the refused attempt with its reason"
agreed alice person invite carol --role auditor --out "$work/carol.invitation"
expect 0 roadstead login --server "$address" --invitation-file "$work/carol.invitation" --label laptop --profile carol
expect 0 carol audit search --action attempt.refused
expect_text "your own proposal"
expect 1 alice audit export
expect_text "export the audit log"

say "The log is verified here, against what the fleet has signed"
expect 0 carol audit verify
expect_text "intact"
expect_text "release 1 of fleet demo has signed entry"
carol audit export >"$work/log.jsonl"
expect 0 carol audit verify --file "$work/log.jsonl"
expect 0 carol audit verify --file "$work/log.jsonl" --offline

say "An export that was altered, lost a line or two lines of which changed places is found out"
sed 's/"team.created"/"team.removed"/' "$work/log.jsonl" >"$work/altered.jsonl"
expect 1 carol audit verify --offline --file "$work/altered.jsonl"
expect_text "says something else than its hash"
sed 4d "$work/log.jsonl" >"$work/short.jsonl"
expect 1 carol audit verify --offline --file "$work/short.jsonl"
expect_text "entry 4 is missing"
awk 'NR == 4 { held = $0; next } { print } NR == 5 { print held }' "$work/log.jsonl" >"$work/swapped.jsonl"
expect 1 carol audit verify --offline --file "$work/swapped.jsonl"
expect 0 carol audit verify --offline --file <(sed 1,5d "$work/log.jsonl")
expect 3 carol audit verify --offline --file <(head -c 2000 "$work/log.jsonl")

say "Who trusted acme's root, and since when"
expect 0 carol report who-trusted --certificate "$work/acme/ca/ca.crt"
expect_text "acme root"
expect_text "bob"
expect 0 carol report who-trusted --at "$before"
expect_text "no fleet had published anything"

say "Somebody with the database rewrites the whole log without its fourth entry, hashes and all"
owner "ALTER TABLE audit_event DISABLE TRIGGER USER;
    CREATE TABLE kept AS SELECT * FROM audit_event WHERE sequence <> 4;
    DELETE FROM audit_event; UPDATE audit_head SET sequence = 0, hash = decode(repeat('00', 32), 'hex');
    SELECT append_audit_event(at, actor, credential_id, request_id, action, team, fleet, object, detail)
        FROM (SELECT * FROM kept ORDER BY sequence) AS k;"
expect 1 carol audit verify
expect_text "release 1 of fleet demo has signed"

say "Cut off behind what was signed, it is missed where it was verified before"
owner "DELETE FROM audit_event; UPDATE audit_head SET sequence = 0, hash = decode(repeat('00', 32), 'hex');"
expect 1 carol audit verify
expect_text "the log ends at entry"

echo
echo "Done: every step showed what it should."
