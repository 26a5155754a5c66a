#!/usr/bin/env bash
# Leaves a server with a demo fleet and an agent running in the foreground; what they hold is found again the next time.
# usage: run.sh   (ROADSTEAD_RUN_HOME: where everything is kept; ROADSTEAD_PORT: 8080 unless said)
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/story.sh

if [ -n "${ROADSTEAD_RUN_HOME:-}" ]; then
    work=$ROADSTEAD_RUN_HOME
elif [ "$(id -u)" -eq 0 ]; then
    work=/var/lib/roadstead/run
else
    work=${XDG_STATE_HOME:-$HOME/.local/state}/roadstead/run
fi
if [ ! -e "$work/ready" ] && [ -e "$work" ]; then
    echo "run: an earlier set-up in $work was not finished; starting over"
    rm -rf "$work/server" "$work/host" "$work/config" "$work/acme" "$work/app" "$work/app.root"
    rm -f "$work"/root.* "$work/join" "$work/bob.invitation"
fi
mkdir -p "$work/acme"
export ROADSTEAD_CONFIG_HOME=$work/config ROADSTEAD_PORT=${ROADSTEAD_PORT:-8080}

end() {
    local status=$?
    trap - EXIT INT TERM
    stop_children
    echo
    echo "run: stopped; everything is kept in $work"
    exit "$status"
}
trap end EXIT
trap 'exit 0' INT TERM

say "Starting the server"
start_server "$work/server"

if [ ! -e "$work/ready" ]; then
    make_people_and_team "$work/server"
    say "A root CA and a signing certificate"
    make_pki "$work/acme" acme
    register_root
    make_fleet
    enrol_host "$work/host"
    say "An image, signed by acme"
    digest=$(make_image "$work/app" "hello from acme")
    expect 0 roadstead sign --key "file:$work/acme/build/signing.key" --passphrase-file "$work/acme/passphrase" \
        --certificate-chain "$work/acme/build/chain.pem" --oci-layout "$work/app@$digest"
    printf '%s' "$digest" >"$work/ready"
fi

setsid roadstead-agent run --state "$work/host" >"$work/agent.log" 2>&1 &
children+=($!)

say "Running at $address; logs: $work/server.log and $work/agent.log. Ctrl-C ends it."
cat <<END
Try, in another terminal:

  export PATH=$programs:\$PATH ROADSTEAD_CONFIG_HOME=$ROADSTEAD_CONFIG_HOME
  roadstead status --profile alice
  roadstead anchor list --profile alice
  roadstead verify --oci-layout $work/app@$(cat "$work/ready") --scope $scope/app --state $work/host
  roadstead anchor remove 1 --reason "trying it" --profile bob     # a few seconds later the image above is rejected
  roadstead-agent status --state $work/host
END
wait -n "${children[@]}" || true
fail "a program ended by itself; see the logs"
