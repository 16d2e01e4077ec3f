/* SPDX-License-Identifier: Apache-2.0 */
/** source_nodes.c - what stands on the nodes, and the tables of pools and clusters that follow from it. */
#include "sched/kube/objects_int.h"
#include "sched/kube/source_int.h"

#include <string.h>

#define NO_POOL UINT32_MAX

static bool has_labels(const kube_node *node, spw_labels wanted)
{
    size_t have = 0;
    for (size_t i = 0; i < wanted.count; i++) {
        for (size_t k = 0; k < node->label_count; k++) {
            if (strcmp(node->labels[k].key, wanted.at[i].key) == 0 &&
                strcmp(node->labels[k].value, wanted.at[i].value) == 0) {
                have++;
                break;
            }
        }
    }
    return have == wanted.count;
}

/* Sums stay below what the core takes for an amount, whatever single objects claim. */
static void add(int64_t *sum, int64_t more)
{
    *sum = more < OBJ_AMOUNT_MOST - *sum ? *sum + more : OBJ_AMOUNT_MOST;
}

static bool is_up(const kube_node *node)
{
    return node->ready && !node->unschedulable && !node->no_schedule && !node->meta.deleting;
}

/* One pod: what it takes where it stands, or that it waits; and whose replica it is. */
static void count_pod(kube_source *s, size_t c, const kube_pod *pod)
{
    const kube_fleet_spec *spec = kube_fleet_spec_get(s->spec.fleet);
    const kube_store *nodes = kube_fleet_part(s->spec.fleet, c, KUBE_PART_NODES);

    if (pod->over) {
        return;
    }
    if (pod->node[0] != '\0') {
        const size_t at = kube_store_seek(nodes, "", pod->node);
        if (at != SIZE_MAX) {
            source_node *node = &s->nodes[c][at];
            node->gpus_taken += pod->gpus;
            add(&node->cpu_taken, pod->cpu_milli);
            add(&node->memory_taken, pod->memory_bytes);
            node->pods++;
        }
    } else {
        add(&s->waiting[c][0], pod->cpu_milli);
        add(&s->waiting[c][1], pod->memory_bytes);
        s->waiting[c][2]++;
    }
    const size_t w = source_owner(s, pod);
    if (w != SIZE_MAX && pod->node[0] != '\0') {
        source_count *count = &s->counts[w * spec->cluster_count + c];
        count->scheduled++;
        count->ready += pod->ready && !pod->meta.deleting ? 1 : 0;
    }
}

bool source_count_nodes(kube_source *s)
{
    const kube_fleet_spec *spec = kube_fleet_spec_get(s->spec.fleet);
    uint32_t pool_first = 0;

    s->nodes = zone_array(&s->zone, spec->cluster_count + 1, sizeof(*s->nodes));
    s->counts = zone_array(&s->zone, spec->cluster_count * s->work_count + 1, sizeof *s->counts);
    s->waiting = zone_array(&s->zone, spec->cluster_count + 1, sizeof *s->waiting);
    for (size_t c = 0; !s->zone.failed && c < spec->cluster_count; c++) {
        const kube_store *nodes = kube_fleet_part(s->spec.fleet, c, KUBE_PART_NODES);
        const kube_store *pods = kube_fleet_part(s->spec.fleet, c, KUBE_PART_PODS);
        s->nodes[c] = zone_array(&s->zone, kube_store_count(nodes) + 1, sizeof(**s->nodes));
        for (size_t n = 0; s->nodes[c] != NULL && n < kube_store_count(nodes); n++) {
            s->nodes[c][n].pool = NO_POOL;
            for (size_t p = 0; p < spec->clusters[c].pool_count; p++) {
                if (has_labels(kube_store_at(nodes, n), spec->clusters[c].pools[p].selector)) {
                    s->nodes[c][n].pool = pool_first + (uint32_t)p;
                    break;
                }
            }
        }
        for (size_t i = 0; s->nodes[c] != NULL && i < kube_store_count(pods); i++) {
            count_pod(s, c, kube_store_at(pods, i));
        }
        pool_first += (uint32_t)spec->clusters[c].pool_count;
    }
    return !s->zone.failed;
}

void source_sum_nodes(const kube_source *s, size_t c, source_summary *out)
{
    const kube_store *nodes = kube_fleet_part(s->spec.fleet, c, KUBE_PART_NODES);
    *out = (source_summary){{{0}}};
    for (size_t n = 0; n < kube_store_count(nodes); n++) {
        const kube_node *node = kube_store_at(nodes, n);
        const source_node *on = &s->nodes[c][n];
        if (is_up(node)) {
            const int64_t can[3] = {node->cpu_milli, node->memory_bytes, node->pods};
            const int64_t taken[3] = {on->cpu_taken, on->memory_taken, on->pods};
            for (size_t r = 0; r < 3; r++) {
                add(&out->amount[0][r], can[r]);
                add(&out->amount[1][r], taken[r] < can[r] ? taken[r] : can[r]);
            }
        }
    }
    memcpy(out->amount[2], s->waiting[c], sizeof out->amount[2]);
}

