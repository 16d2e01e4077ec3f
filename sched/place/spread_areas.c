/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spread_areas.c - the choice of a set of areas (see spread.h) as a depth-first search with a bound.
 *
 * A set is an END of the search if it has enough areas and clusters and no shorter beginning of it (in the order of the
 * areas) has. Two ends are known before the search: the areas of most score, and those of most clusters; the second
 * exists whenever any end does. Both give the bound its first value, so that even a search cut short at
 * SPREAD_BRANCHES_MAX ends in a valid set, and the same one everywhere.
 */
#include "place/spread_internal.h"

typedef struct search {
    const spread_ask *ask;
    spread_scratch *s;
    size_t count, max;
    size_t depth;
    int64_t clusters, score; /* of the path */
    size_t best_count;       /* 0 = no end known */
    int64_t best_clusters, best_score;
    bool seeded; /* the best one was not met by the search: an equal one that is met takes its place */
    uint32_t branches;
} search;

static bool area_before(const spread_area *a, const spread_area *b)
{
    if (a->clusters != b->clusters) {
        return a->clusters < b->clusters;
    }
    return a->score != b->score ? a->score > b->score : strcmp(a->name, b->name) < 0;
}

/** Score down, then what `area_before` sorts last first: what bounds and seeds take from. */
static bool scores_before(const spread_area *areas, uint32_t a, uint32_t b)
{
    return areas[a].score != areas[b].score ? areas[a].score > areas[b].score : a > b;
}

/** Score down, then name: the order in which Karmada compares sets. */
static bool named_before(const spread_area *areas, uint32_t a, uint32_t b)
{
    return areas[a].score != areas[b].score ? areas[a].score > areas[b].score
                                            : strcmp(areas[a].name, areas[b].name) < 0;
}

static void sort_areas(spread_scratch *s, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        spread_area area = s->areas[i];
        size_t at = i;
        for (; at > 0 && area_before(&area, &s->areas[at - 1]); at--) {
            s->areas[at] = s->areas[at - 1];
        }
        s->areas[at] = area;
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && scores_before(s->areas, (uint32_t)i, s->by_score[at - 1]); at--) {
            s->by_score[at] = s->by_score[at - 1];
        }
        s->by_score[at] = (uint32_t)i;
    }
}

static bool is_enough(const search *f, size_t areas, int64_t clusters)
{
    return areas >= (size_t)f->ask->areas_min && areas <= f->max && clusters >= f->ask->clusters_min;
}

/** Is the set in s->in an end: enough, and no beginning of it is? */
static bool is_end(const search *f, size_t areas)
{
    size_t taken = 0;
    int64_t clusters = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (f->s->in[i] != 0) {
            clusters += f->s->areas[i].clusters;
            taken++;
            if (is_enough(f, taken, clusters)) {
                return taken == areas;
            }
        }
    }
    return false;
}

/** Takes the set in s->in as the best one if it is better than what is known. */
static void seed(search *f, size_t areas)
{
    int64_t score = 0;
    int64_t clusters = 0;
    for (size_t i = 0; i < f->count; i++) {
        score += f->s->in[i] != 0 ? f->s->areas[i].score : 0;
        clusters += f->s->in[i] != 0 ? f->s->areas[i].clusters : 0;
    }
    bool better =
        f->best_count == 0 || score > f->best_score || (score == f->best_score && clusters > f->best_clusters);
    if (!better || !is_end(f, areas)) {
        return;
    }
    f->best_count = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (f->s->in[i] != 0) {
            f->s->best[f->best_count++] = (uint32_t)i;
        }
    }
    f->best_score = score;
    f->best_clusters = clusters;
    f->seeded = true;
}

