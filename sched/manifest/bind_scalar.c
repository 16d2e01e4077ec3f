/* SPDX-License-Identifier: Apache-2.0 */
/** bind_scalar.c - one scalar node into one typed value, with its range. */
#include "sched/manifest/bind_int.h"
#include "sched/manifest/quantity.h"
#include "sched/manifest/suggest.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Indexed by bind_kind. */
static const bind_kind_info infos[] = {
    [BIND_STRING] = {"string", "text", "", sizeof(const char *), false},
    [BIND_BOOL] = {"bool", "true or false", "", sizeof(bool), true},
    [BIND_INT32] = {"integer", "a whole number", "", sizeof(int32_t), true},
    [BIND_INT64] = {"integer", "a whole number", "", sizeof(int64_t), true},
    [BIND_UINT64] = {"integer", "a whole number", "", sizeof(uint64_t), true},
    [BIND_DOUBLE] = {"number", "a number", "", sizeof(double), true},
    [BIND_DURATION] = {"duration", "a duration such as 15s, 5m, 1h30m or 250ms", "s", sizeof(int64_t), false},
    [BIND_RATE] = {"rate", "a rate such as 40/s, 2.5/m or 100/h", "/s", sizeof(double), false},
    [BIND_SIZE] = {"size", "a size such as 24GiB, 80GB or 512B", "B", sizeof(int64_t), false},
    [BIND_MONEY] = {"money", "an amount such as 1.25 USD", " USD", sizeof(int64_t), false},
    [BIND_PERCENT] = {"percentage", "a percentage such as 80%", "%", sizeof(double), false},
    [BIND_QUANTITY] = {"quantity", "a quantity such as 500m, 2 or 1Gi", "", sizeof(int64_t), false},
    [BIND_CLOCK] = {"time of day", "a time of day such as \"14:00\"", "", sizeof(int64_t), false},
    [BIND_TIME] = {"time", "a time such as 2026-03-02T00:00:00+08:00", "", sizeof(bind_time), false},
    [BIND_ENUM] = {"one of", "one of its names", "", sizeof(int32_t), false},
    [BIND_SCALARS] = {"list", "a list", "", 0, false},
    [BIND_TABLE] = {"mapping", "a mapping", "", 0, false},
    [BIND_OPTION] = {"mapping", "a mapping", "", 0, false},
    [BIND_LIST] = {"list of mappings", "a list of mappings", "", 0, false},
    [BIND_MAP] = {"mapping of mappings", "a mapping of names to mappings", "", 0, false},
    [BIND_TEXTS] = {"mapping of strings", "a mapping of names to text", "", 0, false},
    [BIND_NODE] = {"any", "a value", "", 0, false},
    [BIND_CUSTOM] = {"see help", "a value", "", 0, false},
};

const bind_kind_info *bind_info(bind_kind kind)
{
    assert(kind >= BIND_STRING && kind <= BIND_CUSTOM);
    return &infos[kind];
}

bool bind_is_scalar(bind_kind kind)
{
    return bind_info(kind)->size > 0;
}

const char *bind_where(const ynode *node, char *buf, size_t size)
{
    char path[256];

    ynode_path(node, path, sizeof(path));
    if (path[0] == '\0') {
        (void)snprintf(buf, size, "the document");
    } else {
        (void)snprintf(buf, size, "'%s'", path);
    }
    return buf;
}

bool bind_unknown_name(bind *b, const ynode *node, const char *noun, const bind_name *names)
{
    char known[256];
    size_t used = 0;
    suggest s;

    suggest_init(&s, node->text);
    known[0] = '\0';
    for (; names->text != NULL; names++) {
        suggest_offer(&s, names->text);
        if (used < sizeof(known)) {
            const int more = snprintf(known + used, sizeof(known) - used, "%s%s", used > 0 ? ", " : "", names->text);
            used += more > 0 ? (size_t)more : 0;
        }
    }
    if (s.best != NULL) {
        ynode_error(b->diag, node, "unknown %s '%s' (did you mean '%s'?)", noun, node->text, s.best);
    } else {
        ynode_error(b->diag, node, "unknown %s '%s'; known: %s", noun, node->text, known);
    }
    return false;
}

