#!/usr/bin/env bash
# Fuzzes every parser that faces an attacker, and the TUF workflow, for a bounded time each. Fails on the first crash.
# usage: fuzz.sh [SECONDS [TARGET…]]   (30 seconds for each target unless said; inputs that crashed stay in .build-fuzz)
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}
shift || true
export ROADSTEAD_LAYERS=core ROADSTEAD_FUZZ=1 SWIFT_BACKTRACE=enable=no

swift build -c release --scratch-path .build-fuzz --product RoadsteadFuzz
program=$(swift build -c release --scratch-path .build-fuzz --show-bin-path)/RoadsteadFuzz
work=.build-fuzz/corpus
mkdir -p "$work" .build-fuzz/crashes
rm -rf .build-fuzz/seeds
FUZZ_SEEDS=$PWD/.build-fuzz/seeds "$program"

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then targets=(json certificate crl cbor envelope timestamp reference policy join token metadata workflow evidence); fi
for target in "${targets[@]}"; do
    mkdir -p "$work/$target"
    log=.build-fuzz/$target.log
    if FUZZ_TARGET=$target "$program" "$work/$target" ".build-fuzz/seeds/$target" -seed=1 -max_len=8192 -timeout=10 \
        -rss_limit_mb=2048 -max_total_time="$seconds" -artifact_prefix=".build-fuzz/crashes/$target-" >"$log" 2>&1; then
        echo "fuzz: $target: $(grep -o 'Done .*' "$log" | tail -1), $(grep -o 'cov: [0-9]*' "$log" | tail -1)"
    else
        tail -n 30 "$log" >&2
        echo "fuzz: $target failed; the input is in .build-fuzz/crashes, the log in $log" >&2
        exit 1
    fi
done
