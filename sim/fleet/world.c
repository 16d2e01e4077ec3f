/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * world.c - makes and unmakes the state of one replication, and the small tools every part of it uses.
 *
 * Random streams: each entity draws from a stream named by what it is (pool and ordinal of the node order, service
 * and ordinal of the pod, traffic entry), so that two policies that order their n-th node at different times still
 * meet the same luck: common random numbers.
 */
#include "sim/fleet/faults.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE ((size_t)64) /* of the cache */

void fl_check_failed(const fl_world *w, const char *condition, const char *file, int line)
{
    fprintf(stderr,
            "spillway: internal error: %s:%d: '%s' does not hold (seed %" PRIu64 ", replication %" PRIu32
            ", simulated time %.9f s, event %" PRIu64 ")\n",
            file, line, condition, w->seed, w->replication, (double)w->now / 1e9, w->events);
    abort();
}

bool fl_grow(fl_world *w, void **rows, uint32_t *cap, uint32_t need, size_t row_size)
{
    uint32_t wanted = *cap < 16 ? 16 : *cap;
    void *grown;

    if (need <= *cap) {
        return true;
    }
    while (wanted < need) {
        if (wanted >= FL_NONE / 2) {
            w->no_memory = true;
            return false;
        }
        wanted *= 2;
    }
    grown = aligned_alloc(LINE, ((size_t)wanted * row_size + LINE - 1) / LINE * LINE);
    if (grown == NULL) {
        w->no_memory = true;
        return false;
    }
    if (*cap > 0) {
        memcpy(grown, *rows, (size_t)*cap * row_size);
    }
    memset((char *)grown + (size_t)*cap * row_size, 0, (size_t)(wanted - *cap) * row_size);
    free(*rows);
    *rows = grown;
    *cap = wanted;
    return true;
}

static uint32_t slot_owned(fl_world *w, uint32_t slot, fl_slot owner)
{
    const bool busy = slot >= EVQ_BUSY;
    fl_slot **rows = busy ? &w->busy : &w->slots;
    void *grown = *rows;
    const uint32_t at = busy ? slot - EVQ_BUSY : slot;

    if (slot == EVQ_NONE) {
        w->no_memory = true;
        return FL_NONE;
    }
    if (!fl_grow(w, &grown, busy ? &w->busy_cap : &w->slot_cap, at + 1, sizeof **rows)) {
        return FL_NONE;
    }
    *rows = grown;
    (*rows)[at] = owner;
    return slot;
}

uint32_t fl_slot_new(fl_world *w, fl_owner owner, uint32_t index)
{
    return slot_owned(w, evq_slot_add(w->queue), (fl_slot){owner, index});
}

uint32_t fl_slot_new_busy(fl_world *w, fl_owner owner, uint32_t index)
{
    return slot_owned(w, evq_slot_add_busy(w->queue), (fl_slot){owner, index});
}

uint64_t fl_mix(uint64_t base, uint64_t ordinal)
{
    /* splitmix64's finaliser (Steele, Lea, Flood 2014): a bijection, so members of one family never collide */
    uint64_t z = ordinal * UINT64_C(0x9E3779B97F4A7C15) + UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return base ^ z ^ (z >> 31);
}

gsl_rng *fl_luck(fl_world *w, const char *name, uint64_t key)
{
    rng_rekey(w->draw, w->seed, w->replication, name, key);
    return w->draw;
}

int64_t fl_ns(double seconds)
{
    const double longest_s = 1e9; /* thirty years: keeps the sum of a few inside int64 */

    if (!(seconds > 0)) {
        return 0;
    }
    return (int64_t)llround((seconds < longest_s ? seconds : longest_s) * 1e9);
}

static bool pools_init(fl_world *w)
{
    const sc_scenario *sc = w->sc;

    w->pools = calloc((size_t)sc->pool_count + 1, sizeof *w->pools);
    w->pending_head = calloc((size_t)sc->cluster_count + 1, sizeof *w->pending_head);
    w->pending_tail = calloc((size_t)sc->cluster_count + 1, sizeof *w->pending_tail);
    if (w->pools == NULL || w->pending_head == NULL || w->pending_tail == NULL || !fl_ways_init(w)) {
        return false;
    }
    for (int32_t c = 0; c < sc->cluster_count; c++) {
        const sc_cluster *cluster = &sc->clusters[c];

        w->pending_head[c] = FL_NONE;
        w->pending_tail[c] = FL_NONE;
        for (int32_t i = 0; i < cluster->pool_count; i++) {
            fl_pool *pool = &w->pools[cluster->pool_first + i];

            pool->sc = &cluster->pools[i];
            pool->cluster = (uint32_t)c;
            pool->key = spw_key2(cluster->name, pool->sc->name);
            pool->paid_always = pool->sc->capacity == SPW_CAPACITY_OWNED || pool->sc->capacity == SPW_CAPACITY_RESERVED;
            pool->price_uusd = pool->sc->price_uusd_per_gpu_h;
            stat_timew_init(&pool->billed, 0, 0);
            stat_timew_init(&pool->held, 0, 0);
            stat_timew_init(&pool->t_up, 0, 0);
            stat_timew_init(&pool->t_ordered, 0, 0);
        }
    }
    return true;
}

