/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core_world.c - see core_world.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/core_world.h"

const int64_t cw_per_gpu[TOY_RESOURCES] = {8000, 4096, 1};

void cw_init(world *w)
{
    memset(w, 0, sizeof *w);
    for (int i = 0; i < CW_NODES; i++) {
        w->nodes[i].pool = -1;
    }
    for (int i = 0; i < CW_PODS; i++) {
        w->pods[i].work = -1;
    }
}

bool cw_class_fits(const spw_workload *w, const char *gpu)
{
    bool fits = w->gpu_class_count == 0;
    for (size_t i = 0; i < w->gpu_class_count; i++) {
        fits = fits || strcmp(w->gpu_classes[i], gpu) == 0;
    }
    return fits;
}

int64_t cw_request(const world *w, int work, int k)
{
    const spw_workload *own = &w->t.work[work];
    return k == TOY_CPU ? own->cpu_milli : k == TOY_MEMORY ? own->memory_bytes : 1;
}

/** What all nodes of a cluster have, and what of it pods of ours use, or wait for. */
static int64_t capacity(const world *w, int cluster, int k)
{
    int64_t sum = 0;
    for (int i = 0; i < CW_NODES; i++) {
        const node *n = &w->nodes[i];
        bool here = n->pool >= 0 && w->t.pool[n->pool].cluster == cluster;
        sum += here ? cw_per_gpu[k] * w->t.pool[n->pool].gpus_per_node : 0;
    }
    return sum;
}

int64_t cw_used(const world *w, int cluster, int k, bool waiting)
{
    int64_t sum = 0;
    for (int i = 0; i < CW_PODS; i++) {
        const pod *p = &w->pods[i];
        bool here = p->work >= 0 && p->cluster == cluster && (p->node < 0) == waiting;
        sum += here ? cw_request(w, p->work, k) : 0;
    }
    return sum;
}

int64_t cw_unused(const world *w, int cluster, int k)
{
    return capacity(w, cluster, k) - w->foreign[cluster][k] - cw_used(w, cluster, k, false);
}

int cw_node_count(const world *w, int pool)
{
    int n = 0;
    for (int i = 0; i < CW_NODES; i++) {
        n += w->nodes[i].pool == pool ? 1 : 0;
    }
    return n;
}

void cw_add_node(world *w, int pool)
{
    for (int i = 0; i < CW_NODES; i++) {
        if (w->nodes[i].pool < 0) {
            w->nodes[i] = (node){pool, w->t.pool[pool].gpus_per_node};
            return;
        }
    }
    fail_msg("the test has room for too few nodes");
}

void cw_lose_node(world *w, int i)
{
    for (int k = 0; k < CW_PODS; k++) {
        if (w->pods[k].work >= 0 && w->pods[k].node == i) {
            w->pods[k].node = -1;
        }
    }
    w->nodes[i].pool = -1;
}

/** The cloud: brings ordered nodes, takes back empty ones that are not wanted any more. */
void cw_provider(world *w)
{
    for (int p = 0; p < w->t.pools; p++) {
        toy_pool *pool = &w->t.pool[p];
        int have = cw_node_count(w, p);
        while (have < pool->target && (w->calm || !w->stuck[p]) && (w->calm || choice_chance(&w->c, 1, 2))) {
            if (!w->calm && choice_chance(&w->c, 1, 5)) {
                pool->failures++;
                pool->target -= choice_chance(&w->c, 1, 2) ? 1 : 0;
                break;
            }
            cw_add_node(w, p);
            have++;
        }
        for (int i = 0; i < CW_NODES && have > pool->target; i++) {
            if (w->nodes[i].pool == p && w->nodes[i].free == pool->gpus_per_node) {
                w->nodes[i].pool = -1;
                have--;
            }
        }
    }
}

static int pods_on(const world *w, int work, int cluster)
{
    int n = 0;
    for (int k = 0; k < CW_PODS; k++) {
        n += w->pods[k].work == work && w->pods[k].cluster == cluster ? 1 : 0;
    }
    return n;
}

/** 3 = pending, 2 = bound and not ready, 1 = ready: a member deletes in this order. */
static int expendable(const pod *p)
{
    return p->node < 0 ? 3 : (p->wait > 0 ? 2 : 1);
}

