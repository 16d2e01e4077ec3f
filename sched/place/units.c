/* SPDX-License-Identifier: Apache-2.0 */
/* units.c - see units.h. */
#include "place/units.h"

static int32_t min32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static bool carries(const spw_unit_pool *pool, const char *key, const char *value)
{
    for (size_t i = 0; pool->labels != NULL && i < pool->labels->count; i++) {
        if (strcmp(pool->labels->at[i].key, key) == 0) {
            return strcmp(pool->labels->at[i].value, value) == 0;
        }
    }
    return false;
}

static bool meets(const spw_unit *unit, const spw_unit_pool *pool)
{
    bool per_use = pool->capacity == SPW_CAPACITY_ON_DEMAND || pool->capacity == SPW_CAPACITY_SPOT;
    if ((unit->capacity != 0 && unit->capacity != (int32_t)pool->capacity) || (unit->pay_per_use && !per_use)) {
        return false;
    }
    if (unit->pool != NULL && strcmp(unit->pool, pool->name) != 0 && !carries(pool, SPW_LABEL_POOL, unit->pool)) {
        return false;
    }
    if (unit->gpu != NULL && strcmp(unit->gpu, pool->gpu) != 0 && !carries(pool, SPW_LABEL_GPU, unit->gpu)) {
        return false;
    }
    for (size_t i = 0; i < unit->labels.count; i++) {
        if (!carries(pool, unit->labels.at[i].key, unit->labels.at[i].value)) {
            return false;
        }
    }
    return true;
}

int32_t spw_unit_of(const spw_units *units, const spw_unit_pool *pool)
{
    for (size_t u = 0; u < units->count; u++) {
        if (meets(&units->at[u], pool)) {
            return (int32_t)u;
        }
    }
    return -1;
}

int32_t units_index(const spw_units *units, const room_pool *pool)
{
    return spw_unit_of(units, &(spw_unit_pool){pool->name, pool->gpu, pool->capacity, pool->labels});
}

static int32_t most_of(const spw_unit *unit)
{
    return unit->replicas_max < 0 ? SPW_REPLICAS_MAX : unit->replicas_max;
}

void units_open(room *r, uint32_t c, const spw_units *units)
{
    r->units[c] = (room_units){.locked = false};
    for (size_t u = 0; u < units->count; u++) {
        r->units[c].left[u] = most_of(&units->at[u]);
    }
}

void units_use(room *r, uint32_t c, const spw_units *units, int32_t u, int32_t n)
{
    int32_t *left = r->units[c].left;
    if (u >= 0) {
        left[u] -= min32(left[u], n);
        return;
    }
    for (size_t i = 0; i < units->count && n > 0; i++) {
        int32_t here = min32(left[i], n);
        left[i] -= here;
        n -= here;
    }
}

void units_hold(room *r, uint32_t c, const spw_units *units, const int32_t *in_unit)
{
    for (size_t u = 0; u < units->count; u++) {
        units_use(r, c, units, (int32_t)u, in_unit[u]);
        r->units[c].others -= in_unit[u];
    }
}

void units_bound(room *r, uint32_t c, const spw_units *units, int32_t n)
{
    int64_t over = -(int64_t)n;
    for (size_t u = 0; u < units->count; u++) {
        over += most_of(&units->at[u]) - r->units[c].left[u];
    }
    for (size_t u = units->count; u-- > 0 && over > 0;) {
        const int32_t used = most_of(&units->at[u]) - r->units[c].left[u];
        const int32_t back = over < used ? (int32_t)over : used;
        r->units[c].left[u] += back;
        over -= back;
    }
}

