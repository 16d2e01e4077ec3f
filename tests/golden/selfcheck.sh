#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# selfcheck: the published part holds, as text and JSON alike; a figure that is wrong fails it; a wrong folder is bad input.
# Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=$(realpath "${SPILLWAY:-build/spillway}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
is() { if [ "$2" = "$3" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $1: '$2', not '$3'"; fi; }

"$SPILLWAY" selfcheck --only published >"$dir/text" 2>"$dir/err"
is "holds" "$? $(wc -c <"$dir/err") $(tail -1 "$dir/text" | grep -c ', 0 failed, ')" "0 0 1"
is "cross-checks" "$(grep -c -E '^  (5090 / 4090 AWQ MoE|5090 / 4090 70B int4 on two|TP4 / PP4 over PCIe) .* held ' "$dir/text")" 3
cp -r scenarios/tables "$dir/tables"
sed -i 's/^\(5090 . 4090 AWQ MoE,.*\),2.02,0.2,/\1,3.5,0.2,/' "$dir/tables/published.csv"
"$SPILLWAY" selfcheck --only published --tables "$dir/tables" --format json >"$dir/json" 2>"$dir/err"
is "a miss fails" "$? $(wc -c <"$dir/err") $(grep -c '"verdict": "failed"' "$dir/json")" "1 0 1"
is "which one" "$(grep '"verdict": "failed"' "$dir/json" | grep -c '5090 / 4090 AWQ MoE')" 1
is "same lines" "$(grep -c '"group"' "$dir/json")" "$(grep -c -E ' (held|explained|FAILED|not run) +[a-z]+$' "$dir/text")"
"$SPILLWAY" selfcheck --only runs --data "$dir/nothing" >"$dir/text" 2>"$dir/err"
is "no such folder" "$? $(wc -c <"$dir/text") $(grep -c 'error: cannot be read' "$dir/err")" "2 0 1"
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
