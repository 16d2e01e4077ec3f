/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_wide_step.c - snapshots of wide worlds, and what becomes of them from tick to tick; see fuzz_rows.h.
 *
 * A world lives: ordered nodes come or fail, replicas find nodes and get ready, nodes and clusters fail and come back,
 * readings and templates change. Cells may be damaged ones that passed the check, so nothing here trusts their size.
 */
#include <string.h>

#include "tests/support/fuzz_rows.h"

static int32_t min32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* --- pods and readings that fit the placements --- */

static void add_samples(rows *r, choice *c, size_t pod)
{
    static const char *const metrics[] = {"cpu", "load"};
    other_columns *o = &r->o;
    for (int m = 0; m < 2; m++) {
        const size_t n = r->snap.samples.count;
        if (n == SAMPLES || choice_chance(c, 1, 6)) {
            continue;
        }
        o->spod[n] = (spw_id)pod;
        o->smetric[n] = spw_key(metrics[m]);
        o->value[n] = some(c, 0, 3000);
        o->request[n] = some(c, 0, 2000);
        o->sampled[n] = r->snap.now - (choice_chance(c, 1, 8) ? some(c, 0, 400) : some(c, 0, 20)) * S;
        o->window[n] = 30 * S;
        r->snap.samples.count++;
    }
}

static void list_pods(rows *r, choice *c)
{
    other_columns *o = &r->o;
    r->snap.pods.count = r->snap.samples.count = 0;
    for (size_t k = 0; k < r->snap.placements.count; k++) {
        const int32_t shown = min32(o->assigned[k], choice_chance(c, 1, 6) ? 2 : 16);
        for (int32_t j = 0; j < shown && r->snap.pods.count < PODS; j++) {
            const size_t i = r->snap.pods.count++;
            const bool up = j < o->scheduled[k];
            o->podkey[i] = ((uint64_t)o->swork[k] * CLUSTERS + o->scluster[k]) * 1000 + (uint64_t)j;
            o->pwork[i] = o->swork[k];
            o->pcluster[i] = o->scluster[k];
            o->phase[i] = (uint8_t)(up ? SPW_POD_RUNNING : SPW_POD_PENDING);
            o->deleting[i] = choice_chance(c, 1, 16);
            o->pready[i] = j < o->ready[k];
            o->started[i] = up ? r->snap.now - some(c, 0, 600) * S : SPW_TIME_MAX;
            o->changed[i] = up ? r->snap.now - some(c, 0, 600) * S : SPW_TIME_MAX;
            add_samples(r, c, i);
        }
    }
}

static void list_values(rows *r, choice *c)
{
    static const char *const metrics[] = {"queue", "rate", SPW_ROUTE_RATE};
    other_columns *o = &r->o;
    r->snap.values.count = 0;
    for (size_t w = 0; w < r->snap.workloads.count; w++) {
        for (int m = 0; m < 3; m++) {
            const size_t n = r->snap.values.count;
            if (n == VALUES || choice_chance(c, 1, 5)) {
                continue;
            }
            o->vwork[n] = (spw_id)w;
            o->vmetric[n] = spw_key(metrics[m]);
            o->vvalue[n] = choice_chance(c, 1, 4) ? 0 : some(c, 0, 90000);
            o->vobserved[n] = r->snap.now - (choice_chance(c, 1, 8) ? some(c, 0, 400) : some(c, 0, 20)) * S;
            r->snap.values.count++;
        }
    }
}

/** Ready replicas by pool: of each pair a part, so that no more are told of than there are. */
static void list_usage(rows *r, choice *c)
{
    other_columns *o = &r->o;
    size_t n = 0;
    for (size_t k = 0; k < r->snap.placements.count; k++) {
        int32_t left = o->ready[k];
        for (size_t p = 0; p < r->snap.pools.count && n < USAGES && left > 0; p++) {
            if (r->p.cluster[p] == o->scluster[k] && choice_chance(c, 2, 3)) {
                o->uwork[n] = o->swork[k];
                o->upool[n] = (spw_id)p;
                o->uready[n] = some(c, 0, min32(left, 1000));
                left -= o->uready[n++];
            }
        }
    }
    r->snap.usage.count = choice_chance(c, 2, 3) ? n : 0;
}

static void list_readings(rows *r, choice *c)
{
    list_pods(r, c);
    list_values(r, c);
    list_usage(r, c);
}

/* --- nodes --- */

/** A pool of nodes of any size, with what is free on them. */
static void resize_pool(rows *r, choice *c, size_t p)
{
    pool_columns *k = &r->p;
    int32_t left = k->nodes[p];
    k->gpus[p] = some(c, 1, SPW_NODE_GPUS_MAX);
    for (int32_t g = 0; g <= SPW_NODE_GPUS_MAX; g++) {
        k->free_nodes[p][g] = g <= k->gpus[p] ? some(c, 0, left) : 0;
        left -= k->free_nodes[p][g];
    }
}

