#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What surrounds the simulator: init, batch with its gates, help with two examples for each command, man pages, completion
# for bash and zsh, Markdown, colour on terminals alone. Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=$(realpath "${SPILLWAY:-build/spillway}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0 skipped=0
ok() { passed=$((passed + 1)); }
no() { failed=$((failed + 1)); echo "FAILED $1"; }
is() { if [ "$2" = "$3" ]; then ok; else no "$1: '$2', not '$3'"; fi; }

# init: what it writes is sound and clean, it never overwrites, and it leaves nothing half-done
"$SPILLWAY" init "$dir/new/shop" >"$dir/out" 2>"$dir/err"
is "init" "$? $(wc -l <"$dir/out") $(wc -c <"$dir/err")" "0 6 0"
is "init is sound" "$("$SPILLWAY" validate "$dir"/new/shop/*.yaml 2>&1 | sed 's/.*: scenario/scenario/;s/;.*//' | tr '\n' ,)" \
    "scenario cloud-near,scenario spot-far,"
is "every file is explained" "$(grep -L '^# ' "$dir"/new/shop/*.yaml "$dir"/new/shop/manifests/*)" ""
echo mine >"$dir/new/shop/cloud-near.yaml"
"$SPILLWAY" init "$dir/new/shop" >/dev/null 2>"$dir/err"
is "init does not overwrite" "$? $(cat "$dir/new/shop/cloud-near.yaml")" "2 mine"
is "nothing beside it" "$(ls "$dir/new")" shop
mkdir "$dir/empty" && "$SPILLWAY" init "$dir/empty" >/dev/null 2>&1
is "not even an empty folder" "$? $(ls "$dir/empty" | wc -l)" "2 0"

# batch: one table, gates, the same bytes from files and a folder, resumed and in shards
short=(--set spec.duration=30m --set spec.warmup=5m --no-plots)
mkdir "$dir/some" && cp scenarios/theory-*.yaml "$dir/some" && cp -r scenarios/manifests "$dir/some/" && cp -r scenarios/tables "$dir/some/"
"$SPILLWAY" batch "$dir/some" "${short[@]}" --out "$dir/b1" --format markdown >"$dir/table" 2>"$dir/err"
is "batch" "$? $(grep -c '^| theory-' "$dir/table")" "0 3"
"$SPILLWAY" batch "$dir"/some/theory-mg1.yaml "$dir"/some/theory-mm1.yaml "$dir"/some/theory-mmc.yaml "${short[@]}" --jobs 1 \
    --check 'e2e.p95<10s' --check slo --out "$dir/b2" >/dev/null 2>"$dir/err"
is "gates that hold" "$? $(tail -1 "$dir/err")" "0 checks: 6 held, 0 failed"
"$SPILLWAY" batch "$dir/some" "${short[@]}" --check 'e2e.p95<600ms' --out "$dir/b3" >/dev/null 2>"$dir/err"
is "a gate that fails" "$? $(grep -c '^FAILED theory-' "$dir/err")" "1 2"
for i in 1 2; do "$SPILLWAY" batch "$dir/some" "${short[@]}" --shard $i/2 --out "$dir/b4" >/dev/null 2>&1 || no "shard $i"; done
"$SPILLWAY" batch "$dir/some" "${short[@]}" --resume --out "$dir/b4" >/dev/null 2>&1
is "shards of a batch" "$(diff -r "$dir/b1" "$dir/b4")" ""
"$SPILLWAY" batch "$dir/some" --check 'costs<3' --out "$dir/b5" >/dev/null 2>"$dir/err"
is "a metric that does not exist" "$? $(grep -c 'did you mean' "$dir/err") $([ -e "$dir/b5" ] && echo left)" "2 1 "
is "batch is a run" "$(sed -n 's/^[0-9]*,theory-mm1,.*//p' "$dir/b1/points.csv" | wc -l) $(awk -F, '$2 == "theory-mm1" { print $11 }' "$dir/b1/points.csv")" \
    "1 $("$SPILLWAY" run "$dir/some/theory-mm1.yaml" "${short[@]}" --format json --out "$dir/r" 2>/dev/null | grep -m1 '"completed"' | tr -dc 0-9)"

