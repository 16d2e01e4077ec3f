#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# decide.sh - `spillway decide` on hand-worked snapshots, on broken ones, and over several calls.
#
# NAME.args is a command line, one word a line, @ standing for the folder of the cases. It must print NAME.stdout and end
# with 0; or, where there is NAME.stderr instead, print that on standard error, nothing on standard output, and end with
# 2. The state within a plan is bytes of the core's own: its line is left out of the comparison.
#
# usage: tests/golden/decide.sh [--update]   --update writes what the program says now
#        SPILLWAY=path/to/spillway tests/golden/decide.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
program=${SPILLWAY:-build/spillway}
cases=tests/golden/decide
update=no
[ "${1:-}" = "--update" ] && update=yes
passed=0
failed=0
skipped=0

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

ok() {
    passed=$((passed + 1))
}

fail() {
    printf 'FAIL %s: %s\n' "$1" "$2"
    failed=$((failed + 1))
}

# same NAME EXPECTED GOT
same() {
    if cmp -s "$2" "$3"; then
        ok
    else
        fail "$1" "not what is expected"
        diff "$2" "$3" | sed 's/^/    /'
    fi
}

# check NAME WORDS...
check() {
    name=$1
    shift
    "$program" decide "$@" >"$work/whole" 2>"$work/stderr"
    status=$?
    sed '/^"state": "[0-9a-f]*"$/d' "$work/whole" >"$work/stdout"
    if [ "$update" = yes ]; then
        rm -f "$cases/$name.stdout" "$cases/$name.stderr"
        if [ $status -eq 2 ]; then cp "$work/stderr" "$cases/$name.stderr"; else cp "$work/stdout" "$cases/$name.stdout"; fi
    fi
    if [ -f "$cases/$name.stderr" ]; then
        if [ $status -ne 2 ]; then
            fail "$name" "exit status $status instead of 2"
        elif [ -s "$work/whole" ]; then
            fail "$name" "something on standard output"
        else
            same "$name" "$cases/$name.stderr" "$work/stderr"
        fi
    elif [ $status -ne 0 ] || [ -s "$work/stderr" ]; then
        fail "$name" "exit status $status"
        sed 's/^/    /' "$work/stderr"
    else
        same "$name" "$cases/$name.stdout" "$work/stdout"
    fi
}

# decide OUTPUT WORDS...: one call with the manifests of the autoscaler, in text
decide() {
    output=$1
    shift
    "$program" decide --manifests $cases/fill.yaml $cases/hpa.yaml --format text "$@" >"$output" 2>"$work/stderr" ||
        fail "$output" "$(cat "$work/stderr")"
}

# The state carries on: what was said is not said again, and what was seen is remembered.
carries_on() {
    : >"$work/nothing"
    decide "$work/first" --snapshot $cases/hpa.json --state-out "$work/s1"
    printf 'scale prod/chat 4 -> 6  metric-above\nplace prod/chat idc 4 -> 6  fill-idle\n' >"$work/expect"
    printf 'route prod/chat idc 0 -> 1000000  route-ready\n' >>"$work/expect"
    same first-call "$work/expect" "$work/first"

    # 400 s later there is little to do: older advice has left the window of 300 s, so 6 become ceil(6 x 2 / 10) = 2. A
    # core without the state has seen this count for the first time and keeps it.
    decide "$work/second" --snapshot $cases/calm.json --state "$work/s1" --state-out "$work/s2"
    printf 'scale prod/chat 6 -> 2  metric-below\nplace prod/chat idc 6 -> 2  scale-in\n' >"$work/expect"
    same second-call "$work/expect" "$work/second"
    decide "$work/fresh" --snapshot $cases/calm.json
    printf 'route prod/chat idc 0 -> 1000000  route-ready\n' >"$work/expect"
    same without-state "$work/expect" "$work/fresh"

    # The state in a plan is the state in a file.
    "$program" decide --manifests $cases/fill.yaml $cases/hpa.yaml --snapshot $cases/hpa.json >"$work/plan.json"
    decide "$work/again" --snapshot - --state "$work/plan.json" --state-out "$work/s3" <$cases/calm.json
    same state-of-plan "$work/second" "$work/again"
    same state-bytes "$work/s2" "$work/s3"

    # Time does not run backwards, and nothing is written then.
    rm -f "$work/s4"
    "$program" decide --manifests $cases/fill.yaml $cases/hpa.yaml --snapshot $cases/hpa.json --state "$work/s2" \
        --state-out "$work/s4" >"$work/stdout" 2>"$work/stderr"
    if [ $? -eq 2 ] && [ ! -e "$work/s4" ] && [ ! -s "$work/stdout" ]; then ok; else fail backwards "not refused"; fi
    echo 'spillway decide: the core refuses the snapshot: now: time runs backwards' >"$work/expect"
    same backwards-text "$work/expect" "$work/stderr"

    # Of a state of other manifests that is kept which still has its meaning, and said.
    "$program" decide --manifests $cases/static.yaml --snapshot $cases/calm.json --state "$work/s2" \
        >"$work/stdout" 2>"$work/stderr"
    if [ $? -eq 0 ] && [ -s "$work/stdout" ]; then ok; else fail other-manifests "refused"; fi
    echo "$work/s2: note: workloads of this state: 0 kept, 1 configured otherwise, 0 new, 0 gone" >"$work/expect"
    same other-manifests-text "$work/expect" "$work/stderr"

    # A state of other workloads is refused.
    sed 's/name: chat/name: talk/' $cases/fill.yaml >"$work/talk.yaml"
    "$program" decide --manifests "$work/talk.yaml" --snapshot $cases/calm.json --state "$work/s2" \
        >"$work/stdout" 2>"$work/stderr"
    if [ $? -eq 2 ] && [ ! -s "$work/stdout" ]; then ok; else fail other-workloads "not refused"; fi
    echo "$work/s2: error: the state is of other workloads: none of them is in the manifests" >"$work/expect"
    same other-workloads-text "$work/expect" "$work/stderr"

    # What cannot be written is an i/o failure, without a plan on standard output.
    "$program" decide --manifests $cases/fill.yaml --snapshot $cases/fill.json --state-out "$work/no/s" \
        >"$work/stdout" 2>"$work/stderr"
    if [ $? -eq 3 ] && [ ! -s "$work/stdout" ]; then ok; else fail state-out "not status 3"; fi
}

