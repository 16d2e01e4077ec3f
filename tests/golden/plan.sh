#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# When owning beats renting, and what was not tried costs at least: plans against a bill made out by hand.
#
# tests/golden/plan/peak.yaml runs one replica for the 24 measured hours and three during a peak; each takes a node of
# one A10. n nodes are owned, what they have no room for is rented. By scenarios/tables, for a node of one GPU:
#   own   a month is 730 h. Server 32000 USD for 8 GPUs over 48 months with 15 % left: 32000 / 8 x 0.85 / 48 = 70.83;
#         maintenance 5 % a year: 32000 / 8 x 0.05 / 12 = 16.67; space 0.19 kW x 150 = 28.50; sum 116.00 USD a month
#         = 0.15890 USD/h; power 0.19 kW x 1.4 x 0.1 USD/kWh = 0.02660 USD/h; together 0.18550 USD/h, 4.4521 USD a day.
#   rent  1.353 USD/h from the start of the peak until the node is given back: seen empty one tick (1 min) after its
#         end, 5 min later it counts as unneeded. Peak of 3 h: 3.1 h = 4.1943 USD; 4 h: 4.1 h = 5.5473 USD.
# So owning a node for the peak pays from 4.4521 / 1.353 - 0.1 = 3.19 h a day on. The first node is busy all day, the
# second and third in the peak only, the fourth never:
#   3 h   n = 1: 4.4521 + 2 x 4.1943 = 12.8407   2: +0.2578   3: +0.2578   4: +4.4521   -> one owned, two rented
#   4 h   n = 1: 4.4521 + 2 x 5.5473 = 15.5467   2: -1.0952   3: -1.0952   4: +4.4521   -> three owned
# Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=$(realpath "${SPILLWAY:-build/spillway}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
ok() { passed=$((passed + 1)); }
no() { failed=$((failed + 1)); echo "FAILED $1"; }
close() { # NAME GOT WANTED: within a hundredth of a cent, as far as the bill above is written out
    awk -v a="$2" -v b="$3" 'BEGIN { d = a - b; exit !(a != "" && d < 2e-4 && d > -2e-4) }' && ok ||
        no "$1: $2, wanted $3"
}
knob='spec.clusters[0].pools[0].nodes'
plan() { # NAME PEAK RANGE BUDGET
    "$SPILLWAY" plan tests/golden/plan/peak.yaml --set "spec.manifests=[workload.yaml, peak-$2.yaml]" --budget "$4" \
        --vary "$knob=$3" --slo 'e2e.p95<=10s' --out "$dir/$1" >"$dir/$1.txt" 2>/dev/null || no "plan $1"
}
cost() { # NAME NODES COLUMN: of knobs.csv, which has the cheapest at each value
    awk -F, -v n="$2" -v column="$3" '/^knob,/ { for (i = 1; i <= NF; i++) if ($i == column) c = i }
        $2 == n && /^spec/ { print $c }' "$dir/$1/knobs.csv"
}
answer() { sed -n 's/.*nodes=\([0-9]*\) is the cheapest.*/\1/p' "$dir/$1.txt"; }
step() { # NAME NODES: what the table of the answer says
    awk -F'|' -v n="$2" '/^\| value/ { t = 1 } t && $2 + 0 == n { gsub(/[ $+]/, "", $4); print $4; exit }' "$dir/$1.txt"
}
times() { awk -v a="$1" -v b="$2" 'BEGIN { print a * b }'; }

own=4.452096
for peak in 3h 4h; do
    plan "$peak" "$peak" 1..4 16
    [ "$peak" = 3h ] && rent=4.1943 best=1 || rent=5.5473 best=3
    for n in 1 2 3 4; do
        close "$peak: owned with $n nodes" "$(cost "$peak" "$n" cost.by_kind.owned)" "$(times "$n" $own)"
        close "$peak: rented with $n nodes" "$(cost "$peak" "$n" cost.by_kind.on_demand)" \
            "$(times $((n < 3 ? 3 - n : 0)) $rent)"
    done
    [ "$(answer "$peak")" = $best ] && ok || no "$peak: $(answer "$peak") is the answer, not $best"
    # the sign of the step is the break-even
    for n in 2 3; do
        case "$peak $(step "$peak" "$n")" in
            "3h 0.26" | "4h -1.10") ok ;;
            *) no "$peak: step to $n is $(step "$peak" "$n")" ;;
        esac
    done
    grep -qF "Cheapest at nodes=$best" "$dir/$peak/report.html" && ok || no "$peak: the chart says something else"
done

# 30 configurations and 10 runs. What was not tried owns at least the fewest of those nodes; nothing of the grid costs
# less than that, nor does the best of it, one node for 12.8407 USD as worked out above.
plan bound 3h 1..30 10
tried=$(awk -F, '!/^#/ && !/^spec/ { print $1 }' "$dir/bound/points.csv" | sort -n)
least=$(seq 30 | grep -vxF "$tried" | head -1)
floor=$(sed -n 's/.*"untried_cost_at_least_usd": \([0-9.]*\).*/\1/p' "$dir/bound/plan.json")
close "the bound" "$floor" "$(times "$least" $own)"
spent=$(cost bound "$(answer bound)" cost.total_usd)
awk -v f="$floor" -v best=12.8407 -v got="$spent" 'BEGIN { exit !(f <= best && got >= best - 2e-4) }' && ok ||
    no "bound $floor, best 12.8407, answer $spent"
share=$(awk -v f="$floor" -v a="$spent" 'BEGIN { printf "%.1f %%", 100 * (1 - f / a) }')
tr -s ' \n' ' ' <"$dir/bound.txt" | grep -qF "none can save more than $share" && ok ||
    no "the answer does not say $share"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
