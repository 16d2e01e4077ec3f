/* SPDX-License-Identifier: Apache-2.0 */
/**
 * hpa_history.c - recommendations for the windows, changes for the rates, in memory of a fixed size.
 *
 * Called once per sync period, the lists hold exactly what Kubernetes' lists hold as far as it can matter:
 *  - a recommendation older than both windows never counts again and is dropped;
 *  - a change older than the longest policy period of its own direction stays until the next change of that
 *    direction takes its slot, the outdated one with the highest slot first. It may still count for a longer
 *    policy of the other direction, so the order of replacement is kept (low = slot).
 *
 * Called more often, a list can fill up. Then the two neighbours in time that together cover the shortest span become
 * one mark: the later time, the lower low, the higher high (of recommendations), the sum (of changes). So a merged
 * mark errs towards holding still. Room is 2 floor(span / sync) + 4: were every pair of neighbours at least one sync
 * period long, that many marks would cover more than span + sync; so the merged pair is always shorter than a
 * sync period, nothing is held longer than one period too long, and merged marks still expire.
 *
 * Saved form, little-endian: u32 flags, window_s, up_s, down_s, sync_s, counts of the three lists; then the
 * marks: i64 first, i64 last, i32 low, i32 high.
 */
#include "scale/hpa_internal.h"

enum { SAVED_HEAD_BYTES = 8 * 4, SAVED_MARK_BYTES = 8 + 8 + 4 + 4 };
enum { FLAG_SEEDED = 1, FLAG_SCALED_TO_ZERO = 2 };

static int32_t longest_period_s(const spw_scaling_rules *rules, bool up)
{
    size_t count = 0;
    const spw_scaling_policy *policies = hpa_policies(rules, up, &count);
    int32_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        longest = policies[i].period_s > longest ? policies[i].period_s : longest;
    }
    return longest;
}

static uint32_t room_for(int32_t span_s, int32_t sync_s)
{
    return 2u * (uint32_t)(span_s / sync_s) + 4u;
}

/** Everything but the marks: an empty history and where its lists lie. */
static void lay_out(hpa_history *history, const spw_hpa *spec)
{
    int32_t up_window = hpa_window_up_s(spec);
    int32_t down_window = hpa_window_down_s(spec);
    memset(history, 0, sizeof(*history));
    history->window_s = up_window > down_window ? up_window : down_window;
    history->sync_s = spec->sync_s > 0 ? spec->sync_s : 1;
    history->behavior = spec->has_behavior;
    history->zero_allowed = spec->replicas_min == 0 && hpa_has_value_metric(spec);
    history->recs.room = room_for(history->window_s, history->sync_s);
    if (spec->has_behavior) {
        history->up_s = longest_period_s(&spec->up, true);
        history->down_s = longest_period_s(&spec->down, false);
        history->ups.room = room_for(history->up_s, history->sync_s);
        history->downs.room = room_for(history->down_s, history->sync_s);
    }
    history->ups.offset = history->recs.room;
    history->downs.offset = history->recs.room + history->ups.room;
}

static size_t marks_room(const hpa_history *history)
{
    return (size_t)history->recs.room + history->ups.room + history->downs.room;
}

static size_t marks_count(const hpa_history *history)
{
    return (size_t)history->recs.count + history->ups.count + history->downs.count;
}

size_t hpa_history_size(const spw_hpa *spec)
{
    hpa_history plan;
    lay_out(&plan, spec);
    return sizeof(hpa_history) + marks_room(&plan) * sizeof(hpa_mark);
}

hpa_history *hpa_history_init(void *mem, const spw_hpa *spec)
{
    hpa_history *history = mem;
    lay_out(history, spec);
    memset(history->marks, 0, marks_room(history) * sizeof(hpa_mark));
    return history;
}

static void remove_at(hpa_mark *marks, hpa_list *list, uint32_t index)
{
    list->count--;
    memmove(&marks[index], &marks[index + 1], (list->count - index) * sizeof(*marks));
}

static int32_t add_saturated(int32_t a, int32_t b)
{
    return a > INT32_MAX - b ? INT32_MAX : a + b; /* both >= 0 */
}

