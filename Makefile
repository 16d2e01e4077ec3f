# SPDX-License-Identifier: GPL-3.0-or-later
# Spillway. `make help` lists the targets; README.md says the rest.

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
DATADIR  = $(PREFIX)/share/spillway
CC      ?= gcc
AR      ?= ar
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin AR),default)
AR := ar
endif

# V=1 shows whole commands.
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(Q),@echo '  $(1)')

# One build directory for each flavour, so that they never mix.
SAN   ?=
B     ?= build$(if $(SAN),/$(SAN))
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion -Wcast-qual -Wcast-align \
        -Wpointer-arith -Wundef -Wvla -Wwrite-strings -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
        -Wold-style-definition -Wredundant-decls -Wswitch-enum
ifeq ($(WERROR),1)
WARN += -Werror
endif
OPT := -O2 -g
ifeq ($(SAN),asan)
OPT := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
ifeq ($(SAN),tsan)
OPT := -O1 -g -fsanitize=thread
endif
CFLAGS_ALL = -std=c11 -D_POSIX_C_SOURCE=200809L $(OPT) -ffp-contract=off -fno-common -fstack-protector-strong -pthread \
             $(WARN) -I. -Isched/include $(CFLAGS)
CORE_FLAGS := -Isched -include sched/core/prelude.h
LDLIBS_ALL := -lyaml -ljansson -lcsv -lz -lgsl -lgslcblas -lm -lpthread
LDLIBS_KUBE := -lcurl -lmicrohttpd

