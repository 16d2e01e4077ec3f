/* SPDX-License-Identifier: GPL-3.0-or-later */
/** kube_world_wire.c - calls, time and faults between a client and the servers in memory. */
#include "tests/support/kube_world_int.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOOKMARKS (60 * SPW_NS_PER_S)
#define STRAY     (12 * SPW_NS_PER_S)

/* --- paths ----------------------------------------------------------------------------------------------------- */

static uint64_t number_after(const char *query, const char *key)
{
    const char *at = strstr(query, key);
    return at != NULL ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* "/apis/apps/v1/namespaces/s/deployments/d/scale?q": group and version, then the rest. */
void kw_target_of(const char *path, kw_target *out)
{
    char text[1024], head[1024], *part[8] = {0};
    size_t n = 0;
    *out = (kw_target){0};
    const char *question = strchr(path, '?');
    (void)snprintf(out->query, sizeof out->query, "%s", question != NULL ? question + 1 : "");
    (void)snprintf(text, sizeof text, "%.*s", (int)(question != NULL ? (size_t)(question - path) : strlen(path)), path);
    char *rest = text + 1;
    const size_t lead = strncmp(text, "/api/", 5) == 0 ? 2 : 3; /* /api/v1, /apis/group/version */
    for (size_t i = 0; i < lead && rest != NULL; i++) {
        rest = strchr(rest, '/');
        rest = rest != NULL ? rest + 1 : NULL;
    }
    assert(rest != NULL);
    rest[-1] = '\0';
    memcpy(head, text, sizeof head);
    for (char *p = rest; p != NULL && n < 8;) {
        part[n++] = p;
        p = strchr(p, '/');
        if (p != NULL) {
            *p++ = '\0';
        }
    }
    size_t i = 0;
    if (n >= 2 && strcmp(part[0], "namespaces") == 0 && n > 2) {
        (void)snprintf(out->space, sizeof out->space, "%s", part[1]);
        i = 2;
    }
    (void)snprintf(out->collection, sizeof out->collection, "%.60s/%.60s", head, part[i]);
    if (n > i + 1) {
        (void)snprintf(out->name, sizeof out->name, "%s", part[i + 1]);
    }
    if (n > i + 2) {
        (void)snprintf(out->sub, sizeof out->sub, "%s", part[i + 2]);
    }
    const char *token = strstr(out->query, "continue=");
    out->limit = (size_t)number_after(out->query, "limit=");
    out->watch = strstr(out->query, "watch=true") != NULL;
    out->version = number_after(out->query, "resourceVersion=");
    if (token != NULL) {
        const char *colon = strstr(token, "%3A");
        out->token = true;
        out->offset = (size_t)strtoull(token + 9, NULL, 10);
        out->token_version = colon != NULL ? strtoull(colon + 3, NULL, 10) : 0;
    }
}

/* --- calls ----------------------------------------------------------------------------------------------------- */

static void call_free(kw_call *c)
{
    free(c->path);
    free(c->type);
    free(c->body);
    free(c->out);
    free(c);
}

static void stray_free(kw_stray *s)
{
    free(s->path);
    free(s->type);
    free(s->body);
    free(s);
}

static void go_astray(kw_world *w, const kw_call *c)
{
    kw_stray *s = calloc(1, sizeof *s);
    assert(s != NULL);
    *s = (kw_stray){.next = w->strays, .at = w->now + STRAY, .server = c->call.server};
    (void)snprintf(s->method, sizeof s->method, "%s", c->call.method);
    s->path = strdup(c->path);
    s->type = c->type != NULL ? strdup(c->type) : NULL;
    s->body = strdup(c->body);
    w->strays = s;
}

/* Carries out what has arrived by now. @return when the next one will */
static spw_time arrive(kw_world *w)
{
    spw_time next = SPW_TIME_MAX;
    for (kw_stray **at = &w->strays; *at != NULL;) {
        kw_stray *s = *at;
        if (s->at > w->now) {
            next = s->at < next ? s->at : next;
            at = &s->next;
            continue;
        }
        char *answer = NULL;
        *at = s->next;
        (void)kw_handle(w, s->server, s->method, s->path, s->type, s->body, strlen(s->body), &answer);
        free(answer);
        stray_free(s);
    }
    return next;
}

void kw_calls_free(kw_world *w)
{
    while (w->strays != NULL) {
        kw_stray *s = w->strays;
        w->strays = s->next;
        stray_free(s);
    }
    while (w->calls != NULL) {
        kw_call *c = w->calls;
        w->calls = c->next;
        call_free(c);
    }
}

static spw_rc start(void *self, const kube_call *call, uint64_t *ticket)
{
    kw_world *w = self;
    kw_call *c = calloc(1, sizeof *c), **at = &w->calls;
    assert(c != NULL && call->server < w->server_count);
    const bool write = strcmp(call->method, "GET") != 0;
    c->call = *call;
    c->path = strdup(call->path);
    c->type = call->content_type != NULL ? strdup(call->content_type) : NULL;
    c->body = malloc(call->body_size + 1);
    assert(c->path != NULL && c->body != NULL && call->timeout > 0);
    if (call->body_size > 0) {
        memcpy(c->body, call->body, call->body_size);
    }
    c->body[call->body_size] = '\0';
    c->deadline = w->now + call->timeout;
    c->ticket = ++w->tickets;
    w->started++;
    if (w->fail_armed && (write || !w->fail_writes)) {
        if (w->fail_in == 0) {
            c->fault = w->fail_as;
            w->fail_armed = false;
        } else {
            w->fail_in--;
        }
    }
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = c;
    *ticket = c->ticket;
    return SPW_OK;
}

static void cancel(void *self, uint64_t ticket)
{
    kw_world *w = self;
    for (kw_call *c = w->calls; c != NULL; c = c->next) {
        c->cancelled = c->cancelled || c->ticket == ticket;
    }
}

static void take_out(kw_world *w, const kw_call *c)
{
    kw_call **at = &w->calls;
    while (*at != c) {
        at = &(*at)->next;
    }
    *at = c->next;
}

static void end_call(kw_world *w, kw_call *c, kube_end end, int status, spw_dur wait, const char *body)
{
    const kube_answer answer = {.end = end,
                                .status = end == KUBE_END_ANSWERED ? status : 0,
                                .retry_after = wait,
                                .body = body,
                                .size = strlen(body),
                                .error = end == KUBE_END_ANSWERED ? ""
                                         : end == KUBE_END_UNSENT ? "connection refused"
                                                                  : "connection lost"};
    take_out(w, c);
    if (!c->cancelled) {
        c->call.done(c->call.user, &answer);
    }
    call_free(c);
}

/* --- watches --------------------------------------------------------------------------------------------------- */

static void append(kw_call *c, const char *line)
{
    const size_t n = strlen(line);
    c->out = realloc(c->out, c->out_size + n + 2);
    assert(c->out != NULL);
    memcpy(c->out + c->out_size, line, n);
    c->out[c->out_size + n] = '\n';
    c->out_size += n + 1;
}

void kw_feed(kw_world *w)
{
    for (kw_call *c = w->calls; c != NULL; c = c->next) {
        const kw_server *s = &w->server[c->call.server];
        for (size_t i = 0; c->watching && i < s->event_count; i++) {
            const kw_event *e = &s->events[i];
            if (e->version > c->seen && strcmp(e->collection, c->collection) == 0) {
                append(c, e->line);
                c->seen = e->version;
            }
        }
    }
}

static void mark(const kw_world *w, kw_call *c)
{
    char line[200];
    (void)snprintf(line, sizeof line,
                   "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"%" PRIu64
                   "\"},\"spec\":{\"replicas\":0}}}",
                   w->server[c->call.server].version);
    append(c, line);
    c->bookmark = w->now + BOOKMARKS;
}

void kw_bookmark(kw_world *w, size_t server)
{
    for (kw_call *c = w->calls; c != NULL; c = c->next) {
        if (c->watching && c->call.server == server) {
            mark(w, c);
        }
    }
}

void kw_end_watches(kw_world *w, size_t server, bool whole)
{
    for (kw_call *c = w->calls; c != NULL; c = c->next) {
        if (c->watching && c->call.server == server) {
            c->end_whole = whole;
            c->end_broken = !whole;
            c->silent = false;
            c->seen = UINT64_MAX; /* what happens from now on is not told any more */
        }
    }
}

static void open_watch(kw_world *w, kw_call *c, const kw_target *t)
{
    static const char gone[] =
        "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
        "\"status\":\"Failure\",\"message\":\"too old resource version\",\"reason\":\"Expired\","
        "\"code\":410}}";
    c->watching = true;
    c->bookmark = w->now + BOOKMARKS;
    c->seen = t->version;
    (void)snprintf(c->collection, sizeof c->collection, "%s", t->collection);
    if (t->version < w->server[c->call.server].floor) {
        append(c, gone);
        c->end_whole = true;
        c->seen = UINT64_MAX;
    }
    kw_feed(w);
}

/* @return true: something was called back, the list of calls may have changed */
static bool move_watch(kw_world *w, kw_call *c)
{
    if (c->silent) {
        return false;
    }
    if (c->out_size > 0) {
        const size_t n = w->split > 0 && w->split < c->out_size ? w->split : c->out_size;
        char *piece = malloc(n);
        assert(piece != NULL);
        memcpy(piece, c->out, n);
        memmove(c->out, c->out + n, c->out_size - n);
        c->out_size -= n;
        c->deadline = w->now + c->call.timeout;
        c->call.data(c->call.user, piece, n);
        free(piece);
        return true;
    }
    if (c->end_whole || c->end_broken) {
        end_call(w, c, c->end_whole ? KUBE_END_ANSWERED : KUBE_END_BROKEN, 200, -1, "");
        return true;
    }
    return false;
}

/* --- faults ---------------------------------------------------------------------------------------------------- */

static void handle(kw_world *w, kw_call *c)
{
    static const char frozen[] =
        "{\"metadata\":{},\"status\":\"Failure\",\"message\":\"Timeout: request did not complete "
        "within the allotted timeout\",\"reason\":\"Timeout\",\"details\":{},\"code\":504}";
    static const char failure[] =
        "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"%s\","
        "\"reason\":\"%s\",\"code\":%d}";
    const kw_fault broken = w->server[c->call.server].broken;
    const kw_fault fault = c->fault != KW_NONE ? c->fault : broken;
    char text[256] = "";
    char *answer = NULL;
    kw_target t;

    c->handled = true;
    kw_target_of(c->path, &t);
    const bool applied =
        fault == KW_NONE || fault == KW_MUTE || fault == KW_HALF || fault == KW_LATE || fault == KW_GARBAGE;
    if (t.watch && fault == KW_NONE) {
        open_watch(w, c, &t);
        return;
    }
    int status = 0;
    if (applied && !t.watch) {
        status = kw_handle(w, c->call.server, c->call.method, c->path, c->type, c->body, c->call.body_size, &answer);
    }
    switch (fault) {
    case KW_NONE:
        end_call(w, c, KUBE_END_ANSWERED, status, -1, answer);
        break;
    case KW_REFUSE:
        end_call(w, c, KUBE_END_UNSENT, 0, -1, "");
        break;
    case KW_RESET:
    case KW_HALF:
        end_call(w, c, KUBE_END_BROKEN, 0, -1, "");
        break;
    case KW_STRAY:
        if (strcmp(c->call.method, "GET") != 0) {
            go_astray(w, c);
        }
        c->silent = true;
        break;
    case KW_MUTE:
    case KW_DEAF:
        c->silent = true;
        break;
    case KW_BUSY:
        end_call(w, c, KUBE_END_ANSWERED, 429, SPW_NS_PER_S, "Too many requests, please try again later.\n");
        break;
    case KW_DOWN:
        end_call(w, c, KUBE_END_ANSWERED, 503, -1, "service unavailable\n");
        break;
    case KW_ERROR:
        (void)snprintf(text, sizeof text, failure, "failed calling webhook", "InternalError", 500);
        end_call(w, c, KUBE_END_ANSWERED, 500, -1, text);
        break;
    case KW_FROZEN:
    case KW_LATE:
        end_call(w, c, KUBE_END_ANSWERED, 504, -1, frozen);
        break;
    case KW_FORBID:
        (void)snprintf(text, sizeof text, failure, "forbidden", "Forbidden", 403);
        end_call(w, c, KUBE_END_ANSWERED, 403, -1, text);
        break;
    case KW_STRANGER:
        (void)snprintf(text, sizeof text, failure, "Unauthorized", "Unauthorized", 401);
        end_call(w, c, KUBE_END_ANSWERED, 401, -1, text);
        break;
    case KW_GARBAGE:
        end_call(w, c, KUBE_END_ANSWERED, 200, -1, "<html>oops");
        break;
    case KW_FAULTS:
        abort();
    }
    free(answer);
}

static spw_rc run(void *self, spw_dur longest)
{
    kw_world *w = self;
    spw_time next = w->now + longest;
    const spw_time arrival = arrive(w);
    next = arrival < next ? arrival : next;
    for (kw_call *c = w->calls; c != NULL; c = c->next) {
        if (c->cancelled) {
            take_out(w, c);
            call_free(c);
            return SPW_OK;
        }
        if (!c->handled) {
            handle(w, c);
            return SPW_OK;
        }
        if (c->watching && c->bookmark <= w->now) {
            mark(w, c);
        }
        if (c->watching && move_watch(w, c)) {
            return SPW_OK;
        }
        next = c->deadline < next ? c->deadline : next;
        next = c->watching && c->bookmark < next ? c->bookmark : next;
    }
    w->now = next > w->now ? next : w->now;
    for (kw_call *c = w->calls; c != NULL; c = c->next) {
        if (c->deadline <= w->now) {
            end_call(w, c, KUBE_END_BROKEN, 0, -1, "");
            break;
        }
    }
    return SPW_OK;
}

kube_wire kw_wire(kw_world *w)
{
    return (kube_wire){.self = w, .start = start, .cancel = cancel, .run = run};
}

spw_time kw_now(const kw_world *w)
{
    return w->now;
}

void kw_advance(kw_world *w, spw_dur by)
{
    w->now += by;
}

void kw_fail_at(kw_world *w, uint64_t n, bool only_writes, kw_fault fault)
{
    w->fail_armed = fault != KW_NONE;
    w->fail_in = n;
    w->fail_writes = only_writes;
    w->fail_as = fault;
}

void kw_break(kw_world *w, size_t server, kw_fault fault)
{
    w->server[server].broken = fault;
    for (kw_call *c = w->calls; c != NULL; c = c->next) {
        c->silent = c->silent || (c->watching && c->call.server == server &&
                                  (fault == KW_MUTE || fault == KW_DEAF || fault == KW_STRAY));
    }
}

void kw_split(kw_world *w, size_t bytes)
{
    w->split = bytes;
}

uint64_t kw_calls(const kw_world *w)
{
    return w->started;
}

uint64_t kw_open(const kw_world *w)
{
    uint64_t n = 0;
    for (const kw_call *c = w->calls; c != NULL; c = c->next) {
        n += c->cancelled ? 0 : 1;
    }
    return n;
}
