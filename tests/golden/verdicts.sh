#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The verdicts of compare hold on seeds that they have not seen: three tempers of one HPA policy, and two orders of the
# cluster groups on a morning of hybrid-burst. For each fresh set of seeds
#   - every difference that the first set shows has the same sign,
#   - at least 19 of 20 intervals of the two sets overlap, shown or not,
#   - what the scenarios' own text promises is shown again.
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
experiment() { # NAME SEED ARGUMENTS...
    local out=$dir/$1-$2 seed=$2
    shift 2
    "$SPILLWAY" compare "$@" --seed "$seed" --jobs 2 --out "$out" >/dev/null 2>"$dir/stderr" || cat "$dir/stderr"
}
# The differences of two sets side by side.
holds() { # FIRST FRESH
    awk -F, '
        /^#/ || $1 == "side" || $9 == "" { next }
        FNR == NR { d[$1 $3] = $9; h[$1 $3] = $10; shown[$1 $3] = $14; next }
        { k = $1 $3; n++
          if (shown[k] == 1 && d[k] * $9 <= 0) { print k ": " d[k] ", now " $9; turned++ }
          apart = d[k] - $9
          if ((apart < 0 ? -apart : apart) <= h[k] + $10) overlap++
          else print k ": " d[k] " +- " h[k] ", now " $9 " +- " $10 }
        END { exit !(n > 10 && !turned && overlap >= 0.95 * n) }' "$1/differences.csv" "$2/differences.csv"
}
# One difference is shown and has the sign that is expected.
shown() { # FOLDER SIDE METRIC SIGN
    awk -F, -v side="$2" -v metric="$3" -v sign="$4" '
        $1 == side && $3 == metric { found = $14 == 1 && $9 * sign > 0 } END { exit !found }' "$1/differences.csv"
}

tempers="scenarios/flapping-aggressive.yaml scenarios/flapping-balanced.yaml scenarios/flapping-conservative.yaml"
morning="--set spec.start=2026-03-02T07:30:00+08:00 --set spec.duration=3h --replications 4"
for seed in 1 1001 2001; do
    # shellcheck disable=SC2086
    experiment tempers $seed $tempers --replications 8
    # shellcheck disable=SC2086
    experiment groups $seed scenarios/hybrid-burst.yaml scenarios/hybrid-burst-swapped.yaml $morning
    check "balanced is cheaper than aggressive, seeds from $seed" shown "$dir/tempers-$seed" B cost.total_usd -1
    check "balanced acts less, seeds from $seed" shown "$dir/tempers-$seed" B control.actions -1
    check "conservative lets the crowd wait, seeds from $seed" shown "$dir/tempers-$seed" C latency.ttft_s.p99 1
    check "spot first is cheaper, seeds from $seed" shown "$dir/groups-$seed" B cost.total_usd -1
    check "and slower, seeds from $seed" shown "$dir/groups-$seed" B latency.ttft_s.p50 1
done
for fresh in 1001 2001; do
    check "three tempers, seeds from $fresh" holds "$dir/tempers-1" "$dir/tempers-$fresh"
    check "two orders of the groups, seeds from $fresh" holds "$dir/groups-1" "$dir/groups-$fresh"
done

echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
