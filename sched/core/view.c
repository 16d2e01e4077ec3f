/* SPDX-License-Identifier: Apache-2.0 */
/* view.c - see view.h. */
#include "core/view.h"

#include "core/bits.h"
#include "core/errors.h"
#include "core/hash.h"
#include "core/sort.h"
#include "place/select.h"
#include "place/units.h"

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

void view_layout(view *v, arena *a, const spw_settings *s, const spw_config *config)
{
    size_t works = config->workload_count;
    v->site_stride = s->clusters_max;
    v->sites = arena_take(a, config->policy_count * s->clusters_max, sizeof *v->sites);
    size_t rows = max_size(max_size(s->clusters_max, s->pools_max), max_size(s->placements_max, works));
    v->clusters = arena_take(a, s->clusters_max, sizeof *v->clusters);
    v->canonical = arena_take(a, s->clusters_max, sizeof *v->canonical);
    v->by_key = arena_take(a, s->clusters_max, sizeof *v->by_key);
    view_seats_layout(v, a, s, works);
    v->rooms.pools = arena_take(a, s->pools_max, sizeof *v->rooms.pools);
    v->pool_hint = arena_take(a, s->pools_max, sizeof *v->pool_hint);
    v->rooms.first = arena_take(a, s->clusters_max + 1, sizeof *v->rooms.first);
    v->rooms.version = arena_take(a, s->clusters_max, sizeof *v->rooms.version);
    v->rooms.touched_max = s->clusters_max + 1;
    v->rooms.touched = arena_take(a, v->rooms.touched_max, sizeof *v->rooms.touched);
    v->limits = arena_take(a, s->clusters_max, sizeof *v->limits);
    v->grades_max = s->pools_max;
    v->rooms.grades = arena_take(a, v->grades_max, sizeof *v->rooms.grades);
    bool units = false;
    for (size_t w = 0; w < works; w++) {
        units = units || config->workloads[w].units != NULL;
    }
    v->rooms.units = arena_take(a, units ? s->clusters_max : 0, sizeof *v->rooms.units);
    v->holds = arena_take(a, units ? 3 * s->placements_max : 0, sizeof *v->holds); /* seats, and those remembered */
    v->hold_first = arena_take(a, units ? works : 0, sizeof *v->hold_first);
    v->hold_end = arena_take(a, units ? works : 0, sizeof *v->hold_end);
    v->index = arena_take(a, rows, sizeof *v->index);
    v->index_max = rows;
}

static void index_fill(view *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        v->index[i] = (uint32_t)i;
    }
}

static bool key_before(const void *rows, uint32_t a, uint32_t b)
{
    const uint64_t *keys = rows;
    return keys[a] < keys[b];
}

/** What is remembered is found by key: two rows must not share one. @return a row that does, SPW_ID_NONE if none */
static spw_id repeated_key(view *v, const uint64_t *keys, size_t count)
{
    index_fill(v, count);
    sort_rows(v->index, count, key_before, keys);
    for (size_t i = 1; i < count; i++) {
        if (keys[v->index[i]] == keys[v->index[i - 1]]) {
            return v->index[i] > v->index[i - 1] ? v->index[i] : v->index[i - 1];
        }
    }
    return SPW_ID_NONE;
}

/* --- clusters --- */

static bool cluster_before(const void *rows, uint32_t a, uint32_t b)
{
    const spw_cluster_rows *t = rows;
    return strcmp(t->name[a], t->name[b]) < 0;
}

/** Rows do not wait for each other here: a processor works on several at a time. */
static uint64_t look_of(const spw_cluster_rows *t, size_t row)
{
    uint64_t h = hash_text(t->key[row], t->name[row]);
    h = hash_text(h, t->region[row]);
    h = hash_text(h, t->zone[row]);
    h = hash_text(h, t->provider[row]);
    h = hash_text(h, t->jurisdiction == NULL ? "" : t->jurisdiction[row]);
    h = hash_quick(h, t->labels[row].count);
    for (size_t i = 0; i < t->labels[row].count; i++) {
        h = hash_text(hash_text(h, t->labels[row].at[i].key), t->labels[row].at[i].value);
    }
    size_t taints = t->taints == NULL ? 0 : t->taints[row].count;
    h = hash_quick(h, taints);
    for (size_t i = 0; i < taints; i++) {
        const spw_taint *taint = &t->taints[row].at[i];
        h = hash_quick(hash_text(hash_text(h, taint->key), taint->value), (uint64_t)taint->effect);
    }
    return h;
}

