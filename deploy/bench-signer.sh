#!/usr/bin/env bash
# Measures roadstead-signer over HTTP: signatures per second with a key in a file and one in SoftHSM (P-256), with and
# without criteria, over 1 and 4 connections. Prints one table, and what the disk takes to sync an entry of the log.
# usage: bench-signer.sh [SECONDS]   (8 s for each row; BENCH_BUILD=debug measures what is built already)
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-8}
build=${BENCH_BUILD:-release}
if [ "$build" = release ]; then
    for product in roadstead-signer roadstead-p11; do swift build -c release --product "$product" >&2; done
fi
programs=$(swift build -c "$build" --show-bin-path)
work=$(mktemp -d /var/tmp/roadstead-bench-signer.XXXXXX)
signer=
stop() { if [ -n "$signer" ]; then kill "$signer" 2>/dev/null || true; wait "$signer" 2>/dev/null || true; fi; }
trap 'stop; rm -rf "$work"' EXIT
export SOFTHSM2_CONF=$work/softhsm2.conf SWIFT_BACKTRACE=enable=no

mkdir -m 700 "$work/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label bench --so-pin 12345678 --pin 987654 >/dev/null
(umask 077; echo 987654 >"$work/pin")
python3 deploy/bench-signer.py make "$work"
softhsm2-util --import "$work/release.key" --token bench --label release --id 01 --pin 987654 >/dev/null

"$programs/roadstead-signer" serve --config "$work/signer.json" 2>"$work/log" &
signer=$!
for _ in $(seq 200); do
    port=$(sed -n 's/.*serving at http:\/\/127.0.0.1:\([0-9]*\).*/\1/p' "$work/log")
    if [ -n "$port" ] && curl -s "http://127.0.0.1:$port/readyz" | grep -q '"status":"ready"'; then break; fi
    sleep 0.1
done
echo "| key       | criteria   | connections | signatures/s | p50 ms | p99 ms |"
echo "|-----------|------------|-------------|--------------|--------|--------|"
for key in file-off file-on token-off token-on; do
    for connections in 1 4; do
        python3 deploy/bench-signer.py body "$work" "$key"
        wrk -t1 -c"$connections" -d"${seconds}s" --latency -s "$work/post.lua" \
            "http://127.0.0.1:$port/v1/keys/$key/sign" >"$work/wrk"
        python3 deploy/bench-signer.py row "$work/wrk" "$key" "$connections"
    done
done
python3 deploy/bench-signer.py sync "$work"