# report: the same bytes once more from what the run wrote, and nothing when the scenario has changed
"$SPILLWAY" run scenarios/spot-storm.yaml --set spec.duration=2h --replications 2 --no-plots --out "$dir/first" >"$dir/text1" 2>/dev/null
cp -r "$dir/first" "$dir/again" && rm "$dir"/again/*.csv "$dir"/again/{report,burst-1}.html
"$SPILLWAY" report "$dir/again" --no-plots >"$dir/text2" 2>"$dir/err"
is "report" "$? $(diff -r "$dir/first" "$dir/again")$(diff "$dir/text1" "$dir/text2")" "0 "
# every figure of the summary, of runs with tenants, shed attempts, conversations and what caches held
without_host() { sed '/^  "host"/,$d; s/,$//; /^}$/d'; } # the last block, and only of the run itself
for s in noisy-tenant conversations; do
    "$SPILLWAY" run scenarios/$s.yaml --set spec.duration=75m --no-plots --format json --out "$dir/$s" 2>/dev/null | without_host >"$dir/text3"
    "$SPILLWAY" report "$dir/$s" --no-plots --format json 2>/dev/null | without_host >"$dir/text4"
    grep -qE '"(shed|hit_share)": (0\.)?[1-9]' "$dir/text3" && cmp -s "$dir/text3" "$dir/text4" && ok || no "$s is reported with other figures"
done
sed "s|manifests: \[manifests/|manifests: [$PWD/scenarios/manifests/|; s|, manifests/|, $PWD/scenarios/manifests/|g; s/peak: /peak: 1/" scenarios/spot-storm.yaml >"$dir/moved.yaml"
"$SPILLWAY" report "$dir/again" --scenario "$dir/moved.yaml" --no-plots >/dev/null 2>"$dir/err"
is "another scenario" "$? $(grep -c 'not what was run' "$dir/err")" "2 1"
head -c 20000 "$dir/first/runs.bin" >"$dir/again/runs.bin"
"$SPILLWAY" report "$dir/again" --no-plots >/dev/null 2>"$dir/err"
is "a file cut short" "$? $(grep -c 'cut short' "$dir/err")" "2 1"

# Ctrl-C: the replications that are done are kept. In a job of its own, because a script's background jobs ignore it.
set -m
"$SPILLWAY" run scenarios/theory-mm1.yaml --set spec.duration=20m --set spec.warmup=1m --replications 100000 --no-plots \
    --out "$dir/stopped" >"$dir/text1" 2>"$dir/err" &
child=$!
sleep 1
kill -INT $child
wait $child
status=$?
set +m
done_runs=$(sed -n 's/.*results of the first \([0-9]*\) of 100000 replications/\1/p' "$dir/err")
is "interrupted" "$status $(grep -c "$done_runs replication" "$dir/text1") $(ls "$dir/stopped" | grep -c summary.json)" "1 1 1"
is "and reported again" "$("$SPILLWAY" report "$dir/stopped" --no-plots 2>/dev/null | diff - "$dir/text1")" ""

# help, man pages, completion: the same commands and options everywhere
commands=$("$SPILLWAY" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -vx -e help -e version)
"$SPILLWAY" completion bash >"$dir/bash" && "$SPILLWAY" completion zsh >"$dir/zsh"
is "bash reads its completion" "$(bash -n "$dir/bash" 2>&1)" ""
terminal() { script -qec true /dev/null </dev/null >/dev/null 2>&1; }
if ! command -v zsh >/dev/null; then
    echo "skipped: no zsh here"
    skipped=$((skipped + 1))
elif ! terminal; then
    echo "skipped: zsh completes only on a pseudo-terminal, and none can be had here"
    skipped=$((skipped + 1))
else
    mkdir "$dir/functions" && cp "$dir/zsh" "$dir/functions/_spillway"
    is "zsh completes" "$(timeout 60 zsh -f tests/golden/completion.zsh "$dir/functions" 2>&1 | tr '\n' ' ')" \
        "validate --replications json plan "
fi
actions_of() { # FILE: the actions that a help lists, each with its operands
    awk '/^actions:/ { on = 1; next } /^$/ { on = 0 } on && /^  [a-z]/ { sub(/^  /, ""); sub(/  .*/, ""); print }' "$1"
}
bad=
for c in $commands; do
    "$SPILLWAY" help "$c" >"$dir/help"
    [ "$(sed -n '/^examples:/,$p' "$dir/help" | grep -c spillway)" -ge 2 ] || bad="$bad, $c has fewer than two examples"
    long=$(awk 'length > 80' "$dir/help" | head -1)
    [ -z "$long" ] || bad="$bad, $c has a line of more than 80 columns: $long"
    "$SPILLWAY" manual "$c" >"$dir/page.1"
    for o in $(sed -n 's/^  --\([a-z-]*\).*/\1/p' "$dir/help"); do
        grep -q -- "^.B ..-..-$(echo "$o" | sed 's/-/\\\\-/g')" "$dir/page.1" 2>/dev/null ||
            grep -qF -- ".B \\-\\-$(echo "$o" | sed 's/-/\\-/g')" "$dir/page.1" || bad="$bad, --$o of $c is not on its page"
        grep -q -- "--$o[ \"]" "$dir/bash" || bad="$bad, --$o of $c is not completed"
    done
    actions_of "$dir/help" >"$dir/actions"
    while read -r word _; do
        grep -q "^\.B $word " "$dir/page.1" || bad="$bad, $word of $c is not on its page"
    done <"$dir/actions"
    if command -v man >/dev/null; then
        said=$(MANPAGER=cat man --warnings -l "$dir/page.1" 2>&1 >/dev/null)
        [ -z "$said" ] || bad="$bad, the page of $c: $said"
    fi