/**
 * Digest of everything about the clusters that lasts, row by row: what selectors and filters look at, and keys. While
 * it is the same, the same numbers, order and sites hold.
 */
static uint64_t looks_of(const view *v)
{
    const spw_cluster_rows *t = &v->snap->clusters;
    uint64_t h = hash_word(HASH_SEED, t->count);
    for (size_t row = 0; row < t->count; row++) {
        h = hash_word(h, look_of(t, row));
    }
    return h;
}

/** What changes from tick to tick. */
static void watch_clusters(view *v, const spw_settings *s)
{
    const spw_cluster_rows *t = &v->snap->clusters;
    for (uint32_t c = 0; c < v->cluster_count; c++) {
        view_cluster *cluster = &v->clusters[c];
        cluster->ready = t->ready[cluster->row] != 0;
        cluster->lost = false;
        cluster->stale = v->now - t->observed[cluster->row] > s->stale_after;
    }
}

static spw_rc build_clusters(view *v, const spw_settings *s, spw_err *err)
{
    const spw_cluster_rows *t = &v->snap->clusters;
    if (t->count > s->clusters_max) {
        return err_set(err, SPW_LIMIT, SPW_ID_NONE, "clusters", "more clusters than settings.clusters_max");
    }
    uint64_t looks = looks_of(v);
    v->same_clusters = looks == v->looks && !v->anew;
    v->looks = looks;
    if (v->same_clusters) {
        watch_clusters(v, s);
        return SPW_OK;
    }
    spw_id twice = repeated_key(v, t->key, t->count);
    if (twice != SPW_ID_NONE) {
        return err_set(err, SPW_INVAL, twice, "clusters.key", "two clusters have the same key");
    }
    v->cluster_count = (uint32_t)t->count;
    if (t->count > 0) {
        memcpy(v->by_key, v->index, t->count * sizeof *v->by_key); /* left sorted by the search for repeated keys */
    }
    index_fill(v, t->count);
    sort_rows(v->index, t->count, cluster_before, t);
    for (uint32_t c = 0; c < v->cluster_count; c++) {
        spw_id row = v->index[c];
        if (c > 0 && strcmp(t->name[row], t->name[v->index[c - 1]]) == 0) {
            return err_set(err, SPW_INVAL, row, "clusters.name", "two clusters have the same name");
        }
        v->clusters[c] = (view_cluster){.row = row, .key = t->key[row]};
        v->canonical[row] = c;
    }
    watch_clusters(v, s);
    return SPW_OK;
}

/* --- what policies say of clusters --- */

static int32_t static_weight(const spw_policy *policy, const spw_cluster_rows *clusters, spw_id row)
{
    int64_t weight = 0;
    for (size_t i = 0; i < policy->static_weight_count; i++) {
        const spw_static_weight *w = &policy->static_weights[i];
        if (w->weight > weight && select_cluster(&w->selector, clusters, row)) {
            weight = w->weight;
        }
    }
    return (int32_t)weight; /* config_check: at most INT32_MAX */
}

static void build_sites(view *v, const spw_config *config)
{
    if (v->same_clusters) {
        return;
    }
    for (size_t p = 0; p < config->policy_count; p++) {
        for (uint32_t c = 0; c < v->cluster_count; c++) {
            spw_id row = v->clusters[c].row;
            v->sites[p * v->site_stride + c] =
                (view_site){.group = select_group(&config->policies[p], &v->snap->clusters, row),
                            .weight = static_weight(&config->policies[p], &v->snap->clusters, row)};
        }
    }
}

const view_site *view_site_at(const view *v, spw_id policy, uint32_t c)
{
    return &v->sites[policy * v->site_stride + c];
}

/* --- resource summaries and grades --- */

static bool grade_before(const void *rows, uint32_t a, uint32_t b)
{
    const view *v = rows;
    const spw_grade_rows *t = &v->snap->grades;
    if (t->cluster[a] != t->cluster[b]) {
        return v->canonical[t->cluster[a]] < v->canonical[t->cluster[b]];
    }
    if (t->cpu_milli[a] != t->cpu_milli[b]) {
        return t->cpu_milli[a] < t->cpu_milli[b];
    }
    return t->memory_bytes[a] < t->memory_bytes[b];
}

