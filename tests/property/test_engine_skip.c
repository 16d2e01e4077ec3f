/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_engine_skip.c - jumping over decode steps gives exactly what computing every step gives.
 *
 * Random small worlds (tiny KV memory, small and large budgets, bursts, equal times, clients who leave) go through
 * the engine and through tests/support/plain_engine.c; every time of every request and every load must be equal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/engine/llm_state.h"
#include "tests/support/choice.h"
#include "tests/support/plain_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORLDS       20000
#define MAX_REQUESTS 60
#define MAX_OPS      (4 * MAX_REQUESTS)

/* Beside the first ones, where something matters that hardly ever does for when a request ends next: in a mixed step
 * the blocks that those in the queue will take; and the blocks that a prompt in parts still needs. */
static const uint64_t rare[] = {1000070, 1087450};
#define RARE (sizeof rare / sizeof *rare)

/* After these, worlds whose prompts have chains: names of blocks. */
#define CHAINED   10000
#define NAMES_MAX 84

typedef struct world {
    mdl_llm_config config;
    plain_request requests[MAX_REQUESTS];
    plain_op ops[MAX_OPS];
    size_t request_count, op_count, probe_count;
    mdl_load plain_loads[MAX_OPS], loads[MAX_OPS];
    mdl_chain chains[MAX_REQUESTS];
    int64_t ids[MAX_REQUESTS][NAMES_MAX];
    bool eager; /* the owner calls advance more often than it must, and with little room for events */
} world;

static int compare_ops(const void *a, const void *b)
{
    const plain_op *x = a;
    const plain_op *y = b;
    if (x->at_ns != y->at_ns) {
        return x->at_ns < y->at_ns ? -1 : 1;
    }
    if (x->kind != y->kind) {
        return x->kind < y->kind ? -1 : 1;
    }
    return x->which < y->which ? -1 : x->which > y->which;
}

static mdl_step_model draw_model(choice *c)
{
    /* small round figures make steps end exactly at arrivals; odd ones leave remainders of a ns */
    int64_t unit = choice_chance(c, 1, 2) ? 1000 : choice_range(c, 1, 997);
    return (mdl_step_model){.c1 = unit * choice_range(c, 1, 200),
                            .c2 = unit * choice_range(c, 0, 3),
                            .c3 = unit * choice_range(c, 0, 50),
                            .c4 = unit * choice_range(c, 0, 8),
                            .h0 = unit * choice_range(c, 1, 20),
                            .h1 = unit * choice_range(c, 0, 3),
                            .e0 = unit * choice_range(c, 0, 10),
                            .e1 = unit * choice_range(c, 0, 3),
                            .e2 = choice_chance(c, 1, 5) ? 0 : choice_range(c, 1, 2 * unit),
                            .g0 = unit * choice_range(c, 0, 10),
                            .g1_half = choice_range(c, 0, 20),
                            .x = choice_chance(c, 1, 3) ? unit * choice_range(c, 1, 200) : 0,
                            .x_miss = (uint32_t)choice_range(c, 0, UINT32_MAX),
                            .stages = choice_chance(c, 1, 3) ? (int32_t)choice_range(c, 2, 5) : 0};
}

static void draw_config(choice *c, world *w)
{
    static const int32_t blocks[] = {1, 2, 3, 16};
    w->config = (mdl_llm_config){.step = draw_model(c),
                                 .block_tokens = blocks[choice_below(c, 4)],
                                 .max_batched_tokens = (int32_t)choice_range(c, 1, choice_chance(c, 1, 2) ? 16 : 200),
                                 .max_sequences = (int32_t)choice_range(c, 1, choice_chance(c, 1, 3) ? 3 : 20),
                                 .max_waiting = (int32_t)choice_range(c, choice_chance(c, 1, 4) ? 1 : 100, 100)};
    int64_t tokens = choice_range(c, 8, choice_chance(c, 2, 3) ? 120 : 2000);
    w->config.kv_blocks = (int32_t)(tokens / w->config.block_tokens + 1);
    if (choice_chance(c, 1, 2)) {
        w->config.prefix_blocks = (int32_t)choice_range(c, 1, 2 * w->config.kv_blocks);
    }
}

