/* SPDX-License-Identifier: Apache-2.0 */
/** selector_text.h - a label selector as API servers take it in a query: "app=chat,tier in (a,b),!old". */
#ifndef SCHED_MANIFEST_SELECTOR_TEXT_H
#define SCHED_MANIFEST_SELECTOR_TEXT_H

#include "sched/manifest/zone.h"

#include <spillway/config.h>

/**
 * Requirements in order of their keys, values in alphabetical order, so that equal selectors have one text.
 * @return "" for none; NULL when out of memory
 */
const char *km_selector_text(zone *z, const spw_requirement *at, size_t count);

#endif