static spw_rc build_limits(view *v, spw_err *err)
{
    const spw_cluster_rows *t = &v->snap->clusters;
    const spw_grade_rows *g = &v->snap->grades;
    const int64_t *const summaries[] = {t->cpu_allocatable, t->memory_allocatable, t->pods_allocatable,
                                        t->cpu_allocated,   t->memory_allocated,   t->pods_allocated,
                                        t->cpu_allocating,  t->memory_allocating,  t->pods_allocating};
    bool any = g->count > 0;
    for (size_t i = 0; i < sizeof summaries / sizeof summaries[0]; i++) {
        any = any || summaries[i] != NULL;
    }
    v->rooms.limits = any ? v->limits : NULL;
    if (g->count > v->grades_max) {
        return err_set(err, SPW_LIMIT, SPW_ID_NONE, "grades", "more grades of nodes than settings.pools_max");
    }
    for (uint32_t c = 0; c < v->cluster_count && v->rooms.limits != NULL; c++) {
        v->limits[c] = estimate_of_summary(t, v->clusters[c].row);
    }
    index_fill(v, g->count);
    sort_rows(v->index, g->count, grade_before, v);
    for (uint32_t i = 0; i < g->count; i++) {
        spw_id row = v->index[i];
        uint32_t c = v->canonical[g->cluster[row]];
        v->rooms.grades[i] = (estimate_grade){
            .cluster = c, .nodes = g->nodes[row], .cpu_milli = g->cpu_milli[row], .memory_bytes = g->memory_bytes[row]};
        if (i == 0 || v->rooms.grades[i - 1].cluster != c) {
            v->limits[c].grade_first = i;
        }
        v->limits[c].grade_end = i + 1;
        v->limits[c].no_cpu_grade = v->limits[c].no_cpu_grade || g->cpu_milli[row] < 0;
        v->limits[c].no_memory_grade = v->limits[c].no_memory_grade || g->memory_bytes[row] < 0;
    }
    return SPW_OK;
}

/* --- pools --- */

static int32_t pool_rank(const spw_pool_rows *t, spw_id row)
{
    return t->rank == NULL ? 0 : t->rank[row];
}

static bool pool_before(const void *rows, uint32_t a, uint32_t b)
{
    const view *v = rows;
    const spw_pool_rows *t = &v->snap->pools;
    if (v->canonical[t->cluster[a]] != v->canonical[t->cluster[b]]) {
        return v->canonical[t->cluster[a]] < v->canonical[t->cluster[b]];
    }
    if (pool_rank(t, a) != pool_rank(t, b)) {
        return pool_rank(t, a) < pool_rank(t, b);
    }
    if (t->price_uusd_per_gpu_h[a] != t->price_uusd_per_gpu_h[b]) {
        return t->price_uusd_per_gpu_h[a] < t->price_uusd_per_gpu_h[b];
    }
    return strcmp(t->name[a], t->name[b]) < 0;
}

/** Desired size to plan on: the pool's own record, or what the core wrote last while that is not visible yet. */
static int32_t pool_target(const view *v, const spw_settings *s, spw_id row, const memory_pool *mem)
{
    int32_t target = v->snap->pools.nodes_target[row];
    if (mem != NULL && mem->promised > target && v->now - mem->promised_at < s->promise_ttl) {
        target = mem->promised < v->snap->pools.nodes_max[row] ? mem->promised : v->snap->pools.nodes_max[row];
    }
    return target > v->snap->pools.nodes_target[row] ? target : v->snap->pools.nodes_target[row];
}

static spw_time stock_asked(const view *v, spw_id row)
{
    const spw_pool_rows *t = &v->snap->pools;
    return t->stock_observed == NULL ? t->observed[row] : t->stock_observed[row];
}

/** What is left of a stock, negative = not known, at its age: it fades. */
static int32_t faded_stock(const view *v, const spw_settings *s, spw_id row)
{
    const int32_t stock = v->snap->pools.stock[row];
    if (stock <= 0 || s->stock_tau == 0) {
        return stock;
    }
    spw_dur age = v->now - stock_asked(v, row);
    if (age >= s->stock_tau) {
        return 0;
    }
    spw_dur unit = s->stock_tau / INT32_MAX + 1; /* keeps the product in range; what it rounds is below one node */
    return (int32_t)(stock * ((s->stock_tau - age) / unit) / (s->stock_tau / unit));
}