done
is "commands" "$bad" ""
"$SPILLWAY" help trace >"$dir/help"
is "what the actions of trace take" "$(actions_of "$dir/help" | tr '\n' ,)" \
    "import FILE OUT,import --decisions FILE...,stats FILE...,slice FILE OUT,scale FILE OUT,shift FILE OUT,fit FILE [PAIRS],mix FILE FILE... OUT,"
is "and each of them is one" "$("$SPILLWAY" trace nothing 2>&1 | tr -d , | sed 's/.*none of //; s/ (.*//; s/;.*//')" \
    "$(actions_of "$dir/help" | cut -d' ' -f1 | uniq | paste -sd' ')"
complete_words() { # WORDS...: what bash would offer for the last of them
    bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _spillway; echo ${COMPREPLY[@]}' - "$dir/bash" "$@" 2>/dev/null
}
is "completes a command" "$(complete_words spillway swe)" sweep
is "completes an option" "$(complete_words spillway run --rep)" "--replications"
is "completes a choice" "$(complete_words spillway sweep x.yaml --engine s)" slurm
is "completes a file" "$(complete_words spillway run scenarios/theory-mm1)" scenarios/theory-mm1.yaml

# every figure with its source, date and grade
# Every model has its formula and its source; every law that the shipped lags and markets name is among them.
"$SPILLWAY" list laws >"$dir/laws"
"$SPILLWAY" list laws --brief >"$dir/laws-brief"
laws=$(grep -cE '^  [a-z]' "$dir/laws-brief")
is "list laws: a line each" "$(grep -cE '^ ' "$dir/laws-brief")" "$laws"
is "list laws: sources" "$(grep -cE '^ +source: .{10}' "$dir/laws")" "$laws"
for law in $("$SPILLWAY" list lags --brief | awk '{ sub(",", "", $4); print "delay-" $4 }' | sort -u) spot-weibull spot-bathtub; do
    is "list laws: $law" "$(grep -cE "^  $law +[^ ]" "$dir/laws")" 1
