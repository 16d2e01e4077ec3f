/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store.h - the objects of one collection as plain rows, sorted by namespace and name: a sink for a reflector.
 *
 * What a row is, a kube_kind says: its size, and how JSON becomes one. Rows move when the store changes: never keep a
 * pointer over a run of the wire. An object that cannot be read becomes no row and is counted: one odd object hides no
 * other.
 */
#ifndef SCHED_KUBE_STORE_H
#define SCHED_KUBE_STORE_H

#include "sched/kube/reflect.h"

/** Leads every row. */
typedef struct kube_meta {
    char *space, *name, *uid, *version; /**< namespace "" for cluster-wide kinds; version = resourceVersion */
    int64_t generation;
    bool deleting;
    uint64_t seen; /**< number of the list it was last in */
} kube_meta;

typedef struct kube_kind {
    const char *name; /**< "Deployment" */
    size_t row_size;  /**< the row begins with a kube_meta */
    /** Reads the rest of a zeroed row; the meta is filled already. @return NULL, or what is wrong ("" = no memory) */
    const char *(*read)(const json_t *object, void *row);
    void (*fini)(void *row); /**< gives back what read took, not the meta; NULL = nothing */
} kube_kind;

typedef struct kube_store kube_store;

kube_store *kube_store_new(const kube_kind *kind); /**< NULL when out of memory */
void kube_store_free(kube_store *store);
kube_sink kube_store_sink(kube_store *store);

size_t kube_store_count(const kube_store *store);
const void *kube_store_at(const kube_store *store, size_t index); /**< index < count; in order of namespace, name */
/** @return its index, or SIZE_MAX */
size_t kube_store_seek(const kube_store *store, const char *space, const char *name);
/** @return the row, or NULL */
const void *kube_store_find(const kube_store *store, const char *space, const char *name);

uint64_t kube_store_changes(const kube_store *store); /**< grows with every change: compare to know whether one was */
uint64_t kube_store_unread(const kube_store *store);  /**< objects that could not be read so far */
const char *kube_store_trouble(const kube_store *store); /**< about the last of them, "" = none */

#endif