static bool lines_init(fl_world *w)
{
    const sc_scenario *sc = w->sc;
    uint32_t pairs = (uint32_t)(sc->region_count * sc->cluster_count);

    w->lines = calloc((size_t)pairs * 2 + 1, sizeof *w->lines);
    if (w->lines == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < pairs * 2; i++) {
        fl_line *line = &w->lines[i];
        uint32_t pair = i / 2;

        line->back = i % 2 == 1;
        line->region = pair / (uint32_t)sc->cluster_count;
        line->cluster = pair % (uint32_t)sc->cluster_count;
        line->delay_ns =
            sc->rtt_ns[line->region * (uint32_t)sc->region_count + (uint32_t)sc->clusters[line->cluster].region] / 2;
        if (sc->jitter_ns != NULL) {
            line->jitter_ns = (double)sc->jitter_ns[line->region * (uint32_t)sc->region_count +
                                                    (uint32_t)sc->clusters[line->cluster].region];
        }
        line->slot = FL_NONE;
        if (line->delay_ns > 0 || line->jitter_ns > 0) {
            line->slot = fl_slot_new_busy(w, FL_OWNER_LINE, i);
            if (line->slot == FL_NONE) {
                return false;
            }
        }
    }
    return true;
}

/* One stream for each turn of each conversation: both keep their luck whatever else goes on. */
static gsl_rng *session_luck(void *self, uint64_t session, int32_t turn)
{
    fl_source *src = self;
    uint64_t key = fl_mix(fl_mix(src->sessions.key, session), (uint64_t)turn);

    rng_rekey_in(src->session_rng, &src->session_family, key);
    return src->session_rng;
}

/* Whether the engine has to know more of a request than its lengths. */
static bool has_talks(const sc_traffic *sc)
{
    const mdl_trace *trace = sc->arrivals.trace;

    return sc->priority != 0 || sc->tenant >= 0 || sc->arrivals.sessions != NULL ||
           (trace != NULL && (trace->session != NULL || trace->prefix_tokens != NULL || trace->priority != NULL ||
                              trace->chain_end != NULL));
}

static bool source_init(fl_world *w, fl_source *source, uint32_t service, const sc_traffic *sc)
{
    uint64_t key = spw_key(sc->name);
    mdl_arrival_spec spec = sc->arrivals;

    source->service = service;
    source->sc = sc;
    source->region = (uint32_t)sc->region;
    if (spec.sessions != NULL) {
        source->session_rng = rng_stream(w->seed, w->replication, "sessions", key);
        source->session_family = rng_family_of(w->seed, w->replication, "sessions");
        source->sessions = *spec.sessions;
        source->sessions.luck = session_luck;
        source->sessions.luck_self = source;
        spec.sessions = &source->sessions;
    }
    spec.trace_key = key;
    source->arrivals = mdl_arrivals_new(&spec);
    source->arrival_rng = rng_stream(w->seed, w->replication, "arrivals", key);
    source->length_rng = rng_stream(w->seed, w->replication, "lengths", key);
    if (w->sc->jitter_ns != NULL) {
        source->jitter_rng = rng_stream(w->seed, w->replication, "jitter", key);
    }
    source->slot = fl_slot_new_busy(w, FL_OWNER_SOURCE, w->source_count);
    source->tenant = (uint32_t)(w->run->tenant_count > 0 ? sc->tenant + 1 : 0);
    w->source_count++;
    w->has_answers = w->has_answers || source->sessions.answered;
    w->has_talks = w->has_talks || has_talks(sc) || w->sc->jitter_ns != NULL;
    return source->arrivals != NULL && source->arrival_rng != NULL && source->length_rng != NULL &&
           source->slot != FL_NONE && fl_cell_open(w, service, source->region, source->tenant) &&
           (spec.sessions == NULL || source->session_rng != NULL) &&
           (w->sc->jitter_ns == NULL || source->jitter_rng != NULL);
}

static bool sources_init(fl_world *w)
{
    const sc_scenario *sc = w->sc;
    uint32_t count = 0;

    for (int32_t s = 0; s < sc->service_count; s++) {
        count += (uint32_t)sc->services[s].traffic_count;
    }
    w->sources = calloc((size_t)count + 1, sizeof *w->sources);
    if (w->sources == NULL) {
        return false;
    }
    for (int32_t s = 0; s < sc->service_count; s++) {
        for (int32_t i = 0; i < sc->services[s].traffic_count; i++) {
            if (!source_init(w, &w->sources[w->source_count], (uint32_t)s, &sc->services[s].traffic[i])) {
                return false;
            }
        }
    }
    return true;
}

/* The nodes of time 0. The market does not leave spot nodes where it has none; others it does not take back. */
static void pool_start(fl_world *w, uint32_t pool)
{
    fl_pool *p = &w->pools[pool];
    int32_t started = 0;

    while (started < p->sc->nodes_start && !w->no_memory &&
           (p->sc->capacity != SPW_CAPACITY_SPOT || fl_supply_grants(w, pool))) {
        fl_node_start(w, pool);
        started++;
    }
    p->refused = started < p->sc->nodes_start;
    p->target = started > p->sc->nodes_min ? started : p->sc->nodes_min;
    fl_count_nodes(w, pool);
}

