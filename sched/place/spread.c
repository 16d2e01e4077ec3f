/* SPDX-License-Identifier: Apache-2.0 */
/* spread.c - see spread.h: order of the candidates, choice by cluster, scores of areas. spread_areas.c searches. */
#include "place/spread_internal.h"

#define HOLDER_SCORE  100
#define REPLICA_SCORE 1000 /* weight of a replica, or of a valid cluster, in the score of an area */

/** Group, holders, room, name: is a better than b? */
static bool item_before(const spread_item *items, uint32_t a, uint32_t b)
{
    const spread_item *x = &items[a];
    const spread_item *y = &items[b];
    if (x->group != y->group) {
        return x->group < y->group;
    }
    if (x->holds != y->holds) {
        return x->holds;
    }
    return x->avail != y->avail ? x->avail > y->avail : a < b;
}

static void sift(const spread_item *items, uint32_t *heap, size_t count, size_t at)
{
    for (;;) {
        size_t worst = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            if (item_before(items, heap[worst], heap[child])) {
                worst = child;
            }
        }
        if (worst == at) {
            return;
        }
        uint32_t swap = heap[at];
        heap[at] = heap[worst];
        heap[worst] = swap;
        at = worst;
    }
}

/** Best first: heap sort, in place. */
static void sort_items(const spread_item *items, uint32_t *order, size_t count)
{
    for (size_t at = count / 2; at-- > 0;) {
        sift(items, order, count, at);
    }
    for (size_t end = count; end-- > 1;) {
        uint32_t swap = order[0];
        order[0] = order[end];
        order[end] = swap;
        sift(items, order, end, 0);
    }
}

static int64_t sum_avail(const spread_item *items, const uint32_t *order, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += items[order[i]].avail;
    }
    return sum;
}

/** The roomiest of order[from..count) that has more than `than`; the first of several. @return count if none */
static size_t roomiest(const spread_item *items, const uint32_t *order, size_t from, size_t count, int64_t than)
{
    size_t best = count;
    for (size_t i = from; i < count; i++) {
        if (items[order[i]].avail > than) {
            than = items[order[i]].avail;
            best = i;
        }
    }
    return best;
}

static spread_result by_cluster(const spread_ask *ask, spread_item *items, size_t count, spread_scratch *s)
{
    if (count < (size_t)ask->clusters_min) {
        return SPREAD_TOO_FEW;
    }
    size_t need = ask->clusters_max > 0 && (size_t)ask->clusters_max < count ? (size_t)ask->clusters_max : count;
    int64_t sum = sum_avail(items, s->order, need);
    for (size_t last = need; ask->divided && last-- > 0 && sum < ask->replicas;) {
        size_t other = roomiest(items, s->order, need, count, items[s->order[last]].avail);
        if (other < count) {
            uint32_t swap = s->order[last];
            s->order[last] = s->order[other];
            s->order[other] = swap;
            sum += items[s->order[last]].avail - items[swap].avail;
        }
    }
    if (ask->divided && ask->must_fit && sum < ask->replicas) {
        return SPREAD_SHORT;
    }
    for (size_t i = 0; i < need; i++) {
        items[s->order[i]].chosen = true;
    }
    return SPREAD_OK;
}

/* --- areas --- */

static size_t list_areas(const spread_item *items, size_t count, spread_scratch *s)
{
    size_t areas = 0;
    for (size_t i = count; i-- > 0;) { /* from the worst, so that the chains begin with the best */
        uint32_t item = s->order[i];
        size_t a = 0;
        while (a < areas && strcmp(s->areas[a].name, items[item].area) != 0) {
            a++;
        }
        if (a == areas) {
            s->areas[areas++] = (spread_area){.name = items[item].area, .first = SPREAD_END};
        }
        s->next[item] = s->areas[a].first;
        s->areas[a].first = item;
        s->areas[a].clusters++;
    }
    return areas;
}

/** What the best clusters of an area hold of its share of the replicas. */
static int64_t score_divided(const spread_ask *ask, const spread_item *items, const spread_scratch *s,
                             const spread_area *area)
{
    int64_t target = ((int64_t)ask->replicas + ask->areas_min - 1) / ask->areas_min;
    int64_t enough = ask->clusters_min > ask->areas_min ? ask->clusters_min : ask->areas_min;
    int64_t avail = 0;
    int64_t score = 0;
    int64_t used = 0;
    for (uint32_t i = area->first; i != SPREAD_END && (used < enough || avail < target); i = s->next[i]) {
        avail += items[i].avail;
        score += items[i].holds ? HOLDER_SCORE : 0;
        used++;
    }
    return avail < target ? REPLICA_SCORE * avail + score / area->clusters : REPLICA_SCORE * target + score / used;
}

/** How many clusters of an area hold all replicas. */
static int64_t score_duplicated(const spread_ask *ask, const spread_item *items, const spread_scratch *s,
                                const spread_area *area)
{
    int64_t score = 0;
    int64_t valid = 0;
    for (uint32_t i = area->first; i != SPREAD_END; i = s->next[i]) {
        if (items[i].avail >= ask->replicas) {
            score += items[i].holds ? HOLDER_SCORE : 0;
            valid++;
        }
    }
    return valid == 0 ? 0 : REPLICA_SCORE * valid + score / valid;
}

/** The best cluster of each chosen area, then the best of their others up to the limit. */
static void take_clusters(const spread_ask *ask, spread_item *items, size_t count, spread_scratch *s, size_t chosen)
{
    size_t taken = 0;
    for (size_t i = 0; i < chosen; i++, taken++) {
        items[s->areas[s->best[i]].first].chosen = true;
        for (uint32_t k = s->areas[s->best[i]].first; k != SPREAD_END;) {
            uint32_t after = s->next[k];
            s->next[k] = SPREAD_TAKEN; /* marks the clusters of chosen areas */
            k = after;
        }
    }
    for (size_t i = 0; i < count && (ask->clusters_max == 0 || taken < (size_t)ask->clusters_max); i++) {
        spread_item *item = &items[s->order[i]];
        if (s->next[s->order[i]] == SPREAD_TAKEN && !item->chosen) {
            item->chosen = true;
            taken++;
        }
    }
}

static spread_result by_area(const spread_ask *ask, spread_item *items, size_t count, spread_scratch *s)
{
    size_t areas = list_areas(items, count, s);
    if (areas < (size_t)ask->areas_min) {
        return SPREAD_TOO_FEW;
    }
    for (size_t a = 0; a < areas; a++) {
        spread_area *area = &s->areas[a];
        area->score = ask->divided ? score_divided(ask, items, s, area) : score_duplicated(ask, items, s, area);
    }
    size_t chosen = spread_choose_areas(ask, areas, s);
    if (chosen == 0) {
        return SPREAD_TOO_FEW;
    }
    take_clusters(ask, items, count, s, chosen);
    return SPREAD_OK;
}

spread_result spread_select(const spread_ask *ask, spread_item *items, size_t count, spread_scratch *s)
{
    for (size_t i = 0; i < count; i++) {
        items[i].chosen = false;
        s->order[i] = (uint32_t)i;
    }
    if (count == 0) {
        return SPREAD_TOO_FEW;
    }
    sort_items(items, s->order, count);
    return ask->areas_min > 0 ? by_area(ask, items, count, s) : by_cluster(ask, items, count, s);
}
