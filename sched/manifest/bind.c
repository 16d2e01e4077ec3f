/* SPDX-License-Identifier: Apache-2.0 */
/**
 * bind.c - walks a tree by a table of fields. Recursion follows the tree (at most YAMLDOC_DEPTH_MAX levels) or the
 * nesting of tables, which is finite because a struct cannot contain itself.
 */
#include "sched/manifest/bind.h"

#include "sched/manifest/bind_int.h"
#include "sched/manifest/suggest.h"

#include <assert.h>
#include <string.h>

static bool bind_mapping(bind *b, const bind_table *table, const ynode *node, const char *key, char *object);

void bind_init(bind *b, zone *z, spw_diag *diag)
{
    assert(z != NULL && diag != NULL);
    memset(b, 0, sizeof(*b));
    b->zone = z;
    b->diag = diag;
}

static bool no_memory(bind *b, const ynode *node)
{
    ynode_error(b->diag, node, "out of memory");
    return false;
}

static void put_pointer(char *object, size_t offset, const void *value)
{
    memcpy(object + offset, &value, sizeof(value));
}

/* Stores at an offset that is kept plus 1, 0 meaning "nowhere". */
static void put_at(char *object, size_t at, const void *value, size_t size)
{
    if (at > 0) {
        memcpy(object + at - 1, value, size);
    }
}

static bool wrong_type(bind *b, const ynode *node, bind_kind kind)
{
    char where[300];
    char what[96];

    bind_where(node, where, sizeof(where));
    ynode_error(b->diag, node, "%s must be %s, not %s", where, bind_info(kind)->expect,
                ynode_describe(node, what, sizeof(what)));
    return false;
}

static bool check_count(bind *b, const bind_field *field, const ynode *node)
{
    char where[300];

    if (node->count >= field->count_min) {
        return true;
    }
    ynode_error(b->diag, node, "%s has %zu elements; it needs at least %zu", bind_where(node, where, sizeof(where)),
                node->count, field->count_min);
    return false;
}

static bool bind_scalars(bind *b, const bind_field *field, const ynode *node, char *object)
{
    const size_t size = bind_info(field->item)->size;
    char *array;
    bool ok = true;

    assert(size > 0 && field->count_at > 0);
    if (node->kind != YNODE_SEQUENCE) {
        return wrong_type(b, node, BIND_SCALARS);
    }
    array = zone_array(b->zone, node->count, size);
    if (array == NULL) {
        return no_memory(b, node);
    }
    for (size_t i = 0; i < node->count; i++) {
        ok = bind_scalar(b, field, node->items[i], array + i * size) && ok;
    }
    put_pointer(object, field->offset, array);
    put_at(object, field->count_at, &node->count, sizeof(node->count));
    return check_count(b, field, node) && ok;
}

bool bind_list(bind *b, const bind_table *table, const ynode *node, void **array, size_t *count)
{
    char *at;
    bool ok = true;

    if (node->kind != YNODE_SEQUENCE) {
        return wrong_type(b, node, BIND_LIST);
    }
    at = zone_array(b->zone, node->count, table->size);
    if (at == NULL) {
        return no_memory(b, node);
    }
    for (size_t i = 0; i < node->count; i++) {
        ok = bind_mapping(b, table, node->items[i], NULL, at + i * table->size) && ok;
    }
    *array = at;
    *count = node->count;
    return ok;
}

static bool bind_list_field(bind *b, const bind_field *field, const ynode *node, char *object)
{
    void *array = NULL;
    size_t count = 0;
    bool ok = bind_list(b, field->table, node, &array, &count);

    assert(field->count_at > 0);
    put_pointer(object, field->offset, array);
    put_at(object, field->count_at, &count, sizeof(count));
    return node->kind == YNODE_SEQUENCE && check_count(b, field, node) && ok;
}

static bool bind_map(bind *b, const bind_field *field, const ynode *node, char *object)
{
    const bind_table *table = field->table;
    char *array;
    bool ok = true;

    assert(field->count_at > 0);
    if (node->kind != YNODE_MAPPING) {
        return wrong_type(b, node, BIND_MAP);
    }
    array = zone_array(b->zone, node->count, table->size);
    if (array == NULL) {
        return no_memory(b, node);
    }
    for (size_t i = 0; i < node->count; i++) {
        const char *key = zone_text(b->zone, node->keys[i]->text, node->keys[i]->length);

        if (key == NULL) {
            return no_memory(b, node);
        }
        ok = bind_mapping(b, table, node->items[i], key, array + i * table->size) && ok;
    }
    put_pointer(object, field->offset, array);
    put_at(object, field->count_at, &node->count, sizeof(node->count));
    return check_count(b, field, node) && ok;
}

