/* SPDX-License-Identifier: GPL-3.0-or-later */
/** test_bind.c - trees into structs: every kind of field, every message with its position, presets, schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/manifest/bind.h"

/* --- a table that uses every kind ---------------------------------------------------------------------------- */

typedef enum colour { RED = 1, GREEN = 2 } colour;

typedef struct part {
    const char *key; /* in a map */
    const char *name;
    int32_t size;
    const ynode *self;
} part;

typedef struct everything {
    const char *text;
    bool flag;
    int32_t i32;
    int64_t i64;
    uint64_t u64;
    double number;
    int64_t span_ns;
    double rate;
    int64_t bytes;
    int64_t uusd;
    int64_t uusd_h;
    double percent;
    int64_t milli;
    int64_t clock_ns;
    bind_time time;
    colour colour;
    const int32_t *numbers;
    size_t number_count;
    const colour *colours;
    size_t colour_count;
    part inner;
    part *option;
    part *list;
    size_t list_count;
    part *map;
    size_t map_count;
    bind_pair *labels;
    size_t label_count;
    const ynode *tree;
    int32_t custom;
    bool has_text;
    int32_t needed;
} everything;

static const bind_name colours[] = {{"red", RED}, {"green", GREEN}, {NULL, 0}};

static bool read_custom(bind *b, const bind_field *field, const ynode *node, void *at)
{
    const int32_t value = (int32_t)node->length;

    (void)b;
    (void)field;
    memcpy(at, &value, sizeof(value));
    return true;
}

static bool check_part(bind *b, const ynode *node, void *object)
{
    const part *p = object;

    if (p->size == 13) {
        ynode_error(b->diag, node, "13 is refused by the check");
        return false;
    }
    return true;
}

static const bind_field part_fields[] = {
    {.key = "name", .kind = BIND_STRING, .required = true, BIND_AT(part, name), .help = "what it is called"},
    {.key = "size", .kind = BIND_INT32, .preset = "5", BIND_AT(part, size)},
    {.key = NULL},
};

static const bind_table part_table = {.name = "part",
                                      .size = sizeof(part),
                                      .fields = part_fields,
                                      .key_at = offsetof(part, key) + 1,
                                      .self_at = offsetof(part, self) + 1,
                                      .check = check_part};

