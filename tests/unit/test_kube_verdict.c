/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What each answer means; then the same for every recorded exchange of real servers, where they are at hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/kube/verdict.h"

#define RECORDINGS "../shared/k8s-recordings"

typedef struct row {
    int status;
    const char *body;
    kube_verdict verdict;
    const char *reason;
} row;

#define STATUS(reason) "{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"m\",\"reason\":\"" reason "\"}"

static const row rows[] = {
    {200, "{}", KUBE_OK, ""},
    {201, "{}", KUBE_OK, ""},
    {409, STATUS("Conflict"), KUBE_CONFLICT, "Conflict"},
    {409, STATUS("AlreadyExists"), KUBE_EXISTS, "AlreadyExists"},
    {409,
     "{\"reason\":\"Conflict\",\"details\":{\"causes\":[{\"reason\":\"FieldManagerConflict\",\"field\":\".spec."
     "replicas\"}]}}",
     KUBE_OWNED, "Conflict"},
    {410, STATUS("Expired"), KUBE_GONE, "Expired"},
    {404, STATUS("NotFound"), KUBE_ABSENT, "NotFound"},
    {404, "404 page not found\n", KUBE_ABSENT, ""},
    {403, STATUS("Forbidden"), KUBE_DENIED, "Forbidden"},
    {401, STATUS("Unauthorized"), KUBE_UNAUTHENTICATED, "Unauthorized"},
    {422, STATUS("Invalid"), KUBE_INVALID, "Invalid"},
    {415, STATUS("UnsupportedMediaType"), KUBE_INVALID, "UnsupportedMediaType"},
    {429, "Too many requests, please try again later.\n", KUBE_BUSY, ""},
    {503, "service unavailable\n", KUBE_BUSY, ""},
    {503, STATUS("ServiceUnavailable"), KUBE_BUSY, "ServiceUnavailable"},
    {500, STATUS("InternalError"), KUBE_UNSURE, "InternalError"},
    {504, "{\"metadata\":{},\"status\":\"Failure\",\"reason\":\"Timeout\",\"code\":504}", KUBE_UNSURE, "Timeout"},
    {500, STATUS("ServerTimeout"), KUBE_UNSURE, "ServerTimeout"},
    {302, "", KUBE_UNSURE, ""},
    {418, "<html>", KUBE_INVALID, ""},
};

static kube_status judge(int status, const char *body)
{
    const kube_answer answer = {
        .end = KUBE_END_ANSWERED, .status = status, .retry_after = -1, .body = body, .size = strlen(body), .error = ""};
    kube_status out;
    kube_status_of(&answer, true, &out);
    return out;
}

static void by_status_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const kube_status s = judge(rows[i].status, rows[i].body);
        if (s.verdict != rows[i].verdict || strcmp(s.reason, rows[i].reason) != 0) {
            fail_msg("%d %s: %s, reason '%s'", rows[i].status, rows[i].body, kube_verdict_name(s.verdict), s.reason);
        }
    }
}

static void a_broken_write_is_unsure_and_an_unsent_one_is_not(void **state)
{
    (void)state;
    kube_status s;
    kube_answer a = {.end = KUBE_END_BROKEN, .retry_after = -1, .body = "", .error = "connection lost"};
    kube_status_of(&a, true, &s);
    assert_int_equal(s.verdict, KUBE_UNSURE);
    assert_false(kube_verdict_is_unapplied(s.verdict));
    a.end = KUBE_END_UNSENT;
    kube_status_of(&a, true, &s);
    assert_int_equal(s.verdict, KUBE_UNREACHABLE);
    assert_true(kube_verdict_is_unapplied(s.verdict));
}

static void waits_as_the_server_says(void **state)
{
    (void)state;
    const kube_status body = judge(429, "{\"reason\":\"TooManyRequests\",\"details\":{\"retryAfterSeconds\":7}}");
    assert_int_equal(body.wait, 7 * SPW_NS_PER_S);
    const kube_answer a = {
        .end = KUBE_END_ANSWERED, .status = 429, .retry_after = 3 * SPW_NS_PER_S, .body = "", .error = ""};
    kube_status s;
    kube_status_of(&a, true, &s);
    assert_int_equal(s.wait, 3 * SPW_NS_PER_S);
    assert_true(judge(429, "{\"details\":{\"retryAfterSeconds\":-7}}").wait == -1);
}

static void texts_are_one_printable_line(void **state)
{
    (void)state;
    const kube_status s = judge(500, "a\tb\x01"
                                     "c\nsecond line");
    assert_string_equal(s.text, "a b c");
}

/* The recordings name status and reason; the table in words below is independent of the code's. */
static void recordings_of_real_servers(void **state)
{
    (void)state;
    json_t *index = json_load_file(RECORDINGS "/INDEX.json", 0, NULL);
    if (index == NULL) {
        print_message("skip: no " RECORDINGS "\n");
        skip();
    }
    const json_t *all = json_object_get(index, "records");
    size_t read = 0;
    for (size_t i = 0; i < json_array_size(all); i++) {
        char path[512];
        const char *file = json_string_value(json_object_get(json_array_get(all, i), "file"));
        (void)snprintf(path, sizeof path, RECORDINGS "/%s", file);
        json_t *record = json_load_file(path, 0, NULL);
        const json_t *response = json_object_get(record, "response");
        const json_t *body = json_object_get(response, "body");
        const int status = (int)json_integer_value(json_object_get(response, "status"));
        if (!json_is_string(body) || status == 0) {
            json_decref(record);
            continue;
        }
        const kube_status s = judge(status, json_string_value(body));
        json_t *object = json_loads(json_string_value(body), 0, NULL);
        const char *reason = json_string_value(json_object_get(object, "reason"));
        const bool fine = status >= 200 && status < 300;
        assert_int_equal(s.verdict == KUBE_OK, fine);
        if (!fine && reason != NULL) {
            assert_string_equal(s.reason, reason);
        }
        const struct {
            int status;
            bool allowed[12];
        } words[] = {
            {400, {[KUBE_INVALID] = true}},
            {401, {[KUBE_UNAUTHENTICATED] = true}},
            {403, {[KUBE_DENIED] = true}},
            {404, {[KUBE_ABSENT] = true}},
            {405, {[KUBE_INVALID] = true}},
            {406, {[KUBE_INVALID] = true}},
            {409, {[KUBE_CONFLICT] = true, [KUBE_EXISTS] = true, [KUBE_OWNED] = true}},
            {410, {[KUBE_GONE] = true}},
            {415, {[KUBE_INVALID] = true}},
            {422, {[KUBE_INVALID] = true}},
            {429, {[KUBE_BUSY] = true}},
            {500, {[KUBE_UNSURE] = true}},
            {503, {[KUBE_BUSY] = true}},
            {504, {[KUBE_UNSURE] = true}},
        };
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            if (words[k].status == status && !words[k].allowed[s.verdict]) {
                fail_msg("%s: %d is judged %s", file, status, kube_verdict_name(s.verdict));
            }
        }
        read++;
        json_decref(object);
        json_decref(record);
    }
    json_decref(index);
    assert_true(read > 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_status_and_reason),
        cmocka_unit_test(a_broken_write_is_unsure_and_an_unsent_one_is_not),
        cmocka_unit_test(waits_as_the_server_says),
        cmocka_unit_test(texts_are_one_printable_line),
        cmocka_unit_test(recordings_of_real_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
