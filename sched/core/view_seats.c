/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_seats.c - workloads and what they hold, as far as it is new; see view.h.
 *
 * What is new is found by comparing columns with the last snapshot, not by being told: a host that gets it wrong could
 * not be noticed. Equal stretches are passed over by the block, so 60,000 equal rows cost some tens of microseconds.
 */
#include "core/bits.h"
#include "core/errors.h"
#include "core/sort.h"
#include "core/view.h"

#define BLOCK 128 /* rows that are compared in one go */

void view_seats_layout(view *v, arena *a, const spw_settings *s, size_t works)
{
    view_kept *k = &v->kept;
    size_t words = bits_words(works);
    v->works = works;
    v->work_by_key = arena_take(a, works, sizeof *v->work_by_key);
    v->seat_space = 2 * s->placements_max + 4 * works;
    v->seats = arena_take(a, v->seat_space, sizeof *v->seats);
    v->seat_first = arena_take(a, works, sizeof *v->seat_first);
    v->seat_end = arena_take(a, works, sizeof *v->seat_end);
    v->seat_room = arena_take(a, works, sizeof *v->seat_room);
    v->work_row = arena_take(a, works, sizeof *v->work_row);
    v->rank = arena_take(a, works, sizeof *v->rank);
    v->active = arena_take(a, words, sizeof *v->active);
    v->active_rank = arena_take(a, words, sizeof *v->active_rank);
    v->resting = arena_take(a, words, sizeof *v->resting);
    v->rests_since = arena_take(a, works, sizeof *v->rests_since);
    v->rests_until = arena_take(a, works, sizeof *v->rests_until);
    v->workload_rows_max = works + s->placements_max;
    v->work_of = arena_take(a, v->workload_rows_max, sizeof *v->work_of);
    v->row_first = arena_take(a, v->workload_rows_max + 1, sizeof *v->row_first);
    v->row_list = arena_take(a, s->placements_max, sizeof *v->row_list);
    k->key = arena_take(a, v->workload_rows_max, sizeof *k->key);
    k->replicas = arena_take(a, v->workload_rows_max, sizeof *k->replicas);
    k->gpus = arena_take(a, v->workload_rows_max, sizeof *k->gpus);
    k->cpu = arena_take(a, v->workload_rows_max, sizeof *k->cpu);
    k->memory = arena_take(a, v->workload_rows_max, sizeof *k->memory);
    k->reschedule = arena_take(a, v->workload_rows_max, sizeof *k->reschedule);
    k->workload = arena_take(a, s->placements_max, sizeof *k->workload);
    k->cluster = arena_take(a, s->placements_max, sizeof *k->cluster);
    k->assigned = arena_take(a, s->placements_max, sizeof *k->assigned);
    k->scheduled = arena_take(a, s->placements_max, sizeof *k->scheduled);
    k->ready = arena_take(a, s->placements_max, sizeof *k->ready);
}

static bool work_key_before(const void *rows, uint32_t a, uint32_t b)
{
    const spw_workload *works = rows;
    return works[a].key < works[b].key;
}

void view_start(view *v, const spw_config *config, const uint32_t *by_rank)
{
    for (size_t w = 0; w < config->workload_count; w++) {
        v->work_by_key[w] = (uint32_t)w;
        v->rank[by_rank[w]] = (uint32_t)w;
    }
    sort_rows(v->work_by_key, config->workload_count, work_key_before, config->workloads);
    v->by_rank = by_rank;
    view_forget(v);
}

void view_forget(view *v)
{
    v->anew = true;
    v->next_wake = SPW_TIME_MAX;
    memset(v->resting, 0, bits_words(v->works) * sizeof *v->resting);
}

/* --- workloads --- */

/** @return index in the configuration, UINT32_MAX = not ours */
static uint32_t work_find(const view *v, const spw_config *config, uint64_t key)
{
    size_t low = 0;
    size_t high = config->workload_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (config->workloads[v->work_by_key[mid]].key < key) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    bool found = low < config->workload_count && config->workloads[v->work_by_key[low]].key == key;
    return found ? v->work_by_key[low] : UINT32_MAX;
}