/* --- tables ---------------------------------------------------------------------------------------------------- */

bool source_clusters_take(kube_source *s, size_t n, source_clusters *t)
{
    zone *z = &s->zone;
    n++;
    *t = (source_clusters){
        .key = zone_array(z, n, sizeof *t->key),
        .name = zone_array(z, n, sizeof *t->name),
        .region = zone_array(z, n, sizeof *t->region),
        .zone = zone_array(z, n, sizeof *t->zone),
        .provider = zone_array(z, n, sizeof *t->provider),
        .jurisdiction = zone_array(z, n, sizeof *t->jurisdiction),
        .labels = zone_array(z, n, sizeof *t->labels),
        .taints = zone_array(z, n, sizeof *t->taints),
        .ready = zone_array(z, n, sizeof *t->ready),
        .observed = zone_array(z, n, sizeof *t->observed),
        .cpu_allocatable = zone_array(z, n, sizeof(int64_t)),
        .cpu_allocated = zone_array(z, n, sizeof(int64_t)),
        .cpu_allocating = zone_array(z, n, sizeof(int64_t)),
        .memory_allocatable = zone_array(z, n, sizeof(int64_t)),
        .memory_allocated = zone_array(z, n, sizeof(int64_t)),
        .memory_allocating = zone_array(z, n, sizeof(int64_t)),
        .pods_allocatable = zone_array(z, n, sizeof(int64_t)),
        .pods_allocated = zone_array(z, n, sizeof(int64_t)),
        .pods_allocating = zone_array(z, n, sizeof(int64_t)),
    };
    return !z->failed;
}

void source_clusters_show(kube_source *s, size_t n, const source_clusters *t)
{
    s->snapshot.clusters = (spw_cluster_rows){
        .count = n,
        .key = t->key,
        .name = t->name,
        .region = t->region,
        .zone = t->zone,
        .provider = t->provider,
        .labels = t->labels,
        .ready = t->ready,
        .observed = t->observed,
        .taints = t->taints,
        .jurisdiction = t->jurisdiction,
        .cpu_allocatable = t->cpu_allocatable,
        .cpu_allocated = t->cpu_allocated,
        .cpu_allocating = t->cpu_allocating,
        .memory_allocatable = t->memory_allocatable,
        .memory_allocated = t->memory_allocated,
        .memory_allocating = t->memory_allocating,
        .pods_allocatable = t->pods_allocatable,
        .pods_allocated = t->pods_allocated,
        .pods_allocating = t->pods_allocating,
    };
}

typedef struct pool_columns {
    uint64_t *key;
    const char **name, **gpu;
    spw_id *cluster;
    uint8_t *capacity;
    int32_t *gpus_per_node, *nodes, *target, *least, *most, *stock, *rank;
    int64_t *failures, *price;
    int32_t (*free_nodes)[SPW_NODE_GPUS_MAX + 1];
    spw_time *observed, *stock_observed;
    spw_labels *labels;
} pool_columns;

static bool pool_columns_take(zone *z, size_t n, pool_columns *t)
{
    *t = (pool_columns){
        .key = zone_array(z, n, sizeof *t->key),
        .name = zone_array(z, n, sizeof *t->name),
        .gpu = zone_array(z, n, sizeof *t->gpu),
        .cluster = zone_array(z, n, sizeof *t->cluster),
        .capacity = zone_array(z, n, sizeof *t->capacity),
        .gpus_per_node = zone_array(z, n, sizeof(int32_t)),
        .nodes = zone_array(z, n, sizeof(int32_t)),
        .target = zone_array(z, n, sizeof(int32_t)),
        .least = zone_array(z, n, sizeof(int32_t)),
        .most = zone_array(z, n, sizeof(int32_t)),
        .stock = zone_array(z, n, sizeof(int32_t)),
        .rank = zone_array(z, n, sizeof(int32_t)),
        .failures = zone_array(z, n, sizeof(int64_t)),
        .price = zone_array(z, n, sizeof(int64_t)),
        .free_nodes = zone_array(z, n, sizeof *t->free_nodes),
        .observed = zone_array(z, n, sizeof(spw_time)),
        .stock_observed = zone_array(z, n, sizeof(spw_time)),
        .labels = zone_array(z, n, sizeof *t->labels),
    };
    return !z->failed;
}

static const kube_inventory_row *inventory_of(const kube_inventory_row *rows, size_t count, const char *cluster,
                                              const char *pool)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].cluster, cluster) == 0 && strcmp(rows[i].pool, pool) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static void count_free(const kube_source *s, size_t c, uint32_t pool, pool_columns *t)
{
    const kube_store *nodes = kube_fleet_part(s->spec.fleet, c, KUBE_PART_NODES);
    for (size_t n = 0; n < kube_store_count(nodes); n++) {
        const kube_node *node = kube_store_at(nodes, n);
        if (s->nodes[c][n].pool != pool || !is_up(node)) {
            continue;
        }
        const int32_t size = node->gpus < t->gpus_per_node[pool] ? node->gpus : t->gpus_per_node[pool];
        const int32_t left = size - s->nodes[c][n].gpus_taken;
        t->nodes[pool]++;
        t->free_nodes[pool][left > 0 ? left : 0]++;
    }
}

