/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * What each answer leads to. A table by status and reason, and then everything that real servers were recorded to say,
 * as the first answer to a write and to a list; after that the server is as it should be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/kube/reflect.h"
#include "tests/support/kube_scale.h"
#include "tests/support/kube_world.h"

#define S           SPW_NS_PER_S
#define RECORDINGS  "../shared/k8s-recordings"
#define DEPLOYMENTS "/apis/apps/v1/deployments"

/* A wire whose next call is answered by heart. */
typedef struct once {
    kw_world *world;
    kube_wire inner;
    const kube_answer *say; /* NULL = no more */
    kube_call call;
    bool waiting;
    char calls[64];  /* "PATCH GET PATCH " */
    spw_time second; /* when the second call began */
    int count;
} once;

static spw_rc start_call(void *self, const kube_call *call, uint64_t *ticket)
{
    once *o = self;
    if (strlen(o->calls) + 8 < sizeof o->calls) {
        (void)strncat(o->calls, call->method, 6);
        (void)strncat(o->calls, " ", 2);
    }
    if (++o->count == 2) {
        o->second = kw_now(o->world);
    }
    if (o->say == NULL) {
        return o->inner.start(o->inner.self, call, ticket);
    }
    o->call = *call;
    o->waiting = true;
    *ticket = 1u << 30;
    return SPW_OK;
}

static void cancel_call(void *self, uint64_t ticket)
{
    once *o = self;
    if (ticket == 1u << 30) {
        o->waiting = false;
    } else {
        o->inner.cancel(o->inner.self, ticket);
    }
}

static spw_rc run_calls(void *self, spw_dur longest)
{
    once *o = self;
    if (o->waiting) {
        const kube_answer *say = o->say;
        o->waiting = false;
        o->say = NULL;
        o->call.done(o->call.user, say);
        return SPW_OK;
    }
    return o->inner.run(o->inner.self, longest);
}

static spw_time clock_of(void *user)
{
    return kw_now(((once *)user)->world);
}

static void start(once *o, const kube_answer *say, kube_wire *wire)
{
    *o = (once){.world = kw_new(1), .say = say};
    o->inner = kw_wire(o->world);
    *wire = (kube_wire){.self = o, .start = start_call, .cancel = cancel_call, .run = run_calls};
    kw_put(o->world, 0, DEPLOYMENTS,
           "{\"metadata\":{\"name\":\"chat\",\"namespace\":\"p\"},\"spec\":{\"replicas\":2}}");
}

/* --- writes ---------------------------------------------------------------------------------------------------- */

typedef struct reaction {
    kube_fate fate;
    char calls[64];
    spw_dur wait; /* between the first call and the second */
} reaction;

static reaction react(const kube_answer *say)
{
    once o;
    kube_wire wire;
    reaction r = {0};
    start(&o, say, &wire);
    const kube_writer_spec spec = {
        .wire = &wire, .server_count = 1, .breaker_count = 1, .clock = clock_of, .seed = 3, .user = &o};
    kube_writer *writer = kube_writer_new(&spec);
    const json_t *meta = json_object_get(kw_get(o.world, 0, DEPLOYMENTS, "p", "chat"), "metadata");
    const spw_time began = kw_now(o.world);
    kube_write write = scale_write("/apis/apps/v1/namespaces/p/deployments/chat/scale",
                                   json_string_value(json_object_get(meta, "resourceVersion")));
    (void)kube_writer_run(writer, &write, 1, began + 60 * S, NULL);
    r.fate = write.fate;
    (void)snprintf(r.calls, sizeof r.calls, "%s", o.calls);
    r.wait = o.count >= 2 ? o.second - began : 0;
    const int64_t replicas = kw_replicas(o.world, 0, "p", "chat");
    assert_int_equal(replicas, write.fate == KUBE_FATE_DONE ? 5 : 2);
    kube_writer_free(writer);
    kw_free(o.world);
    return r;
}

#define STATUS(reason) "{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"m\",\"reason\":\"" reason "\"}"