static spw_rc join_works(view *v, const spw_config *config, spw_err *err)
{
    const spw_workload_rows *t = &v->snap->workloads;
    for (size_t w = 0; w < config->workload_count; w++) {
        v->work_row[w] = SPW_ID_NONE;
    }
    for (size_t i = 0; i < t->count; i++) {
        uint32_t w = work_find(v, config, t->key[i]);
        v->work_of[i] = w;
        if (w == UINT32_MAX) {
            continue;
        }
        if (v->work_row[w] != SPW_ID_NONE) {
            return err_set(err, SPW_INVAL, (spw_id)i, "workloads.key", "two workloads have the same key");
        }
        if (t->gpus != NULL && t->gpus[i] != config->workloads[w].gpus) {
            return err_set(err, SPW_INVAL, (spw_id)i, "workloads.gpus",
                           "not the GPUs that the configuration says a replica needs");
        }
        if ((t->cpu_milli != NULL && t->cpu_milli[i] != config->workloads[w].cpu_milli) ||
            (t->memory_bytes != NULL && t->memory_bytes[i] != config->workloads[w].memory_bytes)) {
            return err_set(err, SPW_INVAL, (spw_id)i, "workloads.cpu_milli",
                           "not the CPU and memory that the configuration says a replica requests");
        }
        v->work_row[w] = (spw_id)i;
    }
    return SPW_OK;
}

static bool same_cells(const int64_t *shown, const int64_t *kept, bool has, size_t count)
{
    return (shown != NULL) == has && (!has || count == 0 || memcmp(shown, kept, count * sizeof *kept) == 0);
}

/** Are it the same workloads, in the same rows? */
static bool same_works(const view *v)
{
    const spw_workload_rows *t = &v->snap->workloads;
    const view_kept *k = &v->kept;
    return t->count == k->workload_count && (t->gpus != NULL) == k->has_gpus &&
           (t->reschedule != NULL) == k->has_reschedule && same_cells(t->cpu_milli, k->cpu, k->has_cpu, t->count) &&
           same_cells(t->memory_bytes, k->memory, k->has_memory, t->count) &&
           (t->count == 0 || (memcmp(t->key, k->key, t->count * sizeof *k->key) == 0 &&
                              (t->gpus == NULL || memcmp(t->gpus, k->gpus, t->count * sizeof *k->gpus) == 0)));
}

static void keep_works(view *v)
{
    const spw_workload_rows *t = &v->snap->workloads;
    view_kept *k = &v->kept;
    k->workload_count = t->count;
    k->has_gpus = t->gpus != NULL;
    k->has_reschedule = t->reschedule != NULL;
    k->has_cpu = t->cpu_milli != NULL;
    k->has_memory = t->memory_bytes != NULL;
    if (t->count == 0) {
        return;
    }
    memcpy(k->key, t->key, t->count * sizeof *k->key);
    memcpy(k->replicas, t->replicas, t->count * sizeof *k->replicas);
    if (k->has_gpus) {
        memcpy(k->gpus, t->gpus, t->count * sizeof *k->gpus);
    }
    if (k->has_reschedule) {
        memcpy(k->reschedule, t->reschedule, t->count * sizeof *k->reschedule);
    }
    if (k->has_cpu) {
        memcpy(k->cpu, t->cpu_milli, t->count * sizeof *k->cpu);
    }
    if (k->has_memory) {
        memcpy(k->memory, t->memory_bytes, t->count * sizeof *k->memory);
    }
}

static void wake_row(view *v, spw_id row)
{
    if (v->work_of[row] != UINT32_MAX) {
        bits_add(v->active, v->work_of[row]);
    }
}

/** Wakes those whose own columns have changed. */
static void wake_changed_works(view *v)
{
    const spw_workload_rows *t = &v->snap->workloads;
    view_kept *k = &v->kept;
    for (size_t i = 0; i < t->count; i++) {
        if (t->replicas[i] != k->replicas[i] || (k->has_reschedule && t->reschedule[i] != k->reschedule[i])) {
            wake_row(v, (spw_id)i);
            k->replicas[i] = t->replicas[i];
            k->reschedule[i] = k->has_reschedule ? t->reschedule[i] : 0;
        }
    }
}

/* --- rows of placements --- */

static bool same_row(const view *v, size_t i, size_t j)
{
    const spw_placement_rows *t = &v->snap->placements;
    const view_kept *k = &v->kept;
    return t->workload[j] == k->workload[i] && t->cluster[j] == k->cluster[i] && t->assigned[j] == k->assigned[i] &&
           t->scheduled[j] == k->scheduled[i] && t->ready[j] == k->ready[i];
}

