#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Simulator and daemon decide the same: the snapshots of a simulated day, given to spillwayd, make the plans that the
# simulator made, tick by tick, byte by byte - in one go, and with a process of its own for each tick, from the state
# file alone. And what a production log goes through: restarts, rotation, a torn end, a damaged state.
# Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=$(realpath "${SPILLWAY:-build/spillway}")
SPILLWAYD=$(realpath "${SPILLWAYD:-build/spillwayd}")
root=$PWD
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2
passed=0 failed=0
check() { if [ "$2" = "$3" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $1: '$2', not '$3'"; fi; }

# daemon NAME SNAPSHOTS [MEMORY]: a Daemon file in mode file
daemon() {
    cat >"$1.yaml" <<EOF
apiVersion: spillway.dev/v1alpha1
kind: Daemon
metadata: {name: $1}
spec:
  mode: file
  tick: 15s
  manifests: {files: [$root/scenarios/manifests/chat.yaml, $root/scenarios/manifests/policy-hybrid.yaml, $root/scenarios/manifests/hpa.yaml]}
  file: {snapshots: $2, origin: "2026-03-02T00:00:00+08:00"}
  actuator: {kind: dry-run}
  lease: {enabled: false}
  memory: {state: $1.state, decisions: $1.jsonl${3:-}}
  http: {port: -1}
  log: {level: warn}
EOF
}
lines() { grep -c '"tick"' "$1"; }
plain() { sed -E '/"spillway"/d; s/,"snapshot":.*$/}/; s/,"sum":"[0-9a-f]{16}"\}$/}/' "$@"; } # tick lines alone

cd "$dir" || exit 1
"$SPILLWAY" run "$root/scenarios/hybrid-burst.yaml" --set spec.duration=10h --record --no-plots --out sim >/dev/null 2>&1
check "the simulator recorded" "$(lines sim/decisions.jsonl)" 2401

daemon whole sim/decisions.jsonl
"$SPILLWAYD" --config whole.yaml >out 2>err
check "exit status" $? 0
check "nothing to say" "$(cat out err)" ""
check "the same plans, digests, states" "$("$SPILLWAY" replay sim/decisions.jsonl --against whole.jsonl)" "identical: 2401 ticks"
check "the same bytes" "$(plain sim/decisions.jsonl | cmp - <(plain whole.jsonl) && echo same)" same
check "replayed by the simulator's build" "$("$SPILLWAY" replay whole.jsonl)" "identical: 2401 ticks"

# A process for each tick: all that it knows of the ticks before stands in the state file.
sed -n '1p;2080,2120p' sim/decisions.jsonl >part.jsonl
head -1 part.jsonl >single.head
daemon goes part.jsonl
daemon stays part.jsonl
for _ in $(seq 41); do "$SPILLWAYD" --config goes.yaml --once >>goes.out 2>>goes.err || echo "exit status $?" >>goes.err; done
"$SPILLWAYD" --config stays.yaml
check "41 processes" "$(cat goes.err)" ""
check "as one" "$(plain stays.jsonl | cmp - <(plain goes.jsonl) && echo same)" same
check "with actions among them" "$([ "$(wc -l <goes.out)" -gt 5 ] && echo some)" some
check "restarts are replayed" "$("$SPILLWAY" replay goes.jsonl)" "identical: 41 ticks"
check "the last has nothing to do" "$("$SPILLWAYD" --config goes.yaml --once 2>&1)" ""

# Rotation: each file stands for itself.
daemon turns part.jsonl ', rotate: 40kB, keep: 100'
"$SPILLWAYD" --config turns.yaml
check "logs were rotated" "$([ "$(ls turns.jsonl.* | wc -l)" -ge 3 ] && echo several)" several
total=0
for f in turns.jsonl turns.jsonl.*; do
    n=$("$SPILLWAY" replay "$f" | sed -n 's/^identical: \([0-9]*\) ticks$/\1/p')
    total=$((total + n))
done
check "no tick is lost" "$total" 41

# A crash tore the last line: it is put aside, what is recorded stays.
cp stays.jsonl torn.jsonl
cp stays.state torn.state
printf '{"tick":41,"now_ns":99' >>torn.jsonl
sed -n '1p;2121,2123p' sim/decisions.jsonl >more.jsonl
daemon torn more.jsonl
check "said" "$("$SPILLWAYD" --config torn.yaml 2>&1 | grep -o 'event=log-mended.*')" "event=log-mended file=torn.jsonl torn_bytes=22"
check "whole again" "$("$SPILLWAY" replay torn.jsonl)" "identical: 44 ticks"
check "put aside" "$(cat torn.jsonl.torn)" '{"tick":41,"now_ns":99'
sed -i '5s/"amount":/"amount" :/; 5s/"now_ns":/"now_ns" :/' torn.jsonl
check "a changed line is found" "$("$SPILLWAY" replay torn.jsonl 2>&1 | grep -c "'sum' does not fit")" 1

# A damaged state: said, never followed.
cp stays.state hurt.state
printf 'x' | dd of=hurt.state bs=1 seek=100 conv=notrunc 2>/dev/null
daemon hurt more.jsonl
check "a damaged state" "$("$SPILLWAYD" --config hurt.yaml 2>&1 | grep -o 'level=error event=state-damaged why="[^"]*"')" \
    'level=error event=state-damaged why="hurt.state: its checksum does not fit: bytes are missing or have changed"'
cp stays.state older.state
cp stays.state older.state.previous
truncate -s 60 older.state
daemon older more.jsonl
check "the generation before" "$("$SPILLWAYD" --config older.yaml 2>&1 | grep -o 'event=state-older')" "event=state-older"

# To watch: nothing is written.
daemon watch part.jsonl
check "explained" "$("$SPILLWAYD" --config watch.yaml --once --dry-run --explain | grep -c '"explain"')" 1
check "nothing written" "$(ls watch.state watch.jsonl 2>/dev/null)" ""

# Errors with their place.
sed 's/tick: 15s/tik: 15s/' watch.yaml >bad.yaml
check "an unknown key" "$("$SPILLWAYD" --config bad.yaml 2>&1; echo $?)" \
    "bad.yaml:6:3: error: unknown key 'tik' in 'spec' (did you mean 'tick'?)
2"
sed 's/kind: dry-run/kind: native/' watch.yaml >bad.yaml
check "an actuator that mode file has not" "$("$SPILLWAYD" --config bad.yaml 2>&1; echo $?)" \
    "bad.yaml:5:3: error: in mode file the actuator must be dry-run, record or command
2"
sed 's#chat.yaml#none.yaml#' watch.yaml >bad.yaml
check "a manifest that is not there" "$("$SPILLWAYD" --config bad.yaml --check 2>&1; echo $?)" \
    "$root/scenarios/manifests/none.yaml: error: cannot be read: No such file or directory
3"
check "usage" "$("$SPILLWAYD" 2>&1 | head -1)" "usage: spillwayd --config FILE [--once] [--dry-run] [--explain]"
check "schema" "$("$SPILLWAYD" --schema | grep -c 'spec.guards.stopFile')" 1

# The man page: every option, every key, and nothing that man stumbles over.
"$SPILLWAYD" --manual >page.8
bad=
for o in $("$SPILLWAYD" --help | sed -n 's/^  --\([a-z-]*\).*/\1/p'); do
    grep -q "^\.B .-.-$(echo "$o" | sed 's/-/.-/g')" page.8 || bad="$bad --$o"
done
check "options on the man page" "$bad" ""
check "keys on the man page" "$("$SPILLWAYD" --schema | sed -n '2,$s/ .*//p' | cmp - <(sed -n '/^\.SH DAEMON FILE/,/^\.SH SIGNALS/s/^\.B //p' page.8) && echo all)" all
check "signals on the man page" "$(grep -c '^\.B SIG' page.8)" 4
if command -v man >/dev/null; then check "man reads it" "$(MANPAGER=cat man --warnings -l page.8 2>&1 >/dev/null)" ""; fi
check "help fits into 80 columns" "$("$SPILLWAYD" --help | awk 'length > 80')" ""

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