CORE_SRC     := $(sort $(foreach d,core scale place route actuate,$(wildcard sched/$(d)/*.c)))
MANIFEST_SRC := $(sort $(wildcard sched/manifest/*.c))
KUBE_SRC     := $(sort $(wildcard sched/kube/*.c))
DAEMON_SRC   := $(sort $(filter-out sched/daemon/main.c,$(wildcard sched/daemon/*.c)))
MODELS_SRC   := $(sort $(wildcard models/*/*.c))
SIM_SRC      := $(sort $(filter-out sim/cli/main.c,$(wildcard sim/*/*.c)))
SUPPORT_SRC  := $(sort $(wildcard tests/support/*.c))

# What decides the results of a simulation: kept replications and points belong to a build of these bytes.
DECIDES := $(CORE_SRC) $(MANIFEST_SRC) $(MODELS_SRC) $(SIM_SRC) \
           $(sort $(wildcard sched/*/*.h sched/include/spillway/*.h models/*/*.h sim/*/*.h))

objs = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIB_CORE     := $(B)/libspillway.a
LIB_MANIFEST := $(B)/libspillway-manifest.a
LIB_KUBE     := $(B)/libspillway-kube.a
LIB_DAEMON   := $(B)/libspillwayd.a
LIB_MODELS   := $(B)/libmodels.a
LIB_SIM      := $(B)/libsim.a
LIB_SUPPORT  := $(B)/libsupport.a
LIBS := $(LIB_SIM) $(LIB_MODELS) $(LIB_MANIFEST) $(LIB_CORE)

TEST_SRC   := $(sort $(wildcard tests/unit/*.c tests/property/*.c))
TEST_BIN   := $(patsubst tests/%.c,$(B)/tests/%,$(TEST_SRC))
THEORY_BIN := $(patsubst tests/%.c,$(B)/tests/%,$(sort $(wildcard tests/theory/*.c)))
FUZZ_BIN   := $(patsubst tests/%.c,$(B)/tests/%,$(sort $(wildcard tests/fuzz/*.c)))
BENCH_BIN  := $(patsubst tests/%.c,$(B)/tests/%,$(sort $(wildcard tests/bench/*.c)))

.DEFAULT_GOAL := all
.PHONY: all demo check check-asan check-tsan check-clang theory fuzz bench format format-check tidy cppcheck install uninstall \
        dist help clean deps deps-test

## all: build programs and libraries (names a missing package, installs nothing)
all: $(B)/spillway $(B)/spillwayd

# --- packages: Debian 12 is the only source ---
DEPS_BUILD := gcc make libc6-dev libyaml-dev libjansson-dev libcsv-dev zlib1g-dev libgsl-dev libcurl4-openssl-dev libmicrohttpd-dev
DEPS_RUN   := gnuplot-nox fonts-dejavu-core
DEPS_TEST  := libcmocka-dev binutils openssl
# Tests that use these skip with a message where they cannot be had.
DEPS_TEST_WANTED := chromium zsh g++ pkg-config slurm-wlm slurm-wlm-basic-plugins munge
SUDO       := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
missing = $(shell for p in $(1); do dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null | grep -qx installed || echo $$p; done)
install_missing = m="$(call missing,$(1))"; if [ -n "$$m" ]; then echo "installing $$m"; \
	$(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$m >/dev/null; fi

# What each header belongs to, so that `make` alone can name a missing package.
define need
	@printf '#include <%s>\nint main(void){return 0;}\n' '$(1)' | $(CC) -x c -fsyntax-only - 2>/dev/null || \
	{ echo "missing package $(2): run  apt-get install $(2)   (or: make deps)"; exit 1; }
endef
$(B)/have-deps:
	@command -v $(CC) >/dev/null || { echo "missing compiler $(CC): run  apt-get install gcc libc6-dev   (or: make deps)"; exit 1; }
	$(call need,yaml.h,libyaml-dev)
	$(call need,jansson.h,libjansson-dev)
	@printf '#include <stdio.h>\n#include <csv.h>\nint main(void){return 0;}\n' | $(CC) -x c -fsyntax-only - 2>/dev/null || \
	{ echo "missing package libcsv-dev: run  apt-get install libcsv-dev   (or: make deps)"; exit 1; }
	$(call need,zlib.h,zlib1g-dev)
	$(call need,gsl/gsl_rng.h,libgsl-dev)
	$(call need,curl/curl.h,libcurl4-openssl-dev)
	$(call need,microhttpd.h,libmicrohttpd-dev)
	@mkdir -p $(@D) && touch $@

## deps: install what building and running need (apt, with sudo where not root)
deps:
	@$(call install_missing,$(DEPS_BUILD) $(DEPS_RUN))
## deps-test: install what the tests need as well
deps-test:
	@$(call install_missing,$(DEPS_BUILD) $(DEPS_RUN) $(DEPS_TEST))
	@$(call install_missing,$(DEPS_TEST_WANTED)) || echo "not installed: $(DEPS_TEST_WANTED); their tests will be skipped"

# --- objects and archives ---
CORE_OBJ := $(call objs,$(CORE_SRC))
$(CORE_OBJ): EXTRA := $(CORE_FLAGS)
$(call objs,$(MANIFEST_SRC) $(KUBE_SRC) $(DAEMON_SRC) sched/daemon/main.c): EXTRA := -Isched
$(B)/obj/tests/%: EXTRA := -Isched
$(B)/obj/sim/%: EXTRA := -DSPW_DATADIR='"$(DATADIR)"'

$(B)/obj/%.o: %.c | $(B)/have-deps
	@mkdir -p $(@D)
	$(call say,CC   $<)
	$(Q)$(CC) $(CFLAGS_ALL) $(EXTRA) -DSPILLWAY_VERSION='"$(VERSION)"' -MMD -MP -c -o $@ $<

# Rewritten only where it changes, so that nothing is built anew without a reason.
$(B)/sources: FORCE | $(B)/have-deps
	@sha256sum $(DECIDES) | sha256sum | cut -c1-16 > $@.new
	@if cmp -s $@.new $@; then rm -f $@.new; else mv $@.new $@; fi
.PHONY: FORCE
FORCE:
$(B)/obj/sim/cli/version.o: $(B)/sources
$(B)/obj/sim/cli/version.o: EXTRA = -DSPILLWAY_SOURCES='"$(shell cat $(B)/sources)"'

$(LIB_CORE): $(CORE_OBJ)
$(LIB_MANIFEST): $(call objs,$(MANIFEST_SRC))
$(LIB_KUBE): $(call objs,$(KUBE_SRC))
$(LIB_DAEMON): $(call objs,$(DAEMON_SRC))
$(LIB_MODELS): $(call objs,$(MODELS_SRC))
$(LIB_SIM): $(call objs,$(SIM_SRC))
$(LIB_SUPPORT): $(call objs,$(SUPPORT_SRC))
$(LIBS) $(LIB_KUBE) $(LIB_DAEMON) $(LIB_SUPPORT):
	@rm -f $@
	$(call say,AR   $@)
	$(Q)$(AR) rcs $@ $^

# Shared libraries, for others: the core, and beside it what reads manifests and JSON. The number is SPW_ABI_MAJOR.
ABI := 0
pic = $(patsubst %.c,$(B)/pic/%.o,$(1))
SO_CORE     := $(B)/libspillway.so.$(ABI)
SO_MANIFEST := $(B)/libspillway-manifest.so.$(ABI)
$(call pic,$(CORE_SRC)): EXTRA := $(CORE_FLAGS)
$(call pic,$(MANIFEST_SRC)): EXTRA := -Isched
$(B)/pic/%.o: %.c | $(B)/have-deps
	@mkdir -p $(@D)
	$(call say,CC   $< (shared))
	$(Q)$(CC) $(CFLAGS_ALL) $(EXTRA) -fPIC -DSPILLWAY_VERSION='"$(VERSION)"' -MMD -MP -c -o $@ $<
SO_FLAGS = -shared -Wl,-soname,$(@F) -Wl,--version-script=sched/core/exports.map -Wl,-z,defs -Wl,-z,now
$(SO_CORE): $(call pic,$(CORE_SRC)) sched/core/exports.map
	$(call say,LD   $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(SO_FLAGS) -o $@ $(filter %.o,$^) -lm $(LDFLAGS)
	@ln -sf $(@F) $(B)/libspillway.so
$(SO_MANIFEST): $(call pic,$(MANIFEST_SRC)) $(SO_CORE) sched/core/exports.map
	$(call say,LD   $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(SO_FLAGS) -o $@ $(filter %.o,$^) -L$(B) -lspillway -lyaml -ljansson -lm $(LDFLAGS)
	@ln -sf $(@F) $(B)/libspillway-manifest.so

$(B)/spillway: $(call objs,sim/cli/main.c) $(LIBS)
	$(call say,LD   $@)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDLIBS_ALL) $(LDFLAGS)

$(B)/spillwayd: $(call objs,sched/daemon/main.c) $(LIB_DAEMON) $(LIB_KUBE) $(LIB_MANIFEST) $(LIB_CORE)
	$(call say,LD   $@)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDLIBS_KUBE) -lyaml -ljansson -lm -lpthread $(LDFLAGS)

$(B)/tests/%: $(B)/obj/tests/%.o $(LIB_SUPPORT) $(LIB_DAEMON) $(LIB_KUBE) $(LIBS)
	@mkdir -p $(@D)
	$(call say,LD   $@)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ -lcmocka $(LDLIBS_KUBE) $(LDLIBS_ALL) $(LDFLAGS)
.SECONDARY:

# Tests in which allocations of ours fail.
STARVE_FLAGS := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=strdup,--wrap=strndup
$(B)/tests/unit/test_daemon_starved $(B)/tests/unit/test_fleet_starved: private LDFLAGS += $(STARVE_FLAGS)

# Man pages and completion come from the program's own option tables.
MAN := $(B)/man
$(MAN)/spillway.1: $(B)/spillway
	@mkdir -p $(MAN) $(B)/completion
	@$(B)/spillway manual > $(MAN)/spillway.1
	@for c in $$($(B)/spillway help | sed -n '/^commands:/,/^$$/s/^  \([a-z]*\) .*/\1/p' | grep -vx -e help -e version); do \
		$(B)/spillway manual $$c > $(MAN)/spillway-$$c.1 || exit 1; done
	@for s in bash zsh; do $(B)/spillway completion $$s > $(B)/completion/$$s || exit 1; done
$(MAN)/spillwayd.8: $(B)/spillwayd
	@mkdir -p $(MAN)
	@$(B)/spillwayd --manual > $(MAN)/spillwayd.8
## man: man pages and shell completion into build/man and build/completion
.PHONY: man
man: $(MAN)/spillway.1 $(MAN)/spillwayd.8

# --- using it ---
## demo: install what is missing, build, run the main scenario, write out/demo/report.html
demo: deps
	@$(MAKE) --no-print-directory all
	$(B)/spillway run scenarios/hybrid-burst.yaml --out out/demo
	@echo "report: out/demo/report.html"

# --- testing it ---
## check: install what the tests need, build, run all tests; last line: N passed, N failed, N skipped
check: deps-test
	@$(MAKE) --no-print-directory run-tests
## check-asan: the same under the address and undefined-behaviour sanitizers
check-asan: deps-test
	@$(MAKE) --no-print-directory run-tests SAN=asan
## check-tsan: the replication runner under the thread sanitizer
check-tsan: deps-test
	@$(MAKE) --no-print-directory SAN=tsan build/tsan/spillway
	build/tsan/spillway run scenarios/theory-mm1.yaml --replications 4 --jobs 2 --no-plots --out out/tsan
## check-clang: the same with clang 14
check-clang:
	@$(MAKE) --no-print-directory run-tests CC=clang B=build/clang
.PHONY: run-tests
run-tests: $(B)/spillway $(B)/spillwayd $(TEST_BIN)
	@SPILLWAY=$(B)/spillway SPILLWAYD=$(B)/spillwayd BUILD=$(B) CC="$(CC)" SAN="$(SAN)" tests/run.sh $(TEST_BIN)

## theory: long validation against closed forms (minutes)
theory: $(THEORY_BIN)
	@set -e; for t in $(THEORY_BIN); do $$t; done
## fuzz: random and malformed inputs under the sanitizers, CASES= (100000) from seed SEED= (1)
CASES ?= 100000
SEED  ?= 1
fuzz:
	@$(MAKE) --no-print-directory SAN=asan run-fuzz
.PHONY: run-fuzz
run-fuzz: $(FUZZ_BIN)
	@set -e; for t in $(FUZZ_BIN); do $$t $(CASES) $(SEED); done
## bench: paired timings, ratios in one run (minutes)
bench: $(BENCH_BIN) $(B)/spillway
	@set -e; for t in $(BENCH_BIN); do $$t; done

# --- keeping it tidy ---
C_FILES = $(shell git ls-files '*.c' '*.h')
## format: rewrite the sources with clang-format 14
format:
	clang-format-14 -i $(C_FILES)
## format-check: fail where format would change something
format-check:
	clang-format-14 --dry-run -Werror $(C_FILES)
## tidy: layers, symbols of the core, licences, sizes, words (part of check)
tidy: $(LIB_CORE)
	@BUILD=$(B) CC="$(CC)" tests/tidy/tidy.sh
## cppcheck: static analysis
cppcheck:
	cppcheck --quiet --enable=warning,portability --inline-suppr --suppressions-list=tests/tidy/cppcheck.txt --error-exitcode=1 \
		-I. -Isched/include -Isched sched models sim

# --- delivering it ---
## install: PREFIX= and DESTDIR= as usual: programs, headers, libraries, pkg-config files, scenarios, plots, man pages, completion
define pc_file
	printf 'prefix=%s\nName: $(1)\nDescription: $(2)\nVersion: %s\n$(3)Cflags: -I$${prefix}/include\nLibs: -L$${prefix}/lib $(4)\nLibs.private: $(5)\n' \
		'$(PREFIX)' '$(VERSION)' > $(DESTDIR)$(PREFIX)/lib/pkgconfig/$(1).pc
endef
install: all man $(SO_CORE) $(SO_MANIFEST)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include/spillway $(DESTDIR)$(DATADIR)
	install -m 755 $(B)/spillway $(B)/spillwayd $(DESTDIR)$(PREFIX)/bin/
	install -m 644 $(LIB_CORE) $(LIB_MANIFEST) $(LIB_KUBE) $(DESTDIR)$(PREFIX)/lib/
	install -m 755 $(SO_CORE) $(SO_MANIFEST) $(DESTDIR)$(PREFIX)/lib/
	for l in $(notdir $(SO_CORE) $(SO_MANIFEST)); do ln -sf $$l $(DESTDIR)$(PREFIX)/lib/$${l%.$(ABI)} || exit 1; done
	install -m 644 sched/include/spillway/*.h $(DESTDIR)$(PREFIX)/include/spillway/
	$(call pc_file,spillway,scheduling core for AI inference fleets,,-lspillway,-lm)
	$(call pc_file,spillway-manifest,Kubernetes manifests and JSON for the scheduling core,Requires: spillway\n,-lspillway-manifest,-lspillway-kube -lspillway-manifest -lspillway -lyaml -ljansson $(LDLIBS_KUBE) -lm)
	cp -r scenarios/. $(DESTDIR)$(DATADIR)/
	cp -r plots $(DESTDIR)$(DATADIR)/
	cp -r sched/deploy $(DESTDIR)$(DATADIR)/
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man8 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions
	install -m 644 $(MAN)/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 $(MAN)/spillwayd.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -m 644 $(B)/completion/bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/spillway
	install -m 644 $(B)/completion/zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_spillway
## uninstall: remove what install wrote
uninstall:
	rm -rf $(DESTDIR)$(PREFIX)/bin/spillway $(DESTDIR)$(PREFIX)/bin/spillwayd $(DESTDIR)$(PREFIX)/include/spillway \
		$(DESTDIR)$(DATADIR) $(DESTDIR)$(PREFIX)/lib/libspillway.* $(DESTDIR)$(PREFIX)/lib/libspillway-manifest.* \
		$(DESTDIR)$(PREFIX)/lib/libspillway-kube.a $(DESTDIR)$(PREFIX)/lib/pkgconfig/spillway.pc \
		$(DESTDIR)$(PREFIX)/lib/pkgconfig/spillway-manifest.pc $(DESTDIR)$(PREFIX)/share/man/man1/spillway.1 \
		$(DESTDIR)$(PREFIX)/share/man/man1/spillway-*.1 $(DESTDIR)$(PREFIX)/share/man/man8/spillwayd.8 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/spillway \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_spillway
## dist: a source archive of the committed tree
dist:
	git archive --format=tar.gz --prefix=spillway-$(VERSION)/ -o build/spillway-$(VERSION).tar.gz HEAD
## clean: remove build and out
clean:
	rm -rf build out
## help: this list
help:
	@sed -n 's/^## //p' $(firstword $(MAKEFILE_LIST)) | awk '{ i = index($$0, ": "); printf "  %-14s %s\n", substr($$0, 1, i - 1), substr($$0, i + 2) }'

-include $(shell find $(B)/obj $(B)/pic -name '*.d' 2>/dev/null)