/**
 * The stock as it is to be believed. One that was asked for before the pool was last ordered from does not show that
 * order, and would be ordered twice: all that the pool awaits is taken off it. That part of it which was ordered before
 * the stock was asked for makes too little of it, until it is asked for again; nodes that come up in less time than
 * that make too much.
 */
static int32_t believed_stock(const view *v, const spw_settings *s, spw_id row, const memory_pool *mem, int32_t coming)
{
    const int32_t stock = faded_stock(v, s, row);
    if (stock <= 0 || mem == NULL || mem->promised_at < stock_asked(v, row)) {
        return stock;
    }
    return stock > coming ? stock - coming : 0;
}

static void build_pool(view *v, const spw_settings *s, const memory *m, spw_id row, room_pool *pool)
{
    const spw_pool_rows *t = &v->snap->pools;
    const memory_pool *mem = memory_pool_near(m, t->key[row], &v->pool_hint[row]);
    *pool = (room_pool){.row = row,
                        .cluster = v->canonical[t->cluster[row]],
                        .node_gpus = t->gpus_per_node[row],
                        .name = t->name[row],
                        .gpu = t->gpu[row],
                        .capacity = (spw_capacity)t->capacity[row],
                        .labels = t->labels == NULL ? NULL : &t->labels[row],
                        .up = t->nodes[row]};
    memcpy(pool->idle, t->free_nodes[row], sizeof pool->idle);
    pool->target = pool_target(v, s, row, mem);
    if (mem != NULL && mem->late) {
        pool->target = t->nodes[row] < pool->target ? t->nodes[row] : pool->target;
    }
    int32_t coming = pool->target > t->nodes[row] ? pool->target - t->nodes[row] : 0;
    pool->coming[pool->node_gpus] = coming;
    bool backed_off = mem != NULL && mem->backoff_until != MEMORY_NEVER && v->now < mem->backoff_until;
    const view_cluster *cluster = &v->clusters[pool->cluster];
    bool old = cluster->stale || v->now - t->observed[row] > s->stale_after;
    bool grows = t->nodes_max[row] > t->nodes_min[row];
    if (grows && !backed_off && cluster->ready && !old) {
        int32_t base = pool->target > t->nodes[row] ? pool->target : t->nodes[row];
        int32_t fresh = t->nodes_max[row] > base ? t->nodes_max[row] - base : 0;
        int32_t stock = believed_stock(v, s, row, mem, coming);
        pool->fresh = stock >= 0 && stock < fresh ? stock : fresh;
        pool->fresh = v->batch > 0 && v->batch < pool->fresh ? v->batch : pool->fresh;
    }
}

/** Digest of what the order of the pools follows from. */
static uint64_t order_of(const view *v)
{
    const spw_pool_rows *t = &v->snap->pools;
    uint64_t h = hash_word(HASH_SEED, t->count);
    for (size_t row = 0; row < t->count; row++) {
        uint64_t own = hash_text(t->key[row], t->name[row]);
        own = hash_quick(own, (uint64_t)(uint32_t)pool_rank(t, (spw_id)row) << 32 | t->cluster[row]);
        h = hash_word(h, hash_quick(own, (uint64_t)t->price_uusd_per_gpu_h[row]));
    }
    return h;
}

static spw_rc build_pools(view *v, const spw_settings *s, const memory *m, spw_err *err)
{
    const spw_pool_rows *t = &v->snap->pools;
    if (t->count > s->pools_max) {
        return err_set(err, SPW_LIMIT, SPW_ID_NONE, "pools", "more pools than settings.pools_max");
    }
    room_touch_all(&v->rooms, v->cluster_count);
    uint64_t order = order_of(v);
    if (v->same_clusters && order == v->pool_order) {
        for (uint32_t p = 0; p < t->count; p++) {
            build_pool(v, s, m, v->rooms.pools[p].row, &v->rooms.pools[p]);
        }
        return SPW_OK;
    }
    v->pool_order = order;
    spw_id twice = repeated_key(v, t->key, t->count);
    if (twice != SPW_ID_NONE) {
        return err_set(err, SPW_INVAL, twice, "pools.key", "two pools have the same key");
    }
    index_fill(v, t->count);
    sort_rows(v->index, t->count, pool_before, v);
    uint32_t cluster = 0;
    v->rooms.first[0] = 0;
    for (uint32_t p = 0; p < t->count; p++) {
        spw_id row = v->index[p];
        build_pool(v, s, m, row, &v->rooms.pools[p]);
        if (p > 0 && v->rooms.pools[p - 1].cluster == v->rooms.pools[p].cluster &&
            strcmp(t->name[row], t->name[v->index[p - 1]]) == 0) {
            return err_set(err, SPW_INVAL, row, "pools.name", "two pools of a cluster have the same name");
        }
        while (cluster < v->rooms.pools[p].cluster) {
            v->rooms.first[++cluster] = p;
        }
    }
    while (cluster < v->cluster_count) {
        v->rooms.first[++cluster] = (uint32_t)t->count;
    }
    return SPW_OK;
}