static void draw_world(uint64_t seed, world *w)
{
    choice c;
    choice_seed(&c, seed);
    memset(w, 0, sizeof *w);
    draw_config(&c, w);
    w->eager = choice_chance(&c, 1, 2);
    w->request_count = (size_t)choice_range(&c, 1, MAX_REQUESTS);
    int32_t max_input = (int32_t)choice_range(&c, 1, 80);
    int32_t max_output = (int32_t)choice_range(&c, 1, 120);
    bool ranked = choice_chance(&c, 1, 2);
    bool warm = choice_chance(&c, 1, 2);
    int64_t step_ns = (w->config.step.c1 + w->config.step.h0) / 1000 + 1;
    int64_t gap_ns = step_ns * choice_range(&c, 1, 60);
    int64_t at_ns = choice_range(&c, 0, 1000);
    for (size_t i = 0; i < w->request_count; i++) {
        if (!choice_chance(&c, 2, 5)) {
            at_ns += choice_range(&c, 0, gap_ns);
        }
        w->requests[i].input = (int32_t)choice_range(&c, 1, max_input);
        w->requests[i].output = (int32_t)choice_range(&c, 1, max_output);
        w->requests[i].priority = ranked ? (int32_t)choice_range(&c, -1, 1) : 0;
        w->requests[i].cached = warm ? (int32_t)choice_range(&c, 0, max_input) : 0;
        w->requests[i].key = choice_chance(&c, 2, 3) ? (uint64_t)choice_range(&c, 1, 12) : 0;
        w->requests[i].prefix = (int32_t)choice_range(&c, 0, max_input);
        w->ops[w->op_count++] = (plain_op){.at_ns = at_ns, .kind = PLAIN_SUBMIT, .which = (int32_t)i};
        if (choice_chance(&c, 1, 6)) {
            int64_t patience_ns = choice_range(&c, 0, 30 * gap_ns);
            w->ops[w->op_count++] = (plain_op){.at_ns = at_ns + patience_ns, .kind = PLAIN_CANCEL, .which = (int32_t)i};
        }
        if (choice_chance(&c, 1, 3)) {
            int64_t probe_ns = at_ns + choice_range(&c, 0, 10 * gap_ns);
            w->ops[w->op_count++] =
                (plain_op){.at_ns = probe_ns, .kind = PLAIN_PROBE, .which = (int32_t)w->probe_count++};
        }
    }
    qsort(w->ops, w->op_count, sizeof w->ops[0], compare_ops);
}

/* Gives most requests of a world a chain. Some sources begin all prompts alike and then branch, some name blocks
 * without a thought; a chain may be shorter than the prompt or longer, and its blocks no multiple of the engine's. */
static void draw_chains(uint64_t seed, world *w)
{
    choice c;
    choice_seed(&c, seed ^ UINT64_C(0x94d049bb133111eb));
    if (w->config.prefix_blocks == 0 || choice_chance(&c, 1, 2)) {
        w->config.prefix_blocks = w->config.kv_blocks;
    }
    const bool tree = choice_chance(&c, 4, 5);
    const bool odd = choice_chance(&c, 1, 20);
    const uint64_t branches = (uint64_t)choice_range(&c, 2, 12);
    const int32_t each = (int32_t)choice_range(&c, 1, 3) * w->config.block_tokens + odd;
    for (size_t i = 0; i < w->request_count; i++) {
        mdl_chain *chain = &w->chains[i];
        int32_t count = w->requests[i].input / each + (int32_t)choice_range(&c, 0, 2);
        count -= choice_chance(&c, 1, 8) ? (int32_t)choice_range(&c, 0, 3) : 0;
        *chain = (mdl_chain){.ids = w->ids[i], .key = 1000, .count = count < 1 ? 1 : count, .block_tokens = each};
        int64_t id = 0;
        for (int32_t k = 0; k < chain->count; k++) {
            const int64_t branch = choice_chance(&c, 1, branches) ? choice_range(&c, 1, 3) : 0;
            id = tree ? (id * 1000003 + branch + 1) & 0xffffffff : choice_range(&c, 0, 6);
            w->ids[i][k] = id;
        }
        w->requests[i].chain = choice_chance(&c, 5, 6) ? chain : NULL;
    }
}

/* The owner's book: what the engine has said about each request. */
typedef struct book {
    int64_t started_ns[MAX_REQUESTS], first_ns[MAX_REQUESTS], done_ns[MAX_REQUESTS];
    uint32_t handle[MAX_REQUESTS];
    bool inside[MAX_REQUESTS], refused[MAX_REQUESTS];
    int64_t last_event_ns;
    int64_t kv_looks, waited_again; /* at KV blocks; at requests that wait with tokens, each time */
    int64_t cancelled, sums;        /* cancels so far; sums of tokens looked at */
    const char *complaint;
} book;