typedef struct rule {
    int status;
    const char *reason; /* "" = none: a text */
    const char *body;   /* for the first test */
    kube_fate fate;
    const char *calls;
    spw_dur least, most; /* of the wait */
} rule;

#define AGAIN "PATCH PATCH "     /* it was certainly not carried out */
#define LOOK  "PATCH GET PATCH " /* it may have been, or the object has changed */
#define ONCE  "PATCH "

/* Waits: at least 0.1 s, at most twice that; or as the server says. Conflicts are looked into at once. */
static const rule rules[] = {
    {400, "BadRequest", STATUS("BadRequest"), KUBE_FATE_REFUSED, ONCE, 0, 0},
    {401, "Unauthorized", STATUS("Unauthorized"), KUBE_FATE_DONE, AGAIN, S / 10, S / 5},
    {403, "Forbidden", STATUS("Forbidden"), KUBE_FATE_REFUSED, ONCE, 0, 0},
    {404, "NotFound", STATUS("NotFound"), KUBE_FATE_REFUSED, ONCE, 0, 0},
    {404, "", "404 page not found\n", KUBE_FATE_REFUSED, ONCE, 0, 0},
    {405, "MethodNotAllowed", STATUS("MethodNotAllowed"), KUBE_FATE_REFUSED, ONCE, 0, 0},
    {406, "NotAcceptable", STATUS("NotAcceptable"), KUBE_FATE_REFUSED, ONCE, 0, 0},
    {409, "Conflict", STATUS("Conflict"), KUBE_FATE_DONE, LOOK, 0, 0},
    {409, "AlreadyExists", STATUS("AlreadyExists"), KUBE_FATE_DONE, LOOK, 0, 0},
    {410, "Expired", STATUS("Expired"), KUBE_FATE_DONE, LOOK, S / 10, S / 5},
    {413, "RequestEntityTooLarge", STATUS("RequestEntityTooLarge"), KUBE_FATE_REFUSED, ONCE, 0, 0},
    {415, "UnsupportedMediaType", STATUS("UnsupportedMediaType"), KUBE_FATE_REFUSED, ONCE, 0, 0},
    {422, "Invalid", STATUS("Invalid"), KUBE_FATE_REFUSED, ONCE, 0, 0},
    {429, "", "Too many requests, please try again later.\n", KUBE_FATE_DONE, AGAIN, S / 10, S / 5},
    {429, "TooManyRequests", STATUS("TooManyRequests"), KUBE_FATE_DONE, AGAIN, S / 10, S / 5},
    {500, "InternalError", STATUS("InternalError"), KUBE_FATE_DONE, LOOK, S / 10, S / 5},
    {500, "ServerTimeout", STATUS("ServerTimeout"), KUBE_FATE_DONE, LOOK, S / 10, S / 5},
    {500, "", "oops", KUBE_FATE_DONE, LOOK, S / 10, S / 5},
    {503, "", "service unavailable\n", KUBE_FATE_DONE, AGAIN, S / 10, S / 5},
    {503, "ServiceUnavailable", STATUS("ServiceUnavailable"), KUBE_FATE_DONE, AGAIN, S / 10, S / 5},
    {504, "Timeout", STATUS("Timeout"), KUBE_FATE_DONE, LOOK, S / 10, S / 5},
    {502, "", "<html>bad gateway", KUBE_FATE_DONE, LOOK, S / 10, S / 5},
    {302, "", "", KUBE_FATE_DONE, LOOK, S / 10, S / 5},
    {200, "", "<html>a portal", KUBE_FATE_DONE, LOOK, S / 10, S / 5},
};

static void check(const rule *want, const reaction *got, const char *what)
{
    if (got->fate != want->fate || strcmp(got->calls, want->calls) != 0 || got->wait < want->least ||
        (got->wait > want->most && want->most > 0)) {
        fail_msg("%s: %s, %safter %.3f s", what, kube_fate_name(got->fate), got->calls, (double)got->wait / 1e9);
    }
}