void fuzz_widen_rows(rows *r, choice *c)
{
    static const spw_label labels[] = {{"paidtype", "spot"}, {"team", "x"}};
    for (size_t p = 0; p < r->snap.pools.count; p++) {
        r->p.labels[p] = (spw_labels){labels, (size_t)choice_below(c, 3)};
        if (choice_chance(c, 1, 4)) {
            resize_pool(r, c, p);
        }
    }
    for (size_t i = 0; i < r->snap.clusters.count; i++) {
        if (choice_chance(c, 1, 3)) { /* a summary that binds */
            r->c.summary[0][i] = choice_chance(c, 1, 8) ? -1 : some(c, 0, 30) * 1000;
            r->c.summary[3][i] = choice_chance(c, 1, 8) ? -1 : some(c, 0, 400000);
            r->c.summary[6][i] = choice_chance(c, 1, 8) ? -1 : some(c, 0, 16);
            for (int s = 0; s < 9; s += s % 3 == 2 ? 2 : 1) {
                r->c.summary[s][i] = s % 3 == 0 ? r->c.summary[s][i] : some(c, 0, s < 6 ? 4000 : 4);
            }
        }
    }
    r->snap.pools.labels = choice_chance(c, 1, 2) ? r->p.labels : NULL;
    list_readings(r, c);
}

static void come_and_go(rows *r, choice *c, size_t p)
{
    pool_columns *k = &r->p;
    int32_t *free_nodes = k->free_nodes[p];
    const int32_t gpus = k->gpus[p];
    if (gpus < 1 || gpus > SPW_NODE_GPUS_MAX) {
        return;
    }
    if (k->nodes[p] < k->target[p] && choice_chance(c, 2, 3)) {
        const int32_t more = some(c, 1, min32(k->target[p] - k->nodes[p], 1000));
        k->nodes[p] += more;
        free_nodes[gpus] += more;
    } else if (k->nodes[p] < k->target[p] && choice_chance(c, 1, 3)) {
        k->failures[p] += k->failures[p] < 1000;
    }
    if (k->nodes[p] > k->target[p] && free_nodes[gpus] > 0) {
        const int32_t less = min32(k->nodes[p] - k->target[p], free_nodes[gpus]);
        k->nodes[p] -= less;
        free_nodes[gpus] -= less;
    }
    const int32_t fails = some(c, 0, gpus);
    if (choice_chance(c, 1, 12) && k->nodes[p] > 0 && free_nodes[fails] > 0) {
        k->nodes[p]--;
        free_nodes[fails]--;
        k->target[p] -= k->target[p] > k->min[p] ? 1 : 0;
    }
    k->stock[p] = choice_chance(c, 1, 4) ? some(c, -1, 5) : k->stock[p];
    k->observed[p] = r->snap.now - (choice_chance(c, 1, 8) ? 200 : 0) * S;
    k->stock_observed[p] = r->snap.now - some(c, 0, 100) * S;
}

static bool class_fits(const setup *s, uint64_t key, const char *gpu)
{
    for (size_t w = 0; w < s->config.workload_count; w++) {
        const spw_workload *work = &s->work[w];
        bool fits = work->gpu_class_count == 0;
        for (size_t i = 0; i < work->gpu_class_count; i++) {
            fits = fits || strcmp(work->gpu_classes[i], gpu) == 0;
        }
        if (work->key == key) {
            return fits;
        }
    }
    return true;
}

/** Moves a node of a pool from `from` free GPUs to `to`. @return is there one? */
static bool move_node(rows *r, size_t p, int32_t from, int32_t to)
{
    int32_t *free_nodes = r->p.free_nodes[p];
    const bool there = to >= 0 && to <= r->p.gpus[p] && from >= 0 && from <= r->p.gpus[p] && free_nodes[from] > 0;
    if (there) {
        free_nodes[from]--;
        free_nodes[to]++;
    }
    return there;
}

/** Binds a replica to the first node that has room, or with a negative number of GPUs takes one off. */
static bool bind(rows *r, const setup *s, size_t seat, int32_t gpus)
{
    bool done = gpus == 0;
    for (size_t p = 0; p < r->snap.pools.count && !done; p++) {
        const bool fits = r->p.cluster[p] == r->o.scluster[seat] && r->p.gpus[p] <= SPW_NODE_GPUS_MAX &&
                          class_fits(s, r->o.wkey[r->o.swork[seat]], r->p.gpu[p]);
        for (int32_t k = 0; k <= r->p.gpus[p] && fits && !done; k++) {
            done = move_node(r, p, k, k - gpus);
        }
    }
    return done;
}

