/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_spread_model.c - the choice under spread constraints against a model that lists every combination and sorts them
 * all, as the rule is written down; and the older division against its rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "place/spread.h"
#include "place/webster.h"

#define ITEMS 24
#define AREAS 10

static uint64_t seed = 1;

static uint32_t below(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed >> 16) % n);
}

static const char *const AREA_NAMES[AREAS] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};

/* --- the model --- */

typedef struct m_area {
    int name, members[ITEMS], count;
    int64_t score;
} m_area;

typedef struct m_set {
    int areas[AREAS], count; /* by score down, name up */
    int64_t score, clusters;
    int found;
} m_set;

typedef struct model {
    const spread_ask *ask;
    const spread_item *items;
    int order[ITEMS], n;
    m_area areas[AREAS];
    int area_count;
    m_set *sets;
    int set_count;
} model;

static bool better_item(const spread_item *items, int a, int b)
{
    if (items[a].group != items[b].group) {
        return items[a].group < items[b].group;
    }
    if (items[a].holds != items[b].holds) {
        return items[a].holds;
    }
    if (items[a].avail != items[b].avail) {
        return items[a].avail > items[b].avail;
    }
    return a < b;
}

static void m_order(model *m)
{
    for (int i = 0; i < m->n; i++) { /* the number of items that are better is the place */
        int place = 0;
        for (int k = 0; k < m->n; k++) {
            place += k != i && better_item(m->items, k, i) ? 1 : 0;
        }
        m->order[place] = i;
    }
}

static int64_t m_score(const model *m, const m_area *a)
{
    int64_t t = (m->ask->replicas + m->ask->areas_min - 1) / m->ask->areas_min;
    int least = m->ask->clusters_min > m->ask->areas_min ? m->ask->clusters_min : m->ask->areas_min;
    int64_t avail = 0;
    int64_t score = 0;
    int n = 0;
    if (!m->ask->divided) {
        for (int i = 0; i < a->count; i++) {
            const spread_item *item = &m->items[a->members[i]];
            if (item->avail >= m->ask->replicas) {
                n++;
                score += item->holds ? 100 : 0;
            }
        }
        return n == 0 ? 0 : 1000 * n + score / n;
    }
    for (int i = 0; i < a->count; i++) {
        avail += m->items[a->members[i]].avail;
        score += m->items[a->members[i]].holds ? 100 : 0;
        n++;
        if (n >= least && avail >= t) {
            break;
        }
    }
    return avail < t ? 1000 * avail + score / a->count : 1000 * t + score / n;
}

static int by_size(const void *l, const void *r)
{
    const m_area *a = l;
    const m_area *b = r;
    if (a->count != b->count) {
        return a->count - b->count;
    }
    return a->score != b->score ? (a->score > b->score ? -1 : 1) : a->name - b->name;
}

/** All subsets, in the order of a depth-first walk; recorded where they suffice, and not continued from there. */
static void m_walk(model *m, int *path, int depth, int from, int64_t clusters)
{
    int max = m->ask->areas_max > 0 ? m->ask->areas_max : AREAS;
    if (clusters >= m->ask->clusters_min && depth >= m->ask->areas_min && depth <= max) {
        m_set *s = &m->sets[m->set_count];
        *s = (m_set){.count = depth, .clusters = clusters, .found = m->set_count};
        m->set_count++;
        for (int i = 0; i < depth; i++) {
            int at = i;
            const m_area *area = &m->areas[path[i]];
            s->score += area->score;
            for (; at > 0; at--) {
                const m_area *before = &m->areas[s->areas[at - 1]];
                if (before->score > area->score || (before->score == area->score && before->name < area->name)) {
                    break;
                }
                s->areas[at] = s->areas[at - 1];
            }
            s->areas[at] = path[i];
        }
        return;
    }
    for (int i = from; i < m->area_count && depth < max; i++) {
        path[depth] = i;
        m_walk(m, path, depth + 1, i + 1, clusters + m->areas[i].count);
    }
}

static int by_worth(const void *l, const void *r)
{
    const m_set *a = l;
    const m_set *b = r;
    if (a->score != b->score) {
        return a->score > b->score ? -1 : 1;
    }
    return a->clusters != b->clusters ? (a->clusters > b->clusters ? -1 : 1) : a->found - b->found;
}