static view_seat *seat_at(view *v, uint32_t work, uint32_t cluster)
{
    const view_seat *found = view_seat_find(v, work, cluster);
    return found == NULL ? NULL : &v->seats[found - v->seats];
}

uint32_t view_cluster_find(const view *v, uint64_t key)
{
    const uint64_t *keys = v->snap->clusters.key;
    uint32_t low = 0;
    uint32_t high = v->cluster_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (keys[v->by_key[mid]] < key) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < v->cluster_count && keys[v->by_key[low]] == key ? v->canonical[v->by_key[low]] : UINT32_MAX;
}

/** Replicas whose victims have not left yet keep their claim until its deadline. @return of n, those that have one */
static int32_t claims_of(const view *v, const memory *m, memory_seat *mem, int32_t n)
{
    if (mem->nominated > 0 && v->now >= memory_times_of(m, mem)->nominated_until) {
        mem->nominated = 0;
    }
    mem->nominated = mem->nominated < n ? mem->nominated : n;
    return mem->nominated;
}

/** Writes down what a workload's replicas have taken in a cluster since its units were as in `before`. */
static void note_hold(view *v, const spw_workload *workload, uint32_t work, uint32_t c, const room_units *before)
{
    view_hold hold = {.cluster = c};
    int32_t sum = 0;
    for (size_t u = 0; u < workload->units->count; u++) {
        hold.in_unit[u] = before->left[u] - v->rooms.units[c].left[u];
        sum += hold.in_unit[u];
    }
    if (sum > 0) {
        v->holds[v->hold_count++] = hold;
        v->hold_end[work] = v->hold_count;
    }
}

/** Promised replicas that the snapshot does not show, and those of the seat that wait for victims. */
static void reserve_promise(view *v, const spw_settings *s, const memory *m, const spw_workload *workload,
                            view_seat *seat, memory_seat *mem, uint32_t c)
{
    int32_t assigned = seat == NULL ? 0 : seat->assigned;
    bool promised = mem->promised > assigned && v->now - mem->promised_at < s->promise_ttl;
    int32_t unseen = promised ? mem->promised - assigned : 0;
    int32_t up = room_hold(&v->rooms, c, workload, unseen, false);
    mem->unseen_coming = room_take(&v->rooms, c, workload, ROOM_COMING, unseen - up);
    int32_t homeless = seat == NULL ? 0 : seat->assigned - seat->held;
    int32_t claims = claims_of(v, m, mem, homeless + unseen - up - mem->unseen_coming);
    if (seat != NULL) {
        seat->held_nominated = claims < homeless ? claims : homeless;
        seat->held += seat->held_nominated;
        claims -= seat->held_nominated;
    }
    mem->unseen_nominated = claims;
    mem->unseen = up + mem->unseen_coming + claims;
}

int32_t view_unit_of(const view *v, const spw_units *units, spw_id pool)
{
    const spw_pool_rows *t = &v->snap->pools;
    const spw_labels *labels = t->labels == NULL ? NULL : &t->labels[pool];
    return spw_unit_of(units, &(spw_unit_pool){t->name[pool], t->gpu[pool], (spw_capacity)t->capacity[pool], labels});
}

