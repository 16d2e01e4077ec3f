/* SPDX-License-Identifier: Apache-2.0 */
/** store.c - rows behind sorted pointers. Lists come sorted, so that filling is appending. */
#include "sched/kube/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kube_store {
    const kube_kind *kind;
    kube_meta **rows; /* each the head of a row of kind->row_size bytes */
    size_t count, room;
    uint64_t list, changes, unread;
    char trouble[160];
};

kube_store *kube_store_new(const kube_kind *kind)
{
    kube_store *s = calloc(1, sizeof *s);
    if (s != NULL) {
        s->kind = kind;
    }
    return s;
}

static void row_free(const kube_store *s, kube_meta *row)
{
    if (row != NULL) {
        if (s->kind->fini != NULL) {
            s->kind->fini(row);
        }
        free(row->space);
        free(row->name);
        free(row->uid);
        free(row->version);
        free(row);
    }
}

void kube_store_free(kube_store *s)
{
    if (s != NULL) {
        for (size_t i = 0; i < s->count; i++) {
            row_free(s, s->rows[i]);
        }
        free(s->rows);
        free(s);
    }
}

static int order(const kube_meta *row, const char *space, const char *name)
{
    const int by_space = strcmp(row->space, space);
    return by_space != 0 ? by_space : strcmp(row->name, name);
}

/* The first row that is not before (space, name). */
static size_t place_of(const kube_store *s, const char *space, const char *name)
{
    size_t low = 0, high = s->count;
    if (high > 0 && order(s->rows[high - 1], space, name) < 0) {
        return high;
    }
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (order(s->rows[middle], space, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const char *text_in(const json_t *map, const char *key)
{
    const char *text = json_string_value(json_object_get(map, key));
    return text != NULL ? text : "";
}

/* @return NULL when out of memory, or with s->trouble when the object is no good */
static kube_meta *row_new(kube_store *s, const json_t *object, const char **fault)
{
    const json_t *meta = json_object_get(object, "metadata");
    const json_t *generation = json_object_get(meta, "generation");
    kube_meta *row = calloc(1, s->kind->row_size);

    *fault = "";
    if (row == NULL) {
        return NULL;
    }
    row->space = strdup(text_in(meta, "namespace"));
    row->name = strdup(text_in(meta, "name"));
    row->uid = strdup(text_in(meta, "uid"));
    row->version = strdup(text_in(meta, "resourceVersion"));
    row->generation = json_integer_value(generation);
    row->deleting = json_is_string(json_object_get(meta, "deletionTimestamp"));
    if (row->space != NULL && row->name != NULL && row->uid != NULL && row->version != NULL) {
        *fault = row->name[0] == '\0' ? "has no name" : s->kind->read(object, row);
    }
    if (*fault != NULL) {
        row_free(s, row);
        return NULL;
    }
    return row;
}

static void begin(void *self)
{
    kube_store *s = self;
    s->list++;
}

static bool put(void *self, const json_t *object)
{
    kube_store *s = self;
    const char *fault = NULL;
    kube_meta *row = row_new(s, object, &fault);

    if (row == NULL) {
        if (fault[0] == '\0') {
            return false;
        }
        s->unread++;
        (void)snprintf(s->trouble, sizeof s->trouble, "%s %.60s: %s", s->kind->name,
                       text_in(json_object_get(object, "metadata"), "name"), fault);
        return true;
    }
    const size_t at = place_of(s, row->space, row->name);
    row->seen = s->list;
    if (at < s->count && order(s->rows[at], row->space, row->name) == 0) {
        s->changes += strcmp(s->rows[at]->version, row->version) != 0 ? 1 : 0;
        row_free(s, s->rows[at]);
        s->rows[at] = row;
        return true;
    }
    if (s->count == s->room) {
        const size_t room = s->room == 0 ? 64 : s->room * 2;
        kube_meta **grown = realloc(s->rows, room * sizeof(*grown));
        if (grown == NULL) {
            row_free(s, row);
            return false;
        }
        s->rows = grown;
        s->room = room;
    }
    memmove(s->rows + at + 1, s->rows + at, (s->count - at) * sizeof(*s->rows));
    s->rows[at] = row;
    s->count++;
    s->changes++;
    return true;
}

static void drop(void *self, const json_t *object)
{
    kube_store *s = self;
    const json_t *meta = json_object_get(object, "metadata");
    const char *space = text_in(meta, "namespace"), *name = text_in(meta, "name");
    const size_t at = place_of(s, space, name);

    if (at < s->count && order(s->rows[at], space, name) == 0) {
        row_free(s, s->rows[at]);
        s->count--;
        memmove(s->rows + at, s->rows + at + 1, (s->count - at) * sizeof(*s->rows));
        s->changes++;
    }
}

static void end(void *self, bool whole)
{
    kube_store *s = self;
    size_t kept = 0;

    for (size_t i = 0; whole && i < s->count; i++) {
        if (s->rows[i]->seen == s->list) {
            s->rows[kept++] = s->rows[i];
        } else {
            row_free(s, s->rows[i]);
            s->changes++;
        }
    }
    s->count = whole ? kept : s->count;
}

kube_sink kube_store_sink(kube_store *store)
{
    return (kube_sink){.self = store, .begin = begin, .put = put, .remove = drop, .end = end};
}

size_t kube_store_count(const kube_store *s)
{
    return s->count;
}

const void *kube_store_at(const kube_store *s, size_t index)
{
    return s->rows[index];
}

size_t kube_store_seek(const kube_store *s, const char *space, const char *name)
{
    const size_t at = place_of(s, space, name);
    return at < s->count && order(s->rows[at], space, name) == 0 ? at : SIZE_MAX;
}

const void *kube_store_find(const kube_store *s, const char *space, const char *name)
{
    const size_t at = kube_store_seek(s, space, name);
    return at != SIZE_MAX ? s->rows[at] : NULL;
}

uint64_t kube_store_changes(const kube_store *s)
{
    return s->changes;
}

uint64_t kube_store_unread(const kube_store *s)
{
    return s->unread;
}

const char *kube_store_trouble(const kube_store *s)
{
    return s->trouble;
}