/** Rows from i of the kept table and from j of the new one that are alike, one after another; at most n. */
static size_t alike(const view *v, size_t i, size_t j, size_t n)
{
    const spw_placement_rows *t = &v->snap->placements;
    const view_kept *k = &v->kept;
    size_t same = 0;
    for (size_t block = BLOCK; n - same >= block;) {
        size_t size = block * sizeof(int32_t);
        size_t a = i + same;
        size_t b = j + same;
        if (memcmp(t->workload + b, k->workload + a, size) != 0 || memcmp(t->cluster + b, k->cluster + a, size) != 0 ||
            memcmp(t->assigned + b, k->assigned + a, size) != 0 ||
            memcmp(t->scheduled + b, k->scheduled + a, size) != 0 || memcmp(t->ready + b, k->ready + a, size) != 0) {
            break;
        }
        same += block;
    }
    while (same < n && same_row(v, i + same, j + same)) {
        same++;
    }
    return same;
}

/** Copies the new table from row j on. */
static void keep_placements(view *v, size_t j)
{
    const spw_placement_rows *t = &v->snap->placements;
    view_kept *k = &v->kept;
    k->placement_count = t->count;
    if (j < t->count) {
        size_t size = (t->count - j) * sizeof(int32_t);
        memcpy(k->workload + j, t->workload + j, size);
        memcpy(k->cluster + j, t->cluster + j, size);
        memcpy(k->assigned + j, t->assigned + j, size);
        memcpy(k->scheduled + j, t->scheduled + j, size);
        memcpy(k->ready + j, t->ready + j, size);
    }
}

/** Moves the beginnings of the rows of the workloads [from, to) by so many rows. */
static void shift_rows(view *v, size_t from, size_t to, size_t by)
{
    for (size_t w = from; w < to; w++) {
        v->row_first[w] += (uint32_t)by; /* modulo 2^32: backwards, too */
    }
}

/**
 * Wakes the workloads that have other rows of placements than in the last tick, and brings row_first up to date.
 * @return false if the table is not in the order of the workloads' rows any more, so that all must be read
 */
static bool wake_changed_rows(view *v)
{
    const spw_placement_rows *t = &v->snap->placements;
    const view_kept *k = &v->kept;
    size_t i = 0;
    size_t j = 0;
    size_t next = 0;         /* workload rows below it have their row_first */
    size_t first = t->count; /* the first row that differs */
    while (i < k->placement_count || j < t->count) {
        size_t n = k->placement_count - i < t->count - j ? k->placement_count - i : t->count - j;
        size_t same = alike(v, i, j, n);
        i += same;
        j += same;
        if (i == k->placement_count && j == t->count) {
            break;
        }
        first = j < first ? j : first;
        spw_id old = i < k->placement_count ? k->workload[i] : UINT32_MAX;
        spw_id new = j < t->count ? t->workload[j] : UINT32_MAX;
        spw_id row = old < new ? old : new;
        if (row < next || (j > 0 && row < t->workload[j - 1])) { /* of a workload that was passed already */
            return false;
        }
        shift_rows(v, next, (size_t)row + 1, j - i); /* so far have rows moved since the last difference */
        wake_row(v, row);
        while (i < k->placement_count && k->workload[i] == row) {
            i++;
        }
        while (j < t->count && t->workload[j] == row) {
            j++;
        }
        next = (size_t)row + 1;
    }
    shift_rows(v, next, v->snap->workloads.count + 1, j - i);
    keep_placements(v, first);
    return true;
}

/** Where the rows of each workload are, from nothing. */
static void list_rows(view *v)
{
    const spw_placement_rows *t = &v->snap->placements;
    size_t works = v->snap->workloads.count;
    memset(v->row_first, 0, (works + 1) * sizeof *v->row_first);
    v->tidy = true;
    for (size_t i = 0; i < t->count; i++) {
        v->tidy = v->tidy && (i == 0 || t->workload[i - 1] <= t->workload[i]);
        v->row_first[t->workload[i] + 1]++;
    }
    for (size_t w = 0; w < works; w++) {
        v->row_first[w + 1] += v->row_first[w];
    }
    if (v->tidy) {
        return;
    }
    for (size_t i = 0; i < t->count; i++) { /* each beginning moves to its end ... */
        v->row_list[v->row_first[t->workload[i]]++] = (uint32_t)i;
    }
    memmove(v->row_first + 1, v->row_first, works * sizeof *v->row_first); /* ... which is the next one's beginning */
    v->row_first[0] = 0;
}

/* --- seats --- */

static bool lies_before(const void *rows, uint32_t a, uint32_t b)
{
    const uint32_t *first = rows;
    return first[a] < first[b];
}

