/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plain_engine.c - step by step, request by request. Written to be read against the description in engine.h. */
#include "tests/support/plain_engine.h"

#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 wide;

typedef struct body {
    int32_t computed; /* tokens whose keys and values are in the cache */
    int32_t sampled;
    int32_t blocks;
    int32_t chunk; /* tokens in this step */
    bool prefilling, inside, cancelled;
} body;

typedef struct plain {
    const mdl_llm_config *config;
    plain_request *requests;
    body *bodies;
    int32_t *running, *waiting;
    int32_t running_count, waiting_count, free_blocks;
    wide now_ps, step_start_ps, busy_ps;
    bool in_step;
    mdl_load *loads;
    plain_tally *tally;
    int64_t tokens_in, tokens_out, preemptions, completed;
} plain;

static int32_t blocks_for(const plain *p, int32_t tokens)
{
    int32_t blocks = 0;
    while ((int64_t)blocks * p->config->block_tokens < tokens) {
        blocks++;
    }
    return blocks;
}

static int64_t up_to_ns(wide ps)
{
    return (int64_t)((ps + 999) / 1000);
}

static void take_out(int32_t *list, int32_t *count, int32_t which)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < *count; i++) {
        if (list[i] != which) {
            list[kept++] = list[i];
        }
    }
    *count = kept;
}

static bool contains(const int32_t *list, int32_t count, int32_t which)
{
    for (int32_t i = 0; i < count; i++) {
        if (list[i] == which) {
            return true;
        }
    }
    return false;
}

static void leave_running(plain *p, int32_t which)
{
    take_out(p->running, &p->running_count, which);
    p->free_blocks += p->bodies[which].blocks;
    p->bodies[which].blocks = 0;
    p->bodies[which].inside = false;
}

static void probe(const plain *p, int64_t at_ns, mdl_load *load)
{
    wide busy = p->busy_ps;
    if (p->in_step) {
        busy += (wide)at_ns * 1000 - p->step_start_ps;
    }
    *load = (mdl_load){.running = p->running_count,
                       .waiting = p->waiting_count,
                       .kv_blocks = p->config->kv_blocks,
                       .kv_blocks_used = p->config->kv_blocks - p->free_blocks,
                       .tokens_in = p->tokens_in,
                       .tokens_out = p->tokens_out,
                       .preemptions = p->preemptions,
                       .completed = p->completed,
                       .busy_ns = (int64_t)(busy / 1000)};
}

static void apply(plain *p, const plain_op *op)
{
    if (op->kind == PLAIN_PROBE) {
        probe(p, op->at_ns, &p->loads[op->which]);
        return;
    }
    plain_request *r = &p->requests[op->which];
    body *b = &p->bodies[op->which];
    if (op->kind == PLAIN_SUBMIT) {
        int64_t room = (int64_t)p->config->kv_blocks * p->config->block_tokens;
        r->refused = p->waiting_count >= p->config->max_waiting || (int64_t)r->input + r->output > room;
        if (!r->refused) {
            b->inside = true;
            p->waiting[p->waiting_count++] = op->which;
        }
        return;
    }
    if (!b->inside || b->cancelled) {
        return;
    }
    b->cancelled = true;
    if (contains(p->waiting, p->waiting_count, op->which)) {
        take_out(p->waiting, &p->waiting_count, op->which);
        b->inside = false;
        p->tally->cancelled_waiting++;
    } else {
        p->tally->cancelled_running++;
        if (!p->in_step) {
            leave_running(p, op->which);
        }
    }
}

static void preempt(plain *p, int32_t which)
{
    body *b = &p->bodies[which];
    p->running_count--;
    p->free_blocks += b->blocks;
    b->blocks = 0;
    b->computed = 0;
    b->chunk = 0;
    memmove(p->waiting + 1, p->waiting, (size_t)p->waiting_count * sizeof p->waiting[0]);
    p->waiting[0] = which;
    p->waiting_count++;
    p->preemptions++;
    p->tally->preemptions++;
}