# One run, recorded, decided once more: the log of a run of this build is identical.
recorded() {
    "$program" run scenarios/hybrid-burst.yaml --record --no-plots --set spec.duration=1h --set spec.warmup=0s \
        --out "$work/run" >/dev/null 2>"$work/stderr" || { fail record "$(tail -3 "$work/stderr")"; return; }
    log=$work/run/decisions.jsonl
    if ! head -n 1 "$log" | grep -q '^{"spillway":"decisions/1"'; then
        printf 'the log of run --record has no head line: not replayed\n'
        skipped=$((skipped + 1))
        return
    fi
    printf 'identical: %d ticks\n' $(($(wc -l <"$log") - 1)) >"$work/expect"
    "$program" replay "$log" >"$work/stdout" 2>&1
    same replay "$work/expect" "$work/stdout"
    "$program" replay "$log" --against "$log" >"$work/stdout" 2>&1
    same against "$work/expect" "$work/stdout"
    sed '100s/"amount":[0-9]*/"amount":77/;100s/"plan":\[\]/"plan":[{"verb":"scale","before":1,"amount":2,"reason":"spec"}]/' \
        "$log" >"$work/other.jsonl"
    "$program" replay "$work/other.jsonl" >"$work/stdout" 2>&1
    if [ $? -eq 1 ] && grep -q '^first difference at tick 98,' "$work/stdout"; then ok; else fail tampered "not found"; fi
    "$program" replay "$log" --against "$work/other.jsonl" >"$work/stdout" 2>&1
    if [ $? -eq 1 ] && grep -q '^first difference at tick 98,' "$work/stdout"; then ok; else fail against-other "not found"; fi
}

# A latency budget hangs on distances that only the scenario knows: the log has them, and the replay decides alike.
recorded_distances() {
    awk '{ print } /^metadata:/ && ++n == 2 {
        print "  annotations: {spillway.dev/latency-budget: 60ms, spillway.dev/user-regions: cn-beijing}" }' \
        scenarios/manifests/chat.yaml >"$work/chat.yaml"
    "$program" run scenarios/hybrid-burst.yaml --record --no-plots --set spec.duration=20m --set spec.warmup=0s \
        --set "spec.manifests[0]=$work/chat.yaml" --out "$work/near" >/dev/null 2>"$work/stderr" || {
        fail record-distances "$(tail -3 "$work/stderr")"
        return
    }
    log=$work/near/decisions.jsonl
    if head -n 1 "$log" | grep -q 'kind: RoundTrips'; then ok; else fail distances "not in the head of the log"; fi
    printf 'identical: %d ticks\n' $(($(wc -l <"$log") - 1)) >"$work/expect"
    "$program" replay "$log" >"$work/stdout" 2>&1
    same replay-distances "$work/expect" "$work/stdout"
    # without them every cluster elsewhere is out of reach: the replay must differ, or this test proves nothing
    sed '1s/from: \\"cn-/from: \\"no-/g' "$log" >"$work/far.jsonl"
    "$program" replay "$work/far.jsonl" >"$work/stdout" 2>&1 && fail no-distances "the replay did not need them" || ok
}

if [ ! -x "$program" ]; then
    printf '%s is not there: build it first\n' "$program"
    printf '0 passed, 0 failed, 1 skipped\n'
    exit 0
fi
for file in "$cases"/*.args; do
    name=$(basename "$file" .args)
    set --
    while IFS= read -r word; do
        case $word in
        @*) set -- "$@" "$cases${word#@}" ;;
        *) set -- "$@" "$word" ;;
        esac
    done <"$file"
    check "$name" "$@"
done
carries_on
recorded
recorded_distances
printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed -eq 0 ]
