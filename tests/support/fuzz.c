/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz.c - see fuzz.h: worked examples, and the judge. */
#include "tests/support/fuzz.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fuzz_fail(fuzz *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(f->why, sizeof f->why, format, args);
    va_end(args);
    return false;
}

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

/* --- the judge --- */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

spw_core *fuzz_core(fuzz *f, const spw_config *config, const spw_snapshot *snap, bool *ok)
{
    const size_t works = larger(config->workload_count, snap->workloads.count);
    const size_t pairs = works * snap->clusters.count;
    spw_settings s;
    spw_settings_default(&s);
    s.clusters_max = larger(snap->clusters.count, 4) + 2;
    s.pools_max = larger(larger(snap->pools.count, snap->grades.count), 4) + 2;
    s.placements_max = larger(larger(pairs, snap->placements.count), 8) + 8;
    s.pods_max = snap->pods.count + 8;
    s.samples_max = snap->samples.count + 8;
    s.explain = true;
    f->settings = s;
    spw_err err = {.code = SPW_OK};
    spw_core *core = NULL;
    const spw_rc rc = spw_core_new(&s, config, spw_mem_libc(), &core, &err);
    *ok = rc == SPW_OK || (rc != SPW_NOMEM && err.code == rc && err.text[0] != '\0');
    if (!*ok) {
        (void)fuzz_fail(f, "a configuration is refused with code %d and no text", (int)rc);
    }
    return core;
}

static bool is_barred(spw_verdict verdict)
{
    return verdict >= SPW_VERDICT_NOT_SELECTED && verdict <= SPW_VERDICT_SPREAD;
}

static bool judge_actions(fuzz *f, const spw_plan *plan)
{
    for (size_t i = 0; i < spw_plan_count(plan); i++) {
        const spw_action *a = spw_plan_at(plan, i);
        f->tally.actions++;
        if (strcmp(spw_reason_name(a->reason), "none") == 0) {
            return fuzz_fail(f, "action %zu has no reason", i);
        }
        for (size_t k = 0; k < spw_plan_candidate_count(plan) && a->verb == SPW_VERB_PLACE; k++) {
            const spw_candidate *c = spw_plan_candidate_at(plan, k);
            if (c->workload == a->workload && c->cluster == a->cluster && a->amount > a->before &&
                is_barred(c->verdict)) {
                return fuzz_fail(f, "action %zu grows where the verdict is %s", i, spw_verdict_name(c->verdict));
            }
        }
    }
    return true;
}

/** The governed workload of a row, NULL if nobody places it. */
static const spw_workload *work_of(const spw_config *config, const spw_snapshot *snap, spw_id row)
{
    for (size_t w = 0; w < config->workload_count; w++) {
        if (config->workloads[w].key == snap->workloads.key[row] && config->workloads[w].policy != SPW_ID_NONE) {
            return &config->workloads[w];
        }
    }
    return NULL;
}

static bool judge_outcomes(fuzz *f, const spw_plan *plan, const spw_config *config, const spw_snapshot *snap)
{
    for (size_t i = 0; i < spw_plan_outcome_count(plan); i++) {
        const spw_outcome *out = spw_plan_outcome_at(plan, i);
        const spw_workload *work = work_of(config, snap, out->workload);
        const spw_policy *policy = work == NULL ? NULL : &config->policies[work->policy];
        if (policy == NULL || out->desired < 0 || out->desired > SPW_REPLICAS_MAX || out->unplaced < 0 ||
            out->surge < 0 || out->moved < 0 || out->victims < 0) {
            return fuzz_fail(f, "outcome %zu: a count is out of range", i);
        }
        int64_t placed = 0;
        for (uint32_t t = 0; t < out->tier_count; t++) {
            const spw_tier *tier = &out->tiers[t];
            if (tier->idle < 0 || tier->elastic < 0 || tier->preempted < 0) {
                return fuzz_fail(f, "outcome %zu: tier %u has a negative count", i, (unsigned)t);
            }
            placed += (int64_t)tier->idle + tier->elastic + tier->preempted;
        }
        const bool plain = policy->division != SPW_DIVIDE_DUPLICATED && policy->division != SPW_DIVIDE_STATIC &&
                           !policy->compat &&
                           !work->by_reference; /* else placed are copies, wanted are replicas on the reference class */
        if (plain && placed + out->unplaced != out->desired) {
            return fuzz_fail(f, "outcome %zu: placed %lld and unplaced %d are not the %d that are wanted", i,
                             (long long)placed, (int)out->unplaced, (int)out->desired);
        }
    }
    for (size_t k = 0; k < spw_plan_candidate_count(plan); k++) {
        const spw_candidate *c = spw_plan_candidate_at(plan, k);
        if (c->verdict == SPW_VERDICT_NONE || strcmp(spw_verdict_name(c->verdict), "none") == 0 || c->target < 0) {
            return fuzz_fail(f, "candidate %zu has no verdict, or a target below 0", k);
        }
    }
    return true;
}

