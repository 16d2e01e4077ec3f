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
    int32_t prefix;
    int64_t number; /* of submission */
    bool prefilling, inside, cancelled;
} body;

/* Free blocks that still hold a conversation. */
typedef struct kept {
    uint64_t key;
    int32_t blocks;
    int64_t step, number;
} kept;

/* A block with a name: how many running requests have it, and who left last. */
typedef struct named {
    uint64_t name;
    int32_t users;
    int64_t step, number;
} named;

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
    int64_t tokens_in, tokens_cached, tokens_out, preemptions, completed;
    kept *kept; /* [kept_count] oldest first */
    int32_t kept_count;
    named *named; /* [named_count] */
    int32_t named_count;
    int64_t submitted;
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
    int32_t left = 0;
    for (int32_t i = 0; i < *count; i++) {
        if (list[i] != which) {
            list[left++] = list[i];
        }
    }
    *count = left;
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

static void forget_kept(plain *p, int32_t i)
{
    p->kept_count--;
    memmove(p->kept + i, p->kept + i + 1, (size_t)(p->kept_count - i) * sizeof p->kept[0]);
}

/* Kept blocks are free ones: those beyond what is free have been overwritten, the oldest first. */
static void trim_kept(plain *p)
{
    for (;;) {
        int32_t held = 0;
        for (int32_t i = 0; i < p->kept_count; i++) {
            held += p->kept[i].blocks;
        }
        if (held <= p->free_blocks && held <= p->config->prefix_blocks) {
            return;
        }
        if (--p->kept[0].blocks == 0) {
            forget_kept(p, 0);
        }
    }
}

static int32_t find_kept(const plain *p, uint64_t key)
{
    for (int32_t i = 0; i < p->kept_count; i++) {
        if (p->kept[i].key == key) {
            return i;
        }
    }
    return -1;
}

static bool has_key(const plain *p, int32_t which)
{
    return p->requests[which].key != 0 && p->requests[which].chain == NULL && p->config->prefix_blocks > 0;
}

/* The chain of a request, if it counts here. */
static const mdl_chain *chain_of(const plain *p, int32_t which)
{
    const mdl_chain *c = p->requests[which].chain;
    return c != NULL && p->config->prefix_blocks > 0 && c->block_tokens % p->config->block_tokens == 0 ? c : NULL;
}

static named *named_of(plain *p, uint64_t name)
{
    for (int32_t i = 0; i < p->named_count; i++) {
        if (p->named[i].name == name) {
            return &p->named[i];
        }
    }
    p->named[p->named_count] = (named){.name = name, .step = -1};
    return &p->named[p->named_count++];
}

/* Whether block i of a chain ends within so many tokens of the prompt. */
static bool within(const plain *p, int32_t which, int32_t i, int32_t tokens)
{
    const mdl_chain *c = chain_of(p, which);
    const int32_t end = (i + 1) * c->block_tokens;
    return i < c->count && end <= tokens && end <= p->requests[which].input;
}

static bool readable(plain *p, const mdl_chain *c, int32_t i)
{
    const int32_t at = find_kept(p, c->key + (uint64_t)c->ids[i]);
    return named_of(p, c->key + (uint64_t)c->ids[i])->users > 0 ||
           (at >= 0 && p->kept[at].blocks == c->block_tokens / p->config->block_tokens);
}

/* A request has computed tokens: whole blocks get their names, and of two copies of one, one is given back. */
static void name_blocks(plain *p, int32_t which, int32_t from, int32_t to)
{
    const mdl_chain *c = chain_of(p, which);
    for (int32_t i = 0; c != NULL && within(p, which, i, to); i++) {
        if (within(p, which, i, from)) {
            continue;
        }
        named *n = named_of(p, c->key + (uint64_t)c->ids[i]);
        n->users++;
        if (n->users > 1) {
            p->free_blocks += c->block_tokens / p->config->block_tokens;
            p->tally->chain_copies++;
        } else if (find_kept(p, n->name) >= 0) {
            forget_kept(p, find_kept(p, n->name));
        }
    }
}

