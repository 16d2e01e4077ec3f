/* SPDX-License-Identifier: GPL-3.0-or-later */
/* past_fleet.c - clusters and pools of a log, tick by tick. See past.h. */
#include "sim/history/past.h"

#include <string.h>

static const char *copy(zone *z, const char *text)
{
    return zone_text(z, text, strlen(text));
}

size_t past_cluster_of(const past *p, const char *name, size_t hint)
{
    if (hint < p->cluster_count && strcmp(p->clusters[hint].name, name) == 0) {
        return hint;
    }
    size_t i = 0;
    while (i < p->cluster_count && strcmp(p->clusters[i].name, name) != 0) {
        i++;
    }
    return i;
}

size_t past_pool_of(const past *p, size_t cluster, const char *name, size_t hint)
{
    for (size_t i = hint; i < p->pool_count + hint; i++) {
        const past_pool *pool = &p->pools[i % p->pool_count];
        if ((size_t)pool->cluster == cluster && strcmp(pool->name, name) == 0) {
            return i % p->pool_count;
        }
    }
    return p->pool_count;
}

static spw_labels copy_labels(zone *z, const spw_labels *labels)
{
    spw_label *copies = zone_array(z, labels->count, sizeof *copies);
    for (size_t i = 0; copies != NULL && i < labels->count; i++) {
        copies[i] = (spw_label){copy(z, labels->at[i].key), copy(z, labels->at[i].value)};
    }
    return (spw_labels){copies, copies != NULL ? labels->count : 0};
}