static void complain(book *b, const char *text)
{
    if (b->complaint == NULL) {
        b->complaint = text;
    }
}

static void note(book *b, const mdl_event *e, int64_t now_ns)
{
    if (e->at_ns > now_ns || e->at_ns < b->last_event_ns) {
        complain(b, "event out of time order");
    }
    if (e->kind == MDL_DONE && e->at_ns < now_ns) {
        complain(b, "next() named a later time than that of an end");
    }
    b->last_event_ns = e->at_ns;
    if (!b->inside[e->tag]) {
        complain(b, "event of a request that is not inside");
    }
    int64_t *field = e->kind == MDL_STARTED ? b->started_ns : e->kind == MDL_FIRST ? b->first_ns : b->done_ns;
    if (field[e->tag] != -1) {
        complain(b, "event twice");
    }
    field[e->tag] = e->at_ns;
    if (e->kind == MDL_DONE) {
        b->inside[e->tag] = false;
    }
}

static void advance(mdl_engine *e, book *b, int64_t now_ns, size_t room)
{
    mdl_event events[8];
    size_t n;
    do {
        n = mdl_engine_advance(e, now_ns, events, room);
        for (size_t i = 0; i < n; i++) {
            note(b, &events[i], now_ns);
        }
    } while (n == room);
    if (mdl_engine_next(e) <= now_ns) {
        complain(b, "next() is not in the future after advance()");
    }
}

/* Everything that must be done up to `until_ns`, then (eager) some calls that need not be made. */
static void advance_until(mdl_engine *e, book *b, const world *w, int64_t until_ns, choice *c)
{
    size_t room = w->eager ? (size_t)choice_range(c, 1, 8) : 8;
    int64_t early_ns = until_ns;
    while (mdl_engine_next(e) <= until_ns) {
        int64_t now_ns = mdl_engine_next(e);
        advance(e, b, now_ns, room);
        early_ns = now_ns;
        if (w->eager) { /* looking ahead changes nothing */
            mdl_engine_prefetch(e);
            (void)mdl_engine_expect(e);
        }
    }
    if (w->eager && choice_chance(c, 1, 2) && early_ns <= until_ns) {
        advance(e, b, choice_range(c, early_ns, until_ns), room);
    }
}

/* What is taken: of what was in use at the last boundary, since when a decoding request takes a block at most in a
 * cycle; and what the prompts of those in the queue need, tokens that one had before it was thrown out included. The
 * engine keeps that sum; here the queue is walked. A prompt that is worked on needs its rest, too. */
static void check_kv(const mdl_engine *e, book *b, const mdl_load *load)
{
    const mdl_kv kv = mdl_engine_kv(e);
    const llm_state *s = llm_state_of(e);
    int64_t queued = 0;
    int64_t begun = 0,
            computed = 0; /* of prompts that are worked on: all that they need, what was there at the boundary */
    int32_t count = 0;
    for (uint32_t slot = s->queue.head; slot != LLM_NIL; slot = s->requests[slot].next) {
        queued += llm_blocks(s, s->requests[slot].input + s->requests[slot].sampled);
        b->waited_again += s->requests[slot].sampled > 0;
        count++;
    }
    for (uint32_t slot = 0; slot < s->fresh_slot; slot++) {
        const llm_request *r = &s->requests[slot];
        if (r->where == LLM_PREFILL && !r->dropped) {
            begun += llm_blocks(s, r->input + r->sampled);
            computed += llm_blocks(s, r->computed);
        }
    }
    b->kv_looks++;
    const int64_t least = s->chained > 0 ? queued : queued + begun; /* what is begun may be another's, too */
    if (kv.blocks != load->kv_blocks || count != load->waiting || kv.taken < least ||
        kv.taken > load->kv_blocks_used + queued + begun - computed || (load->running == 0) != (kv.taken == queued)) {
        complain(b, "KV blocks taken");
    }
}

/* Tokens of those inside, as the engine tells them, and of those that are done make up all that was sampled, as long as
 * nobody has left with some; and whoever has seen the first has one. */