static m_set m_choose(model *m)
{
    int path[AREAS + 1];
    m->set_count = 0;
    m_walk(m, path, 0, 0, 0);
    if (m->set_count == 0) {
        return (m_set){.count = 0};
    }
    qsort(m->sets, (size_t)m->set_count, sizeof *m->sets, by_worth);
    m_set final = m->sets[0];
    for (int i = 1; i < m->set_count; i++) {
        const m_set *s = &m->sets[i];
        bool prefix = s->count < final.count;
        for (int k = 0; k < s->count && prefix; k++) {
            prefix = s->areas[k] == final.areas[k];
        }
        final = prefix ? *s : final;
    }
    return final;
}

static spread_result m_by_area(model *m, bool *chosen)
{
    m->area_count = 0;
    for (int a = 0; a < AREAS; a++) {
        m_area *area = &m->areas[m->area_count];
        *area = (m_area){.name = a};
        for (int i = 0; i < m->n; i++) {
            if (strcmp(m->items[m->order[i]].area, AREA_NAMES[a]) == 0) {
                area->members[area->count++] = m->order[i];
            }
        }
        m->area_count += area->count > 0 ? 1 : 0;
    }
    if (m->area_count < m->ask->areas_min) {
        return SPREAD_TOO_FEW;
    }
    for (int a = 0; a < m->area_count; a++) {
        m->areas[a].score = m_score(m, &m->areas[a]);
    }
    qsort(m->areas, (size_t)m->area_count, sizeof m->areas[0], by_size);
    m_set set = m_choose(m);
    if (set.count == 0) {
        return SPREAD_TOO_FEW;
    }
    int taken = 0;
    for (int a = 0; a < set.count; a++, taken++) {
        chosen[m->areas[set.areas[a]].members[0]] = true;
    }
    for (int i = 0; i < m->n && (m->ask->clusters_max == 0 || taken < m->ask->clusters_max); i++) {
        for (int a = 0; a < set.count; a++) {
            if (!chosen[m->order[i]] &&
                strcmp(m->items[m->order[i]].area, AREA_NAMES[m->areas[set.areas[a]].name]) == 0) {
                chosen[m->order[i]] = true;
                taken++;
                break;
            }
        }
    }
    return SPREAD_OK;
}

static int64_t m_sum(const model *m, int need)
{
    int64_t sum = 0;
    for (int i = 0; i < need; i++) {
        sum += m->items[m->order[i]].avail;
    }
    return sum;
}

static spread_result m_by_cluster(model *m, bool *chosen)
{
    if (m->n < m->ask->clusters_min) {
        return SPREAD_TOO_FEW;
    }
    int need = m->ask->clusters_max > 0 && m->ask->clusters_max < m->n ? m->ask->clusters_max : m->n;
    for (int last = need - 1; m->ask->divided && last >= 0 && m_sum(m, need) < m->ask->replicas; last--) {
        int best = -1;
        for (int k = need; k < m->n; k++) {
            int64_t than = m->items[m->order[best < 0 ? last : best]].avail;
            best = m->items[m->order[k]].avail > than ? k : best;
        }
        if (best >= 0) {
            int swap = m->order[last];
            m->order[last] = m->order[best];
            m->order[best] = swap;
        }
    }
    if (m->ask->divided && m->ask->must_fit && m_sum(m, need) < m->ask->replicas) {
        return SPREAD_SHORT;
    }
    for (int i = 0; i < need; i++) {
        chosen[m->order[i]] = true;
    }
    return SPREAD_OK;
}

/* --- comparison --- */

static void random_ask(spread_ask *ask)
{
    int32_t areas = (int32_t)below(5);
    *ask = (spread_ask){.clusters_min = 1 + (int32_t)below(6),
                        .areas_min = areas,
                        .replicas = (int32_t)below(40),
                        .divided = below(3) > 0,
                        .must_fit = below(2) > 0};
    ask->clusters_max = below(3) == 0 ? 0 : ask->clusters_min + (int32_t)below(6);
    ask->areas_max = areas == 0 || below(3) == 0 ? 0 : areas + (int32_t)below(3);
}