static past_cluster *cluster_seen(past *p, const spw_cluster_rows *rows, size_t row, int64_t at_ns)
{
    const size_t at = past_cluster_of(p, rows->name[row], row);
    if (at < p->cluster_count) {
        return &p->clusters[at];
    }
    past_cluster *grown = past_grow(&p->z, p->clusters, p->cluster_count, &p->cluster_room, sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    p->clusters = grown;
    grown[p->cluster_count] =
        (past_cluster){.name = copy(&p->z, rows->name[row]),
                       .region = copy(&p->z, rows->region[row]),
                       .zone = copy(&p->z, rows->zone[row]),
                       .provider = copy(&p->z, rows->provider[row]),
                       .jurisdiction = copy(&p->z, rows->jurisdiction != NULL ? rows->jurisdiction[row] : ""),
                       .labels = copy_labels(&p->z, &rows->labels[row]),
                       .first_ns = at_ns,
                       .observed_ns = rows->observed[row]};
    return p->z.failed ? NULL : &p->clusters[p->cluster_count++];
}

static void away_note(past *p, past_cluster *c, int64_t at_ns)
{
    past_windows *w = &c->away;
    const bool open = w->count > 0 && w->at[w->count - 1].end_ns == INT64_MAX;
    if (c->here && open) {
        w->at[w->count - 1].end_ns = at_ns;
    } else if (!c->here && !open) {
        past_window *grown = past_grow(&p->z, w->at, w->count, &w->room, sizeof *grown);
        if (grown != NULL) {
            w->at = grown;
            w->at[w->count++] = (past_window){at_ns, INT64_MAX};
        }
    }
}

static void clusters_tick(past *p, const spw_snapshot *snap, int64_t at_ns)
{
    for (size_t i = 0; i < p->cluster_count; i++) {
        p->clusters[i].here = false;
    }
    for (size_t i = 0; i < snap->clusters.count; i++) {
        past_cluster *c = cluster_seen(p, &snap->clusters, i, at_ns);
        if (c == NULL) {
            return;
        }
        const int64_t observed = snap->clusters.observed[i];
        const int64_t age = snap->now - observed, since = observed - c->observed_ns;
        c->here = snap->clusters.ready[i] != 0;
        c->observed_ns = observed;
        if (since > 0) { /* just read */
            p->age_ns = p->scrape_ns == 0 || age < p->age_ns ? age : p->age_ns;
        }
        p->scrape_ns = since > 0 && (p->scrape_ns == 0 || since < p->scrape_ns) ? since : p->scrape_ns;
    }
    for (size_t i = 0; i < p->cluster_count; i++) {
        away_note(p, &p->clusters[i], at_ns);
    }
}

static spw_labels pool_labels(zone *z, const spw_pool_rows *rows, size_t row)
{
    return rows->labels != NULL ? copy_labels(z, &rows->labels[row]) : (spw_labels){0};
}

static past_pool *pool_seen(past *p, const spw_pool_rows *rows, size_t row, size_t cluster)
{
    const size_t at = past_pool_of(p, cluster, rows->name[row], row);
    if (at < p->pool_count) {
        return &p->pools[at];
    }
    past_pool *grown = past_grow(&p->z, p->pools, p->pool_count, &p->pool_room, sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    p->pools = grown;
    grown[p->pool_count] = (past_pool){.cluster = (int32_t)cluster,
                                       .name = copy(&p->z, rows->name[row]),
                                       .gpu = copy(&p->z, rows->gpu[row]),
                                       .capacity = rows->capacity[row],
                                       .gpus_per_node = rows->gpus_per_node[row],
                                       .rank = rows->rank != NULL ? rows->rank[row] : 0,
                                       .labels = pool_labels(&p->z, rows, row),
                                       .nodes_min = rows->nodes_min[row],
                                       .nodes_max = rows->nodes_max[row],
                                       .failures_first = rows->failures != NULL ? rows->failures[row] : -1,
                                       .told_ns = INT64_MIN};
    return p->z.failed ? NULL : &p->pools[p->pool_count++];
}

/* What the provider had in all, at the tick that brings its answer; before the next one, as it was. */
static int32_t obtainable(past *p, past_pool *pool, const spw_pool_rows *rows, size_t row)
{
    const int32_t before = pool->level_count > 0 ? pool->levels[pool->level_count - 1].obtainable : -1;
    const int64_t told = rows->stock_observed != NULL ? rows->stock_observed[row] : rows->observed[row];
    if (rows->stock[row] < 0 || told == pool->told_ns) {
        return rows->stock[row] < 0 ? -1 : before;
    }
    const int64_t since = pool->told_ns != INT64_MIN ? told - pool->told_ns : 0;
    p->stock_ns = since > 0 && (p->stock_ns == 0 || since < p->stock_ns) ? since : p->stock_ns;
    pool->told_ns = told;
    const int32_t held = rows->nodes_target[row] > rows->nodes[row] ? rows->nodes_target[row] : rows->nodes[row];
    return held < INT32_MAX - rows->stock[row] ? held + rows->stock[row] : INT32_MAX;
}

static void level_note(past *p, past_pool *pool, const past_level *now)
{
    const past_level *last = pool->level_count > 0 ? &pool->levels[pool->level_count - 1] : NULL;
    if (last != NULL && last->nodes == now->nodes && last->obtainable == now->obtainable &&
        last->price_uusd == now->price_uusd) {
        return;
    }
    past_level *grown = past_grow(&p->z, pool->levels, pool->level_count, &pool->level_room, sizeof *grown);
    if (grown != NULL) {
        pool->levels = grown;
        pool->levels[pool->level_count++] = *now;
    }
}

void past_fleet_tick(past *p, const spw_snapshot *snap, int64_t at_ns)
{
    const spw_pool_rows *rows = &snap->pools;
    clusters_tick(p, snap, at_ns);
    for (size_t i = 0; i < rows->count && !p->z.failed; i++) {
        const size_t cluster = past_cluster_of(p, snap->clusters.name[rows->cluster[i]], rows->cluster[i]);
        past_pool *pool = pool_seen(p, rows, i, cluster);
        if (pool == NULL || (!p->clusters[cluster].here && pool->level_count > 0)) {
            continue; /* what is said of a cluster that does not answer is old */
        }
        pool->nodes_min = rows->nodes_min[i] < pool->nodes_min ? rows->nodes_min[i] : pool->nodes_min;
        pool->nodes_max = rows->nodes_max[i] > pool->nodes_max ? rows->nodes_max[i] : pool->nodes_max;
        pool->nodes_most = rows->nodes[i] > pool->nodes_most ? rows->nodes[i] : pool->nodes_most;
        pool->elastic = pool->elastic || rows->nodes_max[i] > rows->nodes_min[i];
        if (rows->failures != NULL && pool->failures_first >= 0) {
            pool->failures = rows->failures[i] - pool->failures_first;
        }
        level_note(p, pool,
                   &(past_level){.at_ns = at_ns,
                                 .nodes = rows->nodes[i],
                                 .obtainable = obtainable(p, pool, rows, i),
                                 .price_uusd = rows->price_uusd_per_gpu_h[i]});
    }
}
