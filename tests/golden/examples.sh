#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# examples.sh - numeric examples, worked by hand, through the public command `spillway decide` alone.
#
# Each file of examples/ says in its head why the figures must be these, then has the manifests and, once or more, a
# snapshot and what is expected of the plan for it; the state of one call goes into the next. Manifests that come after
# a snapshot are those of the calls after it: somebody has edited them. An expectation is a line:
#   assigned|desired|unplaced JSON   the plan has exactly that under this key
#   says TEXT, silent TEXT           the plan, explanation and all, has that text in it, or has it not
# Nothing else of a plan is compared, so that wording and order of actions can change.
#
# usage: tests/golden/examples.sh [NAME...]
#        SPILLWAY=path/to/spillway tests/golden/examples.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
program=${SPILLWAY:-build/spillway}
cases=tests/golden/examples
passed=0
failed=0

if [ ! -x "$program" ]; then
    printf '%s is not there: build it first\n' "$program"
    printf '0 passed, 0 failed, 1 skipped\n'
    exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# wrong STEP WHAT: remembers that the example at hand failed
wrong() {
    printf 'FAIL %s, call %s: %s\n' "$name" "$1" "$2"
    good=no
}

# expect STEP FILE: each line of FILE against $work/plan
expect() {
    while read -r word text; do
        case $word in
        says) grep -qF -- "$text" "$work/plan" || wrong "$1" "does not say $text" ;;
        silent) grep -qF -- "$text" "$work/plan" && wrong "$1" "says $text" ;;
        assigned | desired | unplaced)
            got=$(sed -n "s/^\"$word\": \\(.*\\),\$/\\1/p" "$work/plan")
            [ "$got" = "$text" ] || wrong "$1" "$word $got instead of $text"
            ;;
        *) wrong "$1" "no such expectation: $word" ;;
        esac
    done <"$2"
}

# example FILE
example() {
    name=$(basename "$1" .txt)
    good=yes
    rm -f "$work"/*
    awk -v to="$work" '
        /^=== manifests$/ { file = to "/manifests." steps + 1; next }
        /^=== snapshot$/ { file = to "/snapshot." ++steps; next }
        /^=== expect$/ { file = to "/expect." steps; next }
        file { print > file }' "$1"
    step=1
    while [ -f "$work/snapshot.$step" ]; do
        [ -f "$work/manifests.$step" ] && mv "$work/manifests.$step" "$work/manifests.yaml"
        set -- --manifests "$work/manifests.yaml" --snapshot "$work/snapshot.$step" --explain
        [ $step -gt 1 ] && set -- "$@" --state "$work/state"
        if ! "$program" decide "$@" --state-out "$work/next" >"$work/plan" 2>"$work/stderr"; then
            wrong $step "$(cat "$work/stderr")"
            break
        fi
        mv "$work/next" "$work/state"
        if [ -s "$work/expect.$step" ]; then
            expect $step "$work/expect.$step"
        else
            wrong $step "nothing is expected"
        fi
        step=$((step + 1))
    done
    [ $step -gt 1 ] || wrong 1 "no snapshot"
    if [ $good = yes ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

if [ $# -gt 0 ]; then
    for want in "$@"; do example "$cases/$want.txt"; done
else
    for file in "$cases"/*.txt; do example "$file"; done
fi
printf '%d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed -eq 0 ]
