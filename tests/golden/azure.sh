#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The recorded hour of chat (Azure LLM inference trace 2023), imported and replayed: requests per minute and per hour of
# the run are those of the file, token counts included. Skips where the recording is absent.
# Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=${SPILLWAY:-build/spillway}
csv=../shared/traces/azure-llm-2023/AzureLLMInferenceTrace_conv.csv
if [ ! -f "$csv" ]; then
    echo "skip: $csv is not here"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
check() { if [ "$2" = "$3" ] && [ -n "$2" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $1"; fi; }

"$SPILLWAY" trace import "$csv" "$dir/azure.trace" >/dev/null
field=spec.services[0].traffic[0]
"$SPILLWAY" run scenarios/azure-conversation.yaml --no-plots --requests --out "$dir/run" --set "$field.file=$dir/azure.trace" \
    --set "$field.scale=1" --set "$field.shift=0s" --set "$field.loop=false" --set spec.warmup=0s >/dev/null 2>&1 ||
    failed=$((failed + 1))

# Seconds since the first row, worked out here from the time stamps of one day.
from_file() { tr -d '\r' <"$csv" | awk -F, -v bin="$1" 'NR > 1 {
    split($1, d, /[ :]/); t = d[2] * 3600 + d[3] * 60 + d[4]; if (NR == 2) t0 = t
    k = int((t - t0 + 1e-9) / bin); n[k]++; in_[k] += $2; out[k] += $3; last = k }
    END { for (k = 0; k <= last; k++) print k, n[k] + 0, in_[k] + 0, out[k] + 0 }'; }
from_run() { awk -F, -v bin="$1" '/^#/ { next } !head { for (i = 1; i <= NF; i++) at[$i] = i; head = 1; next } {
    k = int(($at["sent_s"] + 1e-9) / bin); n[k]++; in_[k] += $at["input_tokens"]; out[k] += $at["output_tokens"]
    last = k > last ? k : last }
    END { for (k = 0; k <= last; k++) print k, n[k] + 0, in_[k] + 0, out[k] + 0 }' "$dir/run/requests.csv"; }
check "requests and tokens per minute" "$(from_file 60)" "$(from_run 60)"
check "requests and tokens per hour" "$(from_file 3600)" "$(from_run 3600)"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