static void check_sampled(const mdl_engine *e, book *b, const world *w, int64_t now_ns, const mdl_load *load)
{
    int64_t sum = 0;
    for (size_t i = 0; i < w->request_count; i++) {
        if (b->inside[i]) {
            const int32_t sampled = mdl_engine_sampled(e, now_ns, b->handle[i]);
            sum += sampled;
            if ((sampled == 0 && b->first_ns[i] >= 0) || sampled >= w->requests[i].output) {
                complain(b, "tokens of a request");
            }
        } else {
            sum += b->done_ns[i] >= 0 ? w->requests[i].output : 0;
        }
    }
    if (b->cancelled == 0) {
        b->sums++;
        if (sum != load->tokens_out) {
            complain(b, "sum of the tokens of requests");
        }
    }
}

static void play(world *w, book *b, uint64_t seed)
{
    choice c;
    choice_seed(&c, seed ^ UINT64_C(0x5bd1e995));
    for (size_t i = 0; i < MAX_REQUESTS; i++) {
        b->started_ns[i] = b->first_ns[i] = b->done_ns[i] = -1;
    }
    mdl_engine *e = mdl_llm_new(&w->config);
    assert_non_null(e);
    for (size_t i = 0; i < w->op_count; i++) {
        const plain_op *op = &w->ops[i];
        advance_until(e, b, w, op->at_ns, &c);
        if (op->kind == PLAIN_PROBE) {
            mdl_engine_load(e, op->at_ns, &w->loads[op->which]);
            check_kv(e, b, &w->loads[op->which]);
            check_sampled(e, b, w, op->at_ns, &w->loads[op->which]);
        } else if (op->kind == PLAIN_SUBMIT) {
            mdl_work work = {.tag = (uint32_t)op->which,
                             .input_tokens = w->requests[op->which].input,
                             .output_tokens = w->requests[op->which].output,
                             .cached_tokens = w->requests[op->which].cached,
                             .prefix_tokens = w->requests[op->which].prefix,
                             .prefix_key = w->requests[op->which].key,
                             .chain = w->requests[op->which].chain,
                             .priority = w->requests[op->which].priority};
            b->handle[op->which] = mdl_engine_submit(e, op->at_ns, &work);
            b->refused[op->which] = b->handle[op->which] == MDL_REFUSED;
            b->inside[op->which] = !b->refused[op->which];
        } else if (b->inside[op->which]) {
            advance(e, b, op->at_ns, 8); /* or a first token might never be told */
            mdl_engine_cancel(e, op->at_ns, b->handle[op->which]);
            b->inside[op->which] = false;
            b->cancelled++;
        }
    }
    advance_until(e, b, w, MDL_NEVER - 1, &c);
    mdl_load load;
    mdl_engine_load(e, MDL_NEVER - 1, &load);
    if (load.running + load.waiting + load.kv_blocks_used != 0 || mdl_engine_tags(e, NULL, 0) != 0) {
        complain(b, "not empty at the end");
    }
    mdl_engine_free(e);
}

static bool same_load(const mdl_load *a, const mdl_load *b)
{
    return a->running == b->running && a->waiting == b->waiting && a->kv_blocks_used == b->kv_blocks_used &&
           a->tokens_in == b->tokens_in && a->tokens_cached == b->tokens_cached && a->tokens_out == b->tokens_out &&
           a->preemptions == b->preemptions && a->completed == b->completed && a->busy_ns == b->busy_ns &&
           a->kv_blocks == b->kv_blocks;
}

static void report_load(const char *who, const mdl_load *l)
{
    print_error("%s: running %d waiting %d blocks %d in %lld cached %lld out %lld preempted %lld done %lld busy %lld\n",
                who, l->running, l->waiting, l->kv_blocks_used, (long long)l->tokens_in, (long long)l->tokens_cached,
                (long long)l->tokens_out, (long long)l->preemptions, (long long)l->completed, (long long)l->busy_ns);
}

/* A request that the client cancelled may have been started by a step that the engine never reported: before the
 * cancel no advance was due. All other times must be equal. */
