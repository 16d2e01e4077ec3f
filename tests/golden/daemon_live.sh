#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# spillwayd as a running process: pages over a real socket, signals, reload, ending; no core dump, no secret to see.
# Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=$(realpath "${SPILLWAY:-build/spillway}")
SPILLWAYD=$(realpath "${SPILLWAYD:-build/spillwayd}")
root=$PWD
dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
passed=0 failed=0
check() { if [ "$2" = "$3" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $1: '$2', not '$3'"; fi; }

cd "$dir" || exit 1
"$SPILLWAY" run "$root/scenarios/hybrid-burst.yaml" --set spec.duration=31m --record --no-plots --out sim >/dev/null 2>&1
tail -1 sim/decisions.jsonl | sed -E 's/^.*"snapshot":(\{.*\})\}$/\1/' >now.json
cp "$root"/scenarios/manifests/{chat,policy-hybrid,hpa}.yaml .
cat >d.yaml <<'EOF'
apiVersion: spillway.dev/v1alpha1
kind: Daemon
metadata: {name: live}
spec:
  mode: file
  tick: 100ms
  manifests: {files: [chat.yaml, policy-hybrid.yaml, hpa.yaml]}
  file: {snapshots: now.json, origin: "2026-03-02T00:00:00+08:00"}
  actuator: {kind: command, command: [./act.sh]}
  lease: {enabled: false}
  memory: {state: state, decisions: decisions.jsonl}
  http: {port: 0}
  log: {format: json, level: info}
EOF
printf '#!/bin/sh\ncat >>acted\n' >act.sh
chmod +x act.sh

"$SPILLWAYD" --config d.yaml 2>log >out &
pid=$!
waited() { for _ in $(seq 100); do grep -q "$1" "$2" 2>/dev/null && return 0; sleep 0.05; done; return 1; }
waited '"event":"listening"' log
port=$(sed -n 's/.*"event":"listening".*"port":\([0-9]*\).*/\1/p' log)
# get METHOD PATH: the whole answer
get() { exec 5<>"/dev/tcp/127.0.0.1/$port" && printf '%s %s HTTP/1.0\r\n\r\n' "$1" "$2" >&5 && cat <&5 | tr -d '\r'; exec 5>&- 5<&-; }
body() { get GET "$1" | sed '1,/^$/d'; }
for _ in $(seq 60); do [ "$(body /readyz)" = ok ] && break; sleep 0.05; done
check "readyz" "$(body /readyz)" ok
# healthy COMMAND: what it prints, asked again for a while if the last tick is long ago: the machine may be busy
healthy() { for _ in $(seq 60); do told=$("$@" | head -1); [ "$told" = "HTTP/1.1 200 OK" ] && break; sleep 0.05; done; echo "$told"; }
check "healthz" "$(healthy get GET /healthz)" "HTTP/1.1 200 OK"
check "type of metrics" "$(get GET /metrics | grep -i '^content-type')" "Content-Type: text/plain; version=0.0.4; charset=utf-8"
check "HEAD" "$(get HEAD /metrics | sed '1,/^$/d')" ""
check "POST" "$(get POST /metrics | head -1)" "HTTP/1.1 405 Method Not Allowed"
check "another path" "$(get GET /secrets | head -1)" "HTTP/1.1 404 Not Found"
check "on the loopback alone" "$(awk -v p="$(printf '%04X' "$port")" '$4 == "0A" && $2 ~ ":" p "$" { print $2 }' /proc/net/tcp | cut -d: -f1)" 0100007F
body /metrics >m
# The text format: HELP and TYPE once before each family, samples that belong to it, numbers; a histogram that adds up.
check "format" "$(awk '
    /^# HELP / { name = $3; if (seen[name]++) print "twice: " name; helped = 1; next }
    /^# TYPE / { if ($3 != name || !helped) print "type without help: " $3; type = $4; helped = 0
                 if (type !~ /^(counter|gauge|histogram)$/) print "type: " type; next }
    /^#/ || !NF { print "line: " $0; next }
    { sample = $1; sub(/\{.*/, "", sample); base = sample
      if (type == "histogram") sub(/_(bucket|sum|count)$/, "", base)
      if (base != name) print "stray: " $0
      if (type == "counter" && name !~ /_total$/) print "counter without _total: " name
      if ($1 ~ /\{/ && $1 !~ /^[a-z_]+\{[a-z_]+="[^"]*"\}$/) print "labels: " $1
      if (NF != 2 || $2 !~ /^(-?[0-9]+(\.[0-9]+)?|NaN)$/) print "value: " $0
      if (sample ~ /_bucket$/) { if ($2 < last) print "buckets fall: " $0; last = $2 }
      if (sample ~ /_count$/ && $2 != last) print "count is not the last bucket" }' m)" ""
for name in spillway_tick_duration_seconds_count spillway_plan_actions spillway_write_conflicts_total spillway_write_retries_total \
    spillway_staleness_seconds spillway_unplaced_replicas spillway_kept_by_budget_replicas spillway_flaps_total spillway_leader; do
    check "there is $name" "$(grep -c "^$name " m)" 1
done
check "clusters" "$(grep '^spillway_clusters ' m)" "spillway_clusters 3"
check "acted through the program" "$([ -s acted ] && head -c 59 acted)" '{"apiVersion":"spillway.dev/v1","kind":"Plan","id":"e0-t0",'

# No core dump, not for a debugger of the same user either.
check "core limit" "$(awk '/^Max core file size/ { print $5 $6 }' "/proc/$pid/limits")" "00"
# the files of a process that may not be dumped belong to root, whoever runs it
check "not dumpable" "$([ "$(id -u)" = 0 ] && echo 0 || stat -c %u "/proc/$pid/environ")" 0
check "files for the owner alone" "$(stat -c %a state decisions.jsonl | sort -u)" 600

# A bad file changes nothing; a good one is taken, and the state carried on.
sed -i 's/tick: 100ms/tick: soon/' d.yaml
kill -HUP "$pid"
waited 'refused: the old configuration stays' log
check "a bad configuration is refused, with its place" "$(grep -o 'd.yaml:6:9: error: [^"]*' log | head -1 | cut -c1-30)" "d.yaml:6:9: error: 'spec.tick'"
before=$(body /metrics | sed -n 's/^spillway_ticks_total //p')
for _ in $(seq 60); do after=$(body /metrics | sed -n 's/^spillway_ticks_total //p'); [ "$after" -gt "$before" ] && break; sleep 0.05; done
check "and the old goes on" "$([ "$after" -gt "$before" ] && echo on)" on
sed -i 's/tick: soon/tick: 50ms/' d.yaml
kill -HUP "$pid"
waited '"result":"taken"' log
check "a good one is taken" "$(grep -c '"result":"taken"' log)" 1
check "and the state goes on" "$(grep -c 'histories-begin-anew' log)" 0
# Metrics move to another address; to one that is not to be had they do not, and stay where they were.
sed -i 's/http: {port: 0}/http: {port: 0, address: 127.0.0.2}/' d.yaml
kill -HUP "$pid"
waited '"address":"127.0.0.2"' log
old=$port
port=$(sed -n 's/.*"event":"listening","address":"127.0.0.2","port":\([0-9]*\).*/\1/p' log)
get2() { exec 5<>"/dev/tcp/127.0.0.2/$port" && printf 'GET /healthz HTTP/1.0\r\n\r\n' >&5 && head -1 <&5 | tr -d '\r'; exec 5>&- 5<&-; }
check "another address" "$(healthy get2)" "HTTP/1.1 200 OK"
check "the old one is closed" "$( (exec 5<>"/dev/tcp/127.0.0.1/$old") 2>/dev/null || echo closed)" closed
sed -i 's/address: 127.0.0.2/address: 192.0.2.1/' d.yaml
kill -HUP "$pid"
waited 'cannot listen on 192.0.2.1' log
for _ in $(seq 60); do [ "$(grep -c '"event":"listening","address":"127.0.0.2"' log)" = 2 ] && break; sleep 0.05; done
check "an address that is not there" "$(healthy get2)" "HTTP/1.1 200 OK"
sed -i 's/address: 192.0.2.1/address: 127.0.0.1/' d.yaml
kill -HUP "$pid"
for _ in $(seq 60); do [ "$(grep -c '"event":"listening","address":"127.0.0.1"' log)" = 2 ] && break; sleep 0.05; done
port=$(sed -n 's/.*"event":"listening","address":"127.0.0.1","port":\([0-9]*\).*/\1/p' log | tail -1)
sed -i "s/, address: 127.0.0.1//" d.yaml
check "and back" "$(healthy get GET /healthz)" "HTTP/1.1 200 OK"
kill -USR1 "$pid"
waited '"writing":"stopped"' log
for _ in $(seq 60); do stopped=$(body /metrics | grep '^spillway_stopped'); [ "$stopped" = "spillway_stopped 1" ] && break; sleep 0.05; done
check "kill switch" "$stopped" "spillway_stopped 1"
kill -USR2 "$pid"
waited '"writing":"allowed"' log
check "and off" "$(grep -c '"writing":"allowed"' log)" 1
kill -TERM "$pid"
wait "$pid"
check "ends cleanly" $? 0
pid=
check "every line of the log is JSON" "$(grep -cvE '^\{"time":"[0-9T:.Z-]+","level":"[a-z]+","event":"[a-z-]+",.*\}$' log)" 0
check "what it did is replayed" "$("$SPILLWAY" replay decisions.jsonl | cut -d: -f1)" identical
check "nothing on standard output" "$(cat out)" ""

# An address that is not there to be had.
sed -i 's/port: 0/address: 203.0.113.1, port: 9/' d.yaml
check "an address of another host" "$("$SPILLWAYD" --config d.yaml 2>&1 | tail -1)" "spillwayd: http: cannot listen on 203.0.113.1 port 9"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
