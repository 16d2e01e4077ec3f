#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# spillway trace from end to end: forms told apart, nothing overwritten or half-written, the same seed the same bytes, a
# fitted block that a scenario takes. Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=${SPILLWAY:-build/spillway}
dir=$(mktemp -d)
trap 'rm -rf "$dir"; rm -f scenarios/fitted-$$.yaml scenarios/lengths-$$.trace' EXIT
passed=0 failed=0 skipped=0
same() { if [ "$2" = "$3" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $1: '$2', not '$3'"; fi; }
data=tests/data/traces

# Forms, packed and not.
same "a request without tokens" "$("$SPILLWAY" trace import $data/burstgpt.csv "$dir/b.trace" 2>&1; echo $?)" \
    "$data/burstgpt.csv:4:13: error: 0 tokens: leave out requests that were not served ('spillway trace import --zero skip')
2"
same "nothing is left of it" "$(ls "$dir")" ""
gzip -c $data/burstgpt.csv >"$dir/b.csv.gz"
same "left out" "$("$SPILLWAY" trace import "$dir/b.csv.gz" "$dir/b.trace" --zero skip)" \
    "$dir/b.trace: 3 requests, 1 without tokens left out"
same "from a pipe" "$("$SPILLWAY" trace import <(cat "$dir/b.csv.gz") "$dir/p.trace" --zero skip >/dev/null; cmp "$dir/p.trace" "$dir/b.trace" && echo same)" same
same "prefix" "$("$SPILLWAY" trace stats $data/mooncake.jsonl | sed -n 's/^  blocks  *\(.*\)/\1/p')" \
    "0.2500 found by the longest prefix, 5 distinct"
"$SPILLWAY" trace import $data/mooncake.jsonl "$dir/m.trace" --spread 3s >/dev/null
same "spread" "$("$SPILLWAY" trace stats "$dir/m.trace" --format json | tr -d ' \n' | grep -o '"zero_gaps":[0-9]*')" '"zero_gaps":0'
same "prefix in the columns" "$("$SPILLWAY" trace stats "$dir/m.trace" | grep -c 'prefix  *0.3751 of')" 1

# What may be overwritten.
cp $data/burstgpt.csv "$dir/notes"
"$SPILLWAY" trace shift "$dir/b.trace" "$dir/notes" --by 1h 2>/dev/null
same "a file of another kind" "$?" 2
same "stays" "$(cmp $data/burstgpt.csv "$dir/notes" && echo same)" same
"$SPILLWAY" trace slice "$dir/b.trace" "$dir/b.trace" --to 1m 2>/dev/null
same "the source itself" "$?" 2

# Changes.
sample=scenarios/traces/sample.csv
same "slice" "$("$SPILLWAY" trace slice $sample "$dir/s.trace" --from 5m --to 10m)" "$dir/s.trace: $(awk -F'[ :,]' '
    NR == 2 { first = $2 * 3600 + $3 * 60 + $4 } NR > 1 { t = $2 * 3600 + $3 * 60 + $4 - first; n += t >= 300 && t < 600 }
    END { print n }' $sample) requests"
for i in 1 2; do "$SPILLWAY" trace scale $sample "$dir/scaled$i.trace" --factor 1.5 --jitter 2s --seed 4 >/dev/null; done
"$SPILLWAY" trace scale $sample "$dir/scaled3.trace" --factor 1.5 --jitter 2s --seed 5 >/dev/null
same "scale, same seed" "$(cmp "$dir/scaled1.trace" "$dir/scaled2.trace" && echo same)" same
same "scale, another seed" "$(cmp -s "$dir/scaled1.trace" "$dir/scaled3.trace" || echo other)" other
same "mix" "$("$SPILLWAY" trace mix $sample $sample "$dir/two.trace")" "$dir/two.trace: 7088 requests"
same "mix is a scale by 2" "$("$SPILLWAY" trace scale $sample "$dir/double.trace" --factor 2 >/dev/null
    cmp "$dir/two.trace" "$dir/double.trace" && echo same)" same
same "there and back" "$("$SPILLWAY" trace shift $sample "$dir/on.trace" --by 1h >/dev/null
    "$SPILLWAY" trace shift "$dir/on.trace" "$dir/back.trace" --by=-1h >/dev/null
    "$SPILLWAY" trace import $sample "$dir/plain.trace" >/dev/null; cmp "$dir/back.trace" "$dir/plain.trace" && echo same)" same

