#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A sweep of 500 points gives the same bytes with one thread and two, killed with SIGKILL at 20 random moments and
# resumed, as 7 shards in folders of their own and gathered, as the tasks of a Kubernetes Indexed Job, and through a real
# single-node Slurm that is started here. Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=$(realpath "${SPILLWAY:-build/spillway}")
sweep=tests/golden/sweep/station.yaml
passed=0 failed=0 skipped=0
dir=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
stop_slurm() {
    for daemon in slurmd slurmctld munge/munged; do
        [ -f "$dir/slurm/$daemon.pid" ] && kill "$(cat "$dir/slurm/$daemon.pid")" 2>/dev/null
    done
}
trap 'stop_slurm; wait; rm -rf "$dir"' EXIT
ok() { passed=$((passed + 1)); }
no() { failed=$((failed + 1)); echo "FAILED $1"; }
same() { # NAME FOLDER: every file, names included
    if diff -r "$dir/one" "$2" >"$dir/diff"; then ok; else no "$1"; head -5 "$dir/diff"; fi
}
quick() { "$SPILLWAY" sweep "$sweep" --no-plots "$@" >"$dir/out" 2>"$dir/err"; }

quick --jobs 1 --out "$dir/one" || no "the sweep itself: $(cat "$dir/err")"
[ "$(ls "$dir/one/points" | wc -l)" = 500 ] && [ "$(grep -c '^[0-9]' "$dir/one/points.csv")" = 500 ] && ok || no "500 points"
awk 'length > 80 { bad = 1 } END { exit bad }' "$dir/out" && ok || no "the table on the terminal is wider than 80 columns"
quick --jobs 2 --out "$dir/two" || no "two threads"
same "two threads" "$dir/two"
# No other seed or setting slips in: a point by itself is the run of that scenario.
"$SPILLWAY" run scenarios/theory-mm1.yaml --set spec.duration=5m --set spec.warmup=1m --set 'spec.services[0].traffic[0].rate=2/s' \
    --set 'spec.services[0].engine.servers=1' --set 'Deployment/station:spec.template.spec.containers[0].image=station:1' --seed 3 \
    --no-plots --format json --out "$dir/run" 2>/dev/null | grep -m1 '"completed"' | tr -dc 0-9 >"$dir/completed"
[ "$(sed -n 's/^2,.*,\([0-9]*\)$/\1/p' "$dir/one/points.csv")" = "$(cat "$dir/completed")" ] && ok || no "point 2 is not that run"

# SIGKILL at 20 moments: as soon as so many points are there, which begins anew from what the last kill left.
RANDOM=20261 killed=0
points_there() { find "$dir/killed/points" -name '*.csv' 2>/dev/null | wc -l; }
for i in $(seq 20); do
    "$SPILLWAY" sweep "$sweep" --no-plots --jobs 2 --resume --out "$dir/killed" >/dev/null 2>&1 &
    child=$!
    wanted=$((i * 23 - RANDOM % 20))
    while [ "$(points_there)" -lt $wanted ] && kill -0 $child 2>/dev/null; do sleep 0.00$((RANDOM % 9)); done
    kill -9 $child 2>/dev/null && killed=$((killed + 1))
    wait $child 2>/dev/null
done
echo "killed $killed of 20 runs, $(ls "$dir/killed/points" | grep -c 'csv$') of 500 points were there"
quick --jobs 2 --out "$dir/killed"
[ $? = 2 ] && grep -q resume "$dir/err" && ok || { [ -f "$dir/killed/report.html" ] && ok || no "half a sweep is overwritten without --resume"; }
quick --jobs 2 --resume --out "$dir/killed" || no "the last resume: $(cat "$dir/err")"
[ $killed -ge 18 ] && ok || no "only $killed runs were still alive when they were killed"
same "killed and resumed" "$dir/killed"
quick --resume --out "$dir/killed" && same "resumed when nothing is left to do" "$dir/killed"

# Seven shards, each in a folder of its own, in any order.
gather=()
for i in 5 2 7 1 3 6 4; do
    quick --jobs 1 --shard $i/7 --out "$dir/shard$i" || no "shard $i"
    gather+=(--gather "$dir/shard$i")
done
quick "${gather[@]:0:12}" --out "$dir/shards"
[ $? = 1 ] && grep -q 'points are missing' "$dir/err" && ok || no "a shard is missing and nobody says so"
quick "${gather[@]}" --out "$dir/shards" || no "gathering: $(cat "$dir/err")"
same "seven shards" "$dir/shards"
sed 's/count: 10/count: 9/' $sweep >"$dir/other.yaml"
sed -i "s|../../../scenarios|$PWD/scenarios|" "$dir/other.yaml"
"$SPILLWAY" sweep "$dir/other.yaml" --no-plots --gather "$dir/shard1" --out "$dir/other" >/dev/null 2>"$dir/err"
[ $? = 2 ] && grep -q 'no points of this sweep' "$dir/err" && ok || no "points of another sweep are taken"