static bool bind_texts(bind *b, const bind_field *field, const ynode *node, char *object)
{
    static const bind_field text = {.kind = BIND_STRING};
    bind_pair *pairs;
    bool ok = true;

    assert(field->count_at > 0);
    if (node->kind != YNODE_MAPPING) {
        return wrong_type(b, node, BIND_TEXTS);
    }
    pairs = zone_array(b->zone, node->count, sizeof(*pairs));
    if (pairs == NULL) {
        return no_memory(b, node);
    }
    for (size_t i = 0; i < node->count; i++) {
        const char *value = "";

        ok = bind_scalar(b, &text, node->items[i], &value) && ok;
        pairs[i].key = zone_text(b->zone, node->keys[i]->text, node->keys[i]->length);
        pairs[i].value = value;
        pairs[i].node = node->items[i];
        if (pairs[i].key == NULL) {
            return no_memory(b, node);
        }
    }
    put_pointer(object, field->offset, pairs);
    put_at(object, field->count_at, &node->count, sizeof(node->count));
    return check_count(b, field, node) && ok;
}

static bool bind_option(bind *b, const bind_field *field, const ynode *node, char *object)
{
    char *part = zone_take(b->zone, field->table->size);

    if (part == NULL) {
        return no_memory(b, node);
    }
    put_pointer(object, field->offset, part);
    return bind_mapping(b, field->table, node, NULL, part);
}

static bool bind_value(bind *b, const bind_field *field, const ynode *node, char *object)
{
    char *at = object + field->offset;

    switch (field->kind) {
    case BIND_STRING:
    case BIND_BOOL:
    case BIND_INT32:
    case BIND_INT64:
    case BIND_UINT64:
    case BIND_DOUBLE:
    case BIND_DURATION:
    case BIND_RATE:
    case BIND_SIZE:
    case BIND_MONEY:
    case BIND_PERCENT:
    case BIND_QUANTITY:
    case BIND_CLOCK:
    case BIND_TIME:
    case BIND_ENUM:
        return bind_scalar(b, field, node, at);
    case BIND_SCALARS:
        return bind_scalars(b, field, node, object);
    case BIND_TABLE:
        return bind_mapping(b, field->table, node, NULL, at);
    case BIND_OPTION:
        return bind_option(b, field, node, object);
    case BIND_LIST:
        return bind_list_field(b, field, node, object);
    case BIND_MAP:
        return bind_map(b, field, node, object);
    case BIND_TEXTS:
        return bind_texts(b, field, node, object);
    case BIND_NODE:
        put_pointer(object, field->offset, node);
        return true;
    case BIND_CUSTOM:
        return field->custom(b, field, node, at);
    }
    assert(false && "a kind out of its enum");
    return false;
}

/* --- presets ------------------------------------------------------------------------------------------------- */

/* "a, b, c" as a list node, so that a preset goes the way of a written value. @return NULL when out of memory. */
static ynode *preset_node(bind *b, const bind_field *field, ynode *item, ynode **items)
{
    const char *p = field->preset;
    size_t count = 0;

    if (field->kind != BIND_SCALARS) {
        item[0].kind = YNODE_SCALAR;
        item[0].text = p;
        item[0].length = strlen(p);
        item[0].quoted = field->kind == BIND_STRING;
        return &item[0];
    }
    item[0].kind = YNODE_SEQUENCE;
    item[0].items = items;
    while (*p != '\0') {
        const size_t length = strcspn(p, ",");
        ynode *part = &item[1 + count];

        assert(count < 15);
        part->kind = YNODE_SCALAR;
        part->text = zone_text(b->zone, p, length);
        part->length = length;
        part->quoted = field->item == BIND_STRING;
        if (part->text == NULL) {
            return NULL;
        }
        items[count++] = part;
        p += length;
        p += strspn(p, ", ");
    }
    item[0].count = count;
    return &item[0];
}

static void apply_presets(bind *b, const bind_field *fields, char *object)
{
    for (const bind_field *field = fields; field->key != NULL; field++) {
        if (field->use != BIND_USED) {
            continue;
        }
        if (field->kind == BIND_TABLE) {
            (void)bind_mapping(b, field->table, NULL, NULL, object + field->offset);
        } else if (field->preset != NULL) {
            ynode item[16];
            ynode *items[16];
            ynode *node;
            bool ok;

            memset(item, 0, sizeof(item));
            node = preset_node(b, field, item, items);
            ok = node != NULL && bind_value(b, field, node, object);
            assert(ok || b->zone->failed); /* a preset that its own field refuses is our mistake */
            (void)ok;
        }
    }
}

/* --- keys ---------------------------------------------------------------------------------------------------- */

static const bind_field *find_field(const bind_field *fields, const char *key)
{
    if (fields == NULL) {
        return NULL;
    }
    for (; fields->key != NULL; fields++) {
        if (strcmp(fields->key, key) == 0) {
            return fields;
        }
    }
    return NULL;
}

/* The variant that the tag of a mapping picks; NULL when there is none (the tag's own field reports a bad tag). */
static const bind_variant *find_variant(const bind_table *table, const ynode *node)
{
    const ynode *tag = table->tag != NULL && node != NULL ? ynode_get(node, table->tag) : NULL;
    const char *value = tag != NULL && tag->kind == YNODE_SCALAR ? tag->text : NULL;
    const bind_field *field = table->tag != NULL ? find_field(table->fields, table->tag) : NULL;

    if (value == NULL && field != NULL) {
        value = field->preset;
    }
    if (value == NULL) {
        return NULL;
    }
    for (const bind_variant *v = table->variants; v->value != NULL; v++) {
        if (strcmp(v->value, value) == 0) {
            return v;
        }
    }
    return NULL;
}