static kube_answer answer_of(int status, const char *text, spw_dur wait)
{
    return (kube_answer){.end = KUBE_END_ANSWERED,
                         .status = status,
                         .retry_after = wait,
                         .body = text,
                         .size = strlen(text),
                         .error = ""};
}

static void writes_by_status_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const kube_answer say = answer_of(rules[i].status, rules[i].body, -1);
        const reaction got = react(&say);
        char what[64];
        (void)snprintf(what, sizeof what, "%d %s", rules[i].status, rules[i].reason);
        check(&rules[i], &got, what);
    }
}

static void writes_by_the_way_a_call_ends(void **state)
{
    (void)state;
    const kube_answer unsent = {.end = KUBE_END_UNSENT, .retry_after = -1, .body = "", .error = "refused"};
    const kube_answer broken = {.end = KUBE_END_BROKEN, .retry_after = -1, .body = "", .error = "reset"};
    const rule again = {.fate = KUBE_FATE_DONE, .calls = AGAIN, .least = S / 10, .most = S / 5};
    const rule look = {.fate = KUBE_FATE_DONE, .calls = LOOK, .least = S / 10, .most = S / 5};
    reaction got = react(&unsent);
    check(&again, &got, "no connection");
    got = react(&broken);
    check(&look, &got, "a broken connection");
    const kube_answer busy = answer_of(429, "wait", 3 * S);
    const rule later = {.fate = KUBE_FATE_DONE, .calls = AGAIN, .least = 3 * S, .most = 3 * S};
    got = react(&busy);
    check(&later, &got, "Retry-After: 3");
}

/* Field managers: 409, too, but no reading helps. */
static void a_field_of_another_manager_is_left_to_it(void **state)
{
    (void)state;
    const kube_answer say =
        answer_of(409,
                  "{\"reason\":\"Conflict\",\"details\":{\"causes\":[{\"reason\":\"FieldManagerConflict\",\"field\":"
                  "\".spec.replicas\"}]}}",
                  -1);
    const rule want = {.fate = KUBE_FATE_REFUSED, .calls = ONCE};
    const reaction got = react(&say);
    check(&want, &got, "FieldManagerConflict");
}

/* --- recordings ------------------------------------------------------------------------------------------------ */

typedef void (*visit)(const char *file, const char *method, const kube_answer *say, const char *reason);

static const char *header_of(const json_t *response, const char *name)
{
    const json_t *headers = json_object_get(response, "headers");
    for (size_t i = 0; i < json_array_size(headers); i++) {
        const json_t *pair = json_array_get(headers, i);
        if (strcmp(json_string_value(json_array_get(pair, 0)), name) == 0) {
            return json_string_value(json_array_get(pair, 1));
        }
    }
    return NULL;
}

/* Every recorded answer that is none of success. @return how many */
static size_t visit_failures(visit each)
{
    json_t *index = json_load_file(RECORDINGS "/INDEX.json", 0, NULL);
    const json_t *all = json_object_get(index, "records");
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(all); i++) {
        char path[512];
        const char *file = json_string_value(json_object_get(json_array_get(all, i), "file"));
        (void)snprintf(path, sizeof path, RECORDINGS "/%s", file);
        json_t *record = json_load_file(path, 0, NULL);
        const json_t *response = json_object_get(record, "response");
        const char *text = json_string_value(json_object_get(response, "body"));
        const char *method = json_string_value(json_object_get(json_object_get(record, "request"), "method"));
        const int status = (int)json_integer_value(json_object_get(response, "status"));
        if (text != NULL && status >= 300) {
            json_t *object = json_loads(text, 0, NULL);
            const char *reason = json_string_value(json_object_get(object, "reason"));
            const char *wait = header_of(response, "Retry-After");
            const kube_answer say = answer_of(status, text, wait != NULL ? strtol(wait, NULL, 10) * S : -1);
            each(file, method, &say, reason != NULL ? reason : "");
            json_decref(object);
            n++;
        }
        json_decref(record);
    }
    json_decref(index);
    return n;
}