static const bind_field fields[] = {
    {.key = "text", .kind = BIND_STRING, .preset = "none", BIND_AT(everything, text), BIND_HAS(everything, has_text)},
    {.key = "flag", .kind = BIND_BOOL, .preset = "true", BIND_AT(everything, flag)},
    {.key = "i32", .kind = BIND_INT32, .range = BIND_MIN | BIND_MAX, .min = 1, .max = 10, BIND_AT(everything, i32)},
    {.key = "i64", .kind = BIND_INT64, BIND_AT(everything, i64)},
    {.key = "u64", .kind = BIND_UINT64, BIND_AT(everything, u64)},
    {.key = "number",
     .kind = BIND_DOUBLE,
     .range = BIND_ABOVE,
     .min = 0,
     .unit = "tokens",
     BIND_AT(everything, number)},
    {.key = "span",
     .kind = BIND_DURATION,
     .preset = "90s",
     .range = BIND_MAX,
     .max = 86400,
     BIND_AT(everything, span_ns)},
    {.key = "rate", .kind = BIND_RATE, BIND_AT(everything, rate)},
    {.key = "bytes", .kind = BIND_SIZE, BIND_AT(everything, bytes)},
    {.key = "money", .kind = BIND_MONEY, .range = BIND_MIN, .min = 0.5, BIND_AT(everything, uusd)},
    {.key = "price", .kind = BIND_MONEY, .unit = "/h", BIND_AT(everything, uusd_h)},
    {.key = "percent",
     .kind = BIND_PERCENT,
     .range = BIND_MIN | BIND_MAX,
     .min = 0,
     .max = 100,
     BIND_AT(everything, percent)},
    {.key = "quantity", .kind = BIND_QUANTITY, BIND_AT(everything, milli)},
    {.key = "clock", .kind = BIND_CLOCK, BIND_AT(everything, clock_ns)},
    {.key = "time", .kind = BIND_TIME, BIND_AT(everything, time)},
    {.key = "colour", .kind = BIND_ENUM, .names = colours, .preset = "green", BIND_AT(everything, colour)},
    {.key = "numbers",
     .kind = BIND_SCALARS,
     .item = BIND_INT32,
     .preset = "7, 8",
     .count_min = 1,
     BIND_AT(everything, numbers),
     BIND_COUNT(everything, number_count)},
    {.key = "colours",
     .kind = BIND_SCALARS,
     .item = BIND_ENUM,
     .names = colours,
     BIND_AT(everything, colours),
     BIND_COUNT(everything, colour_count)},
    {.key = "inner", .kind = BIND_TABLE, .table = &part_table, BIND_AT(everything, inner)},
    {.key = "option", .kind = BIND_OPTION, .table = &part_table, BIND_AT(everything, option)},
    {.key = "list",
     .kind = BIND_LIST,
     .table = &part_table,
     BIND_AT(everything, list),
     BIND_COUNT(everything, list_count)},
    {.key = "map", .kind = BIND_MAP, .table = &part_table, BIND_AT(everything, map), BIND_COUNT(everything, map_count)},
    {.key = "labels", .kind = BIND_TEXTS, BIND_AT(everything, labels), BIND_COUNT(everything, label_count)},
    {.key = "tree", .kind = BIND_NODE, BIND_AT(everything, tree)},
    {.key = "custom", .kind = BIND_CUSTOM, .custom = read_custom, BIND_AT(everything, custom)},
    {.key = "needed", .kind = BIND_INT32, .required = true, BIND_AT(everything, needed), .help = "say how many"},
    {.key = "old", .kind = BIND_NODE, .use = BIND_IGNORED, .help = "of no use"},
    {.key = "gone", .kind = BIND_NODE, .use = BIND_REFUSED, .help = "use 'text'"},
    {.key = NULL},
};

static const bind_table table = {.name = "Everything", .size = sizeof(everything), .fields = fields};

/* --- fixture ------------------------------------------------------------------------------------------------- */

typedef struct fixture {
    zone z;
    spw_diag *diag;
    yamldoc *doc;
    bind b;
    everything e;
    char ignored[200];
} fixture;

static void on_ignored(void *user, const ynode *key, const char *why)
{
    fixture *f = user;

    (void)snprintf(f->ignored, sizeof(f->ignored), "%s:%d:%d %s", key->text, (int)key->line, (int)key->column, why);
}

static int set_up(void **state)
{
    static fixture f;

    memset(&f, 0, sizeof(f));
    zone_init(&f.z, NULL);
    assert_int_equal(spw_diag_new(NULL, 50, &f.diag), SPW_OK);
    bind_init(&f.b, &f.z, f.diag);
    f.b.ignored = on_ignored;
    f.b.user = &f;
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    yamldoc_free(f->doc);
    spw_diag_free(f->diag);
    zone_fini(&f->z);
    return 0;
}

static bool bind_text(fixture *f, const bind_table *t, const char *text, void *object)
{
    assert_int_equal(yamldoc_read_text("f.yaml", text, strlen(text), NULL, f->diag, &f->doc), SPW_OK);
    return bind_object(&f->b, t, yamldoc_root(f->doc, 0), object);
}

static void assert_close(double got, double want)
{
    if (!(fabs(got - want) <= 1e-12 * fabs(want))) {
        fail_msg("%.17g, expected %.17g", got, want);
    }
}

