/* SPDX-License-Identifier: Apache-2.0 */
/** wire.c - a call that waits for its answer. */
#include "sched/kube/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLICE (SPW_NS_PER_S / 10)

typedef struct waiting {
    kube_reply *reply;
    bool over, no_memory;
} waiting;

static void keep(void *user, const kube_answer *answer)
{
    waiting *w = user;
    kube_reply *r = w->reply;

    w->over = true;
    r->end = answer->end;
    r->status = answer->status;
    r->retry_after = answer->retry_after;
    r->size = answer->size;
    r->body = malloc(answer->size + 1);
    if (r->body == NULL) {
        w->no_memory = true;
        r->end = KUBE_END_BROKEN; /* it was sent, and what came back is lost */
        return;
    }
    memcpy(r->body, answer->body, answer->size);
    r->body[answer->size] = '\0';
    (void)snprintf(r->error, sizeof r->error, "%s", answer->error);
}

spw_rc kube_wire_ask(const kube_wire *wire, const kube_call *call, kube_reply *out)
{
    kube_reply reply = {.end = KUBE_END_BROKEN, .retry_after = -1};
    waiting w = {.reply = &reply};
    kube_call mine = *call;
    uint64_t ticket = 0;

    mine.stream = false;
    mine.data = NULL;
    mine.done = keep;
    mine.user = &w;
    spw_rc rc = wire->start(wire->self, &mine, &ticket);
    if (rc != SPW_OK) {
        return rc;
    }
    while (!w.over) {
        if (wire->run(wire->self, SLICE) != SPW_OK && !w.over) {
            wire->cancel(wire->self, ticket);
            (void)snprintf(reply.error, sizeof reply.error, "the transport failed");
            break;
        }
    }
    if (reply.body == NULL) {
        reply.size = 0;
        reply.body = calloc(1, 1);
        if (reply.body == NULL) {
            return SPW_NOMEM;
        }
    }
    *out = reply;
    return SPW_OK;
}

void kube_reply_fini(kube_reply *reply)
{
    free(reply->body);
    *reply = (kube_reply){0};
}

void kube_wire_escape(char *out, size_t room, const char *text)
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0' && n + 4 < room; p++) {
        const bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                           *p == '-' || *p == '_' || *p == '.' || *p == '~';
        n += (size_t)snprintf(out + n, room - n, plain ? "%c" : "%%%02X", *p);
    }
    out[n] = '\0';
}
