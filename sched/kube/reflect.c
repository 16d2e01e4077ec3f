/* SPDX-License-Identifier: Apache-2.0 */
/** reflect.c - list, watch, and what to do when either ends. */
#include "sched/kube/reflect.h"
#include "sched/kube/jitter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_DEFAULT  500
#define IDLE_DEFAULT  (90 * SPW_NS_PER_S)
#define LIST_TIME     (60 * SPW_NS_PER_S)
#define BACKOFF_FIRST (SPW_NS_PER_S * 8 / 10)
#define BACKOFF_MOST  (30 * SPW_NS_PER_S)
#define WATCH_LEAST_S 300
#define LINE_MOST     ((size_t)64 * 1024 * 1024)

typedef enum phase { TO_LIST = 1, LISTING = 2, TO_WATCH = 3, WATCHING = 4 } phase;

struct kube_reflect {
    kube_reflect_spec spec;
    const kube_wire *wire;
    phase phase;
    uint64_t ticket; /* of the call under way, 0 = none */
    spw_time now;    /* of the last step: callbacks happen soon after it */
    spw_time due;    /* when the next call may start */
    spw_dur backoff;
    uint64_t luck;
    char version[64]; /* where to watch from */
    char *token;      /* continue token of the next page, NULL = first page */
    bool unpaged;     /* the last list's token expired */
    bool in_list;     /* sink.begin was called */
    bool heard;       /* this watch brought at least one line */
    bool sick;        /* this watch brought something that makes its rest useless */
    char *line;
    size_t used, room;
    kube_reflect_state state;
};

kube_reflect *kube_reflect_new(const kube_reflect_spec *spec, const kube_wire *wire)
{
    kube_reflect *r = calloc(1, sizeof *r);
    if (r != NULL) {
        r->spec = *spec;
        r->spec.page = spec->page > 0 ? spec->page : PAGE_DEFAULT;
        r->spec.idle = spec->idle > 0 ? spec->idle : IDLE_DEFAULT;
        r->wire = wire;
        r->phase = TO_LIST;
        r->due = INT64_MIN;
        r->luck = spec->seed;
        r->state.confirmed = SPW_TIME_MAX;
    }
    return r;
}

void kube_reflect_free(kube_reflect *r)
{
    if (r != NULL) {
        if (r->ticket != 0) {
            r->wire->cancel(r->wire->self, r->ticket);
        }
        free(r->token);
        free(r->line);
        free(r);
    }
}

void kube_reflect_state_get(const kube_reflect *r, kube_reflect_state *out)
{
    *out = r->state;
}

static void later(kube_reflect *r, phase next, spw_dur asked)
{
    const spw_dur drawn = jitter_wait(&r->luck, &r->backoff, BACKOFF_FIRST, BACKOFF_MOST);
    r->due = r->now + (asked > drawn ? asked : drawn);
    r->phase = next;
}

static void failed(kube_reflect *r, const kube_status *status, phase next)
{
    r->state.failures++;
    r->state.trouble = *status;
    later(r, next, status->wait);
}

static void well(kube_reflect *r)
{
    r->state.confirmed = r->now;
    r->state.trouble = (kube_status){.verdict = KUBE_OK, .wait = -1};
}

/** Servers give numbers (storage versioner of apiserver: decimal, unsigned), and refuse anything else in a request. */
static const char *version_of(const json_t *object)
{
    const char *v = json_string_value(json_object_get(json_object_get(object, "metadata"), "resourceVersion"));
    const size_t size = v == NULL ? 0 : strlen(v);
    return size > 0 && size < sizeof((kube_reflect *)0)->version && strspn(v, "0123456789") == size ? v : NULL;
}

static void set_version(kube_reflect *r, const char *version)
{
    (void)snprintf(r->version, sizeof r->version, "%s", version);
}

/* --- list ------------------------------------------------------------------------------------------------------ */

static void list_over(kube_reflect *r, bool whole)
{
    if (r->in_list) {
        r->spec.sink.end(r->spec.sink.self, whole);
        r->in_list = false;
    }
    free(r->token);
    r->token = NULL;
}

static void list_broken(kube_reflect *r, const char *text)
{
    kube_status status = {.verdict = KUBE_UNSURE, .wait = -1};
    (void)snprintf(status.text, sizeof status.text, "%s", text);
    list_over(r, false);
    failed(r, &status, TO_LIST);
}

/* One page. @return NULL, or what is wrong with it */
static const char *take_page(kube_reflect *r, const json_t *root)
{
    const json_t *items = json_object_get(root, "items");
    const json_t *meta = json_object_get(root, "metadata");
    const char *next = json_string_value(json_object_get(meta, "continue"));
    const char *version = version_of(root);

    if (!json_is_array(items) && !json_is_null(items)) {
        return "the list has no items";
    }
    if (version == NULL) {
        return "the list has no resourceVersion";
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        if (!r->spec.sink.put(r->spec.sink.self, json_array_get(items, i))) {
            return "out of memory";
        }
    }
    free(r->token);
    r->token = NULL;
    set_version(r, version);
    if (next != NULL && next[0] != '\0') {
        r->token = strdup(next);
        return r->token != NULL ? NULL : "out of memory";
    }
    return NULL;
}