static bool world_init(fl_world *w)
{
    const sc_scenario *sc = w->sc;
    int64_t width = fl_bin_width(sc);

    w->queue = evq_new(64);
    w->draw = rng_stream(w->seed, w->replication, "world", 0);
    w->run = res_new(sc, (int32_t)((sc->duration_ns + width - 1) / width), width);
    w->services = calloc((size_t)sc->service_count + 1, sizeof *w->services);
    w->assigned_before = calloc((size_t)(sc->service_count * sc->cluster_count) + 1, sizeof *w->assigned_before);
    w->moved = calloc((size_t)(sc->service_count * sc->cluster_count) + 1, sizeof *w->moved);
    if (w->queue == NULL || w->draw == NULL || w->run == NULL || w->services == NULL || w->assigned_before == NULL ||
        w->moved == NULL || !pools_init(w) || !fl_supply_init(w) || !fl_delivery_init(w)) {
        return false;
    }
    w->run->seed = w->seed;
    w->run->replication = w->replication;
    for (uint32_t s = 0; s < (uint32_t)sc->service_count; s++) {
        if (!fl_service_init(w, s)) {
            return false;
        }
    }
    for (int i = 0; i < MDL_STAGES; i++) {
        w->lag_hist[i] = stat_hist_new(7);
        if (w->lag_hist[i] == NULL) {
            return false;
        }
    }
    if (!lines_init(w) || !fl_cells_init(w) || !sources_init(w) || !fl_burst_init(w) || !fl_eye_new(w) ||
        !fl_faults_new(w)) {
        return false;
    }
    for (uint32_t p = 0; p < (uint32_t)sc->pool_count; p++) {
        pool_start(w, p);
    }
    fl_delivery_preheat(w);
    return !w->no_memory;
}

fl_world *fl_world_new(const sc_scenario *sc, uint64_t seed, uint32_t replication, const fleet_hooks *hooks)
{
    fl_world *w = calloc(1, sizeof *w);

    if (w == NULL) {
        return NULL;
    }
    w->sc = sc;
    w->seed = seed;
    w->replication = replication;
    w->hooks = hooks;
    w->end_ns = sc->duration_ns;
    w->laws = sc_laws(sc);
    w->warmup_ns = sc->warmup_ns;
    w->counting = sc->warmup_ns <= 0;
    w->reading_ns = FL_NEVER;
    w->request_free = w->node_free = w->replica_free = FL_NONE;
    if (!world_init(w)) {
        fl_world_free(w);
        return NULL;
    }
    return w;
}

static void traffic_fini(fl_world *w)
{
    for (uint32_t i = 0; i < w->source_count; i++) {
        mdl_arrivals_free(w->sources[i].arrivals);
        if (w->sources[i].arrival_rng != NULL) {
            gsl_rng_free(w->sources[i].arrival_rng);
        }
        if (w->sources[i].length_rng != NULL) {
            gsl_rng_free(w->sources[i].length_rng);
        }
        if (w->sources[i].jitter_rng != NULL) {
            gsl_rng_free(w->sources[i].jitter_rng);
        }
        if (w->sources[i].session_rng != NULL) {
            gsl_rng_free(w->sources[i].session_rng);
        }
    }
    free(w->sources);
    for (int32_t i = 0; w->lines != NULL && i < 2 * w->sc->region_count * w->sc->cluster_count; i++) {
        free(w->lines[i].ring);
    }
    free(w->lines);
    free(w->requests);
    free(w->numbers);
    free(w->beside);
}

void fl_world_free(fl_world *w)
{
    if (w == NULL) {
        return;
    }
    fl_eye_free(w);
    fl_faults_free(w);
    fl_burst_fini(w);
    fl_supply_fini(w);
    fl_delivery_fini(w);
    for (int32_t s = 0; w->services != NULL && s < w->sc->service_count; s++) {
        fl_service_fini(w, &w->services[s]);
    }
    free(w->services);
    traffic_fini(w);
    for (uint32_t i = 0; i < w->replica_cap; i++) {
        mdl_engine_free(w->replicas[i].engine);
    }
    free(w->replicas);
    for (uint32_t i = 0; i < w->node_cap; i++) {
        free(w->nodes[i].cached);
    }
    free(w->nodes);
    for (int32_t p = 0; w->pools != NULL && p < w->sc->pool_count; p++) {
        free(w->pools[p].nodes);
    }
    free(w->pools);
    free(w->pending_head);
    free(w->pending_tail);
    free(w->ways);
    free(w->assigned_before);
    free(w->moved);
    for (int i = 0; i < MDL_STAGES; i++) {
        stat_hist_free(w->lag_hist[i]);
    }
    if (w->draw != NULL) {
        gsl_rng_free(w->draw);
    }
    fl_cells_fini(w);
    free(w->slots);
    free(w->busy);
    evq_free(w->queue);
    res_free(w->run);
    free(w);
}