/* Behind all that were kept before, but at one step in the order of submission. */
static void keep(plain *p, kept k)
{
    int32_t i = p->kept_count++;
    for (; i > 0 && p->kept[i - 1].step == k.step && p->kept[i - 1].number > k.number; i--) {
        p->kept[i] = p->kept[i - 1];
    }
    p->kept[i] = k;
}

/* Named blocks of a request that leaves: those that nobody else has are kept, the last first. */
static void leave_names(plain *p, int32_t which)
{
    const mdl_chain *c = chain_of(p, which);
    const body *b = &p->bodies[which];
    int32_t count = 0;
    while (within(p, which, count, b->computed)) {
        count++;
    }
    for (int32_t i = count - 1; i >= 0; i--) {
        named *n = named_of(p, c->key + (uint64_t)c->ids[i]);
        n->users--;
        n->number = n->step == p->tally->steps && n->number > b->number ? n->number : b->number;
        n->step = p->tally->steps;
        if (n->users > 0) {
            p->free_blocks -= c->block_tokens / p->config->block_tokens;
        } else {
            keep(p, (kept){n->name, c->block_tokens / p->config->block_tokens, n->step, n->number});
        }
    }
}

/* The blocks of a request are free; they keep its conversation for now. */
static void release_blocks(plain *p, int32_t which)
{
    body *b = &p->bodies[which];
    p->free_blocks += b->blocks;
    b->blocks = 0;
    if (chain_of(p, which) != NULL) {
        leave_names(p, which);
    }
    if (!has_key(p, which)) {
        return;
    }
    b->prefix = b->prefix > b->computed ? b->prefix : b->computed;
    if (b->computed < p->config->block_tokens) {
        return;
    }
    int32_t same = find_kept(p, p->requests[which].key);
    bool later = same >= 0 && p->kept[same].step == p->tally->steps && p->kept[same].number > b->number;
    if (same >= 0 && !later) {
        forget_kept(p, same);
    }
    if (!later) {
        keep(p, (kept){p->requests[which].key, b->computed / p->config->block_tokens, p->tally->steps, b->number});
    }
}

static void leave_running(plain *p, int32_t which)
{
    take_out(p->running, &p->running_count, which);
    release_blocks(p, which);
    p->bodies[which].inside = false;
}

/* Tokens that need no prefill, block by block. */
static int32_t found_tokens(plain *p, int32_t which)
{
    const plain_request *r = &p->requests[which];
    const body *b = &p->bodies[which];
    int32_t i = has_key(p, which) ? find_kept(p, r->key) : -1;
    int32_t size = p->config->block_tokens;
    int32_t by_key = 0;
    int32_t by_cache = 0;
    while (i >= 0 && by_key < p->kept[i].blocks && (by_key + 1) * size <= b->prefix &&
           (by_key + 1) * size < r->input + b->sampled) {
        by_key++;
    }
    while ((by_cache + 1) * size <= r->cached && (by_cache + 1) * size < r->input) {
        by_cache++;
    }
    int32_t by_name = 0;
    const mdl_chain *c = chain_of(p, which);
    while (c != NULL && within(p, which, by_name, r->input + b->sampled - 1) && readable(p, c, by_name)) {
        by_name++;
    }
    int32_t found = size * (by_key > by_cache ? by_key : by_cache);
    return by_name > 0 && by_name * c->block_tokens > found ? by_name * c->block_tokens : found;
}

/* Whether a comes before b in the queue. */
static bool more_urgent(const plain *p, int32_t a, int32_t b)
{
    if (p->requests[a].priority != p->requests[b].priority) {
        return p->requests[a].priority < p->requests[b].priority;
    }
    return p->bodies[a].number < p->bodies[b].number;
}