static void every_kind(void **state)
{
    fixture *f = *state;
    everything *e = &f->e;

    assert_true(
        bind_text(f, &table,
                  "text: hello\nflag: false\ni32: 10\ni64: -9223372036854775807\nu64: 18446744073709551615\n"
                  "number: 2.5e-3\nspan: 1h30m15.5s\nrate: 90/m\nbytes: 1.5GiB\nmoney: 1.250001 USD\n"
                  "price: 2 USD/h\npercent: 12.5%\nquantity: 1Ki\nclock: \"14:05:30\"\n"
                  "time: 2026-03-02T00:00:00.25+08:00\ncolour: red\nnumbers: [1, -2, 3]\ncolours: [green, red]\n"
                  "inner: {name: a}\noption: {name: b, size: 6}\nlist: [{name: c}, {name: d, size: 1}]\n"
                  "map: {x: {name: e}, y: {name: f}}\nlabels: {k: v, \"n\": 5}\ntree: [1, {a: b}]\n"
                  "custom: four\nneeded: 3\nold: {any: thing}\n",
                  e));
    assert_int_equal(spw_diag_count(f->diag), 0);
    assert_string_equal(e->text, "hello");
    assert_true(e->has_text);
    assert_false(e->flag);
    assert_int_equal(e->i32, 10);
    assert_true(e->i64 == -INT64_MAX);
    assert_true(e->u64 == UINT64_MAX);
    assert_close(e->number, 0.0025);
    assert_true(e->span_ns == INT64_C(5415500000000));
    assert_close(e->rate, 1.5);
    assert_true(e->bytes == INT64_C(1610612736));
    assert_true(e->uusd == 1250001);
    assert_true(e->uusd_h == 2000000);
    assert_close(e->percent, 0.125);
    assert_true(e->milli == 1024000);
    assert_true(e->clock_ns == INT64_C(50730000000000));
    assert_true(e->time.unix_ns == INT64_C(1772380800250000000)); /* date -u -d 2026-03-01T16:00:00Z +%s */
    assert_int_equal(e->time.offset_s, 28800);
    assert_int_equal(e->colour, RED);
    assert_int_equal(e->number_count, 3);
    assert_int_equal(e->numbers[1], -2);
    assert_int_equal(e->colours[0], GREEN);
    assert_int_equal(e->inner.size, 5);
    assert_int_equal(e->option->size, 6);
    assert_int_equal(e->list_count, 2);
    assert_string_equal(e->list[1].name, "d");
    assert_int_equal(e->list[1].self->line, 21);
    assert_string_equal(e->map[1].key, "y");
    assert_string_equal(e->map[1].name, "f");
    assert_string_equal(e->labels[1].value, "5");
    assert_int_equal(e->tree->count, 2);
    assert_int_equal(e->custom, 4);
    assert_string_equal(f->ignored, "old:27:1 of no use");
}

static void presets(void **state)
{
    fixture *f = *state;

    assert_true(bind_text(f, &table, "needed: 1\n", &f->e));
    assert_string_equal(f->e.text, "none");
    assert_false(f->e.has_text);
    assert_true(f->e.flag);
    assert_true(f->e.span_ns == INT64_C(90000000000));
    assert_int_equal(f->e.colour, GREEN);
    assert_int_equal(f->e.number_count, 2);
    assert_int_equal(f->e.numbers[1], 8);
    assert_int_equal(f->e.inner.size, 5); /* an absent table still gets its presets */
    assert_null(f->e.option);
    memset(&f->e, 0x55, sizeof(f->e));
    assert_true(bind_object(&f->b, &table, NULL, &f->e));
    assert_int_equal(f->e.inner.size, 5);
}

typedef struct bad_case {
    const char *text; /* the line after "needed: 1" */
    const char *message;
} bad_case;

