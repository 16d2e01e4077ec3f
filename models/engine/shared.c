/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shared.c - see shared.h. */
#include "models/engine/shared.h"

#include <stdlib.h>
#include <string.h>

#define CAP_START 64u
#define CAP_MAX   (UINT32_C(1) << 30)

/* Where the search for a name begins; see prefix.c. */
static uint32_t home_of(const mdl_shared *h, uint64_t name)
{
    const uint64_t high = (name * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
    return (uint32_t)((high * h->cap) >> 32);
}

static uint32_t after(const mdl_shared *h, uint32_t place)
{
    return (place + 1) & (h->cap - 1);
}

/* The place of a name, or the free one where it belongs. */
static uint32_t place_of(const mdl_shared *h, uint64_t name)
{
    uint32_t place = home_of(h, name);
    while (h->at[place].users > 0 && h->at[place].name != name) {
        place = after(h, place);
    }
    return place;
}

bool mdl_shared_reserve(mdl_shared *h, size_t names)
{
    mdl_shared wider = {.cap = h->cap > 0 ? h->cap : CAP_START};
    while (wider.cap < 2 * names && wider.cap < CAP_MAX) {
        wider.cap *= 2;
    }
    if (wider.cap == h->cap && wider.cap >= 2 * names) {
        return true;
    }
    wider.at = wider.cap < 2 * names ? NULL : calloc(wider.cap, sizeof *wider.at);
    if (wider.at == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < h->cap; i++) {
        if (h->at[i].users > 0) {
            wider.at[place_of(&wider, h->at[i].name)] = h->at[i];
        }
    }
    free(h->at);
    *h = wider;
    return true;
}

mdl_holding *mdl_shared_find(const mdl_shared *h, uint64_t name)
{
    if (h->cap == 0) {
        return NULL;
    }
    mdl_holding *found = &h->at[place_of(h, name)];
    return found->users > 0 ? found : NULL;
}

mdl_holding *mdl_shared_take(mdl_shared *h, uint64_t name)
{
    mdl_holding *found = &h->at[place_of(h, name)];
    if (found->users == 0) {
        *found = (mdl_holding){.name = name, .stamp = -1};
    }
    found->users++;
    return found;
}

void mdl_shared_drop(mdl_shared *h, mdl_holding *gone)
{
    uint32_t hole = (uint32_t)(gone - h->at);
    h->at[hole].users = 0;
    /* those behind it that would be sought from before it move into the hole (Knuth, TAOCP 3, 6.4, algorithm R) */
    for (uint32_t i = after(h, hole); h->at[i].users > 0; i = after(h, i)) {
        const uint32_t home = home_of(h, h->at[i].name);
        if (((i - home) & (h->cap - 1)) >= ((i - hole) & (h->cap - 1))) {
            h->at[hole] = h->at[i];
            h->at[i].users = 0;
            hole = i;
        }
    }
}

void mdl_shared_clear(mdl_shared *h)
{
    if (h->cap > 0) {
        memset(h->at, 0, h->cap * sizeof *h->at);
    }
}

void mdl_shared_free(mdl_shared *h)
{
    free(h->at);
}