done
is "list laws: one" "$("$SPILLWAY" list laws spot-weibull | grep -c '^ ')" 3
"$SPILLWAY" list laws spot-weibul >/dev/null 2>"$dir/err"
is "list laws: misspelt" "$? $(grep -c "did you mean 'spot-weibull'" "$dir/err")" "2 1"
"$SPILLWAY" list gpus --plot "$dir/no" >/dev/null 2>&1
is "pictures of laws alone" "$? $(ls "$dir/no" 2>/dev/null | wc -l)" "2 0"
"$SPILLWAY" list markets nobody --plot "$dir/no" >/dev/null 2>"$dir/err"
is "pictures of no row" "$? $(ls "$dir/no" 2>/dev/null | wc -l) $(grep -c "no row 'nobody' in markets" "$dir/err")" "2 0 1"
is "list of one name" "$("$SPILLWAY" list lags cloud-default --brief | grep -c .) $("$SPILLWAY" list lags cloud-default/boot_s | wc -l)" "11 2"
"$SPILLWAY" list laws --plot "$dir/drawn" 2>"$dir/err"
is "list laws: points" "$? $(ls "$dir/drawn"/*.csv | wc -l)" "0 $laws"
is "list laws: heads with units" "$(head -qn 1 "$dir/drawn/spot-weibull.csv" "$dir/drawn/engine-step.csv" | tr '\n' ' ')" \
    '"life of a node, h","share at or below: model","share at or below: closed form" "decoding requests D","time of a step, ms: model","time of a step, ms: closed form" '
if command -v gnuplot >/dev/null; then
    is "list laws: pictures" "$(ls "$dir/drawn/plots" | grep -cE '\.(svg|png)$') $(wc -c <"$dir/err")" "$((2 * laws)) 0"
else
    skipped=$((skipped + 1))
fi
(mkdir "$dir/bare" && PATH="$dir/bare" "$SPILLWAY" list laws gaps-gamma --plot "$dir/undrawn" 2>"$dir/err")
is "list laws: without gnuplot" "$? $(ls "$dir/undrawn"/*.csv | wc -l) $(grep -c 'no pictures: gnuplot' "$dir/err")" "0 1 1"
for list in lags markets bathtubs walks jitter shapes; do # a row each, with its own figures
    PATH="$dir/bare" "$SPILLWAY" list "$list" --plot "$dir/rows-of-$list" 2>/dev/null
done
is "rows drawn" "$(ls "$dir"/rows-of-*/*.csv | wc -l)" \
    "$(for list in lags markets bathtubs walks jitter shapes; do "$SPILLWAY" list "$list" --brief; done | wc -l)"
PATH="$dir/bare" "$SPILLWAY" list profiles vllm-0.19/RTX-4090/Llama-3.1-8B --plot "$dir/step" 2>/dev/null
# 17 that decode: 15.215 + 0.034 x 16 dense, 1.104 + 0.003 x 17 head, 0.639 + 0.0052 x 17 + 0.0001372 x 17000 attention
is "a profile's steps" "$(ls "$dir/step" | grep csv | tr '\n' ' ')$(awk -F, '$1 == 17 && $2 != "" { printf "%.4f", $2 }' "$dir/step/"*-decode.csv)" \
    "vllm-0.19-RTX-4090-Llama-3.1-8B-decode.csv vllm-0.19-RTX-4090-Llama-3.1-8B-prefill.csv 19.9738"
PATH="$dir/bare" "$SPILLWAY" list owned RTX-5090 --plot "$dir/own" 2>/dev/null
is "an owned GPU's price by its age" "$(awk -F, '$1 == 36 && $2 != "" { printf "%.3f ", $2 }' "$dir/own/RTX-5090.csv" "$dir/own/RTX-5090-full.csv")" \
    "$("$SPILLWAY" list owned RTX-5090 --brief | grep -oE '0\.[0-9]{3} [Uw]' | tr -d 'Uw\n')"
