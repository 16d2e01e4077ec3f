/* SPDX-License-Identifier: Apache-2.0 */
/** bind_int.h - inside of bind: what the walker, the scalars and the schema share. */
#ifndef SCHED_MANIFEST_BIND_INT_H
#define SCHED_MANIFEST_BIND_INT_H

#include "sched/manifest/bind.h"

/** What a kind is called, what it takes in an array, and how one writes it. */
typedef struct bind_kind_info {
    const char *name;   /**< "duration" */
    const char *expect; /**< "a duration such as 15s, 5m or 1h30m" */
    const char *unit;   /**< of limits in messages, e.g. "s"; "" when none */
    size_t size;        /**< bytes of one value; 0 = no scalar */
    bool plain;         /**< a quoted text is refused */
} bind_kind_info;

const bind_kind_info *bind_info(bind_kind kind);

/** Whether kind holds one scalar value. */
bool bind_is_scalar(bind_kind kind);

#endif