static const bad_case bad_cases[] = {
    {"txet: a", "2:1: error: unknown key 'txet' in the document (did you mean 'text'?)"},
    {"qqqqqq: a", "2:1: error: unknown key 'qqqqqq' in the document"},
    {"inner: {name: a, sise: 4}", "2:18: error: unknown key 'sise' in 'inner' (did you mean 'size'?)"},
    {"inner: {size: 4}", "2:8: error: missing key 'name' in 'inner': what it is called"},
    {"inner: [1]", "2:8: error: 'inner' must be a mapping, not a list"},
    {"inner: {name: a, size: 13}", "2:8: error: 13 is refused by the check"},
    {"gone: 1", "2:1: error: 'gone' is not supported: use 'text'"},
    {"text:", "2:6: error: 'text' must be text, not no value"},
    {"text: [a]", "2:7: error: 'text' must be text, not a list"},
    {"flag: yes", "2:7: error: 'flag': 'yes' is no bool; write true or false"},
    {"flag: \"true\"", "2:7: error: 'flag' must be true or false, not \"true\" in quotes"},
    {"i32: \"5\"", "2:6: error: 'i32' must be a whole number, not \"5\" in quotes"},
    {"i32: 5x", "2:6: error: 'i32': '5x' is no whole number"},
    {"i32: 11", "2:6: error: 'i32' is out of range: 11; allowed is 1 to 10"},
    {"i32: 0", "2:6: error: 'i32' is out of range: 0; allowed is 1 to 10"},
    {"i32: 3000000000", "2:6: error: 'i32': '3000000000' is too large for a whole number of 32 bits"},
    {"i64: 010", "2:6: error: 'i64': '010' has leading zeros; write the number without them"},
    {"i64: 9223372036854775808", "2:6: error: 'i64': '9223372036854775808' is too large for a whole number of 64 bits"},
    {"u64: -1", "2:6: error: 'u64': '-1' is negative"},
    {"number: 0", "2:9: error: 'number' is out of range: 0; allowed is more than 0"},
    {"number: nan", "2:9: error: 'number': 'nan' is no number"},
    {"number: 1e999", "2:9: error: 'number': '1e999' is too large for a number"},
    {"number: 0x10", "2:9: error: 'number': '0x10' is no number"},
    {"span: 24", "2:7: error: 'span': '24' has no unit; write a duration such as 15s, 5m, 1h30m or 250ms"},
    {"span: 5 min", "2:7: error: 'span': '5 min' has an unknown unit; durations know d, h, m, s, ms, us and ns"},
    {"span: 30m1h", "2:7: error: 'span': '30m1h' has its units out of order; write the larger one first, as in 1h30m"},
    {"span: 1h1h", "2:7: error: 'span': '1h1h' has its units out of order; write the larger one first, as in 1h30m"},
    {"span: -5s", "2:7: error: 'span': '-5s' is negative; a duration is at least 0s"},
    {"span: 0.3ns", "2:7: error: 'span': '0.3ns' is finer than 1 ns"},
    {"span: 300000d", "2:7: error: 'span': '300000d' is too long; the limit is 292 years"},
    {"span: 25h", "2:7: error: 'span' is out of range: 25h; allowed is at most 86400s"},
    {"rate: 40", "2:7: error: 'rate': '40' has no unit; write a rate such as 40/s, 2.5/m or 100/h"},
    {"rate: 40/min", "2:7: error: 'rate': '40/min' has an unknown unit; rates know /s, /m, /h and /d"},
    {"bytes: 24", "2:8: error: 'bytes': '24' has no unit; write a size such as 24GiB, 80GB or 512B"},
    {"bytes: 24Gi", "2:8: error: 'bytes': '24Gi' has an unknown unit; sizes know B, kB, MB, GB, TB, PB, KiB, MiB, "
                    "GiB, TiB and PiB"},
    {"money: 5", "2:8: error: 'money': '5' has no currency; write an amount such as 1.25 USD"},
    {"money: 5 EUR", "2:8: error: 'money': '5 EUR' has an unknown currency; amounts are in USD"},
    {"money: 5 USD/h", "2:8: error: 'money': '5 USD/h' has something behind USD"},
    {"money: 0.0000001 USD", "2:8: error: 'money': '0.0000001 USD' is finer than a millionth of a USD"},
    {"money: 0.4 USD", "2:8: error: 'money' is out of range: 0.4 USD; allowed is at least 0.5 USD"},
    {"price: 5 USD",
     "2:8: error: 'price': '5 USD' needs another unit behind USD; see the unit of this key in the schema"},
    {"percent: 0.5", "2:10: error: 'percent': '0.5' has no unit; write a percentage such as 80%"},
    {"percent: 101%", "2:10: error: 'percent' is out of range: 101%; allowed is 0% to 100%"},
    {"quantity: -1", "2:11: error: 'quantity': '-1' is negative"},
    {"quantity: 1GiB", "2:11: error: 'quantity': '1GiB' has an unknown suffix; Kubernetes knows n u m k M G T P E, "
                       "Ki Mi Gi Ti Pi Ei, and exponents such as 2e3"},
    {"clock: 24:00", "2:8: error: 'clock': '24:00' is outside 00:00:00 to 23:59:59"},
    {"clock: 2pm", "2:8: error: 'clock': '2pm' is no time of day; write one such as \"14:00\" or \"14:00:30\""},
    {"time: 2026-03-02T00:00:00",
     "2:7: error: 'time': '2026-03-02T00:00:00' has no time zone; end it with Z or an offset such as +08:00"},
    {"time: 2026-02-29T00:00:00Z",
     "2:7: error: 'time': '2026-02-29T00:00:00Z' is no date of the calendar from 1900 to 2200"},
    {"time: 2026-03-02", "2:7: error: 'time': '2026-03-02' is no time; write one such as 2026-03-02T00:00:00+08:00"},
    {"colour: rad", "2:9: error: unknown value in 'colour': 'rad' (did you mean 'red'?)"},
    {"colour: yellow", "2:9: error: unknown value in 'colour': 'yellow'; known: red, green"},
    {"numbers: 5", "2:10: error: 'numbers' must be a list, not '5'"},
    {"numbers: []", "2:10: error: 'numbers' has 0 elements; it needs at least 1"},
    {"numbers: [1, b]", "2:14: error: 'numbers[1]': 'b' is no whole number"},
    {"list: {name: a}", "2:7: error: 'list' must be a list of mappings, not a mapping"},
    {"list: [{name: a}, 5]", "2:19: error: 'list[1]' must be a mapping, not '5'"},
    {"list: [{name: a, size: x}]", "2:24: error: 'list[0].size': 'x' is no whole number"},
    {"map: {x: {name: [1]}}", "2:17: error: 'map.x.name' must be text, not a list"},
    {"labels: {k: [1]}", "2:13: error: 'labels.k' must be text, not a list"},
};

