/* SPDX-License-Identifier: Apache-2.0 */
/* plan_text.c - one stable line for each action: the golden format, and what an operator reads. */
#include "core/plan_internal.h"

typedef struct text {
    char *buf;
    size_t size, used; /**< used counts on past size, as snprintf does */
} text;

static size_t room_left(const text *t)
{
    return t->used < t->size ? t->size - t->used : 0;
}

static char *end_of(const text *t)
{
    return t->used < t->size ? t->buf + t->used : NULL;
}

static void add_action(text *t, const spw_action *a, const spw_snapshot *snap)
{
    const char *workload = a->workload == SPW_ID_NONE ? "" : snap->workloads.name[a->workload];
    const char *cluster = a->cluster == SPW_ID_NONE ? "" : snap->clusters.name[a->cluster];
    const char *pool = a->pool == SPW_ID_NONE ? "" : snap->pools.name[a->pool];
    const char *first = a->workload == SPW_ID_NONE ? cluster : workload;
    const char *second = a->workload == SPW_ID_NONE ? pool : cluster;
    int n = snprintf(end_of(t), room_left(t), "%s %s%s%s %" PRId64 " -> %" PRId64 "  %s\n", spw_verb_name(a->verb),
                     first, second[0] == '\0' ? "" : " ", second, a->before, a->amount, spw_reason_name(a->reason));
    t->used += n > 0 ? (size_t)n : 0;
}

size_t spw_plan_text(const spw_plan *plan, const spw_snapshot *snap, char *buf, size_t size)
{
    text t = {buf, size, 0};
    if (size > 0) {
        buf[0] = '\0';
    }
    for (size_t i = 0; i < plan->action_count; i++) {
        add_action(&t, &plan->actions[i], snap);
    }
    return t.used;
}