/** Room of one unit in kinds from..to. */
static int32_t unit_room(const room *r, uint32_t c, const spw_workload *w, size_t u, room_kind from, room_kind to)
{
    int64_t n = 0;
    for (uint32_t p = r->first[c]; p < r->first[c + 1]; p++) {
        const room_pool *pool = &r->pools[p];
        if (w->gpus > pool->node_gpus || !room_class_fits(w, pool->gpu) || units_index(w->units, pool) != (int32_t)u) {
            continue;
        }
        for (int k = from; k <= (int)to; k++) {
            n += room_pool_count(pool, w->gpus, (room_kind)k);
        }
    }
    return n < SPW_REPLICAS_MAX ? (int32_t)n : SPW_REPLICAS_MAX;
}

/** Does a unit keep replicas from the later ones as long as no more than this kind of room is used? */
static bool holds_back(const room *r, uint32_t c, const spw_workload *w, size_t u, room_kind upto)
{
    const spw_units *units = w->units;
    const spw_unit *unit = &units->at[u];
    bool waits = unit->replicas_max >= 0 || unit->waits;
    switch (units->next) {
    case SPW_NEXT_LACK_OR_MAX:
        return false;
    case SPW_NEXT_LACK_AND_NO_TERMINATING:
        return r->units[c].locked;
    case SPW_NEXT_MAX:
        return unit->replicas_max >= 0 && r->units[c].left[u] > unit_room(r, c, w, u, ROOM_IDLE, upto);
    case SPW_NEXT_TIMEOUT_OR_MAX: /* nothing comes any more: the time runs out, and the replica goes on */
        return waits && r->units_wait && upto < ROOM_FRESH &&
               r->units[c].left[u] > unit_room(r, c, w, u, ROOM_IDLE, upto) &&
               unit_room(r, c, w, u, (room_kind)(upto + 1), ROOM_FRESH) > 0;
    }
    return false;
}

/** Units that are tried now. */
static size_t tried(const room *r, const spw_units *units)
{
    return r->units_tried == 0 ? units->count : r->units_tried;
}

size_t units_in_reach(const room *r, uint32_t c, const spw_workload *workload)
{
    const size_t most = tried(r, workload->units);
    for (size_t u = 0; u < most && workload->units->preempts_before_next; u++) {
        if (holds_back(r, c, workload, u, ROOM_IDLE)) {
            return u + 1;
        }
    }
    return most;
}

int32_t units_places(const room *r, uint32_t c, const spw_workload *workload)
{
    if (workload->units == NULL || workload->gpus == 0) {
        return SPW_REPLICAS_MAX;
    }
    const size_t reach = units_in_reach(r, c, workload);
    int64_t sum = 0;
    for (size_t u = r->units_tried == 0 ? 0 : reach - 1; u < reach; u++) {
        sum += r->units[c].left[u];
    }
    return sum < SPW_REPLICAS_MAX ? (int32_t)sum : SPW_REPLICAS_MAX;
}

bool units_reach(const room *r, uint32_t c, const spw_workload *workload, const room_pool *pool)
{
    return workload->units == NULL || workload->gpus == 0 ||
           units_index(workload->units, pool) < (int32_t)units_in_reach(r, c, workload);
}

void units_nominate(room *r, uint32_t c, const spw_workload *workload, int32_t n)
{
    if (workload->units != NULL && workload->gpus > 0) {
        units_use(r, c, workload->units, r->units_tried == 0 ? -1 : (int32_t)units_in_reach(r, c, workload) - 1, n);
    }
}

bool units_is_open(const room *r, uint32_t c, const spw_workload *workload, const room_pool *pool)
{
    const bool bound = workload->units != NULL && workload->gpus > 0; /* those without GPUs stand on no pool */
    const int32_t unit = bound ? units_index(workload->units, pool) : -1;
    bool may = unit < 0 || (r->units[c].left[unit] > 0 && unit < (int32_t)tried(r, workload->units));
    for (int32_t u = 0; u < unit; u++) {
        may = may && !holds_back(r, c, workload, (size_t)u, ROOM_IDLE);
    }
    return may;
}

