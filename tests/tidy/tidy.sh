#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# House rules as a test: layers, symbols of the core, licences, sizes, words, shape of the top level.
# Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
CC=${CC:-gcc}
passed=0 failed=0 skipped=0
ok() { passed=$((passed + 1)); }
no() { failed=$((failed + 1)); echo "FAILED $1"; [ -z "${2:-}" ] || echo "$2" | head -20; }
verdict() { if [ -z "$2" ]; then ok; else no "$1" "$2"; fi; }
files() { if git rev-parse -q --verify HEAD >/dev/null 2>&1; then git ls-files -co --exclude-standard -- "$@"; else find "${@%%/\**}" -type f; fi | sort -u; }
sources=$(files 'sched/*' 'models/*' 'sim/*' 'tests/*' | grep -E '\.[ch]$')

# Layers: every include is allowed for its folder, or is a header of the C library.
verdict "layers (tests/tidy/layers.txt)" "$(awk '
    FILENAME ~ /layers.txt$/ { if ($0 !~ /^#/ && NF > 1) { allow[$1] = $0 } next }
    FILENAME ~ /libc.txt$/ { for (i = 1; i <= NF; i++) libc[$i] = 1; next }
    /^[ \t]*#[ \t]*include/ {
        what = $0; sub(/^[ \t]*#[ \t]*include[ \t]*/, "", what); sub(/[ \t]*(\/[*\/].*)?$/, "", what)
        name = what; gsub(/[<>"]/, "", name)
        if (what ~ /^</ && name in libc) next
        folder = FILENAME; best = ""
        for (f in allow) if (index(folder, f "/") == 1 && length(f) > length(best)) best = f
        if (best == "") next
        n = split(allow[best], p, " "); good = 0
        for (i = 2; i <= n; i++) if (index(what, p[i]) == 1) good = 1
        if (!good) print FILENAME ":" FNR ": " best " may not include " what
    }' tests/tidy/layers.txt tests/tidy/libc.txt $sources)"

# Symbols: what the core archive needs from outside, against the list.
if [ -f "$BUILD/libspillway.a" ] && [ -z "${SAN:-}" ]; then
    own=$(nm --defined-only "$BUILD/libspillway.a" | awk 'NF == 3 { print $3 }' | sort -u)
    used=$(nm -u "$BUILD/libspillway.a" | awk '$1 == "U" { print $2 }' | sort -u)
    allowed=$(grep -v '^#' tests/tidy/symbols.allow | sort -u)
    verdict "symbols of libspillway.a" "$(comm -23 <(echo "$used") <(printf '%s\n%s\n' "$own" "$allowed" | sort -u))"
    # constants with pointers stand in .data.rel.ro; what could change at run time would stand in these two
    verdict "state with static storage in libspillway.a" "$(objdump -h "$BUILD/libspillway.a" |
        awk '/file format/ { file = $1 } ($2 == ".data" || $2 == ".bss") && $3 !~ /^0+$/ { print file, $2, $3 }')"
else
    skipped=$((skipped + 2))
fi

# The forced prelude really refuses: a canary for the set-up itself.
canary=$(mktemp --suffix=.c)
echo 'void *f(void); void *f(void) { return malloc(1); }' >"$canary"
if $CC -std=c11 -include sched/core/prelude.h -fsyntax-only "$canary" 2>/dev/null; then no "prelude lets malloc pass"; else ok; fi
rm -f "$canary"

# Licences.
missing=$(for f in $sources; do
    case $f in sched/*) want=Apache-2.0 ;; *) want=GPL-3.0-or-later ;; esac
    head -2 "$f" | grep -q "SPDX-License-Identifier: $want" || echo "$f: first line should name $want"
done)
verdict "licences" "$missing"

# Sizes.
verdict "files over 800 lines" "$(wc -l $sources | awk '$2 != "total" && $1 > 800')"
verdict "lines over 120 columns" "$(awk 'length($0) > 120 { print FILENAME ":" FNR }' $sources | grep -v ziggurat_tables)"

# Words and calls.
verdict "unfinished words" "$(grep -nwE 'TODO|FIXME|XXX|HACK' $sources Makefile README.md 2>/dev/null)"
verdict "banned calls" "$(grep -nE '\b(strcpy|strcat|sprintf|gets|atoi|atol|atof|strtok|rand|srand|alloca|setjmp|system|popen)\(' \
    $(echo "$sources" | grep -E '^(sched|models|sim)/'))"
verdict "gsl_rng_env_setup or gsl_rng_set of a hashed key" "$(grep -n 'gsl_rng_env_setup' $sources)"

# Public headers: guard, and a documented return for every function that can fail.
verdict "header guards" "$(for h in $(echo "$sources" | grep '\.h$'); do grep -q '^#ifndef .*_H$' "$h" || echo "$h"; done)"

# Tables: every row of a parameter table names source, date and grade.
verdict "tables without source and grade" "$(for t in scenarios/tables/*.csv; do
    head -1 "$t" | grep -q 'source' && head -1 "$t" | grep -q 'grade' || echo "$t"; done)"

# Figures about the world stand in tables: numbers in the code of the models are of a list, comments, texts and the
# tables of the ziggurat aside.
verdict "figures in models/ (tests/tidy/literals.txt)" "$(for f in $(echo "$sources" |
    grep -E '^models/' | grep -vE '^models/random/ziggurat'); do
    room=$(echo "$f" | cut -d/ -f2)
    "$CC" -fpreprocessed -dD -E -P "$f" 2>/dev/null | grep -v '^ *# *include' | sed 's/"[^"]*"//g' |
        grep -oE '(^|[^A-Za-z_0-9.])[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?' | sed 's/^[^0-9]//' | sort -u |
        while read -r n; do grep -qE "^$n +(\*|([a-z]+,)*$room[, ])" tests/tidy/literals.txt || echo "$f: $n"; done; done)"

# Tables of rules and traps: every row names a test, and every test, example and function that is named is there.
verdict "names in sched/TRAPS.md and sched/RULES.md" "$(for t in sched/TRAPS.md sched/RULES.md; do
    awk '/^\|/ && !/`(test_[a-z0-9_]+:[a-z0-9_]+|example:[a-z0-9-]+)`/ && !/^\|[-|]+$/ && last ~ /^\|/ {
        print FILENAME ":" FNR ": no test" } { last = $0 }' $t
    grep -oE '`[a-z0-9_/.]+:[a-zA-Z0-9_-]+`' $t | tr -d '`' | sort -u | while IFS=: read -r where what; do
        case $where in
        example) [ -f "tests/golden/examples/$what.txt" ] ;;
        test_*) grep -qE "(cmocka_unit_test[a-z_]*|TEST)\($what[,)]" tests/unit/$where.c tests/property/$where.c 2>/dev/null ;;
        *) grep -qE "^[a-z].*[ *]$what\(" "sched/$where" 2>/dev/null ;;
        esac || echo "$t: no $where:$what"; done; done)"

# Top level.
verdict "top level" "$(files . | cut -d/ -f1 | sort -u | grep -vxE 'Makefile|README\.md|LICENSE|sim|sched|models|scenarios|plots|tests|\..*')"

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