static void check_write(const char *file, const char *method, const kube_answer *say, const char *reason)
{
    if (strcmp(method, "GET") == 0) {
        return;
    }
    const bool owned = strstr(say->body, "FieldManagerConflict") != NULL;
    const rule *found = NULL;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && found == NULL; i++) {
        const bool text = reason[0] == '\0' || say->status == 500; /* 500 has many reasons, one meaning */
        found = rules[i].status == say->status && (text || strcmp(rules[i].reason, reason) == 0) ? &rules[i] : NULL;
    }
    if (found == NULL) {
        fail_msg("%s: %d %s is in no table", file, say->status, reason);
        return;
    }
    rule want = *found;
    if (owned) {
        want.fate = KUBE_FATE_REFUSED;
        want.calls = ONCE;
    }
    if (say->retry_after > 0) {
        want.least = want.most = say->retry_after;
    }
    const reaction got = react(say);
    check(&want, &got, file);
}

static void recorded_answers_to_writes(void **state)
{
    (void)state;
    if (visit_failures(check_write) == 0) {
        print_message("skip: no " RECORDINGS "\n");
        skip();
    }
}

/* --- lists ----------------------------------------------------------------------------------------------------- */

static void nothing(void *self)
{
    (void)self;
}

static bool count_put(void *self, const json_t *object)
{
    (void)object;
    ++*(int *)self;
    return true;
}

static void ignore(void *self, const json_t *object)
{
    (void)self;
    (void)object;
}

static void ended(void *self, bool whole)
{
    (void)self;
    (void)whole;
}

/*
 * Whatever the first answer to a list was, it is asked again: after 0.8 to 1.6 s, or as the server says; at once, from
 * the beginning, where the answer was 410.
 */
static void check_list(const char *file, const char *method, const kube_answer *say, const char *reason)
{
    once o;
    kube_wire wire;
    int puts = 0;
    (void)method;
    (void)reason;
    start(&o, say, &wire);
    const kube_reflect_spec spec = {
        .path = DEPLOYMENTS,
        .query = "",
        .seed = 5,
        .sink = {.self = &puts, .begin = nothing, .put = count_put, .remove = ignore, .end = ended}};
    kube_reflect *reflect = kube_reflect_new(&spec, &wire);
    kube_reflect_state s = {0};
    const spw_time began = kw_now(o.world);
    while (kw_now(o.world) < began + 120 * S && !s.synced) {
        const spw_time due = kube_reflect_step(reflect, kw_now(o.world));
        const spw_dur nap = due > kw_now(o.world) ? due - kw_now(o.world) : 1;
        (void)wire.run(&o, nap < S ? nap : S);
        kube_reflect_state_get(reflect, &s);
    }
    const spw_dur waited = o.second - began;
    const spw_dur least = say->retry_after > 8 * S / 10 ? say->retry_after : 8 * S / 10;
    const bool at_once = say->status == 410;
    if (!s.synced || puts != 1 || (!at_once && (waited < least || waited > 2 * least + S)) ||
        (at_once && waited > 2 * S)) {
        fail_msg("%s: %s, %d objects, %.3f s", file, s.synced ? "seen" : "not seen", puts, (double)waited / 1e9);
    }
    kube_reflect_free(reflect);
    kw_free(o.world);
}

static void recorded_answers_to_lists(void **state)
{
    (void)state;
    if (visit_failures(check_list) == 0) {
        skip();
    }
}

static void lists_by_status_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const kube_answer say = answer_of(rules[i].status, rules[i].body, -1);
        check_list(rules[i].reason, "GET", &say, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_by_status_and_reason),
        cmocka_unit_test(writes_by_the_way_a_call_ends),
        cmocka_unit_test(a_field_of_another_manager_is_left_to_it),
        cmocka_unit_test(recorded_answers_to_writes),
        cmocka_unit_test(lists_by_status_and_reason),
        cmocka_unit_test(recorded_answers_to_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
