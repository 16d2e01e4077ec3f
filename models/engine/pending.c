/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pending.c - pending events of an engine: a list that grows by doubling. */
#include "models/engine/pending.h"

#include <stdlib.h>
#include <string.h>

#define CAP_START 16u
#define CAP_MAX   (UINT32_C(1) << 31)

bool mdl_pending_grow(mdl_pending *p, size_t need)
{
    size_t cap = p->cap > 0 ? p->cap : CAP_START;
    while (cap < need) {
        cap *= 2;
    }
    mdl_event *at = cap > CAP_MAX ? NULL : realloc(p->at, cap * sizeof *at);
    if (at == NULL) {
        return false;
    }
    p->at = at;
    p->cap = (uint32_t)cap;
    return true;
}

static void find_due(mdl_pending *p)
{
    p->due_ns = MDL_NEVER;
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->at[i].kind == MDL_DONE) {
            p->due_ns = p->at[i].at_ns;
            return;
        }
    }
}

size_t mdl_pending_fetch(mdl_pending *p, mdl_event *out, size_t out_max)
{
    const size_t n = p->count < out_max ? p->count : out_max;
    memcpy(out, p->at, n * sizeof *out);
    p->count -= (uint32_t)n;
    if (p->count > 0) { /* rare: the owner had little room */
        memmove(p->at, p->at + n, p->count * sizeof *p->at);
    }
    if (p->due_ns != MDL_NEVER) {
        find_due(p);
    }
    return n;
}

void mdl_pending_forget(mdl_pending *p, uint32_t tag)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->at[i].tag != tag) {
            p->at[kept++] = p->at[i];
        }
    }
    p->count = kept;
    find_due(p);
}

void mdl_pending_clear(mdl_pending *p)
{
    p->count = 0;
    p->due_ns = MDL_NEVER;
}

void mdl_pending_free(mdl_pending *p)
{
    free(p->at);
}