static void list_done(void *user, const kube_answer *answer)
{
    kube_reflect *r = user;
    kube_status status;

    r->ticket = 0;
    kube_status_of(answer, false, &status);
    if (status.verdict == KUBE_GONE && r->token != NULL) {
        list_over(r, false);
        r->unpaged = true;
        failed(r, &status, TO_LIST);
        return;
    }
    if (status.verdict != KUBE_OK) {
        list_over(r, false);
        failed(r, &status, TO_LIST);
        return;
    }
    json_t *root = json_loadb(answer->body, answer->size, 0, NULL);
    const char *fault = json_is_object(root) ? take_page(r, root) : "the list is no JSON object";
    json_decref(root);
    if (fault != NULL) {
        list_broken(r, fault);
        return;
    }
    well(r);
    r->due = r->now;
    r->phase = TO_LIST; /* the next page */
    if (r->token == NULL) {
        list_over(r, true);
        r->state.synced = true;
        r->state.lists++;
        r->unpaged = false;
        r->backoff = 0;
        r->phase = TO_WATCH;
    }
}

static void begin_call(kube_reflect *r, kube_call *call, phase going, phase again)
{
    const spw_rc rc = r->wire->start(r->wire->self, call, &r->ticket);
    if (rc != SPW_OK) {
        kube_status status = {.verdict = KUBE_UNREACHABLE, .wait = -1, .text = "the call could not be started"};
        r->ticket = 0;
        list_over(r, false);
        failed(r, &status, again);
        return;
    }
    r->phase = going;
}

static void start_list(kube_reflect *r)
{
    const size_t token = r->token != NULL ? strlen(r->token) : 0;
    const size_t room = strlen(r->spec.path) + strlen(r->spec.query) + 3 * token + 96;
    char *path = malloc(room), *escaped = malloc(3 * token + 8);
    kube_call call = {.server = r->spec.server, .method = "GET", .timeout = LIST_TIME, .done = list_done, .user = r};

    if (path == NULL || escaped == NULL) {
        list_broken(r, "out of memory");
    } else {
        const char *and = r->spec.query[0] != '\0' ? "&" : "";
        kube_wire_escape(escaped, 3 * token + 8, token > 0 ? r->token : "");
        if (r->unpaged) {
            (void)snprintf(path, room, "%s%s%s", r->spec.path, r->spec.query[0] != '\0' ? "?" : "", r->spec.query);
        } else {
            (void)snprintf(path, room, "%s?%s%slimit=%" PRId32 "%s%s", r->spec.path, r->spec.query, and, r->spec.page,
                           token > 0 ? "&continue=" : "", escaped);
        }
        if (!r->in_list) {
            r->spec.sink.begin(r->spec.sink.self);
            r->in_list = true;
        }
        call.path = path;
        begin_call(r, &call, LISTING, TO_LIST);
    }
    free(path);
    free(escaped);
}

/* --- watch ----------------------------------------------------------------------------------------------------- */

static void watch_is_over(kube_reflect *r, phase next)
{
    r->sick = true;
    r->phase = next;
    if (r->ticket != 0) {
        r->wire->cancel(r->wire->self, r->ticket);
        r->ticket = 0;
    }
}

static void error_event(kube_reflect *r, const json_t *object)
{
    kube_status status;
    char *text = json_dumps(object, JSON_COMPACT | JSON_ENCODE_ANY);
    kube_status_of_event(text != NULL ? text : "", text != NULL ? strlen(text) : 0, &status);
    free(text);
    watch_is_over(r, TO_LIST);
    if (status.verdict == KUBE_GONE) {
        r->due = r->now;
        r->state.trouble = status;
    } else {
        failed(r, &status, TO_LIST);
    }
}

/**
 * A bookmark says how far the server is. That only grows; after a restore from a backup it is an older version again,
 * and what was heard beyond it is not so.
 */
static bool went_back(const kube_reflect *r, const char *version)
{
    const size_t digits = strlen(version), before = strlen(r->version);
    return digits != before ? digits < before : strcmp(version, r->version) < 0;
}

