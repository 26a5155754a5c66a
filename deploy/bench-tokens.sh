#!/usr/bin/env bash
# Measures what the way to a token costs above a loop in C on the same PKCS#11 module, on a token in software, and prints two
# tables: one caller at a time, and several side by side.
# usage: bench-tokens.sh   (a minute after the build)
set -euo pipefail
cd "$(dirname "$0")/.."
export ROADSTEAD_LAYERS=data ROADSTEAD_BENCH=1 SWIFT_BACKTRACE=enable=no
for product in roadstead-p11 RoadsteadTokenBench; do
    swift build -c release --scratch-path .build-bench --product "$product" >&2
done
programs=$(swift build -c release --scratch-path .build-bench --show-bin-path)

work=$(mktemp -d /tmp/roadstead-bench-tokens.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir -m 700 "$work/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >"$work/softhsm2.conf"
export SOFTHSM2_CONF=$work/softhsm2.conf
module=/usr/lib/softhsm/libsofthsm2.so
softhsm2-util --init-token --free --label roadstead --so-pin 12345678 --pin 987654 >/dev/null
number=0
for key in p256:EC:prime256v1 p384:EC:secp384r1 p521:EC:secp521r1 rsa2048:rsa:2048 rsa3072:rsa:3072 rsa4096:rsa:4096; do
    number=$((number + 1))
    pkcs11-tool --module "$module" --token-label roadstead --login --pin 987654 --keypairgen \
        --key-type "${key#*:}" --id "0$number" --label "${key%%:*}" >/dev/null 2>&1
done
"$programs/RoadsteadTokenBench" "$module" 987654 "$programs/roadstead-p11"