"$SPILLWAY" list bathtubs gcp-preemptible --plot "$dir/new/row" 2>/dev/null
is "a row ends where its life does" "$(awk -F, 'NR > 1 && $1 >= 24 && $3 != 1' "$dir/new/row/gcp-preemptible.csv" | wc -l) \
$(awk -F, '$1 > 20 && $1 < 24 && $3 >= 1' "$dir/new/row/gcp-preemptible.csv" | wc -l)" "0 0"
is "and has points and a line" "$(awk -F, 'NR > 1 { line++; points += $2 != "" } END { print (points > 40), (line > 400) }' \
    "$dir/new/row/gcp-preemptible.csv")" "1 1"
# calibrate: a folder of two runs and a file of neither; a row that the tables take, whatever the engine is called.
mkdir "$dir/runs" "$dir/tables"
echo 'when,who' >"$dir/runs/list.csv"
for begin in 100 900; do
    seq 40 | awk -v b=$begin '{ o = 20 + 13 * ($1 % 5); f = b + $1 * 0.3 + 0.05
        printf "{\"input_toks\": %d, \"output_toks\": %d, \"queued_ts\": %f, \"first_token_ts\": %f, \"last_token_ts\": %f}\n",
            100 + 37 * ($1 % 7), o, f - 0.05, f, f + 0.02 * o }' >"$dir/runs/at-$begin.jsonl"
done
"$SPILLWAY" calibrate "$dir/runs" --gpu RTX-4090 --model Llama-3.1-8B --engine 'a "b", c' --out "$dir/row.csv" >"$dir/told" 2>"$dir/err"
is "calibrate: passed over" "$? $(grep -c 'list.csv: passed over' "$dir/err") $(wc -l <"$dir/err")" "0 1 1"
is "calibrate: runs" "$(grep -E '^ +[0-9]+ +40 ' "$dir/told" | tr -s ' ' | tr '\n' ';')" " 1 40 at-100.jsonl; 2 40 at-900.jsonl;"
is "calibrate: each alone, each under the row of all, and all" "$(grep -cE '^ +[12] .*%' "$dir/told") $(grep -c '^replay of the 80 requests' "$dir/told")" "4 1"
cp scenarios/tables/*.csv "$dir/tables/"
tail -n 1 "$dir/row.csv" >>"$dir/tables/profiles.csv"
is "calibrate: the row is one of the tables" "$("$SPILLWAY" list profiles --brief --tables "$dir/tables" 2>&1 | tail -n 1 | cut -c1-31)" 'a "b", c/RTX-4090/Llama-3.1-8B '
# What it says of an engine stands in a scenario as it is printed: the row, the limits that are known, the time outside.
mkdir "$dir/client"
seq 40 | awk '{ o = 20 + 13 * ($1 % 5); f = $1 * 3 + 0.1 # each alone, as its client saw it
    printf "{\"input_toks\": %d, \"output_toks\": %d, \"arrival_time\": %f, \"first_token_ts\": %f, \"last_token_ts\": %f}\n",
        100 + 37 * ($1 % 7), o, f - 0.1, f, f + 0.02 * o }' >"$dir/client/requests.jsonl"
engine_of() { sed -n 's/^  spec.services\[\].engine: //p' "$dir/told"; }
"$SPILLWAY" calibrate "$dir/client" --gpu RTX-4090 --model Llama-3.1-8B --engine mine >"$dir/told" 2>&1
outside=$(sed -n 's/^time outside the engine, for a request: \([0-9.]*\) ms, .*/\1/p' "$dir/told")
is "calibrate: the engine of a scenario" "$(engine_of)" "{profile: mine, frontend: ${outside}ms}"
echo '{"engine_kwargs": {"max_num_seqs": 64, "max_num_batched_tokens": 512}}' >"$dir/client/meta.json"
"$SPILLWAY" calibrate "$dir/client" --gpu RTX-4090 --model Llama-3.1-8B --engine "a \"b\", c: it's" --out "$dir/row.csv" >"$dir/told" 2>&1
is "calibrate: and its limits" "$(engine_of)" \
    "{profile: 'a \"b\", c: it''s', maxBatchedTokens: 512, maxSequences: 64, frontend: ${outside}ms}"
