/* SPDX-License-Identifier: Apache-2.0 */
/** objects_int.h - reading JSON with defaults instead of faults: an API server has checked types. Internal. */
#ifndef SCHED_KUBE_OBJECTS_INT_H
#define SCHED_KUBE_OBJECTS_INT_H

#include "sched/kube/objects.h"

/** Follows keys, NULL at the end: obj_at(o, "spec", "template", NULL). @return NULL where the way ends. */
const json_t *obj_at(const json_t *object, ...) __attribute__((sentinel));
const char *obj_text(const json_t *object, const char *key); /**< "" when absent */
/** An int32, or `other` when absent, no integer, or out of range. */
int32_t obj_int(const json_t *object, const char *key, int32_t other);
/** A copy of a text; *failed = true when out of memory. */
/** A LabelSelector as text, "" when it selects all or is none. @return malloc'ed; NULL when out of memory */
char *obj_selector(const json_t *selector, bool *failed);
char *obj_copy(const char *text, bool *failed);
char *obj_dump(const json_t *value, const char *other, bool *failed); /**< compact JSON; `other` when absent */
#define OBJ_AMOUNT_MOST (INT64_C(1) << 60) /**< what is more counts as this: the core's amounts end at 2^61 */

/** A quantity in milli-units or whole units, rounded up; `other` when absent or none. Numbers are accepted, too. */
int64_t obj_milli(const json_t *map, const char *key, int64_t other);
int64_t obj_whole(const json_t *map, const char *key, int64_t other);
/** A map of texts, sorted by key. */
spw_label *obj_labels(const json_t *map, size_t *count, bool *failed);
void obj_labels_free(spw_label *labels, size_t count);
/** The entry of status.conditions with this type, NULL if none. */
const json_t *obj_condition(const json_t *object, const char *type);

#endif
