#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Logs of decisions that history.sh does not have, made into scenarios: spillwayd's own, sealed, rotated and packed; one
# that begins in the middle; one in which things failed; one whose metrics count no requests.
#
# Tolerance of the last: a replica that holds so many requests on average is taken to complete what one completes that
# always holds as many, and what is drawn anew is random again: 6 % of each hour's requests.
# Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=$(realpath "${SPILLWAY:-build/spillway}")
SPILLWAYD=$(realpath "${SPILLWAYD:-build/spillwayd}")
root=$PWD
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
check() { if [ "$2" = "$3" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $1: '$2', not '$3'"; fi; }
cd "$dir" || exit 1
like=$root/scenarios/hybrid-burst.yaml
users="--users cn-hangzhou=190 --users cn-beijing=70"
import() { "$SPILLWAY" trace import --decisions "$@"; }
arrivals() { grep -v '^#' "$1/timeline.csv" | cut -d, -f1,4 | sed 1d; }

"$SPILLWAY" run "$like" --set spec.start=2026-03-02T05:00:00+08:00 --set spec.duration=3h --set spec.warmup=0s --record \
    --no-plots --out was >/dev/null 2>&1
log=was/decisions.jsonl

# Requests in the engines instead of requests/s.
import $log --service "$like" $users --out engines --demand in-flight >/dev/null
"$SPILLWAY" run engines/scenario.yaml --no-plots --out is >/dev/null 2>&1
check "demand from requests in the engines" "$(paste -d, <(arrivals was) <(arrivals is) | awk -F, '
    { h = int($1 / 3600); a[h] += $2; b[h] += $4 }
    END { for (h = 0; h < 3; h++) { d = b[h] / a[h] - 1; print (d < 0.06 && d > -0.06 ? "near" : d) } }' | sort -u)" near

# A log that begins in the middle: as many replicas as there were.
sed -n '1p;402,$p' $log >late.jsonl
import late.jsonl --model Llama-3.1-8B --input 800 --output 250 --out late >/dev/null
replicas=$(sed -n 402p $log | grep -o '"name":"chat","replicas":[0-9]*' | grep -o '[0-9]*$')
check "replicas of the first tick" "$(diff late/manifests/chat.yaml "$root/scenarios/manifests/chat.yaml")" \
    "$(printf '19c19\n<   replicas: %s\n---\n>   replicas: 4' "$replicas")"
check "lengths as given" "$(grep -A4 'lengths:' late/scenario.yaml | tr -d ' \n')" "lengths:input:fixed:800output:fixed:250"

# What went wrong goes wrong again, within a scrape and a tick of when it did.
"$SPILLWAY" run "$like" --set spec.duration=2h --set spec.warmup=0s --record --no-plots --out ill --set 'spec.faults=[
    {kind: node, cluster: idc-hangzhou, pool: rtx5090, index: 1, at: [30m], for: 20m},
    {kind: cluster, cluster: ack-hangzhou, at: [60m], for: 10m},
    {kind: metrics-missing, service: prod/chat, at: [90m], for: 10m}]' >/dev/null 2>&1
import ill/decisions.jsonl --service "$like" --out ill-again >/dev/null
window() { awk -F, -v b="$2" -v e="$3" 'NR == 2 { print ($1 >= b && $1 <= b + 30 && $2 >= e && $2 <= e + 30 ? "there" : $0) }
    NR > 2' "ill-again/faults/$1.csv"; }
check "a node was missing" "$(window idc-hangzhou-rtx5090-2 1800 3000)" there
check "a cluster did not answer" "$(window ack-hangzhou 3600 4200)" there
check "metrics were missing" "$(window prod-chat 5400 6000)" there
check "as faults" "$("$SPILLWAY" validate ill-again/scenario.yaml >/dev/null 2>&1; echo $?)" 0

# spillwayd's own log: sealed, rotated, one part packed; parts in any order.
sed -n '1p;402,442p' $log >part.jsonl
cat >turns.yaml <<EOF
apiVersion: spillway.dev/v1alpha1
kind: Daemon
metadata: {name: turns}
spec:
  mode: file
  tick: 15s
  manifests: {files: [$root/scenarios/manifests/chat.yaml, $root/scenarios/manifests/policy-hybrid.yaml, $root/scenarios/manifests/hpa.yaml]}
  file: {snapshots: part.jsonl, origin: "2026-03-02T05:00:00+08:00"}
  actuator: {kind: dry-run}
  lease: {enabled: false}
  memory: {state: turns.state, decisions: turns.jsonl, rotate: 100kB, keep: 100}
  http: {port: -1}
  log: {level: warn}
EOF
"$SPILLWAYD" --config turns.yaml
check "rotated" "$([ "$(ls turns.jsonl.* | wc -l)" -ge 2 ] && echo several)" several
gzip turns.jsonl.1
import part.jsonl --service "$like" --out whole >whole.said
import turns.jsonl* --service "$like" --out parts >parts.said
check "no tick is lost" "$(head -1 parts.said | cut -d: -f2)" "$(head -1 whole.said | cut -d: -f2)"
check "the same demand" "$(cmp whole/demand/prod-chat.csv parts/demand/prod-chat.csv && echo same)" same
check "at the same time" "$(grep '^  start' parts/scenario.yaml)" "$(grep '^  start' whole/scenario.yaml)"
check "a part twice" "$(import turns.jsonl turns.jsonl --service "$like" --out no 2>&1)" \
    "turns.jsonl:2:1: error: this tick is not after the one before it: a log is read once, and logs of one fleet only"
sed '2s/"nodes":/"nodes" :/' turns.jsonl >changed.jsonl
check "changed bytes" "$(import changed.jsonl --service "$like" --out no 2>&1 | sed -E 's/:2:[0-9]+:/:2:COL:/')" \
    "changed.jsonl:2:COL: error: 'sum' does not fit: bytes of this line have changed since it was written"
head -c -9 turns.jsonl >torn.jsonl
check "torn" "$(import torn.jsonl --service "$like" --out no 2>&1)" \
    "torn.jsonl:$(wc -l <turns.jsonl):1: error: the last line is torn: it ends within itself; leave it out (spillwayd does so when it starts)"
check "nothing is left of these" "$(ls -d no* 2>/dev/null)" ""
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
