#!/usr/bin/env bash
# Measures the TUF client beside python-tuf, in process and on the same repositories, and prints one table.
# usage: bench-tuf.sh [RUNS]   (40 updates of each kind unless said; about a minute after the build)
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-40}
export ROADSTEAD_LAYERS=core ROADSTEAD_BENCH=1 SWIFT_BACKTRACE=enable=no
swift build -c release --scratch-path .build-bench --product RoadsteadTUFBench >&2
program=$(swift build -c release --scratch-path .build-bench --show-bin-path)/RoadsteadTUFBench
python=.build-python/bin/python
if [ ! -x "$python" ]; then
    python3 -m venv .build-python
    "$python" -m pip install --quiet --disable-pip-version-check 'tuf==7.0.1' 'securesystemslib[crypto]'
fi

# In memory: the client is measured, not the disk. Ours syncs every file and directory, python-tuf none, so the
# last row shows what that costs on a disk.
place=/tmp
if [ -w /dev/shm ]; then place=/dev/shm; fi
work=$(mktemp -d "$place/roadstead-bench-tuf.XXXXXX")
disk=$(mktemp -d /var/tmp/roadstead-bench-tuf.XXXXXX)
trap 'rm -rf "$work" "$disk"' EXIT

row() { awk -v what="$1" -v a="$2" -v b="$3" -v c="$4" -v d="$5" 'BEGIN {
    printf "| %-34s | %8.2f | %8.2f | %8.2f | %8.2f | %6.1f |\n", what, a, b, c, d, c / (a + 0.000001) }'; }
echo "| ms, median and least of $runs updates | ours     | least    | python   | least    | ratio  |"
echo "|------------------------------------|----------|----------|----------|----------|--------|"
for teams in 1 100 1000; do
    "$program" make "$work/$teams" "$teams"
    for kind in cold nothing-new lookup; do
        read -r ours least < <("$program" run "$work/$teams" "$work/state" "$kind" "$runs")
        read -r theirs lowest < <("$python" Tests/Support/python-tuf/measure.py "$work/$teams" "$work/py" "$kind" "$runs")
        row "$teams teams, $kind" "$ours" "$least" "$theirs" "$lowest"
        if [ "$kind" = nothing-new ]; then
            read -r ours least < <("$program" run "$work/$teams" "$work/state" daemon "$runs")
            row "$teams teams, $kind, long-lived" "$ours" "$least" "$theirs" "$lowest"
        fi
    done
done
read -r ours least < <("$program" run "$work/1" "$disk/state" cold "$runs")
read -r theirs lowest < <("$python" Tests/Support/python-tuf/measure.py "$work/1" "$disk/py" cold "$runs")
row "1 teams, cold, synced to disk" "$ours" "$least" "$theirs" "$lowest"
