#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every kind of page in headless Chromium, 1440 and 390 pixels wide: no error on the console, nothing wider than the
# window, tables sort, pictures and marks answer the pointer and the keys, definitions open, themes change, text stands
# out from its ground in both.
# Last line: N passed, N failed, N skipped. KEEP=DIR keeps pages and screenshots there.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=${SPILLWAY:-build/spillway}
passed=0 failed=0
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -z "$browser" ] || ! command -v gnuplot >/dev/null; then
    echo "skipped: no chromium or no gnuplot here"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
dir=${KEEP:-$(mktemp -d)}
mkdir -p "$dir"
[ -n "${KEEP:-}" ] || trap 'rm -rf "$dir"' EXIT

# The page with a listener for errors before everything else and the checks behind everything else.
probe() { # PAGE WIDTH
    awk -v width="$2" '
        /<meta charset/ { print; print "<script>window.pageErrors=[];window.pageWidth=" width ";window.addEventListener(\x27error\x27,function(e){window.pageErrors.push(e.message)})</script>"; next }
        /^<\/body>/ { print "<script>"; while ((getline line < "tests/golden/pages/check.js") > 0) print line; print "</script>" }
        { print }' "$1" >"$dir/probe.html"
}
# A window is never narrower than 500 pixels; a frame is.
frame() { # PAGE WIDTH HEIGHT
    cat >"$dir/frame.html" <<END
<!doctype html><meta charset="utf-8"><style>body{margin:0}iframe{border:0;display:block}</style>
<script>addEventListener('message',function(e){var r=document.documentElement;
r.setAttribute('data-check',e.data.check);r.setAttribute('data-done',e.data.done)})</script>
<iframe src="file://$1" width="$2" height="$3"></iframe>
END
}
chromium() {
    "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$dir/profile" \
        --virtual-time-budget=4000 "$@" 2>"$dir/log"
}
page() { # NAME PAGE WHAT-MUST-HAVE-BEEN-TRIED...
    for width in 1440 390; do
        probe "$2" "$width"
        frame "$dir/probe.html" "$width" 1400
        chromium --enable-logging=stderr --window-size="$width,1400" --dump-dom "file://$dir/frame.html" >"$dir/dom"
        check=$(sed -n 's/.*data-check="\([^"]*\)".*/\1/p' "$dir/dom" | head -1)
        tried=$(sed -n 's/.*data-done="\([^"]*\)".*/\1/p' "$dir/dom" | head -1)
        console=$(grep -c 'CONSOLE' "$dir/log")
        bad=
        [ "$check" = good ] || bad="${check:-the page did not answer}"
        [ "$console" = 0 ] || bad="$bad; on the console: $(grep -m1 CONSOLE "$dir/log")"
        for what in "${@:3}"; do
            case $tried in *"$what:0"* | "") bad="$bad; no $what to try" ;; esac
        done
        if [ -z "$bad" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $1 at $width: $bad"; fi
        [ -n "${KEEP:-}" ] || continue
        frame "$2" "$width" 5200
        chromium --window-size="$width,5200" --screenshot="$dir/$1-$width.png" "file://$dir/frame.html" >/dev/null
    done
}

"$SPILLWAY" run scenarios/spot-storm.yaml --set spec.duration=2h --out "$dir/run" >/dev/null 2>&1 || failed=$((failed + 1))
page run "$dir/run/report.html" tables pictures marks definitions
page burst "$dir/run/burst-1.html" tables pictures marks walks definitions
"$SPILLWAY" sweep tests/golden/sweep/station.yaml --no-plots --out "$dir/sweep" >/dev/null 2>&1 || failed=$((failed + 1))
page sweep "$dir/sweep/report.html" tables marks definitions
"$SPILLWAY" compare scenarios/flapping-aggressive.yaml scenarios/flapping-balanced.yaml scenarios/flapping-conservative.yaml \
    --replications 4 --out "$dir/compare" >/dev/null 2>&1 || failed=$((failed + 1))
page compare "$dir/compare/report.html" tables marks definitions
"$SPILLWAY" plan scenarios/theory-mm1.yaml --set spec.duration=30m --set spec.warmup=5m --budget 48 \
    --vary 'spec.clusters[0].pools[0].nodes=1..4' --vary 'spec.services[0].engine.servers=1..3' --slo 'e2e.p95<=500ms' \
    --out "$dir/plan" >/dev/null 2>&1 || failed=$((failed + 1))
page plan "$dir/plan/report.html" tables marks definitions
"$SPILLWAY" batch scenarios/flapping-balanced.yaml scenarios/spot-storm.yaml --set spec.duration=1h --no-plots \
    --out "$dir/batch" >/dev/null 2>&1 || failed=$((failed + 1))
page batch "$dir/batch/report.html" tables marks definitions
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
