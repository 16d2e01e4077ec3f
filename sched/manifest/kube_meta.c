/* SPDX-License-Identifier: Apache-2.0 */
/** kube_meta.c - what all kinds share: metadata, label selectors, annotations of our own. */
#include "sched/manifest/manifest_int.h"
#include "sched/manifest/suggest.h"

#include <string.h>

#define OUR_PREFIX "spillway.dev/"
#define LABEL_MAX  63u /* length of a DNS label, which a namespace is */

/* RFC 1123: letters in lower case, digits, '-', and '.' between labels; starts and ends with a letter or digit. */
static bool is_dns_name(const char *name, size_t length_max, bool dots)
{
    const size_t length = strlen(name);

    if (length == 0 || length > length_max) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        const char c = name[i];
        const bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        const bool inside = i > 0 && i + 1 < length;

        if (!alnum && !(inside && (c == '-' || (dots && c == '.')))) {
            return false;
        }
    }
    return true;
}

static bool check_meta(bind *b, const ynode *node, void *object)
{
    const km_meta *meta = object;

    if (!is_dns_name(meta->name, SPW_NAME_MAX, true)) {
        ynode_error(b->diag, ynode_get(node, "name"),
                    "'%s' is no name for an object: use lower case letters, digits, '-' and '.', at most %d characters",
                    meta->name, SPW_NAME_MAX);
        return false;
    }
    if (meta->space[0] != '\0' && !is_dns_name(meta->space, LABEL_MAX, false)) {
        ynode_error(b->diag, ynode_get(node, "namespace"),
                    "'%s' is no namespace: use lower case letters, digits and '-', at most 63 characters", meta->space);
        return false;
    }
    return true;
}

#define META_ROWS                                                                                                      \
    {.key = "name",                                                                                                    \
     .kind = BIND_STRING,                                                                                              \
     .required = true,                                                                                                 \
     BIND_AT(km_meta, name),                                                                                           \
     BIND_NODE_AT(km_meta, name_node),                                                                                 \
     .help = "every object needs a name"},                                                                             \
        {.key = "uid",                                                                                                 \
         .kind = BIND_STRING,                                                                                          \
         .preset = "",                                                                                                 \
         BIND_AT(km_meta, uid),                                                                                        \
         .help = "its hash picks the direction of name ties"},                                                         \
        {.key = "labels", .kind = BIND_TEXTS, BIND_AT(km_meta, labels), BIND_COUNT(km_meta, label_count)},             \
        {.key = "annotations",                                                                                         \
         .kind = BIND_TEXTS,                                                                                           \
         BIND_AT(km_meta, annotations),                                                                                \
         BIND_COUNT(km_meta, annotation_count)},                                                                       \
        {.key = "generateName", .kind = BIND_NODE, .use = BIND_REFUSED, .help = "give the object a fixed name"},       \
        KM_IGNORED("creationTimestamp", "written by the API server"),                                                  \
        KM_IGNORED("deletionTimestamp", "written by the API server"),                                                  \
        KM_IGNORED("deletionGracePeriodSeconds", "written by the API server"),                                         \
        KM_IGNORED("finalizers", "the life of the object does not matter here"),                                       \
        KM_IGNORED("generation", "written by the API server"),                                                         \
        KM_IGNORED("managedFields", "written by the API server"),                                                      \
        KM_IGNORED("ownerReferences", "the life of the object does not matter here"),                                  \
        KM_IGNORED("resourceVersion", "written by the API server"),                                                    \
        KM_IGNORED("selfLink", "written by the API server")

static const bind_field meta_fields[] = {
    META_ROWS,
    {.key = "namespace", .kind = BIND_STRING, .preset = "default", BIND_AT(km_meta, space)},
    {.key = NULL},
};

static const bind_field cluster_meta_fields[] = {
    META_ROWS,
    {.key = "namespace", .kind = BIND_NODE, .use = BIND_REFUSED, .help = "this kind has no namespace"},
    {.key = NULL},
};

const bind_table km_meta_table = {
    .name = "metadata", .size = sizeof(km_meta), .fields = meta_fields, .check = check_meta};

static void init_cluster_meta(void *object)
{
    km_meta *meta = object;

    meta->space = "";
}

const bind_table km_cluster_meta_table = {.name = "metadata",
                                          .size = sizeof(km_meta),
                                          .fields = cluster_meta_fields,
                                          .init = init_cluster_meta,
                                          .check = check_meta};

/* --- selectors ----------------------------------------------------------------------------------------------- */

static const bind_name op_names[] = {{"In", SPW_OP_IN},
                                     {"NotIn", SPW_OP_NOT_IN},
                                     {"Exists", SPW_OP_EXISTS},
                                     {"DoesNotExist", SPW_OP_NOT_EXISTS},
                                     {NULL, 0}};

static bool check_requirement(bind *b, const ynode *node, void *object)
{
    const km_requirement *r = object;
    const bool wants_values = r->op == SPW_OP_IN || r->op == SPW_OP_NOT_IN;

    if (wants_values != (r->value_count > 0)) {
        ynode_error(b->diag, node,
                    wants_values ? "operators In and NotIn need at least one value"
                                 : "operators Exists and DoesNotExist take no values");
        return false;
    }
    return true;
}

