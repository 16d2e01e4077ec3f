/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz.c - see fuzz.h: the worked examples, and which case a seed is. */
#include "tests/support/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- worked examples --- */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
        const long size = ftell(file);
        rewind(file);
        text = size < 0 ? NULL : malloc((size_t)size + 1);
        if (text != NULL) {
            text[fread(text, 1, (size_t)size, file)] = '\0';
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return text;
}

/** The part after a heading, up to the next one. @return a copy, NULL if there is none */
static char *part(const char **at, const char *heading)
{
    const char *from = strstr(*at, heading);
    if (from == NULL) {
        return NULL;
    }
    from += strlen(heading);
    const char *end = strstr(from, "\n=== ");
    const size_t size = end == NULL ? strlen(from) : (size_t)(end + 1 - from);
    char *copy = malloc(size + 1);
    if (copy != NULL) {
        memcpy(copy, from, size);
        copy[size] = '\0';
    }
    *at = from + size;
    return copy;
}

static void read_example(fuzz_example *e, char *text)
{
    const char *at = text;
    e->manifests = part(&at, "=== manifests\n");
    while (e->snapshots < 8 && (e->snapshot[e->snapshots] = part(&at, "=== snapshot\n")) != NULL) {
        e->snapshots++;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const fuzz_example *)a)->name, ((const fuzz_example *)b)->name);
}

int fuzz_init(fuzz *f, const char *folder)
{
    *f = (fuzz){0};
    DIR *dir = opendir(folder);
    size_t room = 0;
    for (struct dirent *entry = dir == NULL ? NULL : readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        char *text = strstr(entry->d_name, ".txt") == NULL ? NULL : read_file(path);
        if (text == NULL) {
            continue;
        }
        if (f->count == room) {
            room = room == 0 ? 256 : room * 2;
            fuzz_example *grown = realloc(f->examples, room * sizeof *grown);
            if (grown == NULL) {
                abort();
            }
            f->examples = grown;
        }
        f->examples[f->count] = (fuzz_example){.name = strdup(entry->d_name)};
        read_example(&f->examples[f->count], text);
        free(text);
        f->count++;
    }
    if (dir != NULL) {
        closedir(dir);
    }
    if (f->count > 0) { /* the order of a folder is not a seed's business */
        qsort(f->examples, f->count, sizeof *f->examples, by_name);
    }
    return f->count > 0 ? 0 : -1;
}

void fuzz_fini(fuzz *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->examples[i].name);
        free(f->examples[i].manifests);
        for (int k = 0; k < f->examples[i].snapshots; k++) {
            free(f->examples[i].snapshot[k]);
        }
    }
    free(f->examples);
    *f = (fuzz){0};
}

/* --- texts --- */

/** Manifests and snapshots of an example, some of them damaged, through the readers and then the core. */
static bool decide_texts(fuzz *f, const fuzz_example *e, const spw_config *config, choice *c, bool damage)
{
    spw_core *core = NULL;
    bool good = true;
    for (int k = 0; k < e->snapshots && good; k++) {
        spw_diag *diag = NULL;
        spw_json_snapshot *read = NULL;
        if (spw_diag_new(NULL, 4, &diag) != SPW_OK) {
            abort();
        }
        const bool hurt = damage && choice_chance(c, 2, 3);
        const bool gently = hurt && choice_chance(c, 1, 2);
        char *text = gently ? fuzz_vary_numbers(c, e->snapshot[k])
                     : hurt ? fuzz_damage_json(c, e->snapshot[k])
                            : strdup(e->snapshot[k]);
        const spw_rc rc = spw_json_snapshot_read(text, strlen(text), "s.json", diag, &read);
        if (rc != SPW_OK) {
            f->tally.refused++;
            good = (rc == SPW_INVAL && spw_diag_errors(diag) > 0 && spw_diag_at(diag, 0)[0] != '\0') ||
                   fuzz_fail(f, "%s: a snapshot is refused with code %d and no message", e->name, (int)rc);
        }
        const spw_snapshot *snap = read == NULL ? NULL : spw_json_snapshot_get(read);
        if (snap != NULL) {
            bool ok = true;
            spw_plan *plan = NULL;
            bool decided = false;
            spw_core_free(k == 0 ? core : NULL);
            if (core == NULL) {
                fuzz_settings(f, config, snap);
                core = fuzz_core(f, config, &ok);
            }
            good = ok;
            if (good && core != NULL) {
                good = fuzz_judge(f, core, config, snap, snap, &plan, &decided);
            }
            if (good && decided) {
                spw_json_buffer out = {0};
                const spw_json_decision told = {plan, snap, config, core, true};
                good = spw_json_plan_write(&told, &out) == SPW_OK || fuzz_fail(f, "a plan cannot be written");
                spw_json_buffer_fini(&out);
            }
            spw_plan_free(plan);
        }
        spw_json_snapshot_free(read);
        spw_diag_free(diag);
        free(text);
    }
    spw_core_free(core);
    return good;
}

static bool run_texts(fuzz *f, choice *c, bool manifests)
{
    const fuzz_example *e = &f->examples[choice_below(c, f->count)];
    const fuzz_example *other = &f->examples[choice_below(c, f->count)];
    spw_manifest_set *set = spw_manifest_new(NULL);
    spw_diag *diag = NULL;
    const spw_config *config = NULL;
    if (set == NULL || spw_diag_new(NULL, 4, &diag) != SPW_OK) {
        abort();
    }
    const bool gently = manifests && choice_chance(c, 1, 2);
    char *text = gently      ? fuzz_vary_numbers(c, e->manifests)
                 : manifests ? fuzz_damage_lines(c, e->manifests, other->manifests)
                             : strdup(e->manifests);
    spw_rc rc = spw_manifest_add_text(set, "m.yaml", text, strlen(text), diag);
    rc = rc != SPW_OK ? rc : spw_manifest_config(set, diag, &config);
    bool good = true;
    if (rc != SPW_OK) {
        f->tally.refused++;
        good = (rc == SPW_INVAL && spw_diag_errors(diag) > 0) ||
               fuzz_fail(f, "%s: manifests are refused with code %d and no message", e->name, (int)rc);
    } else {
        good = decide_texts(f, e, config, c, !manifests || gently);
    }
    free(text);
    spw_diag_free(diag);
    spw_manifest_free(set);
    return good;
}

static bool run_case(fuzz *f, uint64_t seed)
{
    choice c;
    choice_seed(&c, seed);
    switch (choice_below(&c, 4)) {
    case 0:
        return run_texts(f, &c, true);
    case 1:
        return run_texts(f, &c, false);
    default:
        return fuzz_rows(f, &c, seed % 4 < 2 && !f->plain);
    }
}

bool fuzz_case(fuzz *f, uint64_t seed)
{
    const uint64_t before = f->tally.plans;
    const bool good = run_case(f, seed);
    f->tally.cases++;
    f->tally.valid += f->tally.plans > before ? 1 : 0;
    return good;
}