static void offer_all(suggest *s, const bind_field *fields)
{
    for (; fields != NULL && fields->key != NULL; fields++) {
        suggest_offer(s, fields->key);
    }
}

static bool unknown_key(bind *b, const bind_table *table, const bind_variant *variant, const ynode *key)
{
    char where[300];
    suggest s;

    bind_where(key->parent, where, sizeof(where));
    for (const bind_variant *v = table->variants; v != NULL && v->value != NULL; v++) {
        if (v != variant && find_field(v->fields, key->text) != NULL) {
            ynode_error(b->diag, key, "key '%s' in %s belongs to %s '%s', not to '%s'", key->text, where, table->tag,
                        v->value, variant != NULL ? variant->value : "?");
            return false;
        }
    }
    suggest_init(&s, key->text);
    offer_all(&s, table->fields);
    offer_all(&s, variant != NULL ? variant->fields : NULL);
    if (s.best != NULL) {
        ynode_error(b->diag, key, "unknown key '%s' in %s (did you mean '%s'?)", key->text, where, s.best);
    } else {
        ynode_error(b->diag, key, "unknown key '%s' in %s", key->text, where);
    }
    return false;
}

/* Whether a null stands for an absent key here. */
static bool is_absent(const bind *b, const bind_field *field, const ynode *value)
{
    return ynode_is_null(value) && (b->kube || field->use == BIND_IGNORED);
}

static bool bind_key(bind *b, const bind_field *field, const ynode *key, const ynode *value, char *object)
{
    const bool present = true;
    char where[300];

    if (field->use == BIND_REFUSED) {
        ynode_error(b->diag, key, "%s is not supported: %s", bind_where(value, where, sizeof(where)), field->help);
        return false;
    }
    if (field->use == BIND_IGNORED) {
        if (b->ignored != NULL) {
            b->ignored(b->user, key, field->help);
        }
        return true;
    }
    if (ynode_is_null(value) && !b->kube) {
        return wrong_type(b, value, field->kind);
    }
    put_at(object, field->has_at, &present, sizeof(present));
    put_at(object, field->node_at, &value, sizeof(value));
    return bind_value(b, field, value, object);
}

static bool check_required(bind *b, const bind_field *fields, const ynode *node)
{
    char where[300];
    bool ok = true;

    for (const bind_field *field = fields; field != NULL && field->key != NULL; field++) {
        const ynode *value = field->required ? ynode_get(node, field->key) : NULL;

        if (!field->required || (value != NULL && !is_absent(b, field, value))) {
            continue;
        }
        ynode_error(b->diag, value != NULL ? value : node, "missing key '%s' in %s: %s", field->key,
                    bind_where(node, where, sizeof(where)),
                    field->help != NULL ? field->help : bind_info(field->kind)->expect);
        ok = false;
    }
    return ok;
}

static bool bind_keys(bind *b, const bind_table *table, const bind_variant *variant, const ynode *node, char *object)
{
    bool ok = true;

    for (size_t i = 0; i < node->count; i++) {
        const ynode *key = node->keys[i];
        const bind_field *field = find_field(table->fields, key->text);

        if (field == NULL && variant != NULL) {
            field = find_field(variant->fields, key->text);
        }
        if (field == NULL) {
            ok = unknown_key(b, table, variant, key);
        } else if (!is_absent(b, field, node->items[i])) {
            ok = bind_key(b, field, key, node->items[i], object) && ok;
        }
    }
    return ok;
}

/* node NULL = presets only. The object is zeroed already, or filled by the table around this one. */
static bool bind_mapping(bind *b, const bind_table *table, const ynode *node, const char *key, char *object)
{
    const bind_variant *variant = find_variant(table, node);
    bool ok;

    if (table->init != NULL) {
        table->init(object);
    }
    apply_presets(b, table->fields, object);
    if (variant != NULL && variant->fields != NULL) {
        apply_presets(b, variant->fields, object);
    }
    put_at(object, table->key_at, &key, sizeof(key));
    put_at(object, table->self_at, &node, sizeof(node));
    if (node == NULL) {
        return true;
    }
    if (node->kind != YNODE_MAPPING) {
        return wrong_type(b, node, BIND_TABLE);
    }
    ok = bind_keys(b, table, variant, node, object);
    ok = check_required(b, table->fields, node) && ok;
    ok = check_required(b, variant != NULL ? variant->fields : NULL, node) && ok;
    if (ok && table->check != NULL) {
        ok = table->check(b, node, object);
    }
    return ok;
}

bool bind_object(bind *b, const bind_table *table, const ynode *node, void *object)
{
    memset(object, 0, table->size);
    return bind_mapping(b, table, node, NULL, object);
}