static void enqueue(plain *p, int32_t which)
{
    int32_t i = p->waiting_count++;
    for (; i > 0 && more_urgent(p, which, p->waiting[i - 1]); i--) {
        p->waiting[i] = p->waiting[i - 1];
    }
    p->waiting[i] = which;
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
                       .tokens_cached = p->tokens_cached,
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
            b->number = p->submitted++;
            b->prefix = r->prefix;
            enqueue(p, op->which);
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
    p->tally->overtaken += p->running[p->running_count - 1] != which;
    take_out(p->running, &p->running_count, which);
    release_blocks(p, which);
    b->computed = 0;
    b->chunk = 0;
    b->prefilling = false;
    enqueue(p, which);
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
            int32_t victim = p->running[0];
            int32_t place = 0;
            for (int32_t j = 1; j < p->running_count; j++) {
                if (more_urgent(p, victim, p->running[j])) {
                    victim = p->running[j];
                    place = j;
                }
            }
            self = victim == which;
            p->tally->self_preemptions += self;
            budget += p->bodies[victim].chunk; /* it had its share of this step already if it stands before */
            i -= place < i;
            preempt(p, victim);
            preempted = true;
        }
        if (self) {
            i--;
            continue;
        }
        p->free_blocks -= need;
        trim_kept(p);
        b->blocks += need;
        b->chunk = chunk;
        budget -= chunk;
    }
    trim_kept(p);
    while (!preempted && p->waiting_count > 0 && budget > 0 && p->running_count < p->config->max_sequences) {
        int32_t which = p->waiting[0];
        body *b = &p->bodies[which];
        int32_t found = found_tokens(p, which);
        int32_t total = p->requests[which].input + b->sampled - found;
        int32_t chunk = total < budget ? total : budget;
        int32_t need = blocks_for(p, found + chunk);
        const mdl_chain *c = chain_of(p, which);
        int32_t others = 0; /* blocks that another has */
        for (int32_t i = 0; c != NULL && within(p, which, i, found); i++) {
            if (named_of(p, c->key + (uint64_t)c->ids[i])->users > 0) {
                others += c->block_tokens / p->config->block_tokens;
            }
        }
        if (need - others > p->free_blocks) {
            break;
        }
        p->tally->chain_hits += c != NULL && found > 0;
        name_blocks(p, which, 0, found);
        take_out(p->waiting, &p->waiting_count, which);
        p->running[p->running_count++] = which;
        p->tally->hits += found > 0;
        p->tokens_cached += found;
        b->computed = found;
        if (has_key(p, which) && find_kept(p, p->requests[which].key) >= 0) {
            p->tally->conversations_found++;
            forget_kept(p, find_kept(p, p->requests[which].key));
        }
        p->free_blocks -= need;
        trim_kept(p);
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
    wide n = 0, q = 0, d = 0, s = 0, prefill = 0, attention = 0, largest = 0;
    for (int32_t i = 0; i < p->running_count; i++) {
        const body *b = &p->bodies[p->running[i]];
        n += b->chunk;
        q += b->computed + b->chunk == p->requests[p->running[i]].input + b->sampled;
        if (b->prefilling) {
            prefill += b->chunk;
            largest = b->chunk > largest ? b->chunk : largest;
            attention += (wide)m->g1_half * b->chunk * (2 * (wide)b->computed + b->chunk);
        } else {
            d += 1;
            s += b->computed + 1;
        }
    }
    if (m->stages > 1) {
        n = n % m->stages == 0 ? n / m->stages : n / m->stages + 1;
        n = n < largest ? largest : n;
    }
    wide by_memory = m->c1 + m->c2 * (n - 1) + mdl_experts_ps(m->x, m->x_miss, (int64_t)n);
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
        const body *b = &p->bodies[p->running[i]];
        name_blocks(p, p->running[i], b->computed, b->computed + b->chunk);
    }
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
    size_t names = 1;
    for (size_t i = 0; i < request_count; i++) {
        names += requests[i].chain != NULL ? (size_t)requests[i].chain->count : 0;
    }
    p.kept = calloc(n + names, sizeof *p.kept);
    p.named = calloc(names, sizeof *p.named);
    bool ok = p.bodies != NULL && p.running != NULL && p.waiting != NULL && p.kept != NULL && p.named != NULL;
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
    free(p.kept);
    free(p.named);
    return ok;
}