/** A core that is new, has the saved state, and sees the rows in another order must decide the same. */
static bool judge_twin(fuzz *f, const spw_core *core, spw_core *second, const spw_plan *plan, const spw_snapshot *snap,
                       const spw_snapshot *twin, spw_plan *other)
{
    spw_err err = {.code = SPW_OK};
    if (spw_decide(second, twin, other, &err) != SPW_OK) {
        return fuzz_fail(f, "the second core refuses: %s", err.text);
    }
    const size_t size = spw_plan_text(plan, snap, NULL, 0);
    const size_t size2 = spw_plan_text(other, twin, NULL, 0);
    char *text = malloc(size + size2 + 2);
    if (text == NULL) {
        abort();
    }
    (void)spw_plan_text(plan, snap, text, size + 1);
    (void)spw_plan_text(other, twin, text + size + 1, size2 + 1);
    bool same = strcmp(text, text + size + 1) == 0 && spw_state_hash(core) == spw_state_hash(second);
    same = same || fuzz_fail(f, "the second core decides otherwise:\n%s---\n%s", text, text + size + 1);
    free(text);
    return same;
}

static spw_plan *new_plan(const spw_config *config, const spw_snapshot *snap)
{
    const size_t works = larger(config->workload_count, snap->workloads.count);
    const size_t pairs = works * snap->clusters.count;
    spw_plan *plan = NULL;
    if (spw_plan_new_explained(spw_mem_libc(), works + 2 * pairs + 2 * snap->pools.count + 16, works + 1, pairs,
                               &plan) != SPW_OK) {
        abort();
    }
    return plan;
}

bool fuzz_judge(fuzz *f, spw_core *core, const spw_config *config, const spw_snapshot *snap, const spw_snapshot *twin,
                spw_plan **plan, bool *decided)
{
    spw_err err = {.code = SPW_OK};
    *decided = false;
    *plan = NULL;
    if (spw_snapshot_check(snap, &err) != SPW_OK) {
        return err.text[0] != '\0' || fuzz_fail(f, "a snapshot is refused without a text");
    }
    spw_core *second = NULL;
    spw_settings silent = f->settings;
    silent.explain = false; /* changes no decision, but lets the core skip what is settled */
    (void)spw_core_new(&silent, config, spw_mem_libc(), &second, NULL);
    const size_t size = spw_state_size(core);
    void *state = malloc(size);
    if (second == NULL || state == NULL || spw_state_save(core, state, size) != SPW_OK ||
        spw_state_load(second, state, size) != SPW_OK) {
        free(state);
        spw_core_free(second);
        return fuzz_fail(f, "the state of a core cannot be loaded into its like");
    }
    free(state);
    const uint64_t before = spw_state_hash(core);
    *plan = new_plan(config, snap);
    const spw_rc rc = spw_decide(core, snap, *plan, &err);
    if (rc != SPW_OK) {
        spw_core_free(second);
        f->tally.refused++;
        return (err.text[0] != '\0' && spw_state_hash(core) == before && spw_plan_count(*plan) == 0) ||
               fuzz_fail(f, "a refusal (code %d) without a text, or not without a trace", (int)rc);
    }
    *decided = true;
    f->tally.plans++;
    bool good = spw_plan_check(*plan, snap, &err) == SPW_OK || fuzz_fail(f, "the plan breaks its check: %s", err.text);
    good = good && judge_actions(f, *plan) && judge_outcomes(f, *plan, config, snap);
    if (good) {
        spw_plan *other = new_plan(config, twin);
        good = judge_twin(f, core, second, *plan, snap, twin, other);
        spw_plan_free(other);
    }
    spw_core_free(second);
    return good;
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
        char *text = hurt ? fuzz_damage_json(c, e->snapshot[k]) : strdup(e->snapshot[k]);
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
            core = core == NULL ? fuzz_core(f, config, snap, &ok) : core;
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
    char *text = manifests ? fuzz_damage_lines(c, e->manifests, other->manifests) : strdup(e->manifests);
    spw_rc rc = spw_manifest_add_text(set, "m.yaml", text, strlen(text), diag);
    rc = rc != SPW_OK ? rc : spw_manifest_config(set, diag, &config);
    bool good = true;
    if (rc != SPW_OK) {
        f->tally.refused++;
        good = (rc == SPW_INVAL && spw_diag_errors(diag) > 0) ||
               fuzz_fail(f, "%s: manifests are refused with code %d and no message", e->name, (int)rc);
    } else {
        good = decide_texts(f, e, config, c, !manifests);
    }
    free(text);
    spw_diag_free(diag);
    spw_manifest_free(set);
    return good;
}

bool fuzz_case(fuzz *f, uint64_t seed)
{
    choice c;
    choice_seed(&c, seed);
    f->tally.cases++;
    switch (choice_below(&c, 4)) {
    case 0:
        return run_texts(f, &c, true);
    case 1:
        return run_texts(f, &c, false);
    default:
        return fuzz_rows(f, &c);
    }
}
