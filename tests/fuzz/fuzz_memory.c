/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_memory.c - `make fuzz`: what a daemon finds on its disk at a start - state files, lines of its log, its own
 * configuration - damaged in any way, checksums made to fit again in half of the cases. Each is refused with a
 * sentence, or is whole.
 *
 * usage: fuzz_memory [CASES [FIRST_SEED]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/core/hash.h"
#include "sched/daemon/config.h"
#include "sched/daemon/state.h"
#include "tests/support/fuzz.h"

#include <spillway/json.h>

static const char config_text[] =
    "apiVersion: spillway.dev/v1alpha1\nkind: Daemon\nmetadata: {name: d}\nspec:\n  mode: kubernetes\n  tick: 15s\n"
    "  manifests: {fromServer: true, namespaces: [a, b]}\n  clusters:\n    - name: idc\n      access: {kubeconfig: k}\n"
    "      labels: {a: b}\n      pools:\n        - {name: p, gpu: G, capacity: spot, gpusPerNode: 8, nodesMax: 3, "
    "price: 1.5 "
    "USD/h, nodeSelector: {x: y}}\n  meters:\n    - {kind: prometheus, server: idc, metric: m, namespace: n, name: w, "
    "query: up}\n  guards: {changeShare: 25%, changeMost: 3}\n  memory: {state: s, rotate: 1MiB}\n";

static const char line_text[] =
    "{\"tick\":3,\"now_ns\":5,\"snapshot_sha\":\"0000000000000001\",\"state_sha\":\"0000000000000002\",\"plan\":[{"
    "\"verb\":"
    "\"place\",\"workload\":\"a/"
    "b\",\"cluster\":\"c\",\"before\":0,\"amount\":4,\"reason\":\"fill-idle\"}],\"snapshot\":{"
    "\"now_ns\":5,\"clusters\":[{\"name\":\"c\"}],\"workloads\":[{\"namespace\":\"a\",\"name\":\"b\",\"replicas\":4}]}}"
    "\n";

/* Flips, cuts, doubles bytes. *size may shrink or grow, up to room. */
static void damage(choice *c, unsigned char *bytes, size_t *size, size_t room)
{
    for (uint64_t n = choice_below(c, 5); n > 0 && *size > 0; n--) {
        const size_t at = (size_t)choice_below(c, *size);
        switch (choice_below(c, 4)) {
        case 0:
            bytes[at] ^= (unsigned char)(1u << choice_below(c, 8));
            break;
        case 1:
            bytes[at] = (unsigned char)choice_below(c, 256);
            break;
        case 2:
            *size = at;
            break;
        default:
            if (*size < room) {
                memmove(bytes + at + 1, bytes + at, *size - at);
                (*size)++;
            }
        }
    }
}

/* The last eight bytes say what stands before them. */
static void seal(unsigned char *bytes, size_t size)
{
    if (size >= 8) {
        const uint64_t sum = hash_bytes(HASH_SEED, bytes, size - 8);
        for (size_t i = 0; i < 8; i++) {
            bytes[size - 8 + i] = (unsigned char)(sum >> (8 * i));
        }
    }
}

static spw_core *small_core(void)
{
    static const spw_workload works[] = {
        {.key = 1, .name = "a/b", .replicas = 4, .gpus = 1, .policy = SPW_ID_NONE, .hpa = SPW_ID_NONE}};
    const spw_config config = {.workloads = works, .workload_count = 1};
    spw_settings settings;
    spw_core *core = NULL;
    spw_settings_default(&settings);
    settings.clusters_max = settings.pools_max = settings.placements_max = settings.pods_max = settings.samples_max = 4;
    return spw_core_new(&settings, &config, spw_mem_libc(), &core, NULL) == SPW_OK ? core : NULL;
}

/* A state within a state: both are damaged, both may fit again. @return false: something is wrong */
static bool state_case(choice *c, spw_core *core, uint64_t *whole)
{
    unsigned char inner[4096], outer[8192];
    size_t inner_size = spw_state_size(core), size = 0;
    dm_template templates[] = {{(char *)(uintptr_t) "a/b", 4}, {(char *)(uintptr_t) "", -1}};
    if (inner_size > sizeof inner || spw_state_save(core, inner, inner_size) != SPW_OK) {
        return false;
    }
    damage(c, inner, &inner_size, sizeof inner);
    if (choice_chance(c, 1, 2)) {
        seal(inner, inner_size);
    }
    const dm_state s = {
        .generation = 3, .core = inner, .core_size = inner_size, .templates = templates, .template_count = 2};
    void *packed = dm_state_pack(&s, &size);
    if (packed == NULL || size > sizeof outer) {
        free(packed);
        return false;
    }
    memcpy(outer, packed, size);
    free(packed);
    damage(c, outer, &size, sizeof outer);
    if (choice_chance(c, 1, 2)) {
        seal(outer, size);
    }
    dm_state read = {0};
    spw_err err = {.text = ""};
    const spw_rc rc = dm_state_unpack(outer, size, &read, &err);
    if (rc != SPW_OK) {
        return err.text[0] != '\0' && read.core == NULL;
    }
    const uint64_t before = spw_state_hash(core);
    const bool loaded = spw_state_load(core, read.core, read.core_size) == SPW_OK;
    *whole += loaded ? 1 : 0;
    const bool good = loaded || spw_state_hash(core) == before; /* all or nothing */
    dm_state_fini(&read);
    return good;
}

static bool text_case(choice *c, bool line, uint64_t *whole)
{
    spw_diag *diag = NULL;
    if (spw_diag_new(NULL, 4, &diag) != SPW_OK) {
        return false;
    }
    spw_rc rc;
    if (line) {
        spw_json_buffer b = {0};
        const spw_json_line *read = NULL;
        b.text = fuzz_damage_json(c, line_text);
        b.size = b.text != NULL ? strlen(b.text) : 0;
        b.room = b.size;
        if (choice_chance(c, 1, 2)) {
            (void)spw_json_line_seal(&b, 0);
        }
        rc = b.text != NULL ? spw_json_line_read(b.text, b.size, "log", 1, diag, &read) : SPW_NOMEM;
        spw_json_line_free(read);
        spw_json_buffer_fini(&b);
    } else {
        dm_config_file *file = NULL;
        char *text = fuzz_damage_lines(c, config_text, line_text);
        rc = text != NULL ? dm_config_read_text("d.yaml", text, strlen(text), diag, &file) : SPW_NOMEM;
        dm_config_free(file);
        free(text);
    }
    const bool good = rc == SPW_OK || (rc == SPW_INVAL && spw_diag_errors(diag) > 0);
    *whole += rc == SPW_OK ? 1 : 0;
    spw_diag_free(diag);
    return good;
}

int main(int argc, char **argv)
{
    const uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
    const uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    static const char *const names[] = {"states", "lines", "configurations"};
    uint64_t whole[3] = {0}, failed = 0;
    for (uint64_t seed = first; seed < first + cases && failed < 20; seed++) {
        choice c;
        choice_seed(&c, seed);
        const size_t kind = (size_t)(seed % 3);
        spw_core *core = kind == 0 ? small_core() : NULL;
        const bool good =
            kind == 0 ? core != NULL && state_case(&c, core, &whole[0]) : text_case(&c, kind == 1, &whole[kind]);
        spw_core_free(core);
        if (!good) {
            printf("seed %" PRIu64 ": %s\n", seed, names[kind]);
            failed++;
        }
    }
    printf("%" PRIu64 " cases of what lies on the disk: whole %" PRIu64 " states, %" PRIu64 " lines, %" PRIu64
           " configurations; %" PRIu64 " failed\n",
           cases, whole[0], whole[1], whole[2], failed);
    return failed == 0 ? 0 : 1;
}