tail -n 1 "$dir/row.csv" >>"$dir/tables/profiles.csv"
"$SPILLWAY" validate scenarios/azure-conversation.yaml --tables "$dir/tables" --set "spec.services[0].engine=$(engine_of)" \
    --set spec.clusters[1].pools[0].gpu=RTX-4090 >"$dir/told" 2>&1
is "calibrate: and a scenario takes it" "$? $(grep -c error "$dir/told")" "0 0"
# No constant of a step makes a replay like a run whose clocks had something else in them: none is said to.
seq 40 | awk '{ printf "{\"input_toks\": %d, \"output_toks\": 50, \"arrival_time\": 0, \"first_token_ts\": %f, \"last_token_ts\": %f}\n",
    100 + $1, 0.1 + $1 * 0.02, 2 + $1 * 0.02 }' >"$dir/burst.jsonl"
"$SPILLWAY" calibrate "$dir/burst.jsonl" --gpu RTX-4090 --model Llama-3.1-8B >"$dir/told" 2>&1
is "calibrate: no constant" "$(grep '^constant of a step' "$dir/told") $(grep -c '^note: no constant' "$dir/told")" \
    "constant of a step: none makes the replay last as long as the run 1"
is "calibrate: nor is it measured" "$(grep -c '^note: the row is an estimate: the replay misses by' "$dir/told") $(tail -n 1 "$dir/told" | sed 's/.*,//')" \
    "1 estimate"
# A log that lacks a column is named beside the error that no log was given.
mkdir "$dir/lacks"
echo '{"1": {"in_len": 10, "first_chunk_time": 0.1, "total_chunk_time": 1, "record_time": 100}}' >"$dir/lacks/detail.json"
printf 'timestamp,prompt_throughput,generation_throughput,num_running\n1,2,3,4\n' >"$dir/lacks/log.csv"
"$SPILLWAY" calibrate "$dir/lacks" --gpu RTX-4090 --model Llama-3.1-8B >/dev/null 2>"$dir/err"
is "calibrate: a log that lacks a column" "$? $(grep -c 'log.csv: passed over: ' "$dir/err") $(grep -c 'error: .* gpu_kvcache_usage' "$dir/err")" "2 1 1"
for list in gpus prices lags markets; do
    "$SPILLWAY" list "$list" >"$dir/list" 2>&1
    rows=$(grep -cvE '^ ' "$dir/list")
    is "list $list: sources" "$(grep -cE '^ +source: .{10}' "$dir/list")" "$rows"
    is "list $list: grades and dates" \
        "$(grep -cE '  (measured|vendor|estimate|derived) +20[0-9]{2}(-[0-9]{2}){0,2}  .*[0-9]' "$dir/list")" "$rows"
    is "list $list: without sources" "$("$SPILLWAY" list "$list" --brief | grep -c .)" "$rows"
done

# terminals: colour there and nowhere else, never with NO_COLOR
tiny=(run scenarios/theory-mm1.yaml --set spec.duration=2h --no-plots --out "$dir/tiny")
escapes() { tr -dc '\033' | wc -c; }
is "no colour in a pipe" "$("$SPILLWAY" "${tiny[@]}" 2>/dev/null | escapes)" 0
if terminal; then
    line=$(printf '%q ' "$SPILLWAY" "${tiny[@]}")
    [ "$(TERM=xterm script -qec "$line 2>/dev/null" /dev/null </dev/null | escapes)" -gt 4 ] && ok || no "no colour on a terminal"
    is "NO_COLOR" "$(NO_COLOR=1 TERM=xterm script -qec "$line 2>/dev/null" /dev/null </dev/null | escapes)" 0
else
    echo "skipped: no pseudo-terminal can be had here"
    skipped=$((skipped + 2))
fi
is "Markdown" "$("$SPILLWAY" "${tiny[@]}" --format markdown 2>/dev/null | grep -c '^| lab/station | e2e p95 | 10 s |')" 1
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
