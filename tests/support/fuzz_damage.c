/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_damage.c - damage to rows and configurations, and the same rows backwards; see fuzz_rows.h. */
#include <string.h>

#include "tests/support/fuzz_rows.h"

typedef struct cell_column {
    void *at;
    size_t size, count;
} cell_column;

#define COLUMN(array)                                                                                                  \
    {                                                                                                                  \
        (array), sizeof(array)[0], sizeof(array) / sizeof(array)[0]                                                    \
    }

void fuzz_damage_cell(rows *r, choice *c)
{
    cluster_columns *k = &r->c;
    pool_columns *p = &r->p;
    other_columns *o = &r->o;
    const cell_column columns[] = {
        COLUMN(k->key),           COLUMN(k->ready),         COLUMN(k->observed),   COLUMN(k->summary[0]),
        COLUMN(k->summary[1]),    COLUMN(k->summary[3]),    COLUMN(k->summary[6]), COLUMN(k->summary[8]),
        COLUMN(p->key),           COLUMN(p->cluster),       COLUMN(p->capacity),   COLUMN(p->gpus),
        COLUMN(p->nodes),         COLUMN(p->target),        COLUMN(p->min),        COLUMN(p->max),
        COLUMN(p->stock),         COLUMN(p->rank),          COLUMN(p->failures),   COLUMN(p->price),
        COLUMN(p->free_nodes[0]), COLUMN(p->free_nodes[1]), COLUMN(p->observed),   COLUMN(p->stock_observed),
        COLUMN(o->wkey),          COLUMN(o->podkey),        COLUMN(o->smetric),    COLUMN(o->vmetric),
        COLUMN(o->replicas),      COLUMN(o->gpus),          COLUMN(o->assigned),   COLUMN(o->scheduled),
        COLUMN(o->ready),         COLUMN(o->gnodes),        COLUMN(o->uready),     COLUMN(o->reschedule),
        COLUMN(o->observed),      COLUMN(o->started),       COLUMN(o->changed),    COLUMN(o->sampled),
        COLUMN(o->vobserved),     COLUMN(o->swork),         COLUMN(o->scluster),   COLUMN(o->pwork),
        COLUMN(o->pcluster),      COLUMN(o->spod),          COLUMN(o->vwork),      COLUMN(o->gcluster),
        COLUMN(o->uwork),         COLUMN(o->upool),         COLUMN(o->phase),      COLUMN(o->deleting),
        COLUMN(o->pready),        COLUMN(o->value),         COLUMN(o->request),    COLUMN(o->vvalue),
        COLUMN(o->gcpu),          COLUMN(o->gmemory),       COLUMN(o->window),     COLUMN(o->cpu),
        COLUMN(o->memory)};
    static const int64_t edges[] = {0,
                                    1,
                                    -1,
                                    2,
                                    3,
                                    64,
                                    1000000,
                                    1000001,
                                    INT32_MAX,
                                    INT32_MIN,
                                    INT64_MAX,
                                    INT64_MIN,
                                    INT64_MAX - 1,
                                    (int64_t)1 << 61,
                                    (int64_t)1 << 62,
                                    255};
    const cell_column *column = &columns[choice_below(c, sizeof columns / sizeof columns[0])];
    int64_t value = edges[choice_below(c, sizeof edges / sizeof edges[0])];
    const size_t few = column->count < 4 ? column->count : 4; /* rows that exist in most worlds */
    unsigned char *cell = (unsigned char *)column->at + choice_below(c, few) * column->size;
    memcpy(cell, &value, column->size); /* little-endian: the low bytes */
}