# An option that an action does not know is not passed over: all requests are no part of them.
refused() { # WHAT SAYS ARGS...
    same "$1" "$("$SPILLWAY" trace "${@:3}" 2>&1; echo $?)" "spillway trace: $2
2"
}
refused "no part in stats" "stats takes no --from; import, slice, fit do" stats $sample --from 5m
refused "nor in an import of requests" "import takes --from, --to and --factor of rates of clients alone: these are requests, 'trace slice' and 'trace scale' change them" \
    import $sample "$dir/part.trace" --to 5m
refused "no factor in fit" "fit takes no --factor; import, scale do" fit $sample --factor 2
refused "no folder of an import" "import takes no --out; import --decisions, stats do" import $sample "$dir/part.trace" --out "$dir/part"
refused "no service of requests" "import takes no --service; import --decisions does" import $sample "$dir/part.trace" --service x.yaml
refused "no JSON of a slice" "slice takes no --format; stats does" slice $sample "$dir/part.trace" --format json
refused "no log of a mix" "mix takes no --decisions; import --decisions does" mix $sample $sample "$dir/part.trace" --decisions
same "nothing of that is written" "$(ls "$dir" | grep -c part)" 0

# Fit: the same bytes twice; a scenario takes what it prints.
for i in 1 2; do "$SPILLWAY" trace fit $sample "scenarios/lengths-$$.trace" >"$dir/fit$i.yaml"; done
same "fit twice" "$(cmp "$dir/fit1.yaml" "$dir/fit2.yaml" && echo same)" same
sed -n '/- kind/,$p' "$dir/fit1.yaml" | sed 's/REGION #.*/cn-hangzhou/; s/^/      /' >"$dir/entry.yaml"
sed -e "/kind: trace/r $dir/entry.yaml" -e '//d' scenarios/azure-conversation.yaml >scenarios/fitted-$$.yaml
"$SPILLWAY" validate scenarios/fitted-$$.yaml >/dev/null
same "a scenario takes the fit" "$?" 0
"$SPILLWAY" trace fit $sample | sed -n '/- kind/,$p' | sed 's/REGION #.*/cn-hangzhou/; s/^/      /' >"$dir/entry.yaml"
sed -e "/kind: trace/r $dir/entry.yaml" -e '//d' scenarios/azure-conversation.yaml >scenarios/fitted-$$.yaml
"$SPILLWAY" validate scenarios/fitted-$$.yaml >/dev/null
same "and lognormal lengths" "$?" 0

# What no traffic has is printed as the nearest that a scenario takes.
takes() { # WHAT FILE
    "$SPILLWAY" trace fit "$2" >"$dir/fit.yaml"
    sed -n '/- kind/,$p' "$dir/fit.yaml" | sed 's/REGION #.*/cn-hangzhou/; s/^/      /' >"$dir/entry.yaml"
    sed -e "/kind: trace/r $dir/entry.yaml" -e '//d' scenarios/azure-conversation.yaml >scenarios/fitted-$$.yaml
    same "$1" "$("$SPILLWAY" validate scenarios/fitted-$$.yaml 2>&1 >/dev/null; echo $?)" 0
}
{ echo at_s,input_tokens,output_tokens; seq -f '%g,100,50' 0 2 6000; } >"$dir/even.csv"
takes "equal gaps" "$dir/even.csv"
same "and how it draws them" "$(grep -c 'CV from 0.05 to 20: it draws with 0.05' "$dir/fit.yaml")" 1
printf 'at_s,input_tokens,output_tokens\n0,100,50\n2419200,90,60\n' >"$dir/rare.csv"
takes "one request in weeks" "$dir/rare.csv"
{ echo at_s,input_tokens,output_tokens; for at in 0 3000 6000; do yes "$at,100,50" | head -2000; done; } >"$dir/bursts.csv"
takes "bursts at one instant" "$dir/bursts.csv"

# A NUL byte has a place in a large file, too, and what was to be written stays as it was.
{ echo at_s,input_tokens,output_tokens; echo 0,1,1; printf '1,\0,1\n'; seq -f '%g,100,50' 2 9000; } >"$dir/nul.csv"
cp "$dir/two.trace" "$dir/kept.trace"
same "a NUL byte" "$("$SPILLWAY" trace import "$dir/nul.csv" "$dir/kept.trace" 2>&1; echo $?)" \
    "$dir/nul.csv:3:3: error: a NUL byte: this is not a text file