/** Replicas that find room in kinds up to this one, no more than `up` of them on nodes that are up. */
static int64_t count_upto(const room *r, uint32_t c, const spw_workload *w, room_kind upto, int32_t up)
{
    int64_t sum = 0;
    for (size_t u = 0; u < tried(r, w->units); u++) {
        const int32_t left = r->units[c].left[u];
        const int32_t idle = min32(min32(left, up), unit_room(r, c, w, u, ROOM_IDLE, ROOM_IDLE));
        up -= idle;
        sum += min32(left, idle + (upto > ROOM_IDLE ? unit_room(r, c, w, u, ROOM_COMING, upto) : 0));
        if (holds_back(r, c, w, u, upto)) {
            break;
        }
    }
    return sum;
}

int32_t units_count(const room *r, uint32_t c, const spw_workload *workload, room_kind kind)
{
    /* what bounds idle room by GPUs is the caller's business, but a later kind counts what of it opens late */
    const int32_t up = kind == ROOM_IDLE ? SPW_REPLICAS_MAX : room_limit(r, c, workload);
    int64_t below = kind == ROOM_IDLE ? 0 : count_upto(r, c, workload, (room_kind)(kind - 1), up);
    int64_t n = count_upto(r, c, workload, kind, up) - below;
    return n < SPW_REPLICAS_MAX ? (int32_t)n : SPW_REPLICAS_MAX;
}

static int32_t take_unit(room *r, uint32_t c, const spw_workload *w, size_t u, room_kind kind, int32_t n)
{
    int32_t taken = 0;
    for (uint32_t p = r->first[c]; p < r->first[c + 1] && taken < n; p++) {
        room_pool *pool = &r->pools[p];
        if (w->gpus <= pool->node_gpus && room_class_fits(w, pool->gpu) && units_index(w->units, pool) == (int32_t)u) {
            taken += room_pool_take(pool, w->gpus, kind, n - taken);
        }
    }
    r->units[c].left[u] -= taken;
    return taken;
}

/** Idle room of a unit that opens only in a later step: the summary of the cluster bounds it as ever. */
static int32_t take_idle_late(room *r, uint32_t c, const spw_workload *w, size_t u, int32_t n)
{
    int32_t taken = take_unit(r, c, w, u, ROOM_IDLE, min32(n, room_limit(r, c, w)));
    if (r->limits != NULL) {
        estimate_take(&r->limits[c], r->grades, w, taken, false);
    }
    return taken;
}

int32_t units_take(room *r, uint32_t c, const spw_workload *workload, room_kind kind, int32_t n)
{
    bool shut[SPW_UNITS_MAX][ROOM_FRESH + 1] = {{false}}; /* [unit][kind]: an earlier unit holds back in that step */
    for (size_t u = 1; u < workload->units->count; u++) {
        for (int k = ROOM_IDLE; k <= (int)kind; k++) {
            shut[u][k] = shut[u - 1][k] || holds_back(r, c, workload, u - 1, (room_kind)k);
        }
    }
    int32_t taken = 0;
    for (size_t u = 0; u < tried(r, workload->units) && taken < n && !shut[u][kind]; u++) {
        for (int k = ROOM_IDLE; k <= (int)kind; k++) {
            bool earlier = k < (int)kind && !shut[u][kind - 1]; /* that step has had its turn */
            int32_t want = min32(n - taken, r->units[c].left[u]);
            if (earlier || want == 0) {
                continue;
            }
            taken += k == ROOM_IDLE && kind != ROOM_IDLE ? take_idle_late(r, c, workload, u, want)
                                                         : take_unit(r, c, workload, u, (room_kind)k, want);
        }
    }
    return taken;
}

void units_spread(const room *r, uint32_t c, const spw_units *units, int32_t target, int32_t *out)
{
    int64_t sum = 0;
    for (size_t u = 0; u < units->count; u++) {
        out[u] = most_of(&units->at[u]) - r->units[c].left[u];
        sum += out[u];
    }
    for (size_t u = units->count; u-- > 0 && sum > target;) {
        int64_t over = sum - target;
        int32_t gone = over < out[u] ? (int32_t)over : out[u];
        out[u] -= gone;
        sum -= gone;
    }
}