/** The areas of most clusters, and those of most score, until there are enough. */
static void seed_both(search *f)
{
    for (int by_score = 0; by_score < 2; by_score++) {
        int64_t clusters = 0;
        size_t taken = 0;
        memset(f->s->in, 0, f->count);
        while (taken < f->max && !is_enough(f, taken, clusters)) {
            uint32_t area = by_score != 0 ? f->s->by_score[taken] : (uint32_t)(f->count - 1 - taken);
            f->s->in[area] = 1;
            clusters += f->s->areas[area].clusters;
            taken++;
        }
        seed(f, taken);
    }
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/** Can no end below this path that goes on with areas from `from` beat the best one? */
static bool is_hopeless(const search *f, size_t from)
{
    if (f->best_count == 0) {
        return false;
    }
    size_t areas_missing = f->depth < (size_t)f->ask->areas_min ? (size_t)f->ask->areas_min - f->depth : 0;
    size_t missing = f->clusters < f->ask->clusters_min ? (size_t)(f->ask->clusters_min - f->clusters) : 0;
    size_t more = areas_missing > missing ? areas_missing : missing; /* each area brings at least one cluster */
    more = min_size(more, min_size(f->max - f->depth, f->count - from));
    int64_t score = f->score;
    int64_t clusters = f->clusters;
    for (size_t i = 0, taken = 0; i < f->count && taken < more; i++) {
        uint32_t area = f->s->by_score[i];
        if (area >= from) {
            score += f->s->areas[area].score;
            taken++;
        }
    }
    if (score != f->best_score) {
        return score < f->best_score;
    }
    for (size_t i = 0; i < more; i++) {
        clusters += f->s->areas[f->count - 1 - i].clusters;
    }
    return clusters < f->best_clusters || (clusters == f->best_clusters && !f->seeded);
}

static void meet_end(search *f)
{
    bool better = f->best_count == 0 || f->score > f->best_score ||
                  (f->score == f->best_score &&
                   (f->clusters > f->best_clusters || (f->clusters == f->best_clusters && f->seeded)));
    if (better) {
        memcpy(f->s->best, f->s->path, f->depth * sizeof *f->s->path);
        f->best_count = f->depth;
        f->best_score = f->score;
        f->best_clusters = f->clusters;
        f->seeded = false;
    }
}

static void walk(search *f)
{
    size_t from = 0;
    for (;;) {
        bool down = from < f->count && f->depth < f->max && !is_hopeless(f, from);
        if (down && f->branches++ >= SPREAD_BRANCHES_MAX) {
            return;
        }
        if (down) {
            f->s->path[f->depth++] = (uint32_t)from;
            f->clusters += f->s->areas[from].clusters;
            f->score += f->s->areas[from].score;
            from++;
        }
        if (down && !is_enough(f, f->depth, f->clusters)) {
            continue;
        }
        if (down) {
            meet_end(f);
        } else if (f->depth == 0) {
            return;
        }
        const uint32_t last = f->s->path[--f->depth];
        f->clusters -= f->s->areas[last].clusters;
        f->score -= f->s->areas[last].score;
        from = (size_t)last + 1;
    }
}

/** The shortest beginning of the best set, by score and name, that is an end as well. */
static size_t shorten(search *f)
{
    uint32_t *best = f->s->best;
    for (size_t i = 1; i < f->best_count; i++) {
        uint32_t area = best[i];
        size_t at = i;
        for (; at > 0 && named_before(f->s->areas, area, best[at - 1]); at--) {
            best[at] = best[at - 1];
        }
        best[at] = area;
    }
    memset(f->s->in, 0, f->count);
    for (size_t n = 1; n < f->best_count; n++) {
        f->s->in[best[n - 1]] = 1;
        if (is_end(f, n)) {
            return n;
        }
    }
    return f->best_count;
}

size_t spread_choose_areas(const spread_ask *ask, size_t count, spread_scratch *s)
{
    size_t max = ask->areas_max > 0 ? min_size((size_t)ask->areas_max, count) : count;
    search f = {.ask = ask, .s = s, .count = count, .max = max};
    sort_areas(s, count);
    seed_both(&f);
    if (f.best_count > 0) { /* the second of the two exists whenever any set does */
        walk(&f);
    }
    return shorten(&f);
}
