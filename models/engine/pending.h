/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * pending.h - events that have happened and have not been fetched yet; private to models/engine.
 *
 * While their owner listens, events go straight to it: most happen then, and are never kept. For the others room is
 * reserved when a request is accepted (it can cause three events at most), so that pushing never fails and time can
 * pass without an allocation.
 */
#ifndef MODELS_ENGINE_PENDING_H
#define MODELS_ENGINE_PENDING_H

#include "models/engine/engine.h"

#define MDL_EVENTS_PER_REQUEST 3

typedef struct mdl_pending {
    int64_t due_ns; /* time of the first DONE that is kept; MDL_NEVER if there is none */
    mdl_event *at;  /* [count] kept, oldest first */
    uint32_t count, cap;
    mdl_event *out; /* the owner listens: its next event goes here, and so many more */
    size_t room;    /* 0 = it does not listen, or has heard all that it can */
} mdl_pending;

/** Takes room for `need` events. @return false if out of memory (nothing changed) */
bool mdl_pending_grow(mdl_pending *p, size_t need);
/** Room for `live` requests on top of what is kept. @return as mdl_pending_grow */
static inline bool mdl_pending_reserve(mdl_pending *p, size_t live)
{
    const size_t need = p->count + live * MDL_EVENTS_PER_REQUEST;
    return need <= p->cap || mdl_pending_grow(p, need);
}
/** Moves up to out_max kept events to `out`. @return how many */
size_t mdl_pending_fetch(mdl_pending *p, mdl_event *out, size_t out_max);
/** Forgets the kept events of a tag. */
void mdl_pending_forget(mdl_pending *p, uint32_t tag);
void mdl_pending_clear(mdl_pending *p);
void mdl_pending_free(mdl_pending *p);

/** The owner listens from now on: `out` gets what is kept, then what is pushed, up to out_max in all. */
static inline void mdl_pending_listen(mdl_pending *p, mdl_event *out, size_t out_max)
{
    const size_t kept = p->count > 0 ? mdl_pending_fetch(p, out, out_max) : 0;
    p->out = out + kept;
    p->room = out_max - kept;
}

/** It listens no more. @return how many events `out` has got */
static inline size_t mdl_pending_heard(mdl_pending *p, const mdl_event *out)
{
    p->room = 0;
    return (size_t)(p->out - out);
}

static inline void mdl_pending_push(mdl_pending *p, uint32_t tag, mdl_event_kind kind, int64_t at_ns)
{
    const mdl_event e = {.tag = tag, .kind = kind, .at_ns = at_ns};
    if (p->room > 0) {
        *p->out++ = e;
        p->room--;
        return;
    }
    p->at[p->count++] = e;
    if (kind == MDL_DONE && at_ns < p->due_ns) {
        p->due_ns = at_ns;
    }
}

#endif
