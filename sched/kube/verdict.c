/* SPDX-License-Identifier: Apache-2.0 */
/** verdict.c - from status, reason and shape of an answer to what should be done about it. */
#include "sched/kube/verdict.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

typedef struct reason_row {
    const char *reason;
    kube_verdict verdict;
} reason_row;

/* metav1.StatusReason values that say more than the code. */
static const reason_row by_reason[] = {
    {"Conflict", KUBE_CONFLICT},
    {"AlreadyExists", KUBE_EXISTS},
    {"Expired", KUBE_GONE},
    {"Gone", KUBE_GONE},
    {"NotFound", KUBE_ABSENT},
    {"Forbidden", KUBE_DENIED},
    {"Unauthorized", KUBE_UNAUTHENTICATED},
    {"Invalid", KUBE_INVALID},
    {"BadRequest", KUBE_INVALID},
    {"MethodNotAllowed", KUBE_INVALID},
    {"NotAcceptable", KUBE_INVALID},
    {"UnsupportedMediaType", KUBE_INVALID},
    {"RequestEntityTooLarge", KUBE_INVALID},
    {"TooManyRequests", KUBE_BUSY},
    {"ServiceUnavailable", KUBE_BUSY},
    {"ServerTimeout", KUBE_UNSURE},
    {"Timeout", KUBE_UNSURE},
    {"StoreReadError", KUBE_UNSURE},
    {"InternalError", KUBE_UNSURE},
};

static kube_verdict from_code(int code)
{
    switch (code) {
    case 401:
        return KUBE_UNAUTHENTICATED;
    case 403:
        return KUBE_DENIED;
    case 404:
        return KUBE_ABSENT;
    case 409:
        return KUBE_CONFLICT;
    case 410:
        return KUBE_GONE;
    case 429:
    case 503:
        return KUBE_BUSY;
    default:
        return code >= 200 && code < 300 ? KUBE_OK : code >= 400 && code < 500 ? KUBE_INVALID : KUBE_UNSURE;
    }
}

/* The first line of a text, for people: control characters become spaces. */
static void one_line(char *out, size_t room, const char *text)
{
    size_t n = 0;
    for (; text[n] != '\0' && text[n] != '\n' && n + 1 < room; n++) {
        out[n] = (unsigned char)text[n] < 0x20 ? ' ' : text[n];
    }
    out[n] = '\0';
}

static bool has_manager_conflict(const json_t *status)
{
    const json_t *causes = json_object_get(json_object_get(status, "details"), "causes");
    for (size_t i = 0; i < json_array_size(causes); i++) {
        const char *why = json_string_value(json_object_get(json_array_get(causes, i), "reason"));
        if (why != NULL && strcmp(why, "FieldManagerConflict") == 0) {
            return true;
        }
    }
    return false;
}

/* What a Status object adds to a code. The code stays the judge of success. */
static void read_status(const json_t *status, kube_status *out)
{
    const char *reason = json_string_value(json_object_get(status, "reason"));
    const char *message = json_string_value(json_object_get(status, "message"));
    const json_t *wait = json_object_get(json_object_get(status, "details"), "retryAfterSeconds");

    one_line(out->reason, sizeof out->reason, reason != NULL ? reason : "");
    if (message != NULL) {
        one_line(out->text, sizeof out->text, message);
    }
    for (size_t i = 0; i < sizeof by_reason / sizeof by_reason[0]; i++) {
        if (strcmp(out->reason, by_reason[i].reason) == 0) {
            out->verdict = by_reason[i].verdict;
        }
    }
    if (out->verdict == KUBE_CONFLICT && has_manager_conflict(status)) {
        out->verdict = KUBE_OWNED;
    }
    if (json_is_integer(wait) && json_integer_value(wait) >= 0 && json_integer_value(wait) < 86400 && out->wait < 0) {
        out->wait = json_integer_value(wait) * SPW_NS_PER_S;
    }
}

static void judge(kube_end end, int code, spw_dur wait, const char *body, size_t size, const char *error, bool write,
                  kube_status *out)
{
    *out = (kube_status){.code = code, .wait = wait};
    if (end == KUBE_END_UNSENT) {
        out->verdict = KUBE_UNREACHABLE;
        one_line(out->text, sizeof out->text, error);
        return;
    }
    if (end == KUBE_END_BROKEN) {
        out->verdict = KUBE_UNSURE;
        (void)snprintf(out->text, sizeof out->text, "%.120s%s", error, write ? "; the write may have happened" : "");
        return;
    }
    out->verdict = from_code(code);
    if (out->verdict == KUBE_OK) {
        return;
    }
    one_line(out->text, sizeof out->text, body);
    json_t *status = json_loadb(body, size, 0, NULL);
    if (json_is_object(status)) {
        read_status(status, out);
    }
    json_decref(status);
}

void kube_status_of(const kube_answer *answer, bool write, kube_status *out)
{
    judge(answer->end, answer->status, answer->retry_after, answer->body, answer->size, answer->error, write, out);
}

void kube_status_of_reply(const kube_reply *reply, bool write, kube_status *out)
{
    judge(reply->end, reply->status, reply->retry_after, reply->body, reply->size, reply->error, write, out);
}

void kube_status_of_event(const char *json, size_t size, kube_status *out)
{
    *out = (kube_status){.verdict = KUBE_UNSURE, .wait = -1};
    json_t *status = json_loadb(json, size, 0, NULL);
    const json_t *code = json_object_get(status, "code");
    if (json_is_integer(code) && json_integer_value(code) >= 100 && json_integer_value(code) < 600) {
        out->code = (int)json_integer_value(code);
        out->verdict = from_code(out->code);
    }
    if (json_is_object(status)) {
        read_status(status, out);
    }
    json_decref(status);
}

const char *kube_verdict_name(kube_verdict verdict)
{
    static const char *const names[] = {"ok",     "conflict",        "exists",  "owned", "gone",   "absent",
                                        "denied", "unauthenticated", "invalid", "busy",  "unsure", "unreachable"};
    return (size_t)verdict < sizeof names / sizeof names[0] ? names[verdict] : "?";
}

bool kube_verdict_is_unapplied(kube_verdict verdict)
{
    return verdict == KUBE_BUSY || verdict == KUBE_UNREACHABLE;
}