static void messages(void **state)
{
    for (size_t i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++) {
        fixture *f = *state;
        char text[200];
        char want[400];

        (void)snprintf(text, sizeof(text), "needed: 1\n%s\n", bad_cases[i].text);
        (void)snprintf(want, sizeof(want), "f.yaml:%s", bad_cases[i].message);
        assert_false(bind_text(f, &table, text, &f->e));
        assert_int_equal(spw_diag_count(f->diag), 1);
        assert_string_equal(spw_diag_at(f->diag, 0), want);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    }
}

static void all_errors_of_one_file(void **state)
{
    fixture *f = *state;

    assert_false(bind_text(f, &table, "i32: 99\ncolour: blue\nlist: [{}, {name: a, b: c}]\n", &f->e));
    assert_int_equal(spw_diag_count(f->diag), 5);
    assert_string_equal(spw_diag_at(f->diag, 2),
                        "f.yaml:3:8: error: missing key 'name' in 'list[0]': what it is called");
    assert_string_equal(spw_diag_at(f->diag, 4),
                        "f.yaml:1:1: error: missing key 'needed' in the document: say how many");
}

static void kubernetes_manners(void **state)
{
    fixture *f = *state;

    f->b.kube = true;
    assert_false(bind_text(f, &table, "needed: 1\ntext:\nlabels: {a: 1, b: true, c: \"2\", d: NO}\ninner:\n", &f->e));
    assert_int_equal(spw_diag_count(f->diag), 2);
    assert_string_equal(spw_diag_at(f->diag, 0),
                        "f.yaml:3:13: error: 'labels.a': '1' is read by Kubernetes as a number "
                        "or a bool, not as text; put it in quotes");
    assert_string_equal(f->e.text, "none");
}

/* --- variants ------------------------------------------------------------------------------------------------ */

typedef struct shape {
    colour kind;
    int32_t side;
    int32_t radius;
} shape;

static const bind_field square_fields[] = {{.key = "side", .kind = BIND_INT32, .required = true, BIND_AT(shape, side)},
                                           {.key = NULL}};
static const bind_field circle_fields[] = {{.key = "radius", .kind = BIND_INT32, .preset = "2", BIND_AT(shape, radius)},
                                           {.key = NULL}};
static const bind_variant shape_variants[] = {
    {"red", square_fields, "a square"}, {"green", circle_fields, "a circle"}, {NULL, NULL, NULL}};
