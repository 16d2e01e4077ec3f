#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# spillway trace import --decisions from end to end: twelve hours are simulated and recorded, the log becomes a scenario,
# and that runs and compares. The same policy must do nearly what is on record. Last line: N passed, N failed, N skipped.
#
# How near: demand is the mean of each minute, drawn anew, so an hour with 48,000 requests or more may differ by chance
# by 0.65 % (one standard deviation, two Poisson counts): 2 % is three of them. Replicas wanted follow noisy samples that
# are others: means of an hour may differ by 8 % and half a replica.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=$PWD/${SPILLWAY:-build/spillway}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0 skipped=0
same() { if [ "$2" = "$3" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $1: '$2', not '$3'"; fi; }
begins() { case $2 in "$3"*) passed=$((passed + 1)) ;; *) failed=$((failed + 1)) && echo "FAILED $1: '$2' does not begin with '$3'" ;; esac; }
source=$PWD/scenarios/hybrid-burst.yaml
policies=$PWD/scenarios/manifests
cd "$dir" || exit 1

"$SPILLWAY" run "$source" --set spec.duration=12h --record --no-plots --out then >/dev/null 2>err || cat err
"$SPILLWAY" trace import --decisions then/decisions.jsonl --service "$source" --out past >said 2>err
same "imported" "$?$(cat err)" 0
same "its length" "$(sed -n 1p said)" "past/scenario.yaml: 12 h 00 min, 2881 ticks"
same "says what it took from elsewhere" "$(grep -c '^  - ' said)" "$(sed -n '/^# What the log does not say/,/^apiVersion/p' past/scenario.yaml | grep -c '^#   - ')"
same "accepted" "$("$SPILLWAY" validate past/scenario.yaml 2>&1)" \
    "past/scenario.yaml: scenario past; regions 2, clusters 3, pools 3, services 1, traffic sources 1, policies 1"
"$SPILLWAY" run past/scenario.yaml --no-plots --out now >/dev/null 2>err || cat err
awk -F, '
    /^#/ { next }
    $1 == "time_s" { for (i = 1; i <= NF; i++) at[$i] = i; next }
    { hour = int($1 / 3600); run = FILENAME ~ /^then/ ? 1 : 2; bins[run, hour]++
      asked[run, hour] += $at["arrivals"]; wanted[run, hour] += $at["desired_replicas"] }
    function apart(a, b) { return a > b ? a - b : b - a }
    END { for (h = 0; h < 12; h++) {
        a = wanted[1, h] / bins[1, h]; b = wanted[2, h] / bins[2, h]
        hours += bins[1, h] > 0 && asked[1, h] > 40000
        demand += apart(asked[1, h], asked[2, h]) <= 0.02 * asked[1, h]
        replicas += apart(a, b) <= 0.08 * a + 0.5 }
      print hours, demand, replicas }' then/timeline.csv now/timeline.csv >hours
same "hours with demand, with nearly the same, with nearly as many replicas" "$(cat hours)" "12 12 12"

# What another policy would have done.
cp -r past other
cp "$policies/policy-hybrid-swapped.yaml" other/manifests/policy-hybrid.yaml
sed -i 's/^metadata: {name: past}/metadata: {name: other}/' other/scenario.yaml
"$SPILLWAY" compare past/scenario.yaml other/scenario.yaml --replications 3 --out verdict >said 2>err || cat err
same "a verdict" "$(grep -c '^  B costs\|^  no difference' said)" 1
same "that shows a difference" "$(grep -c '^Cost per 1,000 requests .*\*$' said)" 1

# The parts of a log, packed or not, in whatever order.
head -1000 then/decisions.jsonl | gzip >part1.gz
{ head -1 then/decisions.jsonl; tail -n +1001 then/decisions.jsonl; } >part2
"$SPILLWAY" trace import --decisions part2 part1.gz --service "$source" --out parts >/dev/null 2>err || cat err
same "in parts" "$(diff -r past/demand parts/demand && diff -r past/manifests parts/manifests && echo same)" same

# A model and two lengths instead of a file.
"$SPILLWAY" trace import --decisions then/decisions.jsonl --model Llama-3.1-8B --input 512 --output 180 --out plain >/dev/null 2>err || cat err
same "by model" "$(diff -r past/demand plain/demand && "$SPILLWAY" validate plain/scenario.yaml >/dev/null 2>&1 && echo same)" same

# What a log must not be, and what must not be left behind.
refused() { # NAME, FILE, MESSAGE
    begins "$1" "$("$SPILLWAY" trace import --decisions "$2" --service "$source" --out left 2>&1 >/dev/null; echo " $?")" "$3"
    same "$1: nothing is left" "$(ls -d left* 2>/dev/null)" ""
}
head -c 400000 then/decisions.jsonl >torn
refused "torn" torn "torn:$(($(wc -l <torn) + 1)):1: error: the last line is torn"
sed '3s/"replicas":4/"replicas":5/' then/decisions.jsonl >flipped
refused "changed" flipped "flipped:3:1: error: this snapshot is not the one that was decided on"
sed '1s,decisions/1,decisions/9,' then/decisions.jsonl >version
refused "another form" version "version:1:13: error: 'spillway' must be 'decisions/1'"
"$SPILLWAY" run "$source" --set spec.duration=1h --no-plots --out bare >/dev/null 2>&1
refused "without snapshots" bare/decisions.jsonl "bare/decisions.jsonl:1:1: error: no head line with settings and manifests before this tick; run writes it with --record"
begins "who serves what" "$("$SPILLWAY" trace import --decisions then/decisions.jsonl --out left 2>&1)" \
    "then/decisions.jsonl: error: no log says what 'prod/chat' serves: give --service FILE"
same "not over something" "$("$SPILLWAY" trace import --decisions then/decisions.jsonl --service "$source" --out past 2>&1)" \
    "spillway trace: past exists already; nothing was written"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
