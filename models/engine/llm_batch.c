/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * llm_batch.c - llm engine: the queue, the sorted set of decoding requests, joining and leaving the batch.
 *
 * The batch has no list of its own: to keep it up would touch the neighbours of every request that comes or goes. Who
 * decodes is in `finish`, the prefills of a step are a chain; what needs an order of the batch, which is rare, looks at
 * all of them.
 */
#include "models/engine/llm_state.h"

#include <assert.h>
#include <string.h>

typedef int32_t four __attribute__((vector_size(4 * sizeof(int32_t))));

void llm_append(llm_state *s, llm_list *list, uint32_t slot)
{
    llm_request *r = &s->requests[slot];
    r->prev = list->tail;
    r->next = LLM_NIL;
    if (list->tail != LLM_NIL) {
        s->requests[list->tail].next = slot;
    } else {
        list->head = slot;
    }
    list->tail = slot;
    list->count++;
}

static bool before(const llm_request *a, const llm_request *b)
{
    return a->priority < b->priority || (a->priority == b->priority && a->number < b->number);
}

void llm_enqueue(llm_state *s, uint32_t slot)
{
    llm_request *r = &s->requests[slot];
    llm_list *list = &s->queue;
    uint32_t after = list->head; /* the first that comes after r; sought from both ends */
    uint32_t ahead = list->tail; /* the last that comes before r */
    r->where = LLM_WAITING;
    for (;;) {
        if (ahead == LLM_NIL || before(&s->requests[ahead], r)) {
            after = ahead == LLM_NIL ? list->head : s->requests[ahead].next;
            break;
        }
        if (before(r, &s->requests[after])) {
            ahead = s->requests[after].prev;
            break;
        }
        ahead = s->requests[ahead].prev;
        after = s->requests[after].next;
    }
    r->prev = ahead;
    r->next = after;
    *(ahead == LLM_NIL ? &list->head : &s->requests[ahead].next) = slot;
    *(after == LLM_NIL ? &list->tail : &s->requests[after].prev) = slot;
    list->count++;
    s->queued_blocks += llm_blocks(s, r->input + r->sampled);
}

uint32_t llm_worst(const llm_state *s)
{
    uint32_t worst = s->prefills > 0 ? s->prefill_head : s->soonest.slot; /* while planning there is one at most */
    for (int32_t i = 0; i < s->decodes; i++) {
        const uint32_t slot = s->finish[i].slot;
        if (before(&s->requests[worst], &s->requests[slot])) {
            worst = slot;
        }
    }
    return worst;
}

void llm_batch_join(llm_state *s, uint32_t slot)
{
    if (s->prefills == 0) {
        s->prefill_head = slot;
    } else {
        s->requests[s->prefill_tail].next = slot;
    }
    s->requests[slot].next = LLM_NIL;
    s->prefill_tail = slot;
    s->prefills++;
    s->batch++;
}

void llm_unlink(llm_state *s, llm_list *list, uint32_t slot)
{
    const llm_request *r = &s->requests[slot];
    if (r->prev != LLM_NIL) {
        s->requests[r->prev].next = r->next;
    } else {
        list->head = r->next;
    }
    if (r->next != LLM_NIL) {
        s->requests[r->next].prev = r->prev;
    } else {
        list->tail = r->prev;
    }
    list->count--;
}

void llm_dequeue(llm_state *s, uint32_t slot)
{
    llm_unlink(s, &s->queue, slot);
    s->queued_blocks -= llm_blocks(s, s->requests[slot].input + s->requests[slot].sampled);
}

/* Two chains linked by next, each in submission order, become one. */
static uint32_t merged(llm_state *s, uint32_t a, uint32_t b)
{
    uint32_t head = LLM_NIL;
    uint32_t *end = &head;
    while (a != LLM_NIL && b != LLM_NIL) {
        uint32_t *first = s->requests[a].number < s->requests[b].number ? &a : &b;
        *end = *first;
        end = &s->requests[*first].next;
        *first = *end;
    }
    *end = a != LLM_NIL ? a : b;
    return head;
}

/* Takes `count` > 0 requests off the chain at *head. @return the head of a chain of them in submission order */
static uint32_t sorted(llm_state *s, uint32_t *head, int32_t count)
{
    uint32_t first = *head;
    if (count == 1) {
        *head = s->requests[first].next;
        s->requests[first].next = LLM_NIL;
        return first;
    }
    first = sorted(s, head, count / 2);
    return merged(s, first, sorted(s, head, count - count / 2));
}

/* Puts a request before the chain at *head, unless its client has left. @return how many that makes */
static int32_t chained(llm_state *s, uint32_t *head, uint32_t slot)
{
    if (s->requests[slot].dropped) {
        return 0;
    }
    s->requests[slot].next = *head;
    *head = slot;
    return 1;
}

void llm_gather(llm_state *s)
{
    uint32_t batch = LLM_NIL;
    uint32_t next = s->prefill_head;
    int32_t count = 0;
    for (int32_t i = 0; i < s->prefills; i++) {
        const uint32_t slot = next;
        next = s->requests[slot].next;
        count += chained(s, &batch, slot);
    }
    for (int32_t i = 0; i < s->decodes; i++) {
        count += chained(s, &batch, s->finish[i].slot);
    }
    uint32_t first = count > 0 ? sorted(s, &batch, count) : LLM_NIL;
    if (s->queue.count > 0) {
        first = merged(s, first, sorted(s, &s->queue.head, s->queue.count));
    }
    for (uint32_t slot = first; slot != LLM_NIL; slot = next) {
        next = s->requests[slot].next;
        s->requests[slot].where = LLM_EVICTED;
        llm_append(s, &s->evicted, slot);
    }
    s->queue = (llm_list){.head = LLM_NIL, .tail = LLM_NIL};
    s->queued_blocks = 0;
    s->batch = 0;
}

