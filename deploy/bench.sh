#!/usr/bin/env bash
# Measures the release build beside the peers in one run and prints one table. Bounded: about two minutes.
# usage: bench.sh   (ROADSTEAD_BENCH_SECONDS: length of each load, 5 unless said)
set -euo pipefail
cd "$(dirname "$0")/.."
export ROADSTEAD_PROGRAMS=${ROADSTEAD_PROGRAMS:-$PWD/.build/release}
. deploy/story.sh

seconds=${ROADSTEAD_BENCH_SECONDS:-5}
work=$(mktemp -d /tmp/roadstead-bench.XXXXXX)
chmod 755 "$work"
export ROADSTEAD_CONFIG_HOME=$work/config
end() {
    local status=$?
    stop_children
    if [ "$status" -eq 0 ]; then rm -rf "$work"; else echo "bench: everything is in $work" >&2; fi
    exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

rows=()
row() { rows+=("$1|$2|$3|$4"); }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
# per_second URL [HEADER…]: answers a second under wrk, from one thread and 32 connections.
per_second() {
    local url=$1 headers=()
    shift
    for header in "$@"; do headers+=(-H "$header"); done
    taskset -c 1 wrk -t1 -c32 -d"${seconds}s" "${headers[@]}" ${script:+-s "$script"} "$url" >"$work/wrk.log"
    if grep -q 'Non-2xx or 3xx' "$work/wrk.log"; then fail "wrk saw errors: $(grep 'Non-2xx' "$work/wrk.log")"; fi
    awk '/Requests\/sec/ { print $2 }' "$work/wrk.log"
}
mean_ms() { hyperfine -N --warmup 5 --runs "$1" --export-json "$work/hyperfine.json" "$2" >/dev/null 2>&1 \
    && python3 -c 'import json,sys; r=json.load(open(sys.argv[1]))["results"][0]; print("%.1f %.1f" % (r["mean"]*1e3, r["min"]*1e3))' "$work/hyperfine.json"; }
peak_mb() { /usr/bin/time -f %M -o "$work/peak" "$@" >/dev/null && awk '{ printf "%.1f", $1 / 1024 }' "$work/peak"; }

echo "bench: setting up a fleet" >&2
{
    # Each server under load has one core, the load the other.
    server_prefix=(taskset -c 0)
    start_server "$work/server"
    mkdir -p "$work/acme"
    make_people_and_team "$work/server"
    make_pki "$work/acme" acme
    register_root
    make_fleet
    enrol_host "$work/host"
    digest=$(make_image "$work/app" "hello from acme")
    expect 0 roadstead sign --key "file:$work/acme/build/signing.key" --passphrase-file "$work/acme/passphrase" \
        --certificate-chain "$work/acme/build/chain.pem" --oci-layout "$work/app@$digest"
} >"$work/setup.log" 2>&1 || { tail -n 5 "$work/setup.log" >&2; exit 1; }

echo "bench: conditional GET of the timestamp" >&2
timestamp=/fleets/demo/metadata/timestamp.json
tag=$(curl -fsS -o "$work/timestamp.json" -D - "$address$timestamp" | tr -d '\r' | awk 'tolower($1) == "etag:" { print $2 }')
ours=$(per_second "$address$timestamp" "If-None-Match: $tag")

mkdir -p "$work/nginx/html/fleets/demo/metadata" "$work/nginx/tmp"
cp "$work/timestamp.json" "$work/nginx/html$timestamp"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$work/nginx/nginx.conf" <<END
worker_processes 1; daemon off; pid $work/nginx/pid; error_log $work/nginx/error.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000; default_type application/json;
  client_body_temp_path $work/nginx/tmp; proxy_temp_path $work/nginx/tmp; fastcgi_temp_path $work/nginx/tmp;
  uwsgi_temp_path $work/nginx/tmp; scgi_temp_path $work/nginx/tmp;
  open_file_cache max=100; sendfile on; tcp_nodelay on;
  server { listen 127.0.0.1:$port; root $work/nginx/html; }
}
END
chmod -R a+rX "$work/nginx"
taskset -c 0 /usr/sbin/nginx -c "$work/nginx/nginx.conf" 2>"$work/nginx/start.log" &
children+=($!)
for _ in $(seq 50); do curl -fsS -o /dev/null "http://127.0.0.1:$port$timestamp" 2>/dev/null && break; sleep 0.1; done
tag=$(curl -fsS -o /dev/null -D - "http://127.0.0.1:$port$timestamp" | tr -d '\r' | awk 'tolower($1) == "etag:" { print $2 }')
theirs=$(per_second "http://127.0.0.1:$port$timestamp" "If-None-Match: $tag")
row "conditional GET of the timestamp (304), per second" "$ours" "nginx $theirs" "$(ratio "$ours" "$theirs")"

echo "bench: API reads and writes" >&2
alice token create --label bench --out "$work/token" >/dev/null 2>&1
token=$(cat "$work/token")
row "API read (GET /v1/teams/acme), per second" "$(per_second "$address/v1/teams/acme" "Authorization: Bearer $token")" "-" "-"
script=$work/write.lua
cat >"$script" <<END
local n = 0
request = function()
  n = n + 1
  return wrk.format("POST", "/v1/repositories", { ["Authorization"] = "Bearer $token", ["Content-Type"] = "application/json" },
    '{"repository":"$scope/bench-' .. n .. '"}')
end
END
row "API write (POST /v1/repositories, audited), per second" "$(per_second "$address/v1/repositories")" "-" "-"
script=

echo "bench: whole processes" >&2
alice release publish --fleet demo >/dev/null 2>&1 || true
roadstead-agent sync --state "$work/host" >/dev/null 2>&1
read -r mean least < <(mean_ms 30 "roadstead-agent sync --state $work/host")
row "agent sync, nothing new, whole process, ms" "$mean (min $least)" "go-tuf 23 (min 12.5)" "-"
verify="roadstead verify --oci-layout $work/app@$digest --scope $scope/app --state $work/host"
read -r mean least < <(mean_ms 200 "$verify")
row "verify an image, whole process, ms" "$mean (min $least)" "notation 1.3.2 16 (min 10)" "-"
row "verify an image, peak memory, MB" "$(peak_mb $verify)" "notation 1.3.2 10" "-"

printf '\n%s\n' "what is measured|Roadstead|peer|ratio" | cat - <(printf '%s\n' "${rows[@]}") | awk -F'|' 'NF == 4 { printf "%-58s %-20s %-30s %s\n", $1, $2, $3, $4 }'
echo
echo "Peers in the same run: nginx, one worker. Figures of go-tuf and notation were measured earlier on two cores of the same kind."
