/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ring.c - pending events of an engine: a ring that grows by doubling. */
#include "models/engine/ring.h"

#include <stdlib.h>

#define RING_START 16u
#define RING_MAX   (UINT32_C(1) << 31)

bool mdl_ring_reserve(mdl_ring *r, size_t live)
{
    size_t need = r->count + live * MDL_EVENTS_PER_REQUEST;
    if (need <= r->cap) {
        return true;
    }
    size_t cap = r->cap > 0 ? r->cap : RING_START;
    while (cap < need) {
        cap *= 2;
    }
    if (cap > RING_MAX) {
        return false;
    }
    mdl_event *at = malloc(cap * sizeof *at);
    if (at == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        at[i] = r->at[(r->head + i) & (r->cap - 1)];
    }
    free(r->at);
    r->at = at;
    r->cap = (uint32_t)cap;
    r->head = 0;
    return true;
}

static void find_due(mdl_ring *r)
{
    r->due_ns = MDL_NEVER;
    for (uint32_t i = 0; i < r->count; i++) {
        const mdl_event *e = &r->at[(r->head + i) & (r->cap - 1)];
        if (e->kind == MDL_DONE) {
            r->due_ns = e->at_ns;
            return;
        }
    }
}

size_t mdl_ring_drain(mdl_ring *r, mdl_event *out, size_t out_max)
{
    size_t n = r->count < out_max ? r->count : out_max;
    for (size_t i = 0; i < n; i++) {
        out[i] = r->at[r->head];
        r->head = (r->head + 1) & (r->cap - 1);
    }
    r->count -= (uint32_t)n;
    if (r->count == 0) {
        r->head = 0; /* the same few cache lines again */
    }
    if (r->due_ns != MDL_NEVER && n > 0) {
        find_due(r);
    }
    return n;
}

void mdl_ring_forget(mdl_ring *r, uint32_t tag)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        mdl_event e = r->at[(r->head + i) & (r->cap - 1)];
        if (e.tag != tag) {
            r->at[(r->head + kept) & (r->cap - 1)] = e;
            kept++;
        }
    }
    r->count = kept;
    find_due(r);
}

void mdl_ring_clear(mdl_ring *r)
{
    r->head = 0;
    r->count = 0;
    r->due_ns = MDL_NEVER;
}

void mdl_ring_free(mdl_ring *r)
{
    free(r->at);
    r->at = NULL;
    r->cap = 0;
    mdl_ring_clear(r);
}