/** Replicas whose unit the snapshot does not tell: where they have taken room, else in the first with places left. */
static void use_others(view *v, const spw_units *units, uint32_t work, const memory *m)
{
    for (uint32_t i = v->hold_first[work]; i < v->hold_end[work]; i++) {
        units_hold(&v->rooms, v->holds[i].cluster, units, v->holds[i].in_unit);
    }
    for (uint32_t i = v->seat_first[work]; i < v->seat_end[work]; i++) {
        v->rooms.units[v->seats[i].cluster].others += v->seats[i].held;
    }
    size_t count = 0;
    const memory_seat *promises = memory_seats_of(m, work, &count);
    for (size_t i = 0; i < count; i++) {
        uint32_t c = view_cluster_find(v, promises[i].cluster);
        if (c != UINT32_MAX) {
            v->rooms.units[c].others += promises[i].unseen;
        }
    }
    for (uint32_t c = 0; c < v->cluster_count; c++) {
        const int32_t others = v->rooms.units[c].others;
        units_use(&v->rooms, c, units, -1, others > 0 ? others : 0);
    }
}

void view_open_units(view *v, const spw_config *config, uint32_t work, const memory *m)
{
    const spw_workload *workload = &config->workloads[work];
    const spw_units *units = workload->units;
    const spw_usage_rows *usage = &v->snap->usage;
    if (units == NULL) {
        return;
    }
    v->rooms.units_wait = workload->policy != SPW_ID_NONE && config->policies[workload->policy].elastic;
    for (uint32_t c = 0; c < v->cluster_count; c++) {
        units_open(&v->rooms, c, units);
    }
    for (size_t i = 0; i < usage->count; i++) {
        const spw_pool_rows *t = &v->snap->pools;
        spw_id pool = usage->pool[i];
        if (v->work_of[usage->workload[i]] != work) {
            continue;
        }
        int32_t u = view_unit_of(v, units, pool);
        uint32_t c = v->canonical[t->cluster[pool]];
        v->rooms.units[c].known += u >= 0 ? usage->ready[i] : 0;
        units_use(&v->rooms, c, units, u >= 0 ? u : 0, u >= 0 ? usage->ready[i] : 0);
    }
    for (uint32_t c = 0; c < v->cluster_count; c++) {
        const view_seat *seat = v->rooms.units[c].known > 0 ? view_seat_find(v, work, c) : NULL;
        const int32_t most = seat == NULL ? 0 : (seat->held < seat->scheduled ? seat->held : seat->scheduled);
        if (v->rooms.units[c].known > most) {
            units_bound(&v->rooms, c, units, most);
            v->rooms.units[c].known = most;
        }
        v->rooms.units[c].others = -v->rooms.units[c].known;
    }
    use_others(v, units, work, m);
    const spw_pod_rows *pods = &v->snap->pods;
    bool looks = units->next == SPW_NEXT_LACK_AND_NO_TERMINATING;
    for (size_t i = 0; looks && i < pods->count; i++) {
        if (v->work_of[pods->workload[i]] == work && pods->deleting[i] != 0) {
            v->rooms.units[v->canonical[pods->cluster[i]]].locked = true;
        }
    }
}

/** Room for what is assigned and has no node yet; then for what the core promised and the snapshot does not show. */
static void reserve(view *v, const spw_settings *s, const spw_config *config, uint32_t work, memory *m)
{
    const spw_workload *workload = &config->workloads[work];
    size_t count = 0;
    memory_seat *promises = memory_seats_of(m, work, &count);
    for (size_t i = 0; i < count; i++) {
        promises[i].unseen = 0;
        promises[i].unseen_coming = 0;
        promises[i].unseen_nominated = 0;
    }
    const bool units = workload->units != NULL;
    if (units) {
        v->hold_first[work] = v->hold_end[work] = v->hold_count;
    }
    view_open_units(v, config, work, m);
    for (uint32_t i = v->seat_first[work]; i < v->seat_end[work]; i++) {
        view_seat *seat = &v->seats[i];
        int32_t missing = seat->assigned - seat->scheduled;
        if (missing == 0) {
            continue;
        }
        room_units before = units ? v->rooms.units[seat->cluster] : (room_units){.locked = false};
        int32_t up = room_hold(&v->rooms, seat->cluster, workload, missing, true);
        int32_t coming = room_take(&v->rooms, seat->cluster, workload, ROOM_COMING, missing - up);
        seat->held += up + coming;
        seat->held_coming = coming;
        if (units) {
            note_hold(v, workload, work, seat->cluster, &before);
        }
    }
    for (size_t i = 0; i < count; i++) {
        memory_seat *mem = &promises[i];
        bool owes = mem->promised >= 0 || mem->nominated > 0;
        uint32_t c = owes ? view_cluster_find(v, mem->cluster) : UINT32_MAX;
        if (c != UINT32_MAX) {
            room_units before = units ? v->rooms.units[c] : (room_units){.locked = false};
            reserve_promise(v, s, m, workload, seat_at(v, work, c), mem, c);
            if (units) {
                note_hold(v, workload, work, c, &before);
            }
        }
    }
}

