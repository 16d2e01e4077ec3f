#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The transcripts of README.md are true: each ```console block is run, line by line after '$ ', and its standard output
# and standard error have to be what the block shows. Blocks that begin with '$ make' are shown, not run.
# `tests/golden/readme.sh --update` puts what the commands print now into README.md; the diff is then reviewed like code.
# Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=$(realpath "${SPILLWAY:-build/spillway}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/build"
ln -s "$SPILLWAY" "$work/build/spillway"
cp -r scenarios plots "$work/"
passed=0 failed=0 skipped=0

awk -v dir="$work" '
    /^```console$/ { n++; inside = 1; next }
    /^```$/ { inside = 0; next }
    inside { print > (dir "/block" n) }' README.md

# The hash of a scenario follows every row of every table, also those that it does not use.
without_hash() { sed -E 's/(, scenario )[0-9a-f]{16}$/\1-/' "$1"; }

cd "$work" || exit 1
for block in block*; do
    [ -f "$block" ] || continue
    if head -1 "$block" | grep -q '^\$ make'; then
        skipped=$((skipped + 1))
        continue
    fi
    # what the block says, replayed: each command followed by what it prints
    while IFS= read -r line; do
        case $line in
        '$ '*)
            echo "$line"
            bash -c "${line#\$ }" 2>&1
            ;;
        esac
    done <"$block" >"$block.now"
    if diff -u <(without_hash "$block") <(without_hash "$block.now") >"$block.diff"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $block of README.md"
        head -40 "$block.diff"
    fi
done
cd - >/dev/null || exit 1
if [ "${1:-}" = --update ]; then
    awk -v dir="$work" '
        /^```console$/ { n++; print; inside = 1; file = dir "/block" n
            if ((getline line < (file ".now")) >= 0) { file = file ".now"; if (line != "") print line }
            while ((getline line < file) > 0) print line
            next }
        /^```$/ { inside = 0 }
        !inside' README.md >"$work/README.new" && cp "$work/README.new" README.md
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