/** Makes one mark of the two neighbours that cover the shortest time. */
static void merge_closest(hpa_mark *marks, hpa_list *list, bool sum)
{
    assert(list->count >= 2);
    uint32_t best = 0;
    for (uint32_t i = 1; i + 1 < list->count; i++) {
        if (marks[i + 1].last - marks[i].first < marks[best + 1].last - marks[best].first) {
            best = i;
        }
    }
    const hpa_mark *later = &marks[best + 1];
    hpa_mark *into = &marks[best];
    into->last = later->last;
    into->low = later->low < into->low ? later->low : into->low;
    if (sum) {
        into->high = add_saturated(into->high, later->high);
    } else {
        into->high = later->high > into->high ? later->high : into->high;
    }
    remove_at(marks, list, best + 1);
}

static void append(hpa_history *history, hpa_list *list, hpa_mark mark, bool sum)
{
    hpa_mark *marks = &history->marks[list->offset];
    if (list->count == list->room) {
        merge_closest(marks, list, sum);
    }
    marks[list->count] = mark;
    list->count++;
}

void hpa_history_seed(hpa_history *history, spw_time now, int32_t replicas)
{
    if (!history->seeded) {
        history->seeded = true;
        append(history, &history->recs, (hpa_mark){now, now, replicas, replicas}, false);
    }
}

void hpa_history_recommend(hpa_history *history, spw_time now, int32_t replicas)
{
    hpa_list *list = &history->recs;
    hpa_mark *marks = &history->marks[list->offset];
    spw_time cutoff = now - history->window_s * SPW_NS_PER_S;
    uint32_t old = 0;
    while (old < list->count && marks[old].last < cutoff) {
        old++;
    }
    list->count -= old;
    memmove(marks, &marks[old], list->count * sizeof(*marks));
    append(history, list, (hpa_mark){now, now, replicas, replicas}, false);
}

void hpa_record_recommendation(hpa_history *history, spw_time at, int32_t replicas)
{
    history->seeded = true;
    hpa_history_recommend(history, at, replicas);
}

/** Takes the slot of the outdated change with the highest slot; without one, opens a new slot. */
static int32_t free_slot(hpa_history *history, hpa_list *list, spw_time cutoff)
{
    hpa_mark *marks = &history->marks[list->offset];
    int32_t highest = -1;
    int32_t slot = -1;
    uint32_t victim = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        highest = marks[i].low > highest ? marks[i].low : highest;
        if (marks[i].last < cutoff && marks[i].low > slot) {
            slot = marks[i].low;
            victim = i;
        }
    }
    if (slot < 0) {
        return highest + 1;
    }
    remove_at(marks, list, victim);
    return slot;
}

void hpa_record_scale(hpa_history *history, spw_time now, int32_t from, int32_t to)
{
    if (from == to) {
        return;
    }
    history->scaled_to_zero = to == 0 && history->zero_allowed;
    if (!history->behavior) {
        return;
    }
    bool up = to > from;
    hpa_list *list = up ? &history->ups : &history->downs;
    spw_time cutoff = now - (up ? history->up_s : history->down_s) * SPW_NS_PER_S;
    int32_t slot = free_slot(history, list, cutoff);
    append(history, list, (hpa_mark){now, now, slot, up ? to - from : from - to}, true);
}

int64_t hpa_history_changes(const hpa_history *history, const hpa_list *list, spw_time after)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const hpa_mark *mark = &history->marks[list->offset + i];
        sum += mark->last > after ? mark->high : 0;
    }
    return sum;
}

static uint8_t *put_le(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
    return at + bytes;
}

static uint64_t get_le(const uint8_t **at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)(*at)[i] << (8 * i);
    }
    *at += bytes;
    return value;
}

/** Two's complement without relying on how an out-of-range cast behaves. */
static int64_t get_i64(const uint8_t **at)
{
    uint64_t bits = get_le(at, 8);
    return bits > (uint64_t)INT64_MAX ? -(int64_t)(UINT64_MAX - bits) - 1 : (int64_t)bits;
}

static int32_t get_i32(const uint8_t **at)
{
    uint32_t bits = (uint32_t)get_le(at, 4);
    return bits > (uint32_t)INT32_MAX ? -(int32_t)(UINT32_MAX - bits) - 1 : (int32_t)bits;
}

size_t hpa_history_save_size(const hpa_history *history)
{
    return SAVED_HEAD_BYTES + marks_count(history) * SAVED_MARK_BYTES;
}

