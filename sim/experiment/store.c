/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store.c - see store.h. One function walks a run in both directions, so that writing and reading cannot part ways. */
#include "sim/experiment/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/scenario/hash.h"

#define TEXT_MAX (1u << 20)

typedef struct store {
    FILE *file;
    bool reading, failed;
} store;

static void raw(store *s, void *data, size_t size)
{
    if (s->failed || size == 0) {
        return;
    }
    s->failed = (s->reading ? fread(data, 1, size, s->file) : fwrite(data, 1, size, s->file)) != size;
}

#define RAW(field)        raw(s, &(field), sizeof(field))
#define LIST(list, count) raw(s, (list), (size_t)(count) * sizeof *(list))

/* A text of any length, NULL included; what is read is the caller's. */
static void text(store *s, char **t)
{
    uint32_t size = s->reading || *t == NULL ? UINT32_MAX : (uint32_t)strlen(*t);
    RAW(size);
    if (!s->reading) {
        raw(s, *t, size == UINT32_MAX ? 0 : size);
        return;
    }
    *t = NULL;
    if (s->failed || size == UINT32_MAX) {
        return;
    }
    *t = size <= TEXT_MAX ? calloc(1, (size_t)size + 1) : NULL;
    s->failed = *t == NULL;
    raw(s, *t, size);
}

static void hist(store *s, stat_hist **h)
{
    uint8_t there = *h != NULL;
    RAW(there);
    if (!there || s->failed) {
        return;
    }
    if (s->reading) {
        stat_hist_free(*h);
        *h = stat_hist_read(s->file);
        s->failed = *h == NULL;
    } else {
        s->failed = stat_hist_write(*h, s->file) != 0;
    }
}

static void latency(store *s, res_latency *l)
{
    hist(s, &l->ttft);
    hist(s, &l->tpot);
    hist(s, &l->e2e);
    hist(s, &l->queue);
    hist(s, &l->network);
}

static void service(store *s, const sc_scenario *sc, int32_t index, res_service *v)
{
    RAW(v->requests);
    latency(s, &v->latency);
    LIST(v->slo, sc->services[index].target_count);
    RAW(v->good);
    RAW(v->served_abroad);
    RAW(v->residency_violations);
    RAW(v->tokens_in);
    RAW(v->tokens_out);
    RAW(v->ended);
    LIST(v->by_region_requests, sc->region_count);
    for (int32_t r = 0; r < sc->region_count; r++) {
        latency(s, &v->by_region[r]);
    }
    RAW(v->preemptions);
    RAW(v->tokens_prefill);
    RAW(v->tokens_cached);
    RAW(v->attempts);
    RAW(v->reclaim);
    LIST(v->nominal_rps, sc->pool_count);
}

static void tenant(store *s, res_tenant *v)
{
    RAW(v->requests);
    latency(s, &v->latency);
    RAW(v->good);
    RAW(v->shed);
}

static void timeline(store *s, const sc_scenario *sc, res_timeline *t)
{
    const int64_t rows = (int64_t)t->bins * sc->service_count, pools = (int64_t)t->bins * sc->pool_count;
    LIST(t->arrivals, rows);
    LIST(t->completed, rows);
    LIST(t->rejected, rows);
    LIST(t->timed_out, rows);
    for (int64_t i = 0; i < rows; i++) {
        hist(s, &t->ttft[i]);
        hist(s, &t->tpot[i]);
    }
    LIST(t->desired, rows);
    LIST(t->assigned, rows);
    LIST(t->ready, rows);
    LIST(t->starting, rows);
    LIST(t->waiting, rows);
    LIST(t->chain_s, rows * RES_CHAIN);
    LIST(t->ready_by_pool, rows * sc->pool_count);
    LIST(t->nodes, pools);
    LIST(t->nodes_ordered, pools);
    LIST(t->cost_uusd, pools);
    LIST(t->egress_uusd, t->bins);
    LIST(t->images_uusd, t->bins);
}

static void run_of(store *s, const sc_scenario *sc, res_run *r)
{
    RAW(r->replication);
    RAW(r->seed);
    RAW(r->requests);
    latency(s, &r->latency);
    for (int32_t i = 0; i < sc->service_count; i++) {
        service(s, sc, i, &r->services[i]);
    }
    for (int32_t i = 0; i < sc->tenant_count; i++) {
        tenant(s, &r->tenants[i]);
    }
    LIST(r->pools, sc->pool_count);
    RAW(r->cost);
    LIST(r->ways, sc->region_count * sc->cluster_count);
    RAW(r->burst_count);
    if (s->reading && !s->failed) {
        r->bursts = calloc((size_t)r->burst_count + 1, sizeof *r->bursts);
        s->failed = r->bursts == NULL;
    }
    LIST(r->bursts, r->burst_count);
    RAW(r->lag);
    RAW(r->lag_by_start);
    RAW(r->control);
    LIST(r->faults, sc->fault_count);
    timeline(s, sc, &r->timeline);
    RAW(r->in_system_area_ns);
    RAW(r->sojourn_sum_ns);
}

