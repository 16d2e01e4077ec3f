#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# run, compare and plan, interrupted by Ctrl-C, SIGTERM and SIGKILL behind several numbers of finished replications and
# resumed with one thread and two: the bytes of a command that nobody interrupted, nothing simulated twice, nothing left
# over. Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=$(realpath "${SPILLWAY:-build/spillway}")
dir=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
ok() { passed=$((passed + 1)); }
no() { failed=$((failed + 1)); echo "FAILED $1"; tail -5 "$dir/err"; }
is() { if [ "$2" = "$3" ]; then ok; else no "$1: '$2', not '$3'"; fi; }

lab=scenarios/theory-mm1.yaml
brief=(--set spec.duration=4h --set spec.warmup=5m)
declare -A words=(
    [run]="run $lab --replications 14 --requests --no-plots"
    [compare]="compare $lab +spec.services[0].traffic[0].rate=7/s --replications 8 --metric queue.mean"
    [plan]="plan $lab --vary spec.clusters[0].pools[0].nodes=1..3 --vary spec.services[0].engine.servers=1..3 --slo e2e.p95<=500ms --budget 24"
)
declare -A total
spill() { # COMMAND OUT OPTIONS...
    local line
    read -ra line <<<"${words[$1]}"
    "$SPILLWAY" "${line[@]}" "${brief[@]}" --out "$dir/$2" "${@:3}" 2>"$dir/err"
}
kept() { # OUT: sets left
    local files=("$dir/$1.part"/*.rep)
    left=${#files[@]}
}
shopt -s nullglob
without_host() { awk '/^  "host": *\{/ { skip = 1 } !skip { print } skip && /^  \}/ { skip = 0 }' "$1"; }
same() { # NAME COMMAND OUT: every file, names included; the host block aside
    local differing
    differing=$(diff -rq "$dir/$2" "$dir/$3" | grep -v 'summary.json differ$')
    [ ! -f "$dir/$2/summary.json" ] || differing+=$(diff <(without_host "$dir/$2/summary.json") <(without_host "$dir/$3/summary.json"))
    is "$1: other results" "$differing$(diff "$dir/$2.txt" "$dir/$3.txt")" ""
}
interrupt() { # COMMAND OUT SIGNAL FINISHED OPTIONS...: sets status and left
    local line
    read -ra line <<<"${words[$1]}"
    set -m # in a job of its own, because a script's background jobs ignore Ctrl-C
    "$SPILLWAY" "${line[@]}" "${brief[@]}" --out "$dir/$2" "${@:5}" >"$dir/$2.txt" 2>"$dir/err" &
    local child=$!
    set +m
    while kept "$2" && [ "$left" -lt "$4" ] && kill -0 $child 2>/dev/null; do sleep 0.002; done
    kill "-$3" $child 2>/dev/null
    wait $child 2>/dev/null
    status=$?
    kept "$2"
}
resume() { # NAME COMMAND OUT TAKEN OPTIONS...
    spill "$2" "$3" --resume "${@:5}" >"$dir/$3.txt"
    is "$1: status" $? 0
    is "$1: simulated twice" "$(sed -n 's/^resumed: \([0-9]*\) .*, \([0-9]*\) simulated$/\1 \2/p' "$dir/err")" "$4 $((total[$2] - $4))"
    same "$1" "$2" "$3"
    is "$1: left over" "$(cd "$dir" && ls -d "$3".[pt]*)" "$3.txt"
}

# the program as a build of other sources would be: another digest in it
LC_ALL=C sed "s/$(cat "${BUILD:-build}/sources")/0123456789abcdef/" "$SPILLWAY" >"$dir/another" && chmod +x "$dir/another"
cmp -s "$SPILLWAY" "$dir/another" && no "the program does not hold the digest of its sources"

for c in run compare plan; do
    spill $c $c --resume --jobs 2 >"$dir/$c.txt" || no "$c"
    total[$c]=$(sed -n 's/^resumed: 0 .*, \([0-9]*\) simulated$/\1/p' "$dir/err")
    [ "${total[$c]:-0}" -ge 12 ] && ok || no "$c simulates ${total[$c]:-nothing}"
done
is "replications of a run, pairs of a comparison" "${total[run]} ${total[compare]}" "14 16"

for c in run compare plan; do
    for jobs in 1 2; do
        for case in "INT 1" "TERM 4" "KILL 2" "KILL 7"; do
            read -r signal finished <<<"$case"
            name="$c, SIG$signal behind $finished, $jobs jobs"
            interrupt $c cut $signal "$finished" --jobs $jobs
            [ "$left" -ge "$finished" ] && [ "$left" -lt "${total[$c]}" ] && ok || no "$name: $left are kept"
            if [ $signal = KILL ]; then
                is "$name: status" $status 137
            else
                is "$name: status" $status 1
                is "$name: says what is kept" "$(sed -n "s/^spillway $c: \([0-9]*\) finished replications are kept in .*/\1/p" "$dir/err")" "$left"
            fi
            # results of the first replications, where they are done; with two threads the second may be done first
            first=$(grep -c 'results of the first' "$dir/err")
            [ "$first" = 1 ] || [ $c-$jobs != run-1 ] || [ $signal = KILL ] || no "$name: no results"
            is "$name: results" "$(ls "$dir/cut" 2>/dev/null | grep -c summary.json)" "$first"
            resume "$name" $c cut "$left" --jobs $((3 - jobs))
            rm -rf "$dir/cut"
        done
    done
    # again and again; a damaged one is simulated once more; what stood under the name stays until the end
    cp -r "$dir/$c" "$dir/cut"
    interrupt $c cut KILL 1 --jobs 1
    interrupt $c cut KILL 3 --jobs 2 --resume
    interrupt $c cut KILL 6 --jobs 1 --resume
    is "$c, killed three times: earlier results" "$status $(diff -rq "$dir/$c" "$dir/cut")" "137 "
    truncate -s -1 "$(find "$dir/cut.part" -name '*.rep' | sort | head -1)"
    resume "$c, killed three times" $c cut $((left - 1))
    # other inputs take nothing; without --resume nothing is taken, either
    interrupt $c cut KILL 2 --jobs 1
    spill $c nine --seed 9 >"$dir/nine.txt" || no "$c with another seed"
    mv "$dir/cut.part" "$dir/other.part"
    spill $c other --resume --seed 9 >"$dir/other.txt"
    is "$c, another seed" "$? $(grep -c '^resumed: 0 replications taken' "$dir/err")" "0 1"
    same "$c, another seed" nine other
    # nor another build under the same version
    interrupt $c cut KILL 2 --jobs 1
    SPILLWAY=$dir/another spill $c cut --resume >"$dir/cut.txt"
    is "$c, another build" "$? $(grep -c '^resumed: 0 replications taken' "$dir/err")" "0 1"
    same "$c, another build" $c cut
    interrupt $c cut KILL 2 --jobs 1
    spill $c cut >"$dir/cut.txt"
    is "$c without --resume" "$? $(grep -c resumed "$dir/err") $(cd "$dir" && ls -d cut.[pt]*)" "0 0 cut.txt"
    same "$c without --resume" $c cut
    echo mine >"$dir/cut.part"
    spill $c cut --resume >/dev/null
    is "$c, a file in its way" "$? $(cat "$dir/cut.part")" "2 mine"
    rm -rf "$dir"/cut* "$dir"/other* "$dir"/nine*
done
# a run that goes on until a figure is known well enough stops at the first of 10, 12, 15, ... replications (a quarter
# more each time) at which it is, gives what that number of replications gives, with any threads and resumed
words[goal]="run $lab --until-half-width 3% --metric ttft.p95 --no-plots"
narrow() { # JSON: whether half the interval of the P95 is at most 3 % of it
    sed -n '/"pooled"/,$p' "$1" | sed -n '/"ttft_s"/,$p' | grep -m1 -A2 '"p95"' | tr -d ',' |
        awk '/"mean"/ { m = $2 } /ci95/ { print $2 <= 0.03 * m ? "yes" : "no" }'
}
spill goal goal --jobs 2 >"$dir/goal.txt" || no "goal"
n=$(sed -n 's/^ttft.p95 [0-9.]* +- [0-9.]* (95 %, \([0-9]*\) replications)$/\1/p' "$dir/err")
look=10 before=0
while [ $look -lt "${n:-0}" ]; do before=$look look=$((look + look / 4)); done
is "where a goal is looked at" "$look" "$n"
[ $before -ge 10 ] && ok || no "the goal is met at the first look: give a narrower one"
words[number]="run $lab --replications $n --no-plots"
words[fewer]="run $lab --replications $before --no-plots"
spill number number >"$dir/number.txt" && same "a goal gives what its number of replications gives" goal number
spill fewer fewer >"$dir/fewer.txt"
is "the goal is met there and not before" "$(narrow "$dir/goal/summary.json") $(narrow "$dir/fewer/summary.json")" "yes no"
total[goal]=$n
interrupt goal cut KILL 5 --jobs 1
resume "a goal" goal cut "$left" --jobs 2
spill goal few --replications 10 >/dev/null
is "a goal that is not reached" "$? $(grep -c '^warning: ttft.p95 .*10 replications): --until-half-width is not reached' "$dir/err")" "0 1"

# the pilot run that finds the warm-up is kept, too
words[pilot]="run $lab --warmup mser --replications 3 --no-plots" total[pilot]=4
spill pilot pilot >"$dir/pilot.txt" || no "pilot"
rm -rf "$dir/cut"
interrupt pilot cut KILL 1 --jobs 1
[ "$left" -ge 1 ] && [ "$left" -lt 4 ] && ok || no "a pilot run: $left are kept"
resume "a pilot run" pilot cut "$left"

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