static const bind_field requirement_fields[] = {
    {.key = "key", .kind = BIND_STRING, .required = true, BIND_AT(km_requirement, key)},
    {.key = "operator",
     .kind = BIND_ENUM,
     .required = true,
     .names = op_names,
     BIND_AT(km_requirement, op),
     .help = "In, NotIn, Exists or DoesNotExist"},
    {.key = "values",
     .kind = BIND_SCALARS,
     .item = BIND_STRING,
     BIND_AT(km_requirement, values),
     BIND_COUNT(km_requirement, value_count)},
    {.key = NULL},
};

const bind_table km_requirement_table = {.name = "requirement",
                                         .size = sizeof(km_requirement),
                                         .fields = requirement_fields,
                                         .self_at = offsetof(km_requirement, node) + 1,
                                         .check = check_requirement};

static const bind_field selector_fields[] = {
    {.key = "matchLabels", .kind = BIND_TEXTS, BIND_AT(km_selector, labels), BIND_COUNT(km_selector, label_count)},
    {.key = "matchExpressions",
     .kind = BIND_LIST,
     .table = &km_requirement_table,
     BIND_AT(km_selector, expressions),
     BIND_COUNT(km_selector, expression_count)},
    {.key = NULL},
};

const bind_table km_selector_table = {.name = "labelSelector", .size = sizeof(km_selector), .fields = selector_fields};

bool km_requirements(zone *z, const km_selector *from, const spw_requirement **out, size_t *count)
{
    spw_requirement *list = zone_array(z, from->label_count + from->expression_count, sizeof(*list));
    size_t n = 0;

    if (list == NULL) {
        return false;
    }
    for (size_t i = 0; i < from->label_count; i++) {
        const char **value = zone_take(z, sizeof(*value));

        if (value == NULL) {
            return false;
        }
        *value = from->labels[i].value;
        list[n++] = (spw_requirement){.key = from->labels[i].key, .op = SPW_OP_IN, .values = value, .value_count = 1};
    }
    for (size_t i = 0; i < from->expression_count; i++) {
        const km_requirement *r = &from->expressions[i];

        list[n++] = (spw_requirement){.key = r->key, .op = r->op, .values = r->values, .value_count = r->value_count};
    }
    *out = list;
    *count = n;
    return true;
}

const bind_pair *km_find(const bind_pair *pairs, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pairs[i].key, key) == 0) {
            return &pairs[i];
        }
    }
    return NULL;
}

static bool meets(const km_requirement *r, const char *value)
{
    bool listed = false;

    for (size_t i = 0; value != NULL && i < r->value_count && !listed; i++) {
        listed = strcmp(r->values[i], value) == 0;
    }
    switch (r->op) {
    case SPW_OP_IN:
        return listed;
    case SPW_OP_NOT_IN:
        return !listed;
    case SPW_OP_EXISTS:
        return value != NULL;
    case SPW_OP_NOT_EXISTS:
        return value == NULL;
    }
    return false;
}

bool km_matches(const km_selector *selector, const km_meta *meta)
{
    for (size_t i = 0; i < selector->label_count; i++) {
        const bind_pair *have = km_find(meta->labels, meta->label_count, selector->labels[i].key);

        if (have == NULL || strcmp(have->value, selector->labels[i].value) != 0) {
            return false;
        }
    }
    for (size_t i = 0; i < selector->expression_count; i++) {
        const bind_pair *have = km_find(meta->labels, meta->label_count, selector->expressions[i].key);

        if (!meets(&selector->expressions[i], have != NULL ? have->value : NULL)) {
            return false;
        }
    }
    return true;
}

/* --- objects ------------------------------------------------------------------------------------------------- */

bool km_append(spw_manifest_set *set, km_list *list, km_head *head, const ynode *root)
{
    head->node = root;
    head->full = head->meta.space[0] != '\0' ? zone_format(&set->z, "%s/%s", head->meta.space, head->meta.name)
                                             : head->meta.name;
    if (head->full == NULL) {
        return false;
    }
    head->serial = list->count;
    *list->end = head;
    list->end = &head->next;
    list->count++;
    return true;
}

bool km_check_annotations(bind *b, const bind_pair *pairs, size_t count, const char *const *names)
{
    bool ok = true;

    for (size_t i = 0; i < count; i++) {
        bool known = strncmp(pairs[i].key, OUR_PREFIX, strlen(OUR_PREFIX)) != 0;
        suggest s;

        suggest_init(&s, pairs[i].key);
        for (const char *const *name = names; *name != NULL && !known; name++) {
            known = strcmp(*name, pairs[i].key) == 0;
            suggest_offer(&s, *name);
        }
        if (!known && s.best != NULL) {
            ynode_error(b->diag, pairs[i].node->key, "unknown annotation '%s' (did you mean '%s'?)", pairs[i].key,
                        s.best);
        } else if (!known) {
            ynode_error(b->diag, pairs[i].node->key, "unknown annotation '%s' on this kind of object", pairs[i].key);
        }
        ok = ok && known;
    }
    return ok;
}

void km_report_ignored(bind *b, const ynode *key, const char *why)
{
    if (b->ignored != NULL) {
        b->ignored(b->user, key, why);
    }
}

bool km_warn_unmodelled(bind *b, const bind_field *field, const ynode *node, void *at)
{
    char where[300];

    (void)at;
    ynode_warning(b->diag, node->key, "%s is not modelled: %s", bind_where(node, where, sizeof(where)), field->help);
    km_report_ignored(b, node->key, field->help);
    return true;
}