static void delete_pod(world *w, int work, int cluster)
{
    int victim = -1;
    for (int k = 0; k < CW_PODS; k++) {
        if (w->pods[k].work == work && w->pods[k].cluster == cluster &&
            (victim < 0 || expendable(&w->pods[k]) > expendable(&w->pods[victim]))) {
            victim = k;
        }
    }
    assert_true(victim >= 0);
    if (w->pods[victim].node >= 0) {
        w->nodes[w->pods[victim].node].free += w->t.work[work].gpus;
    }
    w->pods[victim].work = -1;
}

static void create_pod(world *w, int work, int cluster)
{
    for (int k = 0; k < CW_PODS; k++) {
        if (w->pods[k].work < 0) {
            w->pods[k] = (pod){work, cluster, -1, 0};
            return;
        }
    }
    fail_msg("the test has room for too few pods");
}

/** The member schedules by the sum of its nodes: what is left over on one node and another counts together. */
static int best_node(const world *w, const pod *p)
{
    const spw_workload *work = &w->t.work[p->work];
    int best = -1;
    for (int k = 0; k < TOY_RESOURCES; k++) {
        if (cw_unused(w, p->cluster, k) < cw_request(w, p->work, k)) {
            return -1;
        }
    }
    for (int i = 0; i < CW_NODES; i++) {
        const node *n = &w->nodes[i];
        if (n->pool >= 0 && w->t.pool[n->pool].cluster == p->cluster && n->free >= work->gpus &&
            cw_class_fits(work, w->t.pool[n->pool].gpu) && (best < 0 || n->free < w->nodes[best].free)) {
            best = i;
        }
    }
    return best;
}

/** Member clusters: pods follow the assignment, bind most important first, get ready. */
void cw_members(world *w)
{
    toy *t = &w->t;
    for (int c = 0; c < t->clusters; c++) {
        for (int k = 0; k < t->works; k++) {
            for (int n = pods_on(w, k, c); n > t->assigned[k][c]; n--) {
                delete_pod(w, k, c);
            }
            for (int n = pods_on(w, k, c); n < t->assigned[k][c]; n++) {
                create_pod(w, k, c);
            }
        }
    }
    for (int k = 0; k < t->works; k++) { /* works stand in the order of their priority */
        for (int i = 0; i < CW_PODS; i++) {
            pod *p = &w->pods[i];
            if (p->work == k && p->node < 0) {
                p->node = best_node(w, p);
                if (p->node >= 0) {
                    w->nodes[p->node].free -= t->work[k].gpus;
                    p->wait = (int)choice_below(&w->c, 4) + 1;
                }
            }
        }
    }
    for (int i = 0; i < CW_PODS; i++) {
        if (w->pods[i].work >= 0 && w->pods[i].node >= 0 && w->pods[i].wait > 0) {
            w->pods[i].wait--;
        }
    }
}

/** What the toy shows of it. */
void cw_show(world *w)
{
    toy *t = &w->t;
    memset(t->scheduled, 0, sizeof t->scheduled);
    memset(t->is_ready, 0, sizeof t->is_ready);
    memset(t->usage, 0, sizeof t->usage);
    for (int i = 0; i < CW_PODS; i++) {
        const pod *p = &w->pods[i];
        if (p->work >= 0 && p->node >= 0) {
            t->scheduled[p->work][p->cluster]++;
            t->is_ready[p->work][p->cluster] += p->wait == 0 ? 1 : 0;
            t->usage[p->work][w->nodes[p->node].pool] += p->wait == 0 ? 1 : 0;
        }
    }
    for (int p = 0; p < t->pools; p++) {
        t->pool[p].nodes = cw_node_count(w, p);
        t->pool[p].by_hand = true;
        memset(t->pool[p].free_nodes, 0, sizeof t->pool[p].free_nodes);
    }
    for (int i = 0; i < CW_NODES; i++) {
        if (w->nodes[i].pool >= 0) {
            t->pool[w->nodes[i].pool].free_nodes[w->nodes[i].free]++;
        }
    }
    for (int c = 0; c < t->clusters && t->has_summary; c++) {
        for (int k = 0; k < TOY_RESOURCES; k++) {
            t->summary[c][k][0] = capacity(w, c, k);
            t->summary[c][k][1] = w->foreign[c][k] + cw_used(w, c, k, false);
            t->summary[c][k][2] = cw_used(w, c, k, true);
        }
    }
}