/* The value in the unit people write, for the range. */
static double human(const bind_field *field, bind_kind kind, const void *at)
{
    int64_t i64 = 0;
    double f64 = 0;

    if (kind == BIND_INT32) {
        int32_t i32;

        memcpy(&i32, at, sizeof(i32));
        return (double)i32;
    }
    if (kind == BIND_UINT64) {
        uint64_t u64;

        memcpy(&u64, at, sizeof(u64));
        return (double)u64;
    }
    if (kind == BIND_DOUBLE || kind == BIND_RATE || kind == BIND_PERCENT) {
        memcpy(&f64, at, sizeof(f64));
        return kind == BIND_PERCENT ? f64 * 100.0 : f64;
    }
    if (kind != BIND_INT64 && kind != BIND_DURATION && kind != BIND_SIZE && kind != BIND_MONEY &&
        kind != BIND_QUANTITY) {
        assert(field->range == 0);
        return 0;
    }
    memcpy(&i64, at, sizeof(i64));
    if (kind == BIND_DURATION) {
        return (double)i64 / 1e9;
    }
    if (kind == BIND_MONEY) {
        return (double)i64 / 1e6;
    }
    return kind == BIND_QUANTITY ? (double)i64 / 1e3 : (double)i64;
}

static bool check_range(bind *b, const bind_field *field, bind_kind kind, const ynode *node, const void *at)
{
    const char *unit = bind_info(kind)->unit;
    char where[300];
    const double value = human(field, kind, at);
    const bool low = (field->range & (BIND_MIN | BIND_ABOVE)) != 0;
    const bool high = (field->range & BIND_MAX) != 0;
    const bool above = (field->range & BIND_ABOVE) != 0;

    if ((!low || value > field->min || (!above && value >= field->min)) && (!high || value <= field->max)) {
        return true;
    }
    bind_where(node, where, sizeof(where));
    if (low && high) {
        ynode_error(b->diag, node, "%s is out of range: %s; allowed is %s%.12g%s to %.12g%s", where, node->text,
                    above ? "more than " : "", field->min, unit, field->max, unit);
    } else if (low) {
        ynode_error(b->diag, node, "%s is out of range: %s; allowed is %s%.12g%s", where, node->text,
                    above ? "more than " : "at least ", field->min, unit);
    } else {
        ynode_error(b->diag, node, "%s is out of range: %s; allowed is at most %.12g%s", where, node->text, field->max,
                    unit);
    }
    return false;
}

/* Whether JSON and YAML readers of Kubernetes take a plain text for something that is no string. */
static bool looks_typed(const char *text)
{
    double number;

    return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 || bind_parse_double(text, &number) == NULL;
}

static const char *parse_string(bind *b, const ynode *node, void *at)
{
    const char *text;

    if (b->kube && !node->quoted && looks_typed(node->text)) {
        return "is read by Kubernetes as a number or a bool, not as text; put it in quotes";
    }
    text = zone_text(b->zone, node->text, node->length);
    if (text == NULL) {
        return "does not fit into memory";
    }
    memcpy(at, &text, sizeof(text));
    return NULL;
}

static const char *parse_bool(const char *text, void *at)
{
    const bool value = strcmp(text, "true") == 0;

    if (!value && strcmp(text, "false") != 0) {
        return "is no bool; write true or false";
    }
    memcpy(at, &value, sizeof(value));
    return NULL;
}