size_t hpa_history_save_max(const hpa_history *history)
{
    return SAVED_HEAD_BYTES + marks_room(history) * SAVED_MARK_BYTES;
}

static uint8_t *save_list(uint8_t *at, const hpa_history *history, const hpa_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const hpa_mark *mark = &history->marks[list->offset + i];
        at = put_le(at, (uint64_t)mark->first, 8);
        at = put_le(at, (uint64_t)mark->last, 8);
        at = put_le(at, (uint32_t)mark->low, 4);
        at = put_le(at, (uint32_t)mark->high, 4);
    }
    return at;
}

spw_rc hpa_history_save(const hpa_history *history, void *buf, size_t size)
{
    if (size < hpa_history_save_size(history)) {
        return SPW_LIMIT;
    }
    uint8_t *at = buf;
    uint32_t flags = (history->seeded ? FLAG_SEEDED : 0u) | (history->scaled_to_zero ? FLAG_SCALED_TO_ZERO : 0u);
    at = put_le(at, flags, 4);
    at = put_le(at, (uint32_t)history->window_s, 4);
    at = put_le(at, (uint32_t)history->up_s, 4);
    at = put_le(at, (uint32_t)history->down_s, 4);
    at = put_le(at, (uint32_t)history->sync_s, 4);
    at = put_le(at, history->recs.count, 4);
    at = put_le(at, history->ups.count, 4);
    at = put_le(at, history->downs.count, 4);
    at = save_list(at, history, &history->recs);
    at = save_list(at, history, &history->ups);
    save_list(at, history, &history->downs);
    return SPW_OK;
}

static hpa_mark get_mark(const uint8_t **at)
{
    hpa_mark mark;
    mark.first = get_i64(at);
    mark.last = get_i64(at);
    mark.low = get_i32(at);
    mark.high = get_i32(at);
    return mark;
}

/** What every list we ever wrote satisfies; the rest of the file relies on it. */
static bool list_is_sane(const uint8_t **at, uint32_t count, bool changes)
{
    spw_time previous = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        hpa_mark mark = get_mark(at);
        bool values = changes ? mark.low >= 0 && mark.low < INT32_MAX && mark.high > 0 : mark.low <= mark.high;
        if (!values || mark.low < 0 || mark.first > mark.last || mark.first < previous) {
            return false;
        }
        previous = mark.last;
    }
    return true;
}

static void load_list(const uint8_t **at, hpa_history *history, hpa_list *list, uint32_t count)
{
    list->count = count;
    for (uint32_t i = 0; i < count; i++) {
        history->marks[list->offset + i] = get_mark(at);
    }
}

spw_rc hpa_history_load(hpa_history *history, const void *buf, size_t size, size_t *used)
{
    if (size < SAVED_HEAD_BYTES) {
        return SPW_STATE;
    }
    const uint8_t *at = buf;
    uint32_t flags = (uint32_t)get_le(&at, 4);
    bool same_spec = get_i32(&at) == history->window_s;
    same_spec &= get_i32(&at) == history->up_s;
    same_spec &= get_i32(&at) == history->down_s;
    same_spec &= get_i32(&at) == history->sync_s;
    uint32_t recs = (uint32_t)get_le(&at, 4);
    uint32_t ups = (uint32_t)get_le(&at, 4);
    uint32_t downs = (uint32_t)get_le(&at, 4);
    if (!same_spec || flags > (FLAG_SEEDED | FLAG_SCALED_TO_ZERO) || recs > history->recs.room ||
        ups > history->ups.room || downs > history->downs.room) {
        return SPW_STATE;
    }
    size_t total = SAVED_HEAD_BYTES + ((size_t)recs + ups + downs) * SAVED_MARK_BYTES;
    const uint8_t *probe = at;
    if (size < total || !list_is_sane(&probe, recs, false) || !list_is_sane(&probe, ups, true) ||
        !list_is_sane(&probe, downs, true)) {
        return SPW_STATE;
    }
    history->seeded = (flags & FLAG_SEEDED) != 0;
    history->scaled_to_zero = (flags & FLAG_SCALED_TO_ZERO) != 0;
    load_list(&at, history, &history->recs, recs);
    load_list(&at, history, &history->ups, ups);
    load_list(&at, history, &history->downs, downs);
    *used = total;
    return SPW_OK;
}