2"
same "kept" "$(cmp "$dir/two.trace" "$dir/kept.trace" && echo same)" same

# What a fit leaves out is said in the block and beside it: of 4 requests 3 are turns, 2 have a prefix, 1 a priority.
printf 'at_s,input_tokens,output_tokens,session,prefix_tokens,priority\n0,9,5,7,0,0\n1,9,5,7,4,0\n2,9,5,8,4,0\n3,9,5,,0,-2\n' \
    >"$dir/rich.csv"
cat >"$dir/left" <<'END'
The fit leaves out conversations: 75 % of the requests are turns of one.
The fit leaves out shared prefixes: 50 % of the requests begin with tokens that earlier ones had.
The fit leaves out priorities: 25 % of the requests have one other than 0.
END
same "left out, in the block" "$("$SPILLWAY" trace fit "$dir/rich.csv" 2>"$dir/notes" | grep 'leaves out')" "$(sed 's/^/# /' "$dir/left")"
same "left out, as notes" "$(cat "$dir/notes")" "$(sed 's/^/note: /' "$dir/left")"
same "nothing left out" "$("$SPILLWAY" trace fit $sample 2>&1 | grep -c 'leaves out')" 0

same "how to have better ones" "$("$SPILLWAY" trace fit $sample | grep -c 'As pairs')" 1
same "not where they are kept" "$("$SPILLWAY" trace fit $sample "$dir/pairs.trace" | grep -c 'As pairs')" 0

# Statistics: 80 columns, files, JSON.
same "80 columns" "$("$SPILLWAY" trace stats $sample $data/* | grep -v "^$data\|^scenarios" | awk 'length($0) > 80')" ""
"$SPILLWAY" trace stats $sample --out "$dir/out" >/dev/null 2>&1
same "minutes in the file" "$(wc -l <"$dir/out/trace-rates.csv")" 20
same "quantiles in the file" "$(wc -l <"$dir/out/trace-quantiles.csv")" 202
if command -v gnuplot >/dev/null; then
    same "picture" "$(grep -c '</svg>' "$dir/out/plots/trace.svg")" 1
else
    skipped=$((skipped + 1))
fi
# What is no trace of requests is written as well: rates, levels, lengths, columns.
rates="timestamp_s,client,rate_per_s,cv,pattern,arg1,arg2"
printf '%s\n0,0,1.5,1,Gamma,1,1\n0,1,2,1,Gamma,1,1\n600,1,4,1,Gamma,1,1\n1800,0,0.25,1,Gamma,1,1\n' "$rates" >"$dir/q-client-rates.csv"
echo '{"metadata": {"gap_seconds": 60}, "data": [2, 0, 3], "prices": [0.5, 0.25, 1]}' >"$dir/stock.json"
printf 'client,window_s,requests,field,mean,p10,p25,p50,p75,p90,p95,p99,max\n0,0,5,input_tokens,20,10,12,20,25,30,40,50,64\n0,0,5,output_tokens,20,10,12,20,25,30,40,50,64\n' >"$dir/z-token-quantiles.csv"
printf 'node,gpus\n"a,1",4\nb,\n' >"$dir/nodes.csv"
printf 'when,kind\n0,x\n1,y\n3,x\n' >"$dir/bare.csv"
printf 'milli\n94000\n104000\n131072\n' >"$dir/milli.csv"
same "large numbers are whole" "$("$SPILLWAY" trace stats "$dir/milli.csv" | awk '$1 == "milli" { print $2, $4, $8 }')" "109691 104000 131072"
files() { # NAME FILE ARGS...: the files of a kind
    "$SPILLWAY" trace stats "${@:2}" --out "$dir/$1" >/dev/null 2>"$dir/err"
    (cd "$dir/$1" && echo $?$(find . -name '*.csv' | sort | tr '\n' ' '))
}
same "files of rates" "$(files o1 "$dir/q-client-rates.csv")" "0./trace-rates.csv"
same "rates of all clients" "$(tr '\n' ' ' <"$dir/o1/trace-rates.csv")" "time_s,requests_per_s 0,3.5 600,4 1200,0 1800,0.25 "
same "files of a record" "$(files o2 "$dir/stock.json")" "0./trace-levels.csv"
printf '%s\n0,0,0,1,Gamma,1,1\n' "$rates" >"$dir/n-client-rates.csv"
same "no rate at all" "$("$SPILLWAY" trace stats "$dir/n-client-rates.csv" --format json | grep -c '"lowest_per_s": null')" 1
refused "no part of a second" "of rates of clients, --from and --to are whole seconds" \
    fit "$dir/q-client-rates.csv" --from 1500ms
