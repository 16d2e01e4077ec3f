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
mkdir -p "$dir/data/operators" "$dir/named/rtx4090-llama31-8b" "$dir/named/notes"
"$SPILLWAY" selfcheck --only runs --data "$dir/data" >"$dir/text" 2>"$dir/err"
is "no recording in it" "$? $(wc -c <"$dir/text") $(cat "$dir/err")" \
    "2 0 $dir/data: error: no folder in it has the name of a GPU and a model of tables/profiles.csv, such as rtx4090-llama31-8b"
"$SPILLWAY" selfcheck --only runs >"$dir/text" 2>"$dir/err"
is "nothing to run" "$? $(wc -c <"$dir/text") $(cat "$dir/err")" "2 0 spillway selfcheck: --only runs wants --data DIR"
echo 't,prompt_throughput,gen_throughput,running,kv_cache_pct' >"$dir/named/rtx4090-llama31-8b/timeseries.csv"
"$SPILLWAY" selfcheck --only runs --data "$dir/named" >"$dir/text" 2>"$dir/err"
is "what is not compared" "$? $(tail -1 "$dir/text")" "0 0 held, 0 explained, 0 failed, 2 not run"
is "of nothing" "$(grep -c nan "$dir/text")" 0
is "and why" "$(grep -cE 'names no GPU and model|neither requests nor operator times' "$dir/text")" 2
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