/** Moves all runs to the front, in the order they lie in, without room to grow. */
static void move_together(view *v)
{
    size_t used = 0;
    for (size_t w = 0; w < v->works; w++) {
        if (v->seat_end[w] > v->seat_first[w]) {
            v->index[used++] = (uint32_t)w;
        } else {
            v->seat_first[w] = v->seat_end[w] = v->seat_room[w] = 0;
        }
    }
    sort_rows(v->index, used, lies_before, v->seat_first);
    v->seats_used = 0;
    for (size_t i = 0; i < used; i++) {
        uint32_t w = v->index[i];
        uint32_t count = v->seat_end[w] - v->seat_first[w];
        memmove(v->seats + v->seats_used, v->seats + v->seat_first[w], count * sizeof *v->seats);
        v->seat_first[w] = v->seats_used;
        v->seat_end[w] = v->seats_used += count;
        v->seat_room[w] = count;
    }
}

/** An empty run with room for so many. There is: all that is held fits in one half of the array. */
static void open_run(view *v, uint32_t work, uint32_t count)
{
    v->seat_end[work] = v->seat_first[work];
    if (count > v->seat_room[work]) {
        uint32_t length = count + count / 2 + 2;
        if (v->seat_space - v->seats_used < length) {
            move_together(v);
            length = v->seat_space - v->seats_used < length ? count : length;
        }
        v->seat_first[work] = v->seat_end[work] = v->seats_used;
        v->seat_room[work] = length;
        v->seats_used += length;
    }
}

static view_seat read_seat(const view *v, uint32_t work, spw_id row)
{
    const spw_placement_rows *t = &v->snap->placements;
    int32_t assigned = t->assigned[row];
    int32_t scheduled = t->scheduled[row] < assigned ? t->scheduled[row] : assigned;
    int32_t ready = t->ready[row] < scheduled ? t->ready[row] : scheduled;
    return (view_seat){.work = work,
                       .cluster = v->canonical[t->cluster[row]],
                       .row = row,
                       .assigned = assigned,
                       .scheduled = scheduled,
                       .ready = v->snap->clusters.ready[t->cluster[row]] != 0 ? ready : 0,
                       .held = scheduled};
}

#define RUN_SHORT 24 /* seats up to which insertion is faster than sorting row numbers */

static bool seat_before(const void *rows, uint32_t a, uint32_t b)
{
    const view *v = rows;
    const spw_id *cluster = v->snap->placements.cluster;
    return v->canonical[cluster[a]] < v->canonical[cluster[b]];
}

static spw_id row_at(const view *v, uint32_t i)
{
    return v->tidy ? i : v->row_list[i];
}

/** The seats of a workload from its rows, by cluster. @return SPW_OK; SPW_INVAL */
static spw_rc build_run(view *v, uint32_t work, spw_err *err)
{
    uint32_t first = v->work_row[work] == SPW_ID_NONE ? 0 : v->row_first[v->work_row[work]];
    uint32_t count = v->work_row[work] == SPW_ID_NONE ? 0 : v->row_first[v->work_row[work] + 1] - first;
    open_run(v, work, count);
    view_seat *run = v->seats + v->seat_first[work];
    bool by_number = count > RUN_SHORT;
    for (uint32_t i = 0; i < count && by_number; i++) {
        v->index[i] = row_at(v, first + i);
    }
    if (by_number) {
        sort_rows(v->index, count, seat_before, v);
    }
    for (uint32_t i = 0; i < count; i++) {
        view_seat seat = read_seat(v, work, by_number ? v->index[i] : row_at(v, first + i));
        uint32_t at = i;
        for (; at > 0 && run[at - 1].cluster > seat.cluster; at--) {
            run[at] = run[at - 1];
        }
        run[at] = seat;
        if (at > 0 && run[at - 1].cluster == seat.cluster) {
            return err_set(err, SPW_INVAL, seat.row, "placements.workload", "two rows for a workload on a cluster");
        }
    }
    v->seat_end[work] = v->seat_first[work] + count;
    return SPW_OK;
}

const view_seat *view_seat_find(const view *v, uint32_t work, uint32_t cluster)
{
    const view_seat *seat = v->seats + v->seat_first[work];
    const view_seat *end = v->seats + v->seat_end[work];
    for (size_t left = (size_t)(end - seat); left > 0;) { /* as in search.h */
        size_t half = (left + 1) / 2;
        seat += half & (size_t) - (int)(seat[half - 1].cluster < cluster);
        left -= half;
    }
    return seat < end && seat->cluster == cluster ? seat : NULL;
}

