#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What `make install` leaves behind is enough for others: headers alone, each by itself, as C11 and as C++17; programs
# against the shared and the static library, found through pkg-config; only the public prefix is shown.
# Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
CC=${CC:-gcc}
if [ -n "${SAN:-}" ]; then echo "0 passed, 0 failed, 1 skipped"; exit 0; fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0 skipped=0
check() { if [ "$2" = "$3" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $1: '$2', not '$3'"; fi; }

env -u MAKEFLAGS -u MAKELEVEL make -s B="$BUILD" CC="$CC" DESTDIR="$dir/root" PREFIX=/usr install >/dev/null 2>"$dir/err"
check "make install" $? 0
root=$dir/root/usr
check "installed" "$(cd "$root" && ls -d bin/spillway bin/spillwayd lib/libspillway.a lib/libspillway.so lib/libspillway.so.0 lib/pkgconfig/spillway.pc \
    include/spillway/core.h share/spillway/deploy/spillwayd.service | wc -l)" 8
check "soname" "$(objdump -p "$root/lib/libspillway.so.0" | awk '$1 == "SONAME" { print $2 }')" libspillway.so.0
for so in libspillway libspillway-manifest; do
    check "only spw_ is shown by $so" "$(nm -D --defined-only "$root/lib/$so.so.0" | awk '{ print $3 }' | grep -vE '^(spw_.*|SPILLWAY_0)(@@SPILLWAY_0)?$')" ""
done
check "the core needs libc and libm alone" "$(objdump -p "$root/lib/libspillway.so.0" | awk '$1 == "NEEDED" { print $2 }' | grep -vE '^lib[cm]\.so')" ""

# pkg-config, or what it would do where it is not installed
pc() { # pc FIELD PACKAGE
    if command -v pkg-config >/dev/null; then
        PKG_CONFIG_SYSROOT_DIR=$dir/root PKG_CONFIG_LIBDIR=$root/lib/pkgconfig PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 \
            PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 pkg-config "$1" ${3:-} "$2"
    else
        case $1 in
        --cflags) echo "-I$root/include" ;;
        *) echo "-L$root/lib $([ "$2" = spillway ] || echo -lspillway-manifest) -lspillway ${3:+-lyaml -ljansson} -lm" ;;
        esac
    fi
}
cp tests/consumer/* "$dir"
cd "$dir" || exit 1
want=$'tick 0\n  cloud 0 -> 4  better groups are full: idle capacity of this one\n  owned 0 -> 8  idle capacity of the best group\ntick 1\ntick 2\n  cloud 4 -> 0  fewer replicas are wanted: the last group gives first\n  owned 8 -> 5  fewer replicas are wanted: the last group gives first'
warn="-Wall -Wextra -Wpedantic -Werror"
for h in "$root"/include/spillway/*.h; do
    echo "#include <spillway/$(basename "$h")>" >one.c
    check "$(basename "$h") by itself, C11" "$($CC -std=c11 $warn $(pc --cflags spillway) -fsyntax-only one.c 2>&1)" ""
    if command -v g++ >/dev/null; then
        check "$(basename "$h") by itself, C++17" "$(g++ -std=c++17 $warn $(pc --cflags spillway) -fsyntax-only -x c++ one.c 2>&1)" ""
    fi
done
check "embed.c is short" "$([ "$(wc -l <embed.c)" -lt 150 ] && echo short)" short
check "C11, shared" "$($CC -std=c11 $warn embed.c $(pc --cflags spillway) $(pc --libs spillway) -o embed 2>&1 && LD_LIBRARY_PATH=$root/lib ./embed)" "$want"
check "C11, static" "$($CC -std=c11 $warn embed.c $(pc --cflags spillway) -L"$root/lib" -l:libspillway.a -lm -o embed-static 2>&1 && ./embed-static)" "$want"
if command -v g++ >/dev/null; then
    check "C++17, shared" "$(g++ -std=c++17 $warn -x c++ embed.c -x none $(pc --cflags spillway) $(pc --libs spillway) -o embed++ 2>&1 && LD_LIBRARY_PATH=$root/lib ./embed++)" "$want"
    check "C++17 with manifests" "$(g++ -std=c++17 $warn manifests.cpp $(pc --cflags spillway-manifest) $(pc --libs spillway-manifest) -o manifests 2>&1 &&
        LD_LIBRARY_PATH=$root/lib ./manifests)" "ok $(LD_LIBRARY_PATH=$root/lib "$root/bin/spillway" version | awk '{ print $2; exit }'): 1 workloads, 0 actions"
else
    skipped=$((skipped + 2))
fi
# a program that was built with other structs is told
sed 's/^#define SPW_API_VERSION 1u/#define SPW_API_VERSION 2u/' "$root/include/spillway/types.h" >"$dir/types.h"
mkdir -p "$dir/other/spillway" && cp "$root"/include/spillway/*.h "$dir/other/spillway" && mv "$dir/types.h" "$dir/other/spillway/"
check "another ABI is found" "$($CC -std=c11 embed.c -I"$dir/other" $(pc --libs spillway) -o other-abi 2>&1 && LD_LIBRARY_PATH=$root/lib ./other-abi 2>&1)" "failed: "
env -u MAKEFLAGS -u MAKELEVEL make -s -C "$OLDPWD" B="$BUILD" CC="$CC" DESTDIR="$dir/root" PREFIX=/usr uninstall >/dev/null 2>&1
check "uninstall leaves nothing" "$(find "$dir/root" -type f -o -type l)" ""
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
