/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * llm_chain.c - llm engine: prompts whose blocks have names.
 *
 * A named block has one copy: `shared` has the names of those in the batch with how many requests use each, the prefix
 * cache those that nobody uses any more. A request holds the names of all whole blocks of its prompt that are computed:
 * what it finds when it is taken up, the rest as its prefill gets there. Who computes what another has computed
 * meanwhile gives its own copy back. The last user to leave leaves the block to the prefix cache, the end of the chain
 * before its head, so that the head is the last to go.
 */
#include "models/engine/llm_step.h"

/* Blocks of the cache in one of the chain. */
static int32_t blocks_each(const llm_state *s, const mdl_chain *c)
{
    return llm_whole(s, (uint32_t)c->block_tokens);
}

/* Names that lie wholly in so many leading tokens of the prompt. */
static int32_t names_in(const llm_request *r, int32_t tokens)
{
    const int32_t whole = llm_min(tokens, r->input) / r->chain->block_tokens;
    return llm_min(whole, r->chain->count);
}

int32_t llm_chain_hit(const llm_state *s, const llm_request *r)
{
    const mdl_chain *c = r->chain;
    const int32_t each = blocks_each(s, c);
    const int32_t most = names_in(r, r->input + r->sampled - 1);
    int32_t found = 0;
    while (found < most && (mdl_shared_find(llm_shared(s), mdl_chain_name(c, found)) != NULL ||
                            mdl_prefix_find(&s->prefix, mdl_chain_name(c, found)) == each)) {
        found++;
    }
    const int32_t hit = found * c->block_tokens;
    return hit > r->hot ? hit : r->hot;
}

int32_t llm_chain_spared(const llm_state *s, const llm_request *r, int32_t hit)
{
    const int32_t names = names_in(r, hit);
    int32_t spared = 0;
    for (int32_t i = 0; i < names; i++) {
        spared += mdl_shared_find(llm_shared(s), mdl_chain_name(r->chain, i)) != NULL;
    }
    return spared * blocks_each(s, r->chain);
}

int32_t llm_chain_hold(llm_state *s, const llm_request *r, int32_t from, int32_t to)
{
    const int32_t end = names_in(r, to);
    int32_t doubles = 0;
    for (int32_t i = names_in(r, from); i < end; i++) {
        mdl_holding *h = mdl_shared_take(llm_shared(s), mdl_chain_name(r->chain, i));
        doubles += h->users > 1;
        if (h->users == 1) {
            mdl_prefix_drop(&s->prefix, h->name);
        }
    }
    return doubles * blocks_each(s, r->chain);
}

int32_t llm_chain_leave(llm_state *s, const llm_request *r, int32_t computed)
{
    const int32_t each = blocks_each(s, r->chain);
    int32_t kept = 0;
    for (int32_t i = names_in(r, computed); i-- > 0;) {
        mdl_holding *h = mdl_shared_find(llm_shared(s), mdl_chain_name(r->chain, i));
        h->number = h->stamp == s->iter && h->number > r->number ? h->number : r->number;
        h->stamp = s->iter;
        h->users--;
        if (h->users > 0) {
            kept += each;
        } else {
            mdl_prefix_put(&s->prefix, h->name, each, s->iter, h->number);
            mdl_shared_drop(llm_shared(s), h);
        }
    }
    return kept;
}
