/* SPDX-License-Identifier: GPL-3.0-or-later */
/** kube_world_int.h - the insides of kube_world. */
#ifndef TESTS_SUPPORT_KUBE_WORLD_INT_H
#define TESTS_SUPPORT_KUBE_WORLD_INT_H

#include "tests/support/kube_world.h"

#define KW_SERVERS 101

typedef struct kw_object {
    struct kw_object *next; /* sorted by collection, namespace, name */
    char collection[128], space[64], name[128];
    json_t *json;
} kw_object;

typedef struct kw_event {
    uint64_t version;
    char collection[128];
    char *line;
} kw_event;

typedef struct kw_server {
    uint64_t version, floor; /* floor: events up to it are forgotten */
    kw_object *objects;
    kw_event *events;
    size_t event_count;
    kw_fault broken;
} kw_server;

typedef struct kw_call {
    struct kw_call *next;
    uint64_t ticket;
    kube_call call;
    char *path, *type, *body;
    spw_time deadline, bookmark; /* bookmark: when the next one is due */
    kw_fault fault;
    bool handled, cancelled, silent; /* silent: nothing comes any more until the deadline */
    bool watching;
    uint64_t seen; /* watch: version of the last event that was sent */
    char collection[128], space[64];
    char *out; /* watch data not yet handed over */
    size_t out_size;
    bool end_whole, end_broken;
} kw_call;

/** A request that is still on its way. */
typedef struct kw_stray {
    struct kw_stray *next;
    spw_time at;
    size_t server;
    char method[8];
    char *path, *type, *body;
} kw_stray;

struct kw_world {
    spw_time now;
    kw_stray *strays;
    size_t server_count;
    kw_server server[KW_SERVERS];
    kw_call *calls; /* oldest first */
    uint64_t tickets, started;
    bool fail_armed, fail_writes;
    uint64_t fail_in;
    kw_fault fail_as;
    size_t split;
    kw_write *writes;
    size_t write_count;
    void (*before_write)(void *user, kw_world *w);
    void *before_user;
};

/** A path taken apart. */
typedef struct kw_target {
    char collection[128], space[64], name[128], sub[32], query[512];
    size_t limit, offset;
    bool token;
    uint64_t token_version;
    bool watch;
    uint64_t version; /* resourceVersion of a watch */
} kw_target;

void kw_target_of(const char *path, kw_target *out);
void kw_feed(kw_world *w); /* puts new events into the open watches */
void kw_calls_free(kw_world *w);

#endif