/** Pods that are not ours leave with their nodes, come, and go: of what is not in use they take what they like. */
void cw_others(world *w, bool some)
{
    for (int c = 0; c < w->t.clusters; c++) {
        for (int k = 0; k < TOY_RESOURCES; k++) {
            int64_t *own = &w->foreign[c][k];
            const int64_t most = cw_unused(w, c, k) + *own;
            *own = some && choice_chance(&w->c, 1, 6) ? choice_range(&w->c, 0, most > 0 ? most : 0) : *own;
            *own = *own < most ? *own : (most > 0 ? most : 0);
        }
    }
}

void cw_read_plan(const world *w, cw_after *a)
{
    const toy *t = &w->t;
    memcpy(a->assigned, t->assigned, sizeof a->assigned);
    memset(a->grew, 0, sizeof a->grew);
    memset(a->overflowed, 0, sizeof a->overflowed);
    for (int p = 0; p < t->pools; p++) {
        a->target[p] = t->pool[p].target;
    }
    for (size_t i = 0; i < spw_plan_count(t->plan); i++) {
        const spw_action *x = spw_plan_at(t->plan, i);
        if (x->verb == SPW_VERB_PLACE) {
            a->assigned[x->workload][x->cluster] = (int32_t)x->amount;
            a->grew[x->workload][x->cluster] = x->amount > x->before;
            a->overflowed[x->workload][x->cluster] =
                x->reason == SPW_WHY_OVERFLOW_IDLE || x->reason == SPW_WHY_OVERFLOW_ELASTIC;
        }
        if (x->verb == SPW_VERB_PROVISION || x->verb == SPW_VERB_RELEASE) {
            a->target[x->pool] = (int)x->amount;
        }
    }
}

int cw_pack(const world *w, node *nodes, int work, int cluster, int n)
{
    int packed = 0;
    const spw_workload *k = &w->t.work[work];
    for (int i = 0; i < CW_NODES && packed < n; i++) {
        bool there = nodes[i].pool >= 0 && w->t.pool[nodes[i].pool].cluster == cluster &&
                     cw_class_fits(k, w->t.pool[nodes[i].pool].gpu);
        while (there && nodes[i].free >= k->gpus && packed < n) {
            nodes[i].free -= k->gpus;
            packed++;
        }
    }
    return packed;
}

bool cw_pack_pending(const world *w, const cw_after *a, node *nodes, int cluster, bool only_grown)
{
    bool all = true;
    for (int gpus = 4; gpus > 0; gpus /= 2) {
        for (size_t rank = 1; rank <= CW_CLASSES + 1; rank++) {
            const size_t classes = rank % (CW_CLASSES + 1); /* those that take any card come last */
            for (int k = 0; k < w->t.works; k++) {
                bool turn = w->t.work[k].gpus == gpus && w->t.work[k].gpu_class_count == classes;
                int pending = a->assigned[k][cluster] - w->t.scheduled[k][cluster];
                if (turn && pending > 0 && (!only_grown || a->grew[k][cluster])) {
                    all = cw_pack(w, nodes, k, cluster, pending) == pending && all;
                }
            }
        }
    }
    return all;
}

bool cw_growth_fits(const world *w, const cw_after *a)
{
    node nodes[CW_NODES];
    memcpy(nodes, w->nodes, sizeof nodes);
    for (int p = 0; p < w->t.pools; p++) { /* the ordered ones, as if they had come */
        int next = 0;
        for (int n = cw_node_count(w, p); n < a->target[p]; n++) {
            while (next < CW_NODES && nodes[next].pool >= 0) {
                next++;
            }
            assert_true(next < CW_NODES);
            nodes[next] = (node){p, w->t.pool[p].gpus_per_node};
        }
    }
    bool all = true;
    for (int c = 0; c < w->t.clusters; c++) {
        all = cw_pack_pending(w, a, nodes, c, true) && all;
    }
    return all;
}
