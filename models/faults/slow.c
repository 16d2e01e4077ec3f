/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slow.c - an engine whose clock a slow node slows down: translates every time that goes in or out, see faults.h. */
#include <stdlib.h>

#include "models/faults/faults.h"

__extension__ typedef __int128 wide;

typedef struct slow {
    mdl_engine base;
    mdl_engine *inner;
    int64_t real0_ns, local0_ns, milli;
    int64_t busy_real_ns, busy_local_ns; /* real busy time up to the last change, and the inner count there */
} slow;

static int64_t to_local(const slow *s, int64_t real_ns)
{
    if (s->milli == 1000) {
        return real_ns - s->real0_ns + s->local0_ns;
    }
    return s->local0_ns + (int64_t)((wide)(real_ns - s->real0_ns) * 1000 / s->milli);
}

static int64_t to_real(const slow *s, int64_t local_ns)
{
    if (local_ns == MDL_NEVER) {
        return MDL_NEVER;
    }
    if (s->milli == 1000 && local_ns >= s->local0_ns) {
        const int64_t ahead = local_ns - s->local0_ns;
        return ahead > MDL_NEVER - 1 - s->real0_ns ? MDL_NEVER - 1 : s->real0_ns + ahead;
    }
    const wide past = ((wide)(local_ns - s->local0_ns) * s->milli + 999) / 1000;
    return past > MDL_NEVER - 1 - s->real0_ns ? MDL_NEVER - 1 : s->real0_ns + (int64_t)past;
}

static void slow_free(mdl_engine *e)
{
    mdl_engine_free(((slow *)e)->inner);
    free(e);
}

static uint32_t slow_submit(mdl_engine *e, int64_t now_ns, const mdl_work *work)
{
    slow *s = (slow *)e;
    return mdl_engine_submit(s->inner, to_local(s, now_ns), work);
}

static void slow_cancel(mdl_engine *e, int64_t now_ns, uint32_t handle)
{
    slow *s = (slow *)e;
    mdl_engine_cancel(s->inner, to_local(s, now_ns), handle);
}

static int64_t slow_next(const mdl_engine *e)
{
    const slow *s = (const slow *)e;
    return to_real(s, mdl_engine_next(s->inner));
}

static size_t slow_advance(mdl_engine *e, int64_t now_ns, mdl_event *out, size_t out_max)
{
    slow *s = (slow *)e;
    const size_t n = mdl_engine_advance(s->inner, to_local(s, now_ns), out, out_max);
    for (size_t i = 0; i < n; i++) {
        out[i].at_ns = to_real(s, out[i].at_ns);
    }
    return n;
}

static int64_t busy_real(const slow *s, int64_t busy_local_ns)
{
    const int64_t ahead = busy_local_ns - s->busy_local_ns;
    return s->busy_real_ns + (s->milli == 1000 ? ahead : (int64_t)((wide)ahead * s->milli / 1000));
}

static void slow_load(const mdl_engine *e, int64_t now_ns, mdl_load *out)
{
    const slow *s = (const slow *)e;
    mdl_engine_load(s->inner, to_local(s, now_ns), out);
    out->busy_ns = busy_real(s, out->busy_ns);
}

static mdl_kv slow_kv(const mdl_engine *e)
{
    return mdl_engine_kv(((const slow *)e)->inner);
}

static int32_t slow_sampled(const mdl_engine *e, int64_t now_ns, uint32_t handle)
{
    const slow *s = (const slow *)e;
    return mdl_engine_sampled(s->inner, to_local(s, now_ns), handle);
}

static size_t slow_evict(mdl_engine *e, int64_t now_ns, uint32_t *tags, size_t tags_max)
{
    slow *s = (slow *)e;
    return mdl_engine_evict(s->inner, to_local(s, now_ns), tags, tags_max);
}

static size_t slow_tags(const mdl_engine *e, uint32_t *tags, size_t tags_max)
{
    return mdl_engine_tags(((const slow *)e)->inner, tags, tags_max);
}

/* The inner engine is a step further away: its state is asked for here, and the rest not at all. */
static void slow_prefetch(const mdl_engine *e)
{
    mdl_engine_prefetch_state(((const slow *)e)->inner);
}

static mdl_expected slow_expect(const mdl_engine *e)
{
    return mdl_engine_expect(((const slow *)e)->inner);
}

static const mdl_engine_type slow_type = {.name = "slow",
                                          .summary = "another engine on a node that may be slow",
                                          .free = slow_free,
                                          .submit = slow_submit,
                                          .cancel = slow_cancel,
                                          .next = slow_next,
                                          .advance = slow_advance,
                                          .load = slow_load,
                                          .kv = slow_kv,
                                          .sampled = slow_sampled,
                                          .evict = slow_evict,
                                          .tags = slow_tags,
                                          .prefetch = slow_prefetch,
                                          .expect = slow_expect};

static slow *wrapped(mdl_engine *e, int64_t now_ns)
{
    slow *s = calloc(1, sizeof *s);
    if (s != NULL) {
        *s = (slow){.base = {&slow_type}, .inner = e, .real0_ns = now_ns, .local0_ns = now_ns, .milli = 1000};
    }
    return s;
}

mdl_engine *mdl_slowed(mdl_engine *e, int64_t now_ns, int64_t factor_milli)
{
    if (e == NULL || (e->type != &slow_type && factor_milli == 1000)) {
        return e;
    }
    slow *s = e->type == &slow_type ? (slow *)e : wrapped(e, now_ns);
    if (s == NULL) {
        mdl_engine_free(e);
        return NULL;
    }
    mdl_load load;
    const int64_t local = to_local(s, now_ns);
    mdl_engine_load(s->inner, local, &load);
    s->busy_real_ns = busy_real(s, load.busy_ns);
    s->busy_local_ns = load.busy_ns;
    s->local0_ns = local;
    s->real0_ns = now_ns;
    s->milli = factor_milli;
    return &s->base;
}