uint32_t llm_take(llm_state *s)
{
    uint32_t slot = s->free_slot;
    if (s->spares > 0) {
        s->spares--;
        s->spare_top--;
        return s->spare[s->spare_top % LLM_SPARES];
    }
    if (slot == LLM_NIL) {
        return s->fresh_slot++;
    }
    s->free_slot = s->requests[slot].next;
    return slot;
}

void llm_release(llm_state *s, uint32_t slot)
{
    uint32_t *spare = &s->spare[s->spare_top % LLM_SPARES];
    s->ranked -= s->requests[slot].priority != 0;
    s->keyed -= llm_keys_of(&s->requests[slot]);
    s->chained -= s->requests[slot].chained;
    s->requests[slot].where = LLM_FREE;
    if (s->spares == LLM_SPARES) { /* the oldest of them goes to the list */
        s->requests[*spare].next = s->free_slot;
        s->free_slot = *spare;
    } else {
        s->spares++;
    }
    *spare = slot;
    s->spare_top++;
}

/* What `finish` is sorted by. */
static uint64_t finish_rank(int32_t left, uint32_t slot)
{
    return (uint64_t)(uint32_t)left << 32 | slot;
}

/* Index of the first entry of `finish` (latest first) that is not after (steps left >= 0, slot). Without branches:
 * where a request belongs cannot be foretold. */
static size_t finish_index(const llm_state *s, int32_t left, uint32_t slot)
{
    const uint64_t rank = finish_rank(left, slot);
    const llm_finish *base = s->finish;
    size_t count = (size_t)s->decodes;
    while (count > 1) {
        const size_t half = count / 2;
        const llm_finish *f = &base[half - 1];
        base += finish_rank(llm_steps_left(s, f), f->slot) > rank ? half : 0;
        count -= half;
    }
    base += count == 1 && finish_rank(llm_steps_left(s, base), base->slot) > rank;
    return (size_t)(base - s->finish);
}

/* Phase of a request that holds `computed` tokens now. */
static int32_t phase_of(const llm_state *s, int32_t computed)
{
    int32_t block = s->config->block_tokens;
    int32_t p = s->phase_now - llm_rest(s, (uint32_t)computed);
    return p < 0 ? p + block : p;
}

/* One decoding request more or less in a phase. All sums, four at a time: where they begin to change cannot be
 * foretold, and those beyond block_tokens are never read. */
static void count_phase(llm_state *s, int32_t phase, int32_t more)
{
    const int32_t last = phase - 1;
    four place = {0, 1, 2, 3};
    for (int32_t i = 0; i < s->config->block_tokens; i += 4, place += 4) {
        four sums;
        memcpy(&sums, &s->below[i + 1], sizeof sums);
        sums += (place > last) & more;
        memcpy(&s->below[i + 1], &sums, sizeof sums);
    }
}

void llm_decode_join(llm_state *s, uint32_t slot)
{
    llm_request *r = &s->requests[slot];
    int32_t computed = r->computed;
    int32_t left = r->output - r->sampled;
    size_t i = finish_index(s, left, slot);
    assert((size_t)s->decodes < s->finish_cap);
    memmove(&s->finish[i + 1], &s->finish[i], ((size_t)s->decodes - i) * sizeof s->finish[0]);
    s->finish[i] = (llm_finish){.iter = (uint32_t)s->iter + (uint32_t)left, .slot = slot};
    s->decodes++;
    s->soonest = s->finish[s->decodes - 1];
    count_phase(s, phase_of(s, computed), 1);
    s->context += computed;
    r->base = computed - s->iter;
    r->where = LLM_DECODE;
}

void llm_batch_leave(llm_state *s, uint32_t slot)
{
    llm_request *r = &s->requests[slot];
    int32_t computed = llm_computed(s, r);
    s->batch--;
    s->free_blocks += llm_blocks(s, computed);
    if (r->chained) {
        s->free_blocks -= llm_chain_leave(s, r, computed);
    } else if (r->key != 0) {
        mdl_prefix_put(&s->prefix, r->key, llm_whole(s, (uint32_t)computed), s->iter, r->number);
        r->prefix = computed > r->prefix ? computed : r->prefix;
    }
    if (r->where == LLM_DECODE) {
        r->sampled = computed - r->input + 1;
        s->decodes--;
        if (s->soonest.slot != slot) {
            size_t i = finish_index(s, r->output - r->sampled, slot);
            assert(i < (size_t)s->decodes && s->finish[i].slot == slot);
            memmove(&s->finish[i], &s->finish[i + 1], ((size_t)s->decodes - i) * sizeof s->finish[0]);
        } else if (s->decodes > 0) {
            s->soonest = s->finish[s->decodes - 1];
        }
        count_phase(s, phase_of(s, computed), -1);
        s->context -= computed;
    } else if (s->prefills > 0 && slot == s->prefill_head) {
        s->prefills = 0;
    }
    r->computed = 0;
}
