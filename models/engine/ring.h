/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * ring.h - events that have happened and have not been fetched yet; private to models/engine.
 *
 * Room is reserved when a request is accepted (it can cause three events at most), so that pushing never fails and
 * time can pass without an allocation.
 */
#ifndef MODELS_ENGINE_RING_H
#define MODELS_ENGINE_RING_H

#include "models/engine/engine.h"

#define MDL_EVENTS_PER_REQUEST 3

typedef struct mdl_ring {
    int64_t due_ns;            /* time of the first pending DONE; MDL_NEVER if there is none */
    uint32_t cap, head, count; /* cap is 0 or a power of two */
    mdl_event *at;
} mdl_ring;

/** Room for `live` requests on top of what is pending. @return false if out of memory (nothing changed) */
bool mdl_ring_reserve(mdl_ring *r, size_t live);
/** Moves up to out_max events out. @return how many */
size_t mdl_ring_drain(mdl_ring *r, mdl_event *out, size_t out_max);
/** Removes the pending events of a tag. */
void mdl_ring_forget(mdl_ring *r, uint32_t tag);
void mdl_ring_clear(mdl_ring *r);
void mdl_ring_free(mdl_ring *r);

static inline void mdl_ring_push(mdl_ring *r, uint32_t tag, mdl_event_kind kind, int64_t at_ns)
{
    r->at[(r->head + r->count) & (r->cap - 1)] = (mdl_event){.tag = tag, .kind = kind, .at_ns = at_ns};
    r->count++;
    if (kind == MDL_DONE && at_ns < r->due_ns) {
        r->due_ns = at_ns;
    }
}

#endif