/* --- resting and active --- */

/** What was there when it went to rest was there in the last tick, too. */
static void catch_up(const view *v, const memory *m, uint32_t work)
{
    size_t count = 0;
    memory_seat *seats = memory_seats_of(m, work, &count);
    for (size_t i = 0; i < count; i++) {
        seats[i].seen = seats[i].seen == v->rests_since[work] ? m->last : seats[i].seen;
    }
    v->rests_since[work] = m->last;
}

void view_catch_up(const view *v, const memory *m)
{
    for (size_t w = bits_next(v->resting, 0, v->works); w < v->works; w = bits_next(v->resting, w + 1, v->works)) {
        catch_up(v, m, (uint32_t)w);
    }
}

/** Before anything of it is changed in this tick. */
static void activate(view *v, memory *m, uint32_t work)
{
    if (bits_has(v->resting, work)) {
        catch_up(v, m, work);
        bits_remove(v->resting, work);
    }
    bits_add(v->active, work);
    bits_add(v->active_rank, v->rank[work]);
    memory_note(m, work);
}

void view_wake(view *v, memory *m, uint32_t work)
{
    if (!bits_has(v->active, work)) {
        activate(v, m, work);
        spw_rc rc = build_run(v, work, NULL); /* of the rows that it was built of before */
        assert(rc == SPW_OK);
        (void)rc;
    }
}

void view_rest(view *v, uint32_t work, spw_time until)
{
    bits_add(v->resting, work);
    v->rests_since[work] = v->now;
    v->rests_until[work] = until;
    v->next_wake = until < v->next_wake ? until : v->next_wake;
}

/** Those whose time has come. */
static void wake_late(view *v)
{
    if (v->now <= v->next_wake) {
        return;
    }
    v->next_wake = SPW_TIME_MAX;
    for (size_t w = bits_next(v->resting, 0, v->works); w < v->works; w = bits_next(v->resting, w + 1, v->works)) {
        if (v->now > v->rests_until[w]) {
            bits_add(v->active, w);
        } else {
            v->next_wake = v->rests_until[w] < v->next_wake ? v->rests_until[w] : v->next_wake;
        }
    }
}

void view_wake_all(view *v, memory *m)
{
    for (uint32_t w = 0; w < v->works; w++) {
        view_wake(v, m, w);
    }
}

/** Everything that the rows say, whatever was known. */
static spw_rc read_all(view *v, const spw_config *config, spw_err *err)
{
    if (v->anew || !same_works(v)) {
        spw_rc rc = join_works(v, config, err);
        if (rc != SPW_OK) {
            return rc;
        }
    }
    keep_works(v);
    list_rows(v);
    keep_placements(v, 0);
    v->seats_used = 0;
    memset(v->seat_first, 0, v->works * sizeof *v->seat_first);
    memset(v->seat_end, 0, v->works * sizeof *v->seat_end);
    memset(v->seat_room, 0, v->works * sizeof *v->seat_room);
    for (size_t w = 0; w < v->works; w++) {
        bits_add(v->active, w);
    }
    return SPW_OK;
}

spw_rc view_seats_build(view *v, const spw_settings *s, const spw_config *config, memory *m, spw_err *err)
{
    if (v->snap->workloads.count > v->workload_rows_max) {
        return err_set(err, SPW_LIMIT, SPW_ID_NONE, "workloads", "more workloads than configured and placed ones");
    }
    if (v->snap->placements.count > s->placements_max) {
        return err_set(err, SPW_LIMIT, SPW_ID_NONE, "placements", "more placements than settings.placements_max");
    }
    memset(v->active_rank, 0, bits_words(v->works) * sizeof *v->active_rank);
    for (size_t i = 0; i < bits_words(v->works); i++) {
        v->active[i] = ~v->resting[i];
    }
    v->all_read = v->anew || !v->same_clusters || !v->tidy || !same_works(v);
    wake_late(v);
    if (!v->all_read) {
        wake_changed_works(v);
        v->all_read = !wake_changed_rows(v);
    }
    spw_rc rc = v->all_read ? read_all(v, config, err) : SPW_OK;
    for (size_t w = bits_next(v->active, 0, v->works); w < v->works && rc == SPW_OK;
         w = bits_next(v->active, w + 1, v->works)) {
        activate(v, m, (uint32_t)w);
        rc = build_run(v, (uint32_t)w, err);
    }
    v->anew = v->anew && rc != SPW_OK;
    return rc;
}
