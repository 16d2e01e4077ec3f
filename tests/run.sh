#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs every test program and script and adds up what they say. Last line: N passed, N failed, N skipped.
# usage: SPILLWAY=build/spillway BUILD=build tests/run.sh TEST_PROGRAM...
set -u
cd "$(dirname "$0")/.."
# glibc picks libm code by CPU: one path for all, so that golden figures do not depend on the machine.
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2
export CMOCKA_MESSAGE_OUTPUT=stdout
passed=0 failed=0 skipped=0
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT

count() { grep -c "$1" "$2" || true; }

for test in "$@"; do
    out=$log/$(basename "$test")
    "$test" >"$out" 2>&1
    status=$?
    p=$(count '^\[       OK \]' "$out") f=$(count '^\[  FAILED  \].*' "$out") s=$(count '^\[  SKIPPED \]' "$out")
    # cmocka names each failure twice: when it happens and in the closing list; the closing count is the truth
    f=$(sed -n 's/^ *\([0-9]*\) FAILED TEST(S).*/\1/p' "$out" | tail -1)
    s=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) test(s).*/\1/p' "$out" | tail -1)
    f=${f:-0} s=${s:-0}
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$f" -ne 0 ]; then
        echo "FAILED $test"
        grep -vE '^\[ RUN|^\[       OK' "$out" | tail -40
    else
        echo "ok     $test ($p passed$([ "$s" -gt 0 ] && echo ", $s skipped"))"
        grep -iE '^skip' "$out" | sed 's/^/       /' | sort -u
    fi
done

# Scripts end with their own 'N passed, N failed, N skipped'.
for script in tests/tidy/tidy.sh tests/golden/*.sh; do
    [ -x "$script" ] || continue
    out=$log/script
    "$script" >"$out" 2>&1
    status=$?
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$out" | tail -1)
    read -r p _ f _ s _ <<<"${line:-0 passed, 1 failed, 0 skipped}"
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$f" -ne 0 ]; then
        echo "FAILED $script"
        tail -40 "$out"
    else
        echo "ok     $script ($p passed$([ "$s" -gt 0 ] && echo ", $s skipped"))"
    fi
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
