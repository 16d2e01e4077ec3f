#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A copy of the program under another prefix than it was built for finds the tables and scenarios beside it, from any
# folder; and a name of ours never hides a file of the user's.
# Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
SPILLWAY=$(realpath "${SPILLWAY:-build/spillway}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
check() { if [ "$2" = "$3" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $1: '$2', not '$3'"; fi; }

mkdir -p "$dir/usr/bin" "$dir/usr/share" "$dir/elsewhere"
cp "$SPILLWAY" "$dir/usr/bin/spillway"
cp -r scenarios "$dir/usr/share/spillway"
# a mark that only this copy has
grep '^RTX-4090,' scenarios/tables/gpus.csv | sed 's/^RTX-4090,/Mark-One,/' >>"$dir/usr/share/spillway/tables/gpus.csv"

cd "$dir/elsewhere" || exit 1
check "list gpus" "$(../usr/bin/spillway list gpus | grep -c '^Mark-One ')" 1
check "list scenarios" "$(../usr/bin/spillway list scenarios | grep -c '^hybrid-burst\.yaml ')" 1
check "a shipped scenario by name" "$(../usr/bin/spillway validate theory-mm1 2>/dev/null | sed 's/;.*//')" \
    "$dir/usr/share/spillway/theory-mm1.yaml: scenario theory-mm1"
check "as the manual writes it" "$(../usr/bin/spillway validate scenarios/theory-mm1.yaml 2>&1 >/dev/null)" \
    "spillway validate: no 'scenarios/theory-mm1.yaml' here, taking the one that came with the program: $dir/usr/share/spillway/theory-mm1.yaml"
cp ../usr/share/spillway/theory-mm1.yaml . && sed -i 's/name: theory-mm1/name: mine/; s#\[manifests/#[../usr/share/spillway/manifests/#' theory-mm1.yaml
check "the user's own file first" "$(../usr/bin/spillway validate theory-mm1.yaml 2>&1 | sed 's/;.*//')" "theory-mm1.yaml: scenario mine"
check "--tables before all" "$(../usr/bin/spillway list gpus --tables "$OLDPWD/scenarios/tables" | grep -c '^Mark-One ')" 0
rm -r ../usr/share
check "no tables anywhere near" "$(../usr/bin/spillway list gpus >/dev/null 2>err || [ -s err ] && echo said)" said
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