static int32_t clamp(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

bool source_pool_rows(kube_source *s)
{
    const kube_fleet_spec *spec = kube_fleet_spec_get(s->spec.fleet);
    const kube_inventory_row *known = NULL;
    const size_t known_count = s->spec.inventory != NULL ? s->spec.inventory(s->spec.user, &known) : 0;
    pool_columns t;
    size_t n = 0;

    for (size_t c = 0; c < spec->cluster_count; c++) {
        n += spec->clusters[c].pool_count;
    }
    if (!pool_columns_take(&s->zone, n + 1, &t)) {
        return false;
    }
    uint32_t row = 0;
    for (size_t c = 0; c < spec->cluster_count; c++) {
        for (size_t p = 0; p < spec->clusters[c].pool_count; p++, row++) {
            const kube_pool_spec *pool = &spec->clusters[c].pools[p];
            const kube_inventory_row *more = inventory_of(known, known_count, spec->clusters[c].name, pool->name);
            t.key[row] = spw_key2(spec->clusters[c].name, pool->name);
            t.name[row] = pool->name;
            t.gpu[row] = pool->gpu;
            t.cluster[row] = (spw_id)c;
            t.capacity[row] = (uint8_t)pool->capacity;
            t.gpus_per_node[row] = pool->gpus_per_node;
            t.least[row] = pool->nodes_min;
            t.most[row] = pool->nodes_max;
            t.rank[row] = pool->rank;
            t.labels[row] = pool->labels;
            t.price[row] = pool->price_uusd_per_gpu_h;
            t.observed[row] = s->snapshot.clusters.observed[c];
            count_free(s, c, row, &t);
            const int32_t target = more != NULL && more->target >= 0 ? more->target : t.nodes[row];
            t.target[row] = clamp(target, pool->nodes_min, pool->nodes_max);
            t.stock[row] = more != NULL ? more->stock : -1;
            t.failures[row] = more != NULL && more->failures > 0 ? more->failures : 0;
            t.stock_observed[row] = more != NULL && more->observed < s->now ? more->observed : t.observed[row];
        }
    }
    s->snapshot.pools = (spw_pool_rows){.count = n,
                                        .key = t.key,
                                        .name = t.name,
                                        .cluster = t.cluster,
                                        .gpu = t.gpu,
                                        .capacity = t.capacity,
                                        .gpus_per_node = t.gpus_per_node,
                                        .nodes = t.nodes,
                                        .nodes_target = t.target,
                                        .nodes_min = t.least,
                                        .nodes_max = t.most,
                                        .stock = t.stock,
                                        .rank = t.rank,
                                        .failures = t.failures,
                                        .price_uusd_per_gpu_h = t.price,
                                        .free_nodes = (const int32_t(*)[SPW_NODE_GPUS_MAX + 1]) t.free_nodes,
                                        .observed = t.observed,
                                        .stock_observed = t.stock_observed,
                                        .labels = t.labels};
    return true;
}

/* Grades of a cluster, or 0 if these are more than there is room for: its summary alone limits it then. */
static size_t grades_of(const kube_store *members, const kube_cluster_spec *cluster, const kube_member **out)
{
    const kube_member *m = members != NULL ? kube_store_find(members, "", cluster->name) : NULL;
    *out = m;
    return m != NULL && m->grade_count <= SOURCE_GRADES_MAX ? m->grade_count : 0;
}

bool source_grade_rows(kube_source *s)
{
    const kube_fleet_spec *spec = kube_fleet_spec_get(s->spec.fleet);
    const kube_store *members = kube_fleet_hub(s->spec.fleet, KUBE_HUB_MEMBERS);
    const kube_member *m;
    size_t n = 0;
    for (size_t c = 0; c < spec->cluster_count; c++) {
        n += grades_of(members, &spec->clusters[c], &m);
    }
    spw_id *cluster = zone_array(&s->zone, n + 1, sizeof *cluster);
    int32_t *nodes = zone_array(&s->zone, n + 1, sizeof *nodes);
    int64_t *cpu = zone_array(&s->zone, n + 1, sizeof *cpu);
    int64_t *memory = zone_array(&s->zone, n + 1, sizeof *memory);
    if (s->zone.failed) {
        return false;
    }
    n = 0;
    for (size_t c = 0; c < spec->cluster_count; c++) {
        const size_t count = grades_of(members, &spec->clusters[c], &m);
        for (size_t i = 0; i < count; i++, n++) {
            cluster[n] = (spw_id)c;
            nodes[n] = clamp(m->grades[i].nodes, 0, SPW_NODES_MAX);
            cpu[n] = m->grades[i].cpu_milli;
            memory[n] = m->grades[i].memory_bytes;
        }
    }
    s->snapshot.grades =
        (spw_grade_rows){.count = n, .cluster = cluster, .nodes = nodes, .cpu_milli = cpu, .memory_bytes = memory};
    return true;
}
