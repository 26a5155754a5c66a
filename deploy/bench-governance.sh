#!/usr/bin/env bash
# Measures governance on a PostgreSQL of its own and prints one table: decisions beside Cedar, the audit log beside
# plain rows, one change of 1,000 anchors, lists at 100,000 anchors and 1,000 teams.
# usage: bench-governance.sh   (about a minute after the build)
set -euo pipefail
cd "$(dirname "$0")/.."
export ROADSTEAD_LAYERS=data ROADSTEAD_BENCH=1 SWIFT_BACKTRACE=enable=no
swift build -c release --scratch-path .build-bench --product RoadsteadGovernanceBench >&2
program=$(swift build -c release --scratch-path .build-bench --show-bin-path)/RoadsteadGovernanceBench
python=.build-cedar/bin/python
if [ ! -x "$python" ]; then
    python3 -m venv .build-cedar
    "$python" -m pip install --quiet --disable-pip-version-check 'cedarpy==4.12.2'
fi

work=$(mktemp -d /var/tmp/roadstead-bench-governance.XXXXXX)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
read -r ours _ < <("$program" decisions)
read -r theirs _ < <("$python" Tests/Support/cedar/measure.py 50000)
{
    echo "what is measured|Roadstead|peer|ratio"
    echo "decisions a second, one core|$ours|Cedar $theirs|$(awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.1f", a / b }')"
    "$program" database "$work/state"
} | awk -F'|' '{ printf "%-52s %-14s %-24s %s\n", $1, $2, $3, $4 }'
