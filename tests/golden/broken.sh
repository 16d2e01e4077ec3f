#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# broken.sh - gives the program every kind of broken input under tests/golden/broken and checks that each
#   - ends with exit status 2,
#   - says exactly what stands in NAME.stderr, and nothing on standard output,
#   - leaves no output folder behind.
# NAME.yaml is a scenario to run; NAME.args a command line, one word a line, @ standing for the folder of the cases, %
# for the folder of results.
#
# usage: tests/golden/broken.sh [--update]    --update writes NAME.stderr from what the program says now
#        SPILLWAY=path/to/spillway tests/golden/broken.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
program=${SPILLWAY:-build/spillway}
cases=tests/golden/broken
update=no
[ "${1:-}" = "--update" ] && update=yes
passed=0
failed=0
skipped=0

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

fail() {
    printf 'FAIL %s: %s\n' "$1" "$2"
    failed=$((failed + 1))
}

# check NAME WORDS...
check() {
    name=$1
    shift
    "$program" "$@" >"$work/stdout" 2>"$work/stderr"
    status=$?
    if [ "$update" = yes ]; then
        cp "$work/stderr" "$cases/$name.stderr"
    fi
    if [ $status -ne 2 ]; then
        fail "$name" "exit status $status instead of 2"
    elif [ -s "$work/stdout" ]; then
        fail "$name" "something on standard output"
    elif ls -d "$work"/out* >/dev/null 2>&1; then
        fail "$name" "an output folder was left behind"
        rm -rf "$work"/out*
    elif ! cmp -s "$cases/$name.stderr" "$work/stderr"; then
        fail "$name" "other messages than expected"
        diff "$cases/$name.stderr" "$work/stderr" | sed 's/^/    /'
    else
        passed=$((passed + 1))
    fi
}

# The file that all cases were made from must be sound, or they would fail for a reason that is not theirs.
if [ -x "$program" ]; then
    if "$program" validate "$cases/parts/good.yaml" --tables scenarios/tables >"$work/stdout" 2>"$work/stderr" &&
        [ -s "$work/stdout" ] && [ ! -s "$work/stderr" ]; then
        passed=$((passed + 1))
    else
        fail good "the sound scenario was refused"
        sed 's/^/    /' "$work/stderr"
    fi
else
    skipped=$((skipped + 1))
fi

for file in "$cases"/*.yaml "$cases"/*.args; do
    name=$(basename "$file")
    name=${name%.*}
    if [ ! -x "$program" ]; then
        skipped=$((skipped + 1))
        continue
    fi
    case $file in
    *.yaml)
        check "$name" run "$file" --tables scenarios/tables --out "$work/out"
        ;;
    *.args)
        set --
        while IFS= read -r word; do
            case $word in
            @*) set -- "$@" "$cases${word#@}" ;;
            %) set -- "$@" "$work/out" ;;
            *) set -- "$@" "$word" ;;
            esac
        done <"$file"
        check "$name" "$@"
        ;;
    esac
done
[ -x "$program" ] || printf '%s is not there: build it first\n' "$program"
printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed -eq 0 ]
