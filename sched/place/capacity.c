/* SPDX-License-Identifier: Apache-2.0 */
/* capacity.c - see capacity.h. */
#include "place/capacity.h"

#include "place/units.h"

bool room_class_fits(const spw_workload *workload, const char *gpu)
{
    if (workload->gpu_class_count == 0) {
        return true;
    }
    for (size_t i = 0; i < workload->gpu_class_count; i++) {
        if (strcmp(workload->gpu_classes[i], gpu) == 0) {
            return true;
        }
    }
    return false;
}

bool room_fits(const room_pool *pool, const spw_workload *workload)
{
    return workload->gpus <= pool->node_gpus && room_class_fits(workload, pool->gpu) &&
           (workload->units == NULL || units_index(workload->units, pool) >= 0);
}

static int64_t count_nodes(const int32_t *nodes, int32_t node_gpus, int32_t gpus)
{
    int64_t replicas = 0;
    for (int32_t k = gpus; k <= node_gpus; k++) {
        replicas += (int64_t)nodes[k] * (k / gpus);
    }
    return replicas;
}

int64_t room_pool_count(const room_pool *pool, int32_t gpus, room_kind kind)
{
    switch (kind) {
    case ROOM_IDLE:
        return count_nodes(pool->idle, pool->node_gpus, gpus);
    case ROOM_COMING:
        return count_nodes(pool->coming, pool->node_gpus, gpus);
    case ROOM_FRESH:
        return (int64_t)pool->fresh * (pool->node_gpus / gpus);
    }
    return 0;
}

/** By GPUs alone. */
static int32_t count_gpus(const room *r, uint32_t c, const spw_workload *workload, room_kind kind)
{
    if (workload->gpus == 0) {
        return kind == ROOM_IDLE ? SPW_REPLICAS_MAX : 0; /* GPUs are what is scarce here */
    }
    if (workload->units != NULL) {
        return units_count(r, c, workload, kind);
    }
    int64_t replicas = 0;
    for (uint32_t p = r->first[c]; p < r->first[c + 1]; p++) {
        if (room_fits(&r->pools[p], workload)) {
            replicas += room_pool_count(&r->pools[p], workload->gpus, kind);
        }
    }
    return replicas < SPW_REPLICAS_MAX ? (int32_t)replicas : SPW_REPLICAS_MAX;
}

int32_t room_count_idle(const room *r, uint32_t c, const spw_workload *workload, estimate_by *by)
{
    int32_t gpus = count_gpus(r, c, workload, ROOM_IDLE);
    *by = workload->gpus == 0 ? ESTIMATE_NONE : ESTIMATE_GPUS;
    if (r->limits == NULL) {
        return gpus;
    }
    estimate_by other = ESTIMATE_NONE;
    int32_t n = estimate_count(&r->limits[c], r->grades, workload, &other);
    if (n < gpus) {
        *by = other;
    }
    return n < gpus ? n : gpus;
}

bool room_is_unknown(const room *r, uint32_t c)
{
    return r->first[c] == r->first[c + 1] && (r->limits == NULL || estimate_is_unknown(&r->limits[c]));
}

int32_t room_count(const room *r, uint32_t c, const spw_workload *workload, room_kind kind)
{
    estimate_by by = ESTIMATE_NONE;
    return kind == ROOM_IDLE ? room_count_idle(r, c, workload, &by) : count_gpus(r, c, workload, kind);
}

/** Replicas of a pool's nodes that are up, and of all the others, in one go: the factor k / gpus grows as k does. */
static void count_pool(const room_pool *pool, int32_t gpus, int64_t *idle, int64_t *elastic)
{
    int64_t each = 1;
    int32_t next = 2 * gpus;
    for (int32_t k = gpus; k <= pool->node_gpus; k++) {
        if (k == next) {
            each++;
            next += gpus;
        }
        *idle += pool->idle[k] * each;
        *elastic += pool->coming[k] * each;
    }
    *elastic += pool->fresh * each;
}

void room_look_again(const room *r, uint32_t c, const spw_workload *workload, room_seen *seen)
{
    *seen = (room_seen){.version = r->version[c]};
    if (workload->gpus == 0 || workload->units != NULL || r->limits != NULL) {
        seen->idle = room_count(r, c, workload, ROOM_IDLE);
        seen->elastic = (int64_t)room_count(r, c, workload, ROOM_COMING) + room_count(r, c, workload, ROOM_FRESH);
        return;
    }
    int64_t idle = 0;
    for (uint32_t p = r->first[c]; p < r->first[c + 1]; p++) {
        if (room_fits(&r->pools[p], workload)) {
            count_pool(&r->pools[p], workload->gpus, &idle, &seen->elastic);
        }
    }
    seen->idle = idle < SPW_REPLICAS_MAX ? (int32_t)idle : SPW_REPLICAS_MAX;
}