void fuzz_damage_shape(rows *r, choice *c)
{
    spw_snapshot *s = &r->snap;
    switch (choice_below(c, 16)) {
    case 0:
        r->c.name[choice_below(c, 2)] = NULL;
        break;
    case 1:
        r->c.name[1] = r->c.name[0];
        break;
    case 2:
        r->c.region[0] = NULL;
        break;
    case 3:
        r->p.name[0] = NULL;
        break;
    case 4:
        r->p.gpu[choice_below(c, 2)] = choice_chance(c, 1, 2) ? NULL : "";
        break;
    case 5:
        r->o.wname[0] = NULL;
        break;
    case 6:
        s->clusters.ready = NULL;
        break;
    case 7:
        s->pools.free_nodes = NULL;
        break;
    case 8:
        s->workloads.gpus = NULL;
        break;
    case 9:
        s->placements.scheduled = NULL;
        break;
    case 10:
        s->pods.started = NULL;
        break;
    case 11:
        s->samples.request_milli = NULL;
        break;
    case 12:
        s->version = (uint32_t)choice_below(c, 3);
        break;
    case 13:
        s->now = choice_chance(c, 1, 2) ? INT64_MAX : INT64_MIN;
        break;
    case 14:
        r->c.labels[0] = (spw_labels){NULL, 1};
        r->p.labels[0] = (spw_labels){NULL, 1};
        break;
    default:
        r->c.taints[0] = (spw_taints){NULL, 2};
        break;
    }
}

void fuzz_damage_twice(rows *r, choice *c)
{
    switch (choice_below(c, 6)) {
    case 0:
        r->c.key[1] = r->c.key[0];
        break;
    case 1:
        r->p.key[1] = r->p.key[0];
        break;
    case 2:
        r->p.name[1] = r->p.name[0];
        r->p.cluster[1] = r->p.cluster[0];
        break;
    case 3:
        r->o.wkey[1] = r->o.wkey[0];
        break;
    case 4:
        r->o.swork[1] = r->o.swork[0];
        r->o.scluster[1] = r->o.scluster[0];
        break;
    default:
        r->o.podkey[1] = r->o.podkey[0];
        break;
    }
}

void fuzz_damage_setup(setup *s, choice *c)
{
    static const int32_t edges[] = {0, -1, 1, 17, 65, INT32_MAX, INT32_MIN, 1000001};
    const int32_t edge = edges[choice_below(c, 8)];
    spw_policy *p = &s->policy[choice_below(c, 3)];
    spw_workload *w = &s->work[choice_below(c, WORKS)];
    spw_hpa *h = &s->hpa[choice_below(c, 2)];
    int32_t *const ints[] = {
        &p->moves_per_tick,         &p->nodes_per_batch,  &p->failover_moves, &p->moves_per_cluster,
        &p->route_fill_ppm,         &w->replicas,         &w->gpus,           &w->priority,
        &w->min_available,          &h->replicas_min,     &h->replicas_max,   &h->sync_s,
        &s->rule[0].value,          &s->rule[0].period_s, &h->up.window_s,    &s->spread[0][0].min_groups,
        &s->spread[0][0].max_groups};
    int64_t *const longs[] = {&p->failback_window,     &p->move_deadline,       &p->provision_deadline,
                              &p->node_unneeded,       &p->evict_grace,         &p->dwell,
                              &p->route_lag,           &w->cpu_milli,           &w->memory_bytes,
                              &w->latency_budget,      &s->metric[0][0].target, &s->weight[0][0].weight,
                              &p->route_capacity_milli};
    switch (choice_below(c, 6)) {
    case 0:
    case 1:
        *ints[choice_below(c, sizeof ints / sizeof ints[0])] = edge;
        break;
    case 2:
    case 3:
        *longs[choice_below(c, sizeof longs / sizeof longs[0])] = choice_chance(c, 1, 2) ? edge : INT64_MAX - 3;
        break;
    case 4:
        w->policy = (spw_id)edge;
        break;
    default:
        p->group_count = (size_t)choice_below(c, 5);
        p->division = (spw_division)choice_below(c, 7);
        break;
    }
}

/* --- the same rows backwards --- */