static const bind_field shape_fields[] = {
    {.key = "kind", .kind = BIND_ENUM, .names = colours, .required = true, BIND_AT(shape, kind)}, {.key = NULL}};
static const bind_table shape_table = {
    .name = "Shape", .size = sizeof(shape), .fields = shape_fields, .tag = "kind", .variants = shape_variants};

static void variants(void **state)
{
    fixture *f = *state;
    shape s;

    assert_true(bind_text(f, &shape_table, "kind: green\n", &s));
    assert_int_equal(s.radius, 2);
    yamldoc_free(f->doc);
    assert_true(bind_text(f, &shape_table, "side: 4\nkind: red\n", &s)); /* the tag may come last */
    assert_int_equal(s.side, 4);
    yamldoc_free(f->doc);
    assert_false(bind_text(f, &shape_table, "kind: red\nradius: 1\n", &s));
    assert_string_equal(spw_diag_at(f->diag, 0),
                        "f.yaml:2:1: error: key 'radius' in the document belongs to kind 'green', not to 'red'");
    assert_string_equal(spw_diag_at(f->diag, 1),
                        "f.yaml:1:1: error: missing key 'side' in the document: a whole number");
}

static char *schema_of(const bind_table *t, bind_schema_form form, char *buf, size_t size)
{
    FILE *out = tmpfile();
    size_t length;

    assert_non_null(out);
    assert_true(bind_print_schema(out, t, form));
    rewind(out);
    length = fread(buf, 1, size - 1, out);
    buf[length] = '\0';
    (void)fclose(out);
    return buf;
}

static void schema(void **state)
{
    char buf[16000];

    (void)state;
    schema_of(&table, BIND_SCHEMA_TEXT, buf, sizeof(buf));
    assert_non_null(
        strstr(buf, "span                                         duration (default 90s) (at most 86400s)\n"));
    assert_non_null(
        strstr(buf, "inner.name                                   string (required)  # what it is called\n"));
    assert_non_null(strstr(buf, "list[].size                                  integer (default 5)\n"));
    assert_non_null(strstr(buf, "map.<name>.size "));
    assert_non_null(strstr(buf, "price                                        money [USD/h]\n"));
    schema_of(&shape_table, BIND_SCHEMA_MARKDOWN, buf, sizeof(buf));
    assert_string_equal(buf, "## Shape\n\n| key | kind | default | range | meaning |\n|---|---|---|---|---|\n"
                             "| `kind` | one of red, green | (required) |  |  |\n"
                             "| `` | **with kind: red** | | | a square |\n"
                             "| `side` | integer | (required) |  |  |\n"
                             "| `` | **with kind: green** | | | a circle |\n"
                             "| `radius` | integer | 2 |  |  |\n");
}

/* Days from the epoch by counting them one by one: shares nothing with the formula under test. */
static void calendar_against_counting(void **state)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t count = 0;

    (void)state;
    for (int year = 1970; year < 2200; year++) {
        for (int month = 1; month <= 12; month++) {
            const int leap = month == 2 && (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 1 : 0;

            for (int day = 1; day <= days[month - 1] + leap; day++) {
                char text[64];
                bind_time t;

                (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z", year, month, day);
                assert_null(bind_parse_time(text, &t));
                assert_true(t.unix_ns == count * INT64_C(86400000000000));
                count++;
            }
        }
    }
}

static void doubles_like_strtod(void **state)
{
    static const char *const texts[] = {"0.1",
                                        "-3.25",
                                        "123456789.123456",
                                        "1e-7",
                                        "0.30000000000000004",
                                        "5",
                                        "12345678901234567890",
                                        "2.2250738585072014e-308"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        double value = 0;
        const double want = strtod(texts[i], NULL);

        assert_null(bind_parse_double(texts[i], &value));
        assert_memory_equal(&value, &want, sizeof(want));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_kind),          TEST(presets),  TEST(messages), TEST(all_errors_of_one_file),
        TEST(kubernetes_manners),  TEST(variants), TEST(schema),   TEST(calendar_against_counting),
        TEST(doubles_like_strtod),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