static const char *parse_int32(const char *text, void *at)
{
    int64_t wide = 0;
    int32_t value;
    const char *problem = bind_parse_int64(text, &wide);

    if (problem != NULL) {
        return problem;
    }
    if (wide < INT32_MIN || wide > INT32_MAX) {
        return "is too large for a whole number of 32 bits";
    }
    value = (int32_t)wide;
    memcpy(at, &value, sizeof(value));
    return NULL;
}

static const char *parse_quantity(const bind_field *field, const char *text, void *at)
{
    int64_t milli = 0;
    const char *problem = quantity_parse(text, &milli);

    if (problem != NULL) {
        return problem;
    }
    if (milli < 0 && ((field->range & (BIND_MIN | BIND_ABOVE)) == 0 || field->min >= 0)) {
        return "is negative";
    }
    memcpy(at, &milli, sizeof(milli));
    return NULL;
}

/* Text to value for every kind but STRING and ENUM. `at` is aligned for the kind: it is a field of that type. */
static const char *parse_kind(const bind_field *field, bind_kind kind, const char *text, void *at)
{
    switch (kind) {
    case BIND_BOOL:
        return parse_bool(text, at);
    case BIND_INT32:
        return parse_int32(text, at);
    case BIND_INT64:
        return bind_parse_int64(text, at);
    case BIND_UINT64:
        return bind_parse_uint64(text, at);
    case BIND_DOUBLE:
        return bind_parse_double(text, at);
    case BIND_DURATION:
        return bind_parse_duration(text, at);
    case BIND_RATE:
        return bind_parse_rate(text, at);
    case BIND_SIZE:
        return bind_parse_size(text, at);
    case BIND_MONEY:
        return bind_parse_money(text, field->unit, at);
    case BIND_PERCENT:
        return bind_parse_percent(text, at);
    case BIND_QUANTITY:
        return parse_quantity(field, text, at);
    case BIND_CLOCK:
        return bind_parse_clock(text, at);
    case BIND_TIME:
        return bind_parse_time(text, at);
    case BIND_STRING:
    case BIND_ENUM:
    case BIND_SCALARS:
    case BIND_TABLE:
    case BIND_OPTION:
    case BIND_LIST:
    case BIND_MAP:
    case BIND_TEXTS:
    case BIND_NODE:
    case BIND_CUSTOM:
        break;
    }
    assert(false && "a kind without a parser of its own");
    return "cannot be read";
}

static bool bind_enum(bind *b, const bind_field *field, const ynode *node, void *at)
{
    char noun[320];
    char where[300];

    assert(field->names != NULL);
    for (const bind_name *name = field->names; name->text != NULL; name++) {
        if (strcmp(name->text, node->text) == 0) {
            memcpy(at, &name->value, sizeof(name->value));
            return true;
        }
    }
    (void)snprintf(noun, sizeof(noun), "value in %s:", bind_where(node, where, sizeof(where)));
    return bind_unknown_name(b, node, noun, field->names);
}

bool bind_scalar(bind *b, const bind_field *field, const ynode *node, void *at)
{
    const bind_kind kind = field->kind == BIND_SCALARS ? field->item : field->kind;
    const bind_kind_info *info = bind_info(kind);
    const char *problem;
    char where[300];
    char what[96];

    assert(info->size > 0);
    if (node->kind != YNODE_SCALAR || ynode_is_null(node) || (info->plain && node->quoted)) {
        bind_where(node, where, sizeof(where));
        ynode_error(b->diag, node, "%s must be %s, not %s", where, info->expect,
                    ynode_describe(node, what, sizeof(what)));
        return false;
    }
    if (kind == BIND_ENUM) {
        return bind_enum(b, field, node, at);
    }
    problem = kind == BIND_STRING ? parse_string(b, node, at) : parse_kind(field, kind, node->text, at);
    if (problem != NULL) {
        bind_where(node, where, sizeof(where));
        ynode_error(b->diag, node, "%s: %s %s", where, ynode_describe(node, what, sizeof(what)), problem);
        return false;
    }
    return check_range(b, field, kind, node, at);
}