same "levels and prices" "$(tr '\n' ' ' <"$dir/o2/trace-levels.csv")" "time_s,level,usd_per_h 0,2,0.5 60,0,0.25 120,3,1 "
same "files of lengths" "$(files o3 "$dir/z-token-quantiles.csv")" "0./trace-quantiles.csv"
same "shares of lengths" "$(cut -d, -f1 "$dir/o3/trace-quantiles.csv" | tr '\n' ' ')" "share 0 0.1 0.25 0.5 0.75 0.9 0.95 0.99 1 "
same "the longest" "$(tail -1 "$dir/o3/trace-quantiles.csv" | cut -d, -f2)" "$("$SPILLWAY" trace stats "$dir/z-token-quantiles.csv" | awk '/input tokens/ { print $NF }')"
same "files of a table" "$(files o4 "$dir/nodes.csv")" "0./trace-columns.csv"
same "columns" "$(tail -1 "$dir/o4/trace-columns.csv")" "gpus,2,1,2,4,4,0,4,4,4,4,4,4,4,4,4"
same "files of requests without tokens" "$(files o5 "$dir/bare.csv" --columns time=when:s)" \
    "0./trace-columns.csv ./trace-quantiles.csv ./trace-rates.csv"
same "quantiles of gaps alone" "$(sed -n 3p "$dir/o5/trace-quantiles.csv")" "0.0050,,,1"
printf 'when,in\n0,5\n2,7\n3,6\n' >"$dir/short.csv"
same "files of half a minute" "$(files deep/er/o6 "$dir/short.csv" --columns time=when:s,input=in)" \
    "0./trace-quantiles.csv ./trace-rates.csv"
printf 'when\n0\n' >"$dir/one.csv"
same "files of one request" "$(files o7 "$dir/one.csv" --columns time=when:s; ls "$dir/o7")" \
    "0./trace-columns.csv ./trace-quantiles.csv ./trace-rates.csv
trace-columns.csv
trace-quantiles.csv
trace-rates.csv"
touch "$dir/taken"
"$SPILLWAY" trace stats "$dir/nodes.csv" --out "$dir/taken" >/dev/null 2>"$dir/err"
same "a folder that cannot be" "$? $(cat "$dir/err")" "3 spillway trace: cannot make folder $dir/taken: Not a directory"
if command -v gnuplot >/dev/null; then
    same "their pictures" "$(ls "$dir"/o[1-7]/plots/trace.svg "$dir"/deep/er/o6/plots/trace.svg | sed 's|.*/\(o.\)/.*|\1|' | sort | tr -d '\n')" o1o2o3o5o6
    same "one title" "$(grep -c '>short.csv<' "$dir/deep/er/o6/plots/trace.svg")" 1
    printf 'when\n0\n0\n0\n0\n' >"$dir/at-once.csv"
    same "no gap to be drawn" "$(files o8 "$dir/at-once.csv" --columns time=when:s >/dev/null; cat "$dir/err")" \
        "spillway: no picture: the trace is too short to draw"
    seq -f '%g,5000' 0 3 3000 | sed '1i when,in' >"$dir/even.csv"
    files o9 "$dir/even.csv" --columns time=when:s,input=in >/dev/null
    same "equal gaps have an axis" "$(grep -c '<text> *10</text>' "$dir/o9/plots/trace.svg")" 1
    printf 'when\n0\n6000000\n12900000\n' >"$dir/months.csv"
    files o10 "$dir/months.csv" --columns time=when:s >/dev/null
    same "no label over another" "$(grep -c '>[0-9]* [A-Z][a-z][a-z]<' "$dir/o10/plots/trace.svg")" 5
else
    skipped=$((skipped + 1))
fi
if command -v python3 >/dev/null; then
    same "JSON" "$("$SPILLWAY" trace stats $sample $data/* --format json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" 3
else
    skipped=$((skipped + 1))
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
