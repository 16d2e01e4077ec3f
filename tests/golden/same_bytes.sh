#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The same scenario and seed give the same bytes: twice, and with one thread or two; host figures aside.
# Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=${SPILLWAY:-build/spillway}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
check() { if [ "$2" = "$3" ] && [ -n "$2" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $1"; fi; }

# The host block is one top-level object: from its key to the brace that closes it.
without_host() { awk '/^  "host": *\{/ { skip = 1 } !skip { print } skip && /^  \}/ { skip = 0 }' "$1"; }
run() { # NAME OPTIONS... : every file of the result as one digest
    "$SPILLWAY" run scenarios/night-and-day.yaml --set spec.duration=3h --replications 3 --no-plots --requests \
        --format json --out "$dir/$1" "${@:2}" >"$dir/$1.json" 2>/dev/null || echo "exit status $?"
    without_host "$dir/$1.json" | sha256sum
    (cd "$dir/$1" && for f in $(ls -A | grep -v summary.json); do sha256sum "$f"; done; without_host summary.json | sha256sum)
}

first=$(run a --jobs 1)
check "two runs" "$first" "$(run b --jobs 1)"
check "one thread and two" "$first" "$(run c --jobs 2)"
other=$(run d --jobs 2 --seed 2)
if [ "$first" != "$other" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED another seed, same bytes"; fi
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