/** Pools are shared by all policies, so the smallest batch counts. */
static int32_t batch_of(const spw_config *config)
{
    int32_t batch = 0;
    for (size_t i = 0; i < config->policy_count; i++) {
        int32_t own = config->policies[i].elastic ? config->policies[i].nodes_per_batch : 0;
        batch = own > 0 && (batch == 0 || own < batch) ? own : batch;
    }
    return batch;
}

int32_t view_class_milli(const spw_workload *w, const char *gpu)
{
    for (size_t i = 0; i < w->gpu_class_count; i++) {
        if (strcmp(w->gpu_classes[i], gpu) == 0) {
            return w->gpu_milli == NULL ? 1000 : w->gpu_milli[i];
        }
    }
    return w->gpu_class_count == 0 ? 1000 : 0;
}

static void read_usage(view *v, const spw_config *config)
{
    const spw_usage_rows *t = &v->snap->usage;
    for (size_t i = 0; i < t->count; i++) {
        uint32_t work = v->work_of[t->workload[i]];
        if (work == UINT32_MAX || !bits_has(v->active, work)) {
            continue;
        }
        view_seat *seat = seat_at(v, work, v->canonical[v->snap->pools.cluster[t->pool[i]]]);
        int32_t milli = view_class_milli(&config->workloads[work], v->snap->pools.gpu[t->pool[i]]);
        if (seat != NULL && milli > 0) {
            seat->usage_ready += t->ready[i];
            seat->usage_milli += (int64_t)t->ready[i] * milli;
        }
    }
}

static int32_t slowest_class(const view *v, const spw_workload *workload, uint32_t cluster)
{
    int32_t slowest = 0;
    for (uint32_t p = v->rooms.first[cluster]; p < v->rooms.first[cluster + 1]; p++) {
        const room_pool *pool = &v->rooms.pools[p];
        int32_t milli = pool->up > 0 && room_fits(pool, workload) ? view_class_milli(workload, pool->gpu) : 0;
        slowest = milli > 0 && (slowest == 0 || milli < slowest) ? milli : slowest;
    }
    return slowest > 0 ? slowest : 1000;
}

int64_t view_ready_weight(const view *v, const spw_workload *workload, const view_seat *seat, int32_t ready)
{
    if (workload->gpu_milli == NULL) {
        return (int64_t)ready * 1000;
    }
    if (seat->usage_ready >= ready) { /* which of them stay is not known: each counts as their mean */
        int64_t known = seat->usage_ready > 0 ? seat->usage_ready : 1;
        return seat->usage_milli / known * ready + seat->usage_milli % known * ready / known;
    }
    return seat->usage_milli + (ready - seat->usage_ready) * slowest_class(v, workload, seat->cluster);
}

/** The rest of view_build(): an error leaves the view half-built. */
static spw_rc build(view *v, const spw_settings *s, const spw_config *config, memory *m, spw_err *err)
{
    spw_rc rc = build_clusters(v, s, err);
    if (rc == SPW_OK) {
        build_sites(v, config);
    }
    v->batch = batch_of(config);
    rc = rc != SPW_OK ? rc : build_limits(v, err);
    rc = rc != SPW_OK ? rc : build_pools(v, s, m, err);
    rc = rc != SPW_OK ? rc : view_seats_build(v, s, config, m, err);
    if (rc != SPW_OK) {
        return rc;
    }
    read_usage(v, config);
    v->hold_count = 0;
    for (size_t i = bits_next(v->active_rank, 0, v->works); i < v->works;
         i = bits_next(v->active_rank, i + 1, v->works)) {
        reserve(v, s, config, v->by_rank[i], m);
    }
    return SPW_OK;
}

spw_rc view_build(view *v, const spw_settings *s, const spw_config *config, memory *m, const spw_snapshot *snap,
                  spw_err *err)
{
    v->snap = snap;
    v->now = snap->now;
    spw_rc rc = build(v, s, config, m, err);
    if (rc != SPW_OK) {
        view_catch_up(v, m);
        view_forget(v);
    }
    return rc;
}
