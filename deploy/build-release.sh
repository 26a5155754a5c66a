#!/usr/bin/env bash
# Builds the programs for release: the small one fully static, the others with a static Swift library.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build -c release --product roadstead
for product in roadstead-remote roadstead-p11 roadstead-signer roadstead-agent roadstead-server roadstead-tuf-client; do
    swift build -c release --static-swift-stdlib --product "$product"
done