static void run_seat(rows *r, const setup *s, choice *c, size_t k)
{
    other_columns *o = &r->o;
    const int32_t gpus = o->gpus[o->swork[k]];
    if (gpus < 0 || gpus > SPW_NODE_GPUS_MAX) {
        return;
    }
    for (int i = 0; i < 40 && o->scheduled[k] > o->assigned[k]; i++) {
        (void)bind(r, s, k, -gpus);
        o->scheduled[k]--;
    }
    for (int i = 0; i < 40 && o->scheduled[k] < o->assigned[k] && !choice_chance(c, 1, 10); i++) {
        if (!bind(r, s, k, gpus)) {
            break;
        }
        o->scheduled[k]++;
    }
    if (o->scheduled[k] > 0 && choice_chance(c, 1, 12)) {
        o->scheduled[k]--; /* its node is lost */
    }
    if (choice_chance(c, 3, 4)) {
        o->ready[k] = choice_chance(c, 1, 8) ? some(c, 0, o->scheduled[k]) : o->scheduled[k];
    }
    o->ready[k] = min32(o->ready[k], o->scheduled[k]);
    o->observed[k] = r->snap.now;
}

void fuzz_change_fleet(rows *r, size_t clusters)
{
    other_columns *o = &r->o;
    if (r->snap.clusters.count < clusters) {
        r->snap.clusters.count++;
        return;
    }
    const spw_id gone = (spw_id)--r->snap.clusters.count;
    size_t kept = 0;
    for (size_t k = 0; k < r->snap.placements.count; k++) {
        if (o->scluster[k] != gone) {
            o->swork[kept] = o->swork[k];
            o->scluster[kept] = o->scluster[k];
            o->assigned[kept] = o->assigned[k];
            o->scheduled[kept] = o->scheduled[k];
            o->ready[kept] = o->ready[k];
            o->observed[kept++] = o->observed[k];
        }
    }
    r->snap.placements.count = kept;
    r->snap.pods.count = r->snap.samples.count = r->snap.usage.count = 0; /* until the next reading */
    for (size_t p = 0; p < r->snap.pools.count; p++) {
        if (r->p.cluster[p] == gone) { /* pools of the same name elsewhere; all names differ */
            r->p.cluster[p] = 0;
            r->p.key[p] = spw_key2(fuzz_clusters[0], r->p.name[p]);
        }
    }
    for (size_t i = 0; i < r->snap.grades.count; i++) {
        o->gcluster[i] = o->gcluster[i] == gone ? 0 : o->gcluster[i];
    }
}

static void change_clusters(rows *r, choice *c)
{
    for (size_t i = 0; i < r->snap.clusters.count; i++) {
        r->c.ready[i] = choice_chance(c, 1, 10) ? r->c.ready[i] == 0 : r->c.ready[i] != 0;
        r->c.observed[i] = choice_chance(c, 1, 8) ? r->c.observed[i] : r->snap.now - some(c, 0, 10) * S;
    }
}

static void change_works(rows *r, choice *c)
{
    for (size_t w = 0; w < r->snap.workloads.count; w++) {
        r->o.replicas[w] = choice_chance(c, 1, 6) ? some(c, 0, 14) : r->o.replicas[w];
        r->o.reschedule[w] = choice_chance(c, 1, 10) ? r->snap.now - some(c, 0, 60) * S : r->o.reschedule[w];
    }
}

/** Nothing fails and nobody wants anything else. */
static void stay_calm(rows *r, const setup *s)
{
    other_columns *o = &r->o;
    for (size_t i = 0; i < r->snap.clusters.count; i++) {
        r->c.observed[i] = r->snap.now;
    }
    for (size_t p = 0; p < r->snap.pools.count; p++) {
        r->p.observed[p] = r->p.stock_observed[p] = r->snap.now;
    }
    for (size_t k = 0; k < r->snap.placements.count; k++) {
        const int32_t gpus = o->gpus[o->swork[k]];
        for (int i = 0; i < 40 && o->scheduled[k] > o->assigned[k]; i++) {
            (void)bind(r, s, k, -gpus);
            o->scheduled[k]--;
        }
        for (int i = 0; i < 40 && o->scheduled[k] < o->assigned[k] && bind(r, s, k, gpus); i++) {
            o->scheduled[k]++;
        }
        o->ready[k] = o->scheduled[k];
        o->observed[k] = r->snap.now;
    }
}

void fuzz_pass_time(rows *r, const setup *s, choice *c)
{
    static const int32_t steps[] = {0, 1, 15, 15, 15, 15, 15, 30, 60, 60, 310, 700};
    const bool calm = s->calm && choice_chance(c, 5, 6);
    r->snap.now += (calm ? 15 : steps[choice_below(c, sizeof steps / sizeof steps[0])]) * S;
    if (calm) {
        stay_calm(r, s);
    } else {
        for (size_t p = 0; p < r->snap.pools.count; p++) {
            come_and_go(r, c, p);
        }
        for (size_t k = 0; k < r->snap.placements.count; k++) {
            run_seat(r, s, c, k);
        }
        change_clusters(r, c);
        change_works(r, c);
    }
    list_readings(r, c);
}