/* Structs that changed their size were written by another build, whatever its version says. */
static int put_mark(char *mark, size_t size, const char *version)
{
    return snprintf(mark, size, "spillway %s runs %zu %zu %zu %zu %zu %zu\n", version, sizeof(res_run),
                    sizeof(res_service), sizeof(res_tenant), sizeof(res_pool), sizeof(res_burst), sizeof(res_timeline));
}

static void head_of(store *s, store_head *head)
{
    text(s, &head->scenario);
    text(s, &head->tables);
    RAW(head->hash);
    RAW(head->count);
    RAW(head->set_count);
    if (s->reading && !s->failed) {
        s->failed = head->count < 1 || head->set_count > TEXT_MAX;
        head->sets = s->failed ? NULL : calloc(head->set_count + 1, sizeof *head->sets);
        s->failed = head->sets == NULL;
    }
    for (size_t i = 0; !s->failed && i < head->set_count; i++) {
        char *path = NULL, *value = NULL;
        memcpy(&path, &head->sets[i].path, sizeof path);
        memcpy(&value, &head->sets[i].value, sizeof value);
        text(s, &path);
        text(s, &value);
        head->sets[i] = (sc_override){path, value};
    }
}

uint64_t store_layout(void)
{
    char mark[160];
    return hash_bytes(HASH_START, mark, (size_t)put_mark(mark, sizeof mark, ""));
}

int store_write_run(FILE *out, const sc_scenario *sc, res_run *run)
{
    store s = {.file = out};
    raw(&s, &run->timeline.bins, sizeof run->timeline.bins);
    raw(&s, &run->timeline.bin_ns, sizeof run->timeline.bin_ns);
    run_of(&s, sc, run);
    return s.failed ? -1 : 0;
}

int store_write(FILE *out, const char *version, const sc_scenario *sc, const char *tables, res_run *const *runs,
                int32_t count)
{
    store s = {.file = out};
    char mark[160];
    store_head head = {.hash = sc->hash, .count = count, .set_count = sc->set_count};
    memcpy(&head.scenario, &sc->path, sizeof head.scenario); /* only read */
    memcpy(&head.tables, &tables, sizeof head.tables);
    memcpy(&head.sets, &sc->sets, sizeof head.sets);
    raw(&s, mark, (size_t)put_mark(mark, sizeof mark, version));
    head_of(&s, &head);
    for (int32_t i = 0; !s.failed && i < count; i++) {
        s.failed = store_write_run(out, sc, runs[i]) != 0;
    }
    return s.failed || ferror(out) ? -1 : 0;
}

int store_read_head(FILE *in, const char *version, store_head *head, char *err, size_t err_size)
{
    store s = {.file = in, .reading = true};
    char mark[160], found[160] = "";
    *head = (store_head){.scenario = NULL};
    put_mark(mark, sizeof mark, version);
    if (fgets(found, sizeof found, in) == NULL || strcmp(found, mark) != 0) {
        snprintf(err, err_size, "the runs were written by another build (%.*s)", (int)strcspn(found, "\n"), found);
        return -1;
    }
    head_of(&s, head);
    if (s.failed) {
        snprintf(err, err_size, "the file is cut short");
        store_head_fini(head);
        return -1;
    }
    return 0;
}

void store_head_fini(store_head *head)
{
    for (size_t i = 0; head->sets != NULL && i < head->set_count; i++) {
        char *path, *value;
        memcpy(&path, &head->sets[i].path, sizeof path);
        memcpy(&value, &head->sets[i].value, sizeof value);
        free(path);
        free(value);
    }
    free(head->sets);
    free(head->scenario);
    free(head->tables);
    *head = (store_head){.scenario = NULL};
}

res_run *store_read_run(FILE *in, const sc_scenario *sc)
{
    store s = {.file = in, .reading = true};
    int32_t bins = 0;
    int64_t bin_ns = 0;
    raw(&s, &bins, sizeof bins);
    raw(&s, &bin_ns, sizeof bin_ns);
    res_run *run = s.failed || bins < 0 || bin_ns <= 0 ? NULL : res_new(sc, bins, bin_ns);
    if (run != NULL) {
        run_of(&s, sc, run);
    }
    if (s.failed) {
        res_free(run);
        run = NULL;
    }
    return run;
}

int store_read_runs(FILE *in, const sc_scenario *sc, const store_head *head, res_run **runs)
{
    for (int32_t i = 0; i < head->count; i++) {
        runs[i] = store_read_run(in, sc);
        if (runs[i] == NULL) {
            return -1;
        }
    }
    return 0;
}