static void touch(room *r, uint32_t c)
{
    if (r->version != NULL) {
        r->version[c]++;
        r->touched[r->touches++ % r->touched_max] = c;
    }
}

void room_touch_all(room *r, uint32_t clusters)
{
    for (uint32_t c = 0; c < clusters; c++) {
        r->version[c]++;
    }
    r->touches += r->touched_max + 1;
}

/** Best fit: the fullest node that still has room is filled first. */
static int32_t take_nodes(int32_t *nodes, int32_t node_gpus, int32_t gpus, int32_t n)
{
    int32_t taken = 0;
    for (int32_t k = gpus; k <= node_gpus && taken < n; k++) {
        int32_t each = k / gpus;
        int32_t left = n - taken;
        int32_t whole = left / each < nodes[k] ? left / each : nodes[k];
        nodes[k] -= whole;
        nodes[k - each * gpus] += whole;
        taken += whole * each;
        int32_t rest = n - taken;
        if (rest > 0 && rest < each && nodes[k] > 0) {
            nodes[k]--;
            nodes[k - rest * gpus]++;
            taken += rest;
        }
    }
    return taken;
}

static int32_t take_fresh(room_pool *pool, int32_t gpus, int32_t n)
{
    int32_t each = pool->node_gpus / gpus;
    int32_t wanted = (n + each - 1) / each;
    int32_t nodes = wanted < pool->fresh ? wanted : pool->fresh;
    pool->fresh -= nodes;
    pool->ordered += nodes;
    pool->coming[pool->node_gpus] += nodes;
    return take_nodes(pool->coming, pool->node_gpus, gpus, n < nodes * each ? n : nodes * each);
}

int32_t room_pool_take(room_pool *pool, int32_t gpus, room_kind kind, int32_t n)
{
    switch (kind) {
    case ROOM_IDLE:
        return take_nodes(pool->idle, pool->node_gpus, gpus, n);
    case ROOM_COMING:
        return take_nodes(pool->coming, pool->node_gpus, gpus, n);
    case ROOM_FRESH:
        return take_fresh(pool, gpus, n);
    }
    return 0;
}

static int32_t take_gpus(room *r, uint32_t c, const spw_workload *workload, room_kind kind, int32_t n)
{
    if (n <= 0) {
        return 0;
    }
    touch(r, c);
    if (workload->gpus == 0) {
        return kind == ROOM_IDLE ? n : 0;
    }
    if (workload->units != NULL) {
        return units_take(r, c, workload, kind, n);
    }
    int32_t taken = 0;
    for (uint32_t p = r->first[c]; p < r->first[c + 1] && taken < n; p++) {
        room_pool *pool = &r->pools[p];
        taken += room_fits(pool, workload) ? room_pool_take(pool, workload->gpus, kind, n - taken) : 0;
    }
    return taken;
}

int32_t room_limit(const room *r, uint32_t c, const spw_workload *workload)
{
    return r->limits == NULL ? SPW_REPLICAS_MAX : estimate_count(&r->limits[c], r->grades, workload, NULL);
}

int32_t room_take(room *r, uint32_t c, const spw_workload *workload, room_kind kind, int32_t n)
{
    if (kind != ROOM_IDLE || r->limits == NULL) {
        return take_gpus(r, c, workload, kind, n);
    }
    int32_t most = estimate_count(&r->limits[c], r->grades, workload, NULL);
    int32_t taken = take_gpus(r, c, workload, kind, n < most ? n : most);
    estimate_take(&r->limits[c], r->grades, workload, taken, false);
    return taken;
}

int32_t room_hold(room *r, uint32_t c, const spw_workload *workload, int32_t n, bool waits)
{
    if (r->limits == NULL) {
        return take_gpus(r, c, workload, ROOM_IDLE, n);
    }
    int32_t most = waits ? estimate_bindable(&r->limits[c], workload, n) : room_limit(r, c, workload);
    int32_t taken = take_gpus(r, c, workload, ROOM_IDLE, n < most ? n : most);
    if (waits) {
        estimate_bind(&r->limits[c], workload, taken);
    }
    estimate_take(&r->limits[c], r->grades, workload, waits ? n : taken, waits);
    return taken;
}

void room_close(room *r, uint32_t c, const spw_workload *workload, int64_t gpus)
{
    touch(r, c);
    for (uint32_t p = r->first[c]; p < r->first[c + 1]; p++) {
        room_pool *pool = &r->pools[p];
        const bool usable = room_fits(pool, workload) && units_reach(r, c, workload, pool);
        for (int32_t k = 1; k <= pool->node_gpus && usable && gpus > 0; k++) {
            int64_t wanted = (gpus + k - 1) / k;
            int32_t nodes = wanted < pool->idle[k] ? (int32_t)wanted : pool->idle[k];
            pool->idle[k] -= nodes;
            pool->idle[0] += nodes;
            gpus -= (int64_t)nodes * k;
        }
    }
}
