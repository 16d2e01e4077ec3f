/* SPDX-License-Identifier: GPL-3.0-or-later */
/** kube_scale.c - from 2 to 5. */
#include "tests/support/kube_scale.h"

#include <stdio.h>
#include <string.h>

static char *body(const kube_write *write, const char *version)
{
    char text[160];
    (void)write;
    (void)snprintf(text, sizeof text, "{\"metadata\":{\"resourceVersion\":\"%s\"},\"spec\":{\"replicas\":%d}}", version,
                   SCALE_TO);
    return strdup(text);
}

static kube_seen seen(const kube_write *write, const json_t *object)
{
    const json_int_t n = json_integer_value(json_object_get(json_object_get(object, "spec"), "replicas"));
    (void)write;
    return n == SCALE_TO ? KUBE_SEEN_WANTED : n == SCALE_FROM ? KUBE_SEEN_BEFORE : KUBE_SEEN_OTHER;
}

kube_write scale_write(const char *path, const char *version)
{
    kube_write write = {.method = "PATCH", .path = path, .query = "", .body = body, .seen = seen};
    (void)snprintf(write.version, sizeof write.version, "%s", version);
    return write;
}