static bool compare(const world *w, const book *b, const bool *cancelled)
{
    bool same = b->complaint == NULL;
    if (!same) {
        print_error("%s\n", b->complaint);
    }
    for (size_t i = 0; i < w->request_count; i++) {
        const plain_request *r = &w->requests[i];
        bool started = b->started_ns[i] == r->started_ns || (cancelled[i] && b->started_ns[i] == -1);
        if (!started || b->first_ns[i] != r->first_ns || b->done_ns[i] != r->done_ns || b->refused[i] != r->refused) {
            print_error("request %zu (%d in, %d out): started %lld/%lld first %lld/%lld done %lld/%lld refused %d/%d\n",
                        i, r->input, r->output, (long long)b->started_ns[i], (long long)r->started_ns,
                        (long long)b->first_ns[i], (long long)r->first_ns, (long long)b->done_ns[i],
                        (long long)r->done_ns, b->refused[i], r->refused);
            same = false;
        }
    }
    for (size_t i = 0; i < w->probe_count; i++) {
        if (!same_load(&w->loads[i], &w->plain_loads[i])) {
            print_error("load %zu\n", i);
            report_load("engine", &w->loads[i]);
            report_load("plain ", &w->plain_loads[i]);
            same = false;
        }
    }
    return same;
}

static void add_tally(plain_tally *sum, const plain_tally *t)
{
    sum->steps += t->steps;
    sum->preemptions += t->preemptions;
    sum->self_preemptions += t->self_preemptions;
    sum->chunks += t->chunks;
    sum->recomputed_first += t->recomputed_first;
    sum->cancelled_running += t->cancelled_running;
    sum->cancelled_waiting += t->cancelled_waiting;
    sum->hits += t->hits;
    sum->conversations_found += t->conversations_found;
    sum->overtaken += t->overtaken;
    sum->chain_hits += t->chain_hits;
    sum->chain_copies += t->chain_copies;
}

static void skipping_equals_stepping(void **state)
{
    (void)state;
    static world w;
    plain_tally sum = {0};
    int64_t refused = 0;
    int64_t done = 0, kv_looks = 0, waited_again = 0, sums = 0;
    for (uint64_t i = 1; i <= WORLDS + RARE + CHAINED; i++) {
        const uint64_t seed = i > WORLDS && i <= WORLDS + RARE ? rare[i - WORLDS - 1] : i;
        draw_world(seed, &w);
        if (i > WORLDS + RARE) {
            draw_chains(seed, &w);
        }
        plain_tally tally = {0};
        assert_true(plain_run(&w.config, w.ops, w.op_count, w.requests, w.request_count, w.plain_loads, &tally));
        add_tally(&sum, &tally);
        book b = {.complaint = NULL};
        play(&w, &b, seed);
        bool cancelled[MAX_REQUESTS] = {false};
        for (size_t k = 0; k < w.op_count; k++) {
            cancelled[w.ops[k].which] |= w.ops[k].kind == PLAIN_CANCEL;
        }
        if (!compare(&w, &b, cancelled)) {
            fail_msg("world of seed %llu differs", (unsigned long long)seed);
        }
        kv_looks += b.kv_looks;
        waited_again += b.waited_again;
        sums += b.sums;
        for (size_t k = 0; k < w.request_count; k++) {
            refused += w.requests[k].refused;
            done += w.requests[k].done_ns >= 0;
        }
    }
    print_message("%d worlds, %lld steps, %lld done, %lld refused, %lld preemptions (%lld of oneself), %lld chunked "
                  "prefills, %lld recomputed, %lld + %lld cancelled running + waiting, %lld prefix hits (%lld of a "
                  "conversation, %lld of a chain), %lld named blocks of two, %lld out of turn\n",
                  WORLDS + CHAINED, (long long)sum.steps, (long long)done, (long long)refused,
                  (long long)sum.preemptions, (long long)sum.self_preemptions, (long long)sum.chunks,
                  (long long)sum.recomputed_first, (long long)sum.cancelled_running, (long long)sum.cancelled_waiting,
                  (long long)sum.hits, (long long)sum.conversations_found, (long long)sum.chain_hits,
                  (long long)sum.chain_copies, (long long)sum.overtaken);
    /* the sample must hold what it is meant to hold */
    assert_true(sum.preemptions > 1000 && sum.self_preemptions > 100 && sum.chunks > 1000);
    assert_true(sum.recomputed_first > 1000 && sum.cancelled_running > 500 && sum.cancelled_waiting > 500);
    assert_true(sum.hits > 10000 && sum.conversations_found > 10000 && sum.overtaken > 1000);
    assert_true(sum.chain_hits > 10000 && sum.chain_copies > 10000);
    assert_true(refused > 100 && done > 10000);
    assert_true(sums > 1000);
    assert_true(kv_looks > 10000 && waited_again > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skipping_equals_stepping),
    };
    return cmocka_run_group_tests_name("engine_skip", tests, NULL, NULL);
}
