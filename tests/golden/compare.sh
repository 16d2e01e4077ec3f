#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# compare and plan as a user meets them: what they refuse, what they write, the same bytes with any number of threads.
# Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=$(realpath "${SPILLWAY:-build/spillway}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
check() { # NAME TEST...
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        echo "FAILED: $name"
        failed=$((failed + 1))
    fi
}
# STATUS WHAT-STDERR-SAYS ARGUMENTS...: nothing on standard output, nothing written
refuses() {
    local want=$1 says=$2
    shift 2
    rm -rf "$dir/bad"
    "$SPILLWAY" "$@" --out "$dir/bad" >"$dir/stdout" 2>"$dir/stderr"
    local got=$?
    [ $got = "$want" ] && grep -qF -- "$says" "$dir/stderr" && [ ! -s "$dir/stdout" ] && [ ! -e "$dir/bad" ] && return 0
    echo "status $got, wanted $want and '$says'; got:"
    cat "$dir/stderr"
    return 1
}
has() { # FILE TEXT
    grep -qF -- "$2" "$1" && return 0
    echo "$1 lacks '$2'"
    return 1
}
lab=scenarios/theory-mm1.yaml
short="--set spec.duration=40m --set spec.warmup=5m --replications 4"
faster="+spec.services[0].engine.service.exponential.mean=90ms"

check "one side only" refuses 2 "a candidate is missing, or --orders" compare $lab
check "no order to choose" refuses 2 "has two clusterAffinities to order" compare $lab --orders
check "slack without orders" refuses 2 "--slack wants points" compare $lab $lab --slack 1
check "bad slack" refuses 2 "not '1x'" compare scenarios/misconfigured-priorities.yaml --orders --slack 1x
check "no such scenario" refuses 2 "no-such.yaml" compare $lab no-such.yaml
check "bad half width" refuses 2 "--until-half-width wants a positive number" compare $lab $lab --until-half-width 1x
check "bad metric" refuses 2 "did you mean 'latency.ttft_s.p" compare $lab $lab --metric ttft.p59
check "bad variant" refuses 2 "spec.tikc" compare $lab +spec.tikc=30s
check "one replication" refuses 2 "--replications" compare $lab $lab --replications 1

for jobs in 1 2; do
    # shellcheck disable=SC2086
    "$SPILLWAY" compare $lab "$faster" $lab $short --jobs $jobs --metric queue.mean --out "$dir/j$jobs" \
        >"$dir/j$jobs.txt" 2>/dev/null
    check "compare with $jobs threads" test $? = 0
done
check "same text" cmp "$dir/j1.txt" "$dir/j2.txt"
check "80 columns" test -z "$(awk 'length > 80' "$dir/j1.txt")"
check "same folder" diff -r "$dir/j1" "$dir/j2"
for jobs in 1 2; do
    "$SPILLWAY" compare scenarios/misconfigured-priorities.yaml --orders --set spec.duration=90m --replications 3 \
        --jobs $jobs --out "$dir/o$jobs" >"$dir/o$jobs.txt" 2>/dev/null
    check "orders with $jobs threads" test $? = 0
done
check "same orders" diff -r "$dir/o1" "$dir/o2"
check "80 columns with orders" test -z "$(awk 'length > 80' "$dir/o1.txt")"
check "the right order was the best" has "$dir/o1/compare.md" "was B, owned > cloud-near: in 3 of them"
# A's mean cost less B's, as B was the cheaper in every pair
check "regret is the difference to it" awk -F, '$3 == "cost.total_usd" && $1 == "B" { d = -$9 }
    FILENAME ~ /json/ && /"mean_usd"/ { gsub(/[^0-9.]/, "", $1); r = $1 }
    END { exit !(d > 0 && (r - d < 1e-6) && (d - r < 1e-6)) }' "$dir/o1/differences.csv" "$dir/o1/compare.json"
check "the page says it" has "$dir/o1/report.html" "Best order in hindsight"
check "a faster server" has "$dir/j1.txt" "B costs exactly what A costs in each of 4 pairs"
check "an equal side" has "$dir/j1/compare.md" "no difference: C and A are equal in every figure of each of 4 pairs"
check "the difference of the inputs" has "$dir/j1/report.html" "spec.services[0].engine.service.exponential.mean"
check "a further figure" has "$dir/j1/differences.csv" "latency.queue_s.mean"
for file in compare.json differences.csv pairs.csv compare.md report.html decisions-A.jsonl decisions-C.jsonl; do
    check "$file" test -s "$dir/j1/$file"
done
check "no outside reference" bash -c "! grep -qE '(src|href)=\"(http|//)' '$dir/j1/report.html'"

grid="--vary spec.clusters[0].pools[0].nodes=1..3 --vary spec.services[0].engine.servers=1..3"
brief="--set spec.duration=30m --set spec.warmup=5m --budget 24"
check "no knob" refuses 2 "--vary" plan $lab
check "falling range" refuses 2 "is no range" plan $lab --vary spec.seed=5..1
check "bad condition" refuses 2 "--slo:9: error: one of <= >= < > is missing" plan $lab --vary spec.seed=1..2 --slo ttft.p95
check "bad knob" refuses 2 "spec.sede" plan $lab --vary spec.sede=1..2
for jobs in 1 2; do
    # shellcheck disable=SC2086
    "$SPILLWAY" plan $lab $grid $brief --slo 'e2e.p95<=500ms' --jobs $jobs --out "$dir/p$jobs" >"$dir/p$jobs.txt" 2>/dev/null
    check "plan with $jobs threads" test $? = 0
done
check "same answer" cmp "$dir/p1.txt" "$dir/p2.txt"
check "same plan" diff -r "$dir/p1" "$dir/p2"
check "the cheapest" grep -qE '"spec.clusters\[0\].pools\[0\].nodes": "1"' "$dir/p1/plan.json"
for file in plan.json points.csv frontier.csv knobs.csv plan.md report.html; do
    check "$file" test -s "$dir/p1/$file"
done
for file in points frontier knobs; do
    check "each column of $file.csv once" test -z "$(grep -v '^#' "$dir/p1/$file.csv" | head -1 | tr , '\n' | sort | uniq -d)"
    check "$file.csv is a table" awk -F, '!/^#/ { n = n ? n : NF; bad = bad || NF != n } END { exit bad }' "$dir/p1/$file.csv"
done
# shellcheck disable=SC2086
"$SPILLWAY" plan $lab $grid $brief --slo 'e2e.p95<=1ms' --out "$dir/none" >/dev/null 2>&1
check "nothing meets the condition: status 1" test $? = 1

echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
