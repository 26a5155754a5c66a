# The parts of the demo that `demo.sh` and `run.sh` share. Sourced, never run.

programs=${ROADSTEAD_PROGRAMS:-$PWD/.build/debug}
export PATH="$programs:$PATH" SWIFT_BACKTRACE=enable=no

scope=registry.example.com/acme
children=()
server_prefix=() # what the server runs under, such as taskset

say() { printf '\n\033[1m%s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9;]*m//g'; fi; }
show() { sed 's/^/    /'; }
fail() { echo "demo: $*" >&2; exit 1; }

# expect STATUS COMMAND… runs a command, shows what it says, and ends the demo when it ends otherwise.
expect() {
    local wanted=$1 status=0
    shift
    printf '  $ %s\n' "$(abbreviate "$@")"
    output=$("$@" 2>&1) || status=$?
    if [ -n "$output" ]; then printf '%s\n' "$output" | show; fi
    [ "$status" -eq "$wanted" ] || fail "that ended with status $status, not $wanted"
}

# expect_text TEXT: the last command said it.
expect_text() { grep -qF -- "$1" <<<"$output" || fail "that does not say \"$1\""; }

abbreviate() { local text="$*"; text=${text//"$work"/\$WORK}; printf '%s' "${text//"$programs/"/}"; }

# as PERSON COMMAND…: `roadstead` under that person's sign-in.
alice() { roadstead "$@" --profile alice; }
bob() { roadstead "$@" --profile bob; }
carol() { roadstead "$@" --profile carol; }
dave() { roadstead "$@" --profile dave; }

secret() { (umask 077 && head -c 24 /dev/urandom | base64 >"$1"); }

start_server() { # state
    rm -f "$1/address"
    setsid "${server_prefix[@]}" roadstead-server dev --state "$1" --listen "127.0.0.1:${ROADSTEAD_PORT:-0}" >"$work/server.log" 2>&1 &
    children+=($!)
    local server=$!
    for _ in $(seq 300); do
        if [ -s "$1/address" ] && curl -fsS "$(cat "$1/address")/readyz" >/dev/null 2>&1; then
            address=$(cat "$1/address")
            return 0
        fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.2
    done
    tail -n 20 "$work/server.log" >&2
    fail "the server did not start; its log is $work/server.log"
}

stop_children() {
    local child
    for child in "${children[@]}"; do kill -TERM "$child" 2>/dev/null || true; done
    for child in "${children[@]}"; do wait "$child" 2>/dev/null || true; done
    children=()
}

# An image of one layer in an OCI layout; prints the manifest's digest.
make_image() { # directory text
    local layout=$1 layer config manifest
    mkdir -p "$layout/blobs/sha256" "$layout.root"
    printf '%s\n' "$2" >"$layout.root/hello"
    layer=$(store_blob "$layout" < <(tar -C "$layout.root" --owner=0 --group=0 --mtime=@0 -cf - hello | gzip -n))
    config=$(store_blob "$layout" < <(printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$(tar -C "$layout.root" --owner=0 --group=0 --mtime=@0 -cf - hello | sha256sum | cut -d' ' -f1)"))
    manifest=$(store_blob "$layout" < <(printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%d},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%s","size":%d}]}' \
        "$config" "$(stat -c %s "$layout/blobs/sha256/$config")" "$layer" "$(stat -c %s "$layout/blobs/sha256/$layer")"))
    printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
    printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%d}]}' \
        "$manifest" "$(stat -c %s "$layout/blobs/sha256/$manifest")" >"$layout/index.json"
    printf 'sha256:%s' "$manifest"
}

store_blob() { # layout, content on standard input
    local temporary digest
    temporary=$(mktemp "$1/blobs/blob.XXXXXX")
    cat >"$temporary"
    digest=$(sha256sum "$temporary" | cut -d' ' -f1)
    mv "$temporary" "$1/blobs/sha256/$digest"
    printf '%s' "$digest"
}

# A token in software, reached by everything that follows; its PIN is in DIRECTORY/pin.
make_token() { # directory label
    export SOFTHSM2_CONF=$1/softhsm2.conf ROADSTEAD_PKCS11_MODULE=/usr/lib/softhsm/libsofthsm2.so
    if [ ! -e "$SOFTHSM2_CONF" ]; then
        (umask 077 && mkdir -p "$1/tokens" && echo 987654 >"$1/pin")
        printf 'directories.tokendir = %s\nobjectstore.backend = file\nslots.mechanisms = ALL\nlog.level = ERROR\n' \
            "$1/tokens" >"$SOFTHSM2_CONF"
    fi
    softhsm2-util --init-token --free --label "$2" --so-pin 12345678 --pin "$(cat "$1/pin")" >/dev/null
}

# agreed COMMAND…: what one person asks for, bob agrees to, and the server brings into force.
agreed() {
    local change
    expect 4 "$@"
    change=$(grep -oE 'C-[0-9]+' <<<"$output" | head -1)
    expect 0 bob change approve "$change" --yes
    wait_for_change "$change"
}

wait_for_change() { # change
    for _ in $(seq 50); do
        if bob change show "$1" 2>/dev/null | grep -qF ', published:'; then return 0; fi
        sleep 0.2
    done
    fail "$1 never came into force"
}

# Two people, a team with a scope, a store and a rule.
make_people_and_team() { # server state
    say "The bootstrap token makes the first trust administrator, who founds alone"
    expect 0 roadstead login --server "$address" --bootstrap-token-file "$1/bootstrap-token" --name alice --profile alice

    say "A team, the part of the registry it speaks for, a trust store, and a rule for its roots"
    expect 0 alice team add acme --scope "$scope"
    expect 0 alice store add prod --team acme
    expect 0 alice repository add "$scope/app"
    expect 0 alice rule set acme-own --team acme --origin own --approvals 1

    say "A second person joins: from now on teams, rules, roles and fleets change by what two people agreed to"
    expect 0 alice person invite bob --role security-officer --out "$work/bob.invitation"
    expect 0 roadstead login --server "$address" --invitation-file "$work/bob.invitation" --label laptop --profile bob
    expect 0 bob whoami
}

make_pki() { # directory name
    secret "$1/passphrase"
    expect 0 roadstead ca init --subject "C=US,ST=WA,O=$2,CN=$2 root" --out "$1/ca" --passphrase-file "$1/passphrase"
    expect 0 roadstead ca issue --ca "$1/ca" --ca-passphrase-file "$1/passphrase" --subject "C=US,ST=WA,O=$2,CN=$2 build" \
        --out "$1/build" --passphrase-file "$1/passphrase"
}

register_root() {
    say "acme proposes its root; the proposer cannot approve it, the second person can"
    expect 4 alice anchor add "$work/acme/ca/ca.crt" --team acme --store ca/prod --reason "our own build root"
    change=$(grep -oE 'C-[0-9]+' <<<"$output" | head -1)
    expect 1 alice change approve "$change" --yes
    expect 0 bob change approve "$change" --yes
    expect_text approved
}

make_fleet() {
    say "The fleet's root key is made here and stays here; the ceremony signs the fleet's first keys"
    agreed alice fleet add demo --team acme
    secret "$work/root.passphrase"
    expect 0 roadstead key generate --key-type ed25519 --out "$work/root.key" --passphrase-file "$work/root.passphrase"
    expect 0 alice ceremony open --fleet demo --key "file:$work/root.key" --passphrase-file "$work/root.passphrase" --threshold 1
    ceremony=$(grep -oE 'ceremony [0-9]+' <<<"$output" | head -1 | cut -d' ' -f2)
    expect 0 alice ceremony sign "$ceremony" --key "file:$work/root.key" --passphrase-file "$work/root.passphrase" --yes
    expect 0 alice ceremony close "$ceremony"

    say "The fleet publishes a release"
    publish_release
}

publish_release() {
    expect 0 alice release publish --fleet demo
    expect_text "is published"
    follow_release
}

# Tests let other programs follow the fleet here.
follow_release() {
    if [ -n "${ROADSTEAD_DEMO_AFTER_RELEASE:-}" ]; then
        expect 0 $ROADSTEAD_DEMO_AFTER_RELEASE "$work/follower" "$address/fleets/demo"
    fi
}

# The server fixes what a team's members sign as soon as it has seen the change.
wait_for_draft() { # change
    for _ in $(seq 50); do
        carol change sign "$1" --to-sign "$work/draft" >/dev/null 2>&1 && return 0
        sleep 0.2
    done
    fail "$1 has nothing to sign after ten seconds"
}

enrol_host() { # agent state
    say "A host enrols with a join string that carries the digest of the fleet's root, and syncs"
    expect 0 alice host join-token --fleet demo --out "$work/join"
    expect 0 roadstead-agent enroll --state "$1" --join-string-file "$work/join" --name demo-host
    expect 0 roadstead-agent sync --state "$1"
}
