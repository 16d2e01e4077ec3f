/* SPDX-License-Identifier: Apache-2.0 */
/** selector_text.c - requirements one after the other. */
#include "sched/manifest/selector_text.h"

#include <stdlib.h>
#include <string.h>

static int by_key(const void *a, const void *b)
{
    const spw_requirement *x = a, *y = b;
    const int keys = strcmp(x->key, y->key);

    return keys != 0 ? keys : (int)x->op - (int)y->op;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "a,b" */
static const char *values_text(zone *z, const spw_requirement *r)
{
    const char **sorted = zone_array(z, r->value_count + 1, sizeof(*sorted));
    const char *text = "";

    if (sorted == NULL) {
        return NULL;
    }
    if (r->value_count > 0) {
        memcpy(sorted, r->values, r->value_count * sizeof(*sorted));
        qsort(sorted, r->value_count, sizeof(*sorted), by_text);
    }
    for (size_t i = 0; i < r->value_count && text != NULL; i++) {
        text = zone_format(z, "%s%s%s", text, i > 0 ? "," : "", sorted[i]);
    }
    return text;
}

static const char *one_text(zone *z, const spw_requirement *r)
{
    const char *values = values_text(z, r);

    if (values == NULL) {
        return NULL;
    }
    switch (r->op) {
    case SPW_OP_IN:
        return r->value_count == 1 ? zone_format(z, "%s=%s", r->key, values)
                                   : zone_format(z, "%s in (%s)", r->key, values);
    case SPW_OP_NOT_IN:
        return zone_format(z, "%s notin (%s)", r->key, values);
    case SPW_OP_EXISTS:
        return r->key;
    case SPW_OP_NOT_EXISTS:
        return zone_format(z, "!%s", r->key);
    }
    return r->key;
}

const char *km_selector_text(zone *z, const spw_requirement *at, size_t count)
{
    spw_requirement *sorted = zone_array(z, count + 1, sizeof(*sorted));
    const char *text = "";

    if (sorted == NULL) {
        return NULL;
    }
    if (count > 0) {
        memcpy(sorted, at, count * sizeof(*sorted));
        qsort(sorted, count, sizeof(*sorted), by_key);
    }
    for (size_t i = 0; i < count && text != NULL; i++) {
        const char *one = one_text(z, &sorted[i]);

        text = one != NULL ? zone_format(z, "%s%s%s", text, i > 0 ? "," : "", one) : NULL;
    }
    return text;
}