# The manifest's own command, in the files of its own ConfigMap, for each index.
"$SPILLWAY" sweep scenarios/sweeps/windows.yaml --engine kubernetes --image i --claim c --out "$dir/refused" 2>/dev/null
[ $? -eq 2 ] && [ ! -e "$dir/refused" ] && ok || no "a job that cannot carry its inputs leaves something behind"
if quick --engine kubernetes --tasks 3 --image registry/spillway:1 --claim results --out "$dir/kube"; then
    awk -v root="$dir/inputs" '
        /^  input-[0-9]+: / { file = $1; sub(":", "", file); next }
        /^---/ { file = "" }
        file != "" { sub(/^    /, ""); text[file] = text[file] $0 "\n" }
        /key: input-/ { key = $0; sub(/.*key: /, "", key); sub(/,.*/, "", key); path = $0; sub(/.*path: "/, "", path); sub(/".*/, "", path)
            folder = root "/" path; sub(/\/[^\/]*$/, "", folder); system("mkdir -p \"" folder "\"")
            printf "%s", text[key] > (root "/" path) }' "$dir/kube/job.yaml"
    command=$(sed -n '/- >-/,/resources:/p' "$dir/kube/job.yaml" | sed '1d;$d' | tr -s ' \n' ' ' |
        sed "s|exec spillway|$SPILLWAY|;s|/inputs/|$dir/inputs/|;s|/results/|$dir/results/|")
    mkdir -p "$dir/results"
    for i in 0 1 2; do JOB_COMPLETION_INDEX=$i sh -c "$command" >/dev/null 2>"$dir/err" || no "task $i: $(cat "$dir/err")"; done
    quick --gather "$dir/results/station" --out "$dir/kube" || no "gathering from a claim: $(cat "$dir/err")"
    rm -f "$dir/kube/job.yaml"
    same "Kubernetes Indexed Job" "$dir/kube"
else
    no "no manifest: $(cat "$dir/err")"
fi

# A private Slurm: one node, its own munge, everything in one folder, ports of its own.
start_slurm() {
    D=$dir/slurm H=$(hostname -s) port=$((20000 + $$ % 20000))
    mkdir -p "$D/state" "$D/spool" "$D/log" "$D/munge"
    chmod 755 "$dir" "$D" "$D/munge"
    head -c 1024 /dev/urandom >"$D/munge/munge.key" && chmod 400 "$D/munge/munge.key"
    munged --key-file="$D/munge/munge.key" --socket="$D/munge/munge.socket" --pid-file="$D/munge/munged.pid" \
        --log-file="$D/log/munged.log" --seed-file="$D/munge/seed" >/dev/null 2>&1 || return 1
    cat >"$D/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$H(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$D/munge/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort=$port
SlurmdPort=$((port + 1))
StateSaveLocation=$D/state
SlurmdSpoolDir=$D/spool
SlurmctldPidFile=$D/slurmctld.pid
SlurmdPidFile=$D/slurmd.pid
SlurmctldLogFile=$D/log/slurmctld.log
SlurmdLogFile=$D/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
CompleteWait=0
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=30
MinJobAge=60
NodeName=$H NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=ci Nodes=$H Default=YES MaxTime=INFINITE State=UP
END
    export SLURM_CONF=$D/slurm.conf
    slurmctld -c >/dev/null 2>&1 && slurmd -c >/dev/null 2>&1 || return 1
    for i in $(seq 100); do
        [ "$(sinfo -h -o %t 2>/dev/null)" = idle ] && return 0
        sleep 0.1
    done
    return 1
}
if [ "$(id -u)" != 0 ] || ! command -v slurmctld slurmd munged sbatch >/dev/null; then
    echo "skipped: no Slurm here, or not root"
    skipped=$((skipped + 1))
elif ! start_slurm; then
    echo "skipped: slurmctld cannot run here: $(tail -2 "$dir"/slurm/log/*.log 2>/dev/null | tr '\n' ' ')"
    skipped=$((skipped + 1))
else
    quick --engine slurm --out "$dir/slurmed" || no "slurm: $(cat "$dir/err")"
    grep -q 'job [0-9]*, 2 tasks, 500 points' "$dir/err" && ok || no "not one striped job as wide as the cluster: $(cat "$dir/err")"
    same "Slurm" "$dir/slurmed"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