static void agrees_with_the_model(void **state)
{
    (void)state;
    static m_set sets[1 << AREAS];
    int results[3] = {0, 0, 0};
    for (int round = 0; round < 40000; round++) {
        spread_item items[ITEMS];
        spread_item *at = items;
        uint32_t order[ITEMS], next[ITEMS], by_score[ITEMS], path[ITEMS], best[ITEMS];
        spread_area areas[ITEMS];
        uint8_t in[ITEMS];
        spread_scratch s = {order, next, areas, by_score, path, best, in};
        spread_ask ask;
        bool chosen[ITEMS] = {false};
        uint32_t n = below(ITEMS + 1);
        uint32_t kinds = 1 + below(AREAS);
        uint32_t range = 1 + below(12); /* few values: many ties */
        random_ask(&ask);
        for (uint32_t i = 0; i < n; i++) {
            items[i] = (spread_item){.area = AREA_NAMES[below(kinds)],
                                     .group = (int32_t)below(1 + below(3)),
                                     .holds = below(3) == 0,
                                     .avail = below(range)};
        }
        model m = {.ask = &ask, .items = items, .n = (int)n, .sets = sets};
        m_order(&m);
        spread_result want =
            n == 0 ? SPREAD_TOO_FEW : (ask.areas_min > 0 ? m_by_area(&m, chosen) : m_by_cluster(&m, chosen));
        spread_result got = spread_select(&ask, at, n, &s);
        if (got != want) {
            fail_msg("round %d: result %d, the model says %d", round, (int)got, (int)want);
        }
        results[got]++;
        for (uint32_t i = 0; i < n; i++) {
            if (items[i].chosen != chosen[i]) {
                fail_msg("round %d: cluster %u is %schosen, the model says otherwise", round, i,
                         items[i].chosen ? "" : "not ");
            }
        }
    }
    assert_true(results[0] > 10000 && results[1] > 1000 && results[2] > 500); /* all ends were met */
}

/** Hundreds of areas: the search ends, and in a set that meets the constraint. */
static void many_areas_end(void **state)
{
    (void)state;
    enum { N = 400 };
    static spread_item items[N];
    static uint32_t order[N], next[N], by_score[N], path[N], best[N];
    static spread_area areas[N];
    static uint8_t in[N];
    static char names[N / 2][8];
    spread_scratch s = {order, next, areas, by_score, path, best, in};
    for (int round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < N; i++) {
            (void)snprintf(names[i / 2], sizeof names[0], "r%u", i / 2);
            items[i] = (spread_item){.area = names[below(N) / 2], .holds = below(2) > 0, .avail = 1 + below(30)};
        }
        spread_ask ask = {.clusters_min = 60,
                          .clusters_max = 100,
                          .areas_min = 10,
                          .areas_max = 30,
                          .replicas = 500,
                          .divided = true};
        assert_int_equal(spread_select(&ask, items, N, &s), SPREAD_OK);
        int count = 0;
        for (uint32_t i = 0; i < N; i++) {
            count += items[i].chosen ? 1 : 0;
        }
        assert_true(count >= 60 && count <= 100);
    }
}

/** floor(), then one each by votes, seats of the time before, rank: worked out by repeated search. */
static void floor_division_follows_its_rule(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        webster_party p[8];
        uint32_t rest[8];
        int32_t want[8];
        bool got_one[8] = {false};
        uint32_t n = 1 + below(8);
        int64_t total = 0;
        for (uint32_t i = 0; i < n; i++) {
            p[i] = (webster_party){.votes = below(6), .rank = (int32_t)(n - i), .last = (int32_t)below(3)};
            total += p[i].votes;
        }
        int32_t seats = (int32_t)below(30);
        int32_t given = 0;
        for (uint32_t i = 0; i < n; i++) {
            want[i] = total == 0 ? 0 : (int32_t)(p[i].votes * seats / total);
            given += want[i];
        }
        for (; total > 0 && given < seats; given++) {
            uint32_t best = n;
            for (uint32_t i = 0; i < n; i++) {
                bool wins = best == n || p[i].votes > p[best].votes ||
                            (p[i].votes == p[best].votes &&
                             (p[i].last > p[best].last || (p[i].last == p[best].last && p[i].rank < p[best].rank)));
                best = !got_one[i] && wins ? i : best;
            }
            got_one[best] = true;
            want[best]++;
        }
        assert_int_equal(floor_divide(p, n, seats, rest), total == 0 ? 0 : seats);
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(p[i].seats, want[i]);
            assert_true(seats > total || p[i].seats <= p[i].votes); /* what is there to take is never exceeded */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_model),
        cmocka_unit_test(many_areas_end),
        cmocka_unit_test(floor_division_follows_its_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