static void compose(plain *p)
{
    int32_t budget = p->config->max_batched_tokens;
    bool preempted = false;
    for (int32_t i = 0; i < p->running_count && budget > 0; i++) {
        int32_t which = p->running[i];
        body *b = &p->bodies[which];
        int32_t chunk = p->requests[which].input + b->sampled - b->computed;
        chunk = chunk < budget ? chunk : budget;
        int32_t need = blocks_for(p, b->computed + chunk) - b->blocks;
        bool self = false;
        while (need > p->free_blocks && !self) {
            int32_t victim = p->running[p->running_count - 1];
            self = victim == which;
            p->tally->self_preemptions += self;
            preempt(p, victim);
            preempted = true;
        }
        if (self) {
            break;
        }
        p->free_blocks -= need;
        b->blocks += need;
        b->chunk = chunk;
        budget -= chunk;
    }
    while (!preempted && p->waiting_count > 0 && budget > 0 && p->running_count < p->config->max_sequences) {
        int32_t which = p->waiting[0];
        body *b = &p->bodies[which];
        int32_t total = p->requests[which].input + b->sampled;
        int32_t chunk = total < budget ? total : budget;
        int32_t need = blocks_for(p, chunk);
        if (need > p->free_blocks) {
            break;
        }
        take_out(p->waiting, &p->waiting_count, which);
        p->running[p->running_count++] = which;
        p->free_blocks -= need;
        p->tally->chunks += chunk < total;
        p->tally->recomputed_first += b->sampled > 0;
        b->blocks = need;
        b->chunk = chunk;
        b->prefilling = true;
        budget -= chunk;
        if (p->requests[which].started_ns < 0) {
            p->requests[which].started_ns = up_to_ns(p->now_ps);
        }
    }
}

static wide step_time(const plain *p)
{
    const mdl_step_model *m = &p->config->step;
    wide n = 0, q = 0, d = 0, s = 0, prefill = 0, attention = 0;
    for (int32_t i = 0; i < p->running_count; i++) {
        const body *b = &p->bodies[p->running[i]];
        n += b->chunk;
        q += b->computed + b->chunk == p->requests[p->running[i]].input + b->sampled;
        if (b->prefilling) {
            prefill += b->chunk;
            attention += (wide)m->g1_half * b->chunk * (2 * (wide)b->computed + b->chunk);
        } else {
            d += 1;
            s += b->computed + 1;
        }
    }
    wide by_memory = m->c1 + m->c2 * (n - 1);
    wide by_compute = m->c3 + m->c4 * n;
    wide ps = (by_memory > by_compute ? by_memory : by_compute) + m->h0 + m->h1 * q;
    if (d > 0) {
        ps += m->e0 + m->e1 * d + m->e2 * s;
    }
    if (prefill > 0) {
        ps += m->g0 + attention;
    }
    return ps;
}

static void end_step(plain *p)
{
    int64_t at_ns = up_to_ns(p->now_ps);
    for (int32_t i = 0; i < p->running_count; i++) {
        int32_t which = p->running[i];
        plain_request *r = &p->requests[which];
        body *b = &p->bodies[which];
        b->computed += b->chunk;
        if (b->prefilling) {
            p->tokens_in += b->chunk;
        }
        b->chunk = 0;
        bool sampled = b->computed == r->input + b->sampled;
        if (sampled) {
            b->sampled++;
            b->prefilling = false;
            p->tokens_out++;
        }
        if (b->cancelled) {
            leave_running(p, which);
            i--;
            continue;
        }
        if (sampled && b->sampled == 1) {
            r->first_ns = at_ns;
        }
        if (sampled && b->sampled == r->output) {
            r->done_ns = at_ns;
            p->completed++;
            leave_running(p, which);
            i--;
        }
    }
}

static void play(plain *p, const plain_op *ops, size_t op_count)
{
    size_t next = 0;
    for (;;) {
        while (next < op_count && (wide)ops[next].at_ns * 1000 <= p->now_ps) {
            apply(p, &ops[next++]);
        }
        if (p->running_count + p->waiting_count == 0) {
            if (next == op_count) {
                return;
            }
            p->now_ps = (wide)ops[next].at_ns * 1000;
            continue;
        }
        compose(p);
        wide ps = step_time(p);
        p->tally->steps++;
        p->step_start_ps = p->now_ps;
        p->now_ps += ps;
        p->in_step = true;
        while (next < op_count && (wide)ops[next].at_ns * 1000 < p->now_ps) {
            apply(p, &ops[next++]);
        }
        p->in_step = false;
        p->busy_ps += ps;
        end_step(p);
    }
}

bool plain_run(const mdl_llm_config *config, const plain_op *ops, size_t op_count, plain_request *requests,
               size_t request_count, mdl_load *loads, plain_tally *tally)
{
    size_t n = request_count + 1;
    plain p = {
        .config = config, .requests = requests, .free_blocks = config->kv_blocks, .loads = loads, .tally = tally};
    p.bodies = calloc(n, sizeof *p.bodies);
    p.running = calloc(n, sizeof *p.running);
    p.waiting = calloc(n, sizeof *p.waiting);
    bool ok = p.bodies != NULL && p.running != NULL && p.waiting != NULL;
    if (ok) {
        for (size_t i = 0; i < request_count; i++) {
            requests[i].refused = false;
            requests[i].started_ns = -1;
            requests[i].first_ns = -1;
            requests[i].done_ns = -1;
        }
        play(&p, ops, op_count);
    }
    free(p.bodies);
    free(p.running);
    free(p.waiting);
    return ok;
}