static void turn(void *array, size_t size, size_t count)
{
    unsigned char *a = array;
    unsigned char keep[128];
    for (size_t i = 0; i + i + 1 < count; i++) {
        memcpy(keep, a + i * size, size);
        memcpy(a + i * size, a + (count - 1 - i) * size, size);
        memcpy(a + (count - 1 - i) * size, keep, size);
    }
}

static void turn_ids(spw_id *ids, size_t count, size_t referred)
{
    for (size_t i = 0; i < count; i++) {
        ids[i] = ids[i] < referred ? (spw_id)(referred - 1 - ids[i]) : ids[i];
    }
}

#define TURN(array, n) turn((array), sizeof(array)[0], (n))

static void turn_rows(rows *r)
{
    spw_snapshot *s = &r->snap;
    cluster_columns *k = &r->c;
    pool_columns *p = &r->p;
    other_columns *o = &r->o;
    const size_t clusters = s->clusters.count;
    TURN(k->key, clusters), TURN(k->name, clusters), TURN(k->region, clusters), TURN(k->zone, clusters);
    TURN(k->provider, clusters), TURN(k->jurisdiction, clusters), TURN(k->labels, clusters), TURN(k->ready, clusters);
    TURN(k->observed, clusters), TURN(k->taints, clusters);
    for (int i = 0; i < 9; i++) {
        TURN(k->summary[i], clusters);
    }
    const size_t pools = s->pools.count;
    TURN(p->key, pools), TURN(p->name, pools), TURN(p->gpu, pools), TURN(p->cluster, pools), TURN(p->capacity, pools);
    TURN(p->gpus, pools), TURN(p->nodes, pools), TURN(p->target, pools), TURN(p->min, pools), TURN(p->max, pools);
    TURN(p->stock, pools), TURN(p->rank, pools), TURN(p->failures, pools), TURN(p->price, pools);
    TURN(p->free_nodes, pools), TURN(p->observed, pools), TURN(p->stock_observed, pools);
    TURN(p->labels, pools);
    const size_t works = s->workloads.count;
    TURN(o->wkey, works), TURN(o->wname, works), TURN(o->replicas, works), TURN(o->gpus, works);
    TURN(o->reschedule, works), TURN(o->cpu, works), TURN(o->memory, works);
    const size_t seats = s->placements.count;
    TURN(o->swork, seats), TURN(o->scluster, seats), TURN(o->assigned, seats), TURN(o->scheduled, seats);
    TURN(o->ready, seats), TURN(o->observed, seats);
    const size_t pods = s->pods.count;
    TURN(o->podkey, pods), TURN(o->pwork, pods), TURN(o->pcluster, pods), TURN(o->phase, pods);
    TURN(o->deleting, pods), TURN(o->pready, pods), TURN(o->started, pods), TURN(o->changed, pods);
    turn_ids(p->cluster, pools, clusters), turn_ids(o->swork, seats, works), turn_ids(o->scluster, seats, clusters);
    turn_ids(o->pwork, pods, works), turn_ids(o->pcluster, pods, clusters), turn_ids(o->spod, s->samples.count, pods);
    turn_ids(o->vwork, s->values.count, works), turn_ids(o->gcluster, s->grades.count, clusters);
    turn_ids(o->uwork, s->usage.count, works), turn_ids(o->upool, s->usage.count, pools);
}

/** The twin is a copy of the bytes; its columns must be its own. */
static void own_columns(rows *twin, const rows *original)
{
    unsigned char *words = (unsigned char *)&twin->snap;
    for (size_t i = 0; i + sizeof(void *) <= sizeof twin->snap; i += sizeof(void *)) {
        uintptr_t at = 0;
        memcpy(&at, words + i, sizeof at);
        if (at >= (uintptr_t)original && at < (uintptr_t)(original + 1)) {
            at += (uintptr_t)twin - (uintptr_t)original;
            memcpy(words + i, &at, sizeof at);
        }
    }
}

void fuzz_twin(rows *twin, const rows *original, bool valid)
{
    *twin = *original;
    own_columns(twin, original);
    if (valid) {
        turn_rows(twin);
    }
}
