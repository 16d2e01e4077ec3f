/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * shared.h - named blocks that requests in the batch hold, one or several of them; private to models/engine.
 *
 * Open addressing with linear probing, at most half full. Room is reserved when a request is accepted, so that nothing
 * fails while time passes.
 */
#ifndef MODELS_ENGINE_SHARED_H
#define MODELS_ENGINE_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mdl_holding {
    uint64_t name;
    int64_t stamp;   /* step boundary at which a user last left; -1 = none has */
    uint64_t number; /* of submission: the highest of those that left then */
    uint32_t users;  /* 0 = the place is free */
} mdl_holding;

typedef struct mdl_shared {
    mdl_holding *at; /* [cap] */
    uint32_t cap;    /* 0 or a power of two */
} mdl_shared;

/** Room for `names` in all, as long as the caller never holds more. @return false if out of memory (nothing changed) */
bool mdl_shared_reserve(mdl_shared *h, size_t names);
/** @return the holding of a name, or NULL: nobody has it */
mdl_holding *mdl_shared_find(const mdl_shared *h, uint64_t name);
/** One user more. @return the holding, valid until the next call that adds or removes one; users 1: it is new */
mdl_holding *mdl_shared_take(mdl_shared *h, uint64_t name);
/** Forgets a holding. */
void mdl_shared_drop(mdl_shared *h, mdl_holding *gone);
void mdl_shared_clear(mdl_shared *h);
void mdl_shared_free(mdl_shared *h);

#endif