static void event(kube_reflect *r, const json_t *root)
{
    const char *type = json_string_value(json_object_get(root, "type"));
    const json_t *object = json_object_get(root, "object");
    const char *version = version_of(object);

    if (type != NULL && strcmp(type, "ERROR") == 0) {
        error_event(r, object);
        return;
    }
    if (type == NULL || !json_is_object(object) || version == NULL) {
        kube_status status = {
            .verdict = KUBE_UNSURE, .wait = -1, .text = "the watch brought something that is no event"};
        watch_is_over(r, TO_LIST);
        failed(r, &status, TO_LIST);
        return;
    }
    if (strcmp(type, "BOOKMARK") == 0 && went_back(r, version)) {
        kube_status status = {
            .verdict = KUBE_UNSURE, .wait = -1, .text = "the server's resourceVersion went back: listed anew"};
        watch_is_over(r, TO_LIST);
        failed(r, &status, TO_LIST);
        return;
    }
    if (strcmp(type, "DELETED") == 0) {
        r->spec.sink.remove(r->spec.sink.self, object);
    } else if (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0) {
        if (!r->spec.sink.put(r->spec.sink.self, object)) {
            kube_status status = {.verdict = KUBE_UNSURE, .wait = -1, .text = "out of memory"};
            watch_is_over(r, TO_LIST);
            failed(r, &status, TO_LIST);
            return;
        }
    } /* BOOKMARK, and kinds still to come, carry a version and no object */
    set_version(r, version);
    r->state.events++;
    well(r);
}

static void take_line(kube_reflect *r, const char *line, size_t size)
{
    json_t *root = size > 0 ? json_loadb(line, size, 0, NULL) : NULL;
    if (size == 0) {
        return;
    }
    r->heard = true;
    r->backoff = 0;
    event(r, root); /* NULL is handled like any other thing that is no event */
    json_decref(root);
}

static void watch_data(void *user, const char *bytes, size_t size)
{
    kube_reflect *r = user;
    while (size > 0 && !r->sick) {
        const char *end = memchr(bytes, '\n', size);
        const size_t part = end != NULL ? (size_t)(end - bytes) : size;
        if (r->used + part + 1 > r->room) {
            const size_t room = (r->used + part + 1) * 2;
            char *grown = r->used + part < LINE_MOST ? realloc(r->line, room) : NULL;
            if (grown == NULL) {
                kube_status status = {.verdict = KUBE_UNSURE, .wait = -1, .text = "an event is too long"};
                watch_is_over(r, TO_LIST);
                failed(r, &status, TO_LIST);
                return;
            }
            r->line = grown;
            r->room = room;
        }
        memcpy(r->line + r->used, bytes, part);
        r->used += part;
        if (end == NULL) {
            return;
        }
        const size_t length = r->used;
        r->used = 0;
        take_line(r, r->line, length);
        bytes += part + 1;
        size -= part + 1;
    }
}

static void watch_done(void *user, const kube_answer *answer)
{
    kube_reflect *r = user;
    kube_status status;

    r->ticket = 0;
    kube_status_of(answer, false, &status);
    if (status.verdict == KUBE_OK) { /* its time was over; half a line at the end comes again */
        r->due = r->now;
        r->phase = TO_WATCH;
        if (!r->heard) {
            later(r, TO_WATCH, 0); /* a server that ends watches at once is not asked in a tight loop */
        }
    } else if (status.verdict == KUBE_GONE) {
        r->due = r->now;
        r->phase = TO_LIST;
        r->state.trouble = status;
    } else if (status.verdict == KUBE_UNSURE && answer->end == KUBE_END_BROKEN && r->heard) {
        failed(r, &status, TO_WATCH);
    } else if (status.verdict == KUBE_UNREACHABLE || status.verdict == KUBE_BUSY) {
        failed(r, &status, TO_WATCH);
    } else {
        failed(r, &status, TO_LIST);
    }
}

static void start_watch(kube_reflect *r)
{
    char version[3 * sizeof r->version];
    const size_t room = strlen(r->spec.path) + strlen(r->spec.query) + sizeof version + 128;
    char *path = malloc(room);
    kube_call call = {.server = r->spec.server,
                      .method = "GET",
                      .timeout = r->spec.idle,
                      .stream = true,
                      .data = watch_data,
                      .done = watch_done,
                      .user = r};
    if (path == NULL) {
        list_broken(r, "out of memory");
        return;
    }
    kube_wire_escape(version, sizeof version, r->version);
    (void)snprintf(path, room, "%s?%s%swatch=true&allowWatchBookmarks=true&timeoutSeconds=%d&resourceVersion=%s",
                   r->spec.path, r->spec.query, r->spec.query[0] != '\0' ? "&" : "",
                   WATCH_LEAST_S + (int)(jitter_draw(&r->luck) * WATCH_LEAST_S), version);
    call.path = path;
    r->used = 0;
    r->heard = r->sick = false;
    r->state.watches++;
    begin_call(r, &call, WATCHING, TO_WATCH);
    free(path);
}

spw_time kube_reflect_step(kube_reflect *r, spw_time now)
{
    r->now = now;
    if (r->phase == LISTING || r->phase == WATCHING) {
        return SPW_TIME_MAX;
    }
    if (now < r->due) {
        return r->due;
    }
    if (r->phase == TO_LIST) {
        start_list(r);
    } else {
        start_watch(r);
    }
    return r->phase == LISTING || r->phase == WATCHING ? SPW_TIME_MAX : r->due;
}
