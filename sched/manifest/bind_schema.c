/* SPDX-License-Identifier: Apache-2.0 */
/** bind_schema.c - the tables of bind.h as a reference for people, as text or Markdown. */
#include "sched/manifest/bind_int.h"

#include <assert.h>
#include <string.h>

#define LEVELS_MAX     16u /* tables may refer to themselves through lists */
#define PATH_MAX_BYTES 512u

typedef struct printer {
    FILE *out;
    bind_schema_form form;
    const bind_table *open[LEVELS_MAX]; /* tables above the current one */
    size_t level;
} printer;

static void print_table(printer *p, const bind_table *table, const char *path);

/* "integer", "one of never | automatic", "list of duration", with the unit in brackets. */
static void describe_kind(const bind_field *field, char *buf, size_t size)
{
    const bind_kind kind = field->kind == BIND_SCALARS ? field->item : field->kind;
    size_t used = 0;

    (void)snprintf(buf, size, "%s%s", field->kind == BIND_SCALARS ? "list of " : "", bind_info(kind)->name);
    used = strlen(buf);
    if (kind == BIND_ENUM) {
        for (const bind_name *name = field->names; name->text != NULL && used < size; name++) {
            (void)snprintf(buf + used, size - used, "%s%s", name == field->names ? " " : ", ", name->text);
            used = strlen(buf);
        }
    }
    if (field->unit != NULL && used < size) {
        (void)snprintf(buf + used, size - used, kind == BIND_MONEY ? " [USD%s]" : " [%s]", field->unit);
    }
}

static void describe_range(const bind_field *field, char *buf, size_t size)
{
    const bind_kind kind = field->kind == BIND_SCALARS ? field->item : field->kind;
    const char *unit = bind_info(kind)->unit;
    const bool above = (field->range & BIND_ABOVE) != 0;
    const bool low = above || (field->range & BIND_MIN) != 0;
    const bool high = (field->range & BIND_MAX) != 0;

    buf[0] = '\0';
    if (low && high) {
        (void)snprintf(buf, size, "%s%.12g%s to %.12g%s", above ? "over " : "", field->min, unit, field->max, unit);
    } else if (low) {
        (void)snprintf(buf, size, "%s %.12g%s", above ? "over" : "at least", field->min, unit);
    } else if (high) {
        (void)snprintf(buf, size, "at most %.12g%s", field->max, unit);
    }
    if (field->count_min > 0) {
        const size_t used = strlen(buf);
        (void)snprintf(buf + used, size - used, "%s%zu or more", used > 0 ? "; " : "", field->count_min);
    }
}

static const char *default_of(const bind_field *field)
{
    if (field->use == BIND_IGNORED) {
        return "(ignored)";
    }
    if (field->use == BIND_REFUSED) {
        return "(refused)";
    }
    if (field->required) {
        return "(required)";
    }
    return field->preset != NULL ? field->preset : "";
}

/* Where keys below a field stand: spec.pools[], spec.engines.<name>. */
static void child_path(const bind_field *field, const char *path, char *buf, size_t size)
{
    const char *tail = "";

    if (field->kind == BIND_SCALARS || field->kind == BIND_LIST) {
        tail = "[]";
    } else if (field->kind == BIND_MAP || field->kind == BIND_TEXTS) {
        tail = ".<name>";
    }
    (void)snprintf(buf, size, "%s%s%s%s", path, path[0] != '\0' ? "." : "", field->key, tail);
}

/* The '|' of a table in Markdown has to be escaped inside a cell. */
static void put_cell(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            (void)fputc('\\', out);
        }
        (void)fputc(*text, out);
    }
}

static void print_field(printer *p, const bind_field *field, const char *path)
{
    char full[PATH_MAX_BYTES];
    char kind[256];
    char range[96];
    const char *help = field->help != NULL ? field->help : "";

    child_path(field, path, full, sizeof(full));
    describe_kind(field, kind, sizeof(kind));
    describe_range(field, range, sizeof(range));
    if (p->form == BIND_SCHEMA_MARKDOWN) {
        const char *cells[] = {full, kind, default_of(field), range, help};

        for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
            const char *tick = i == 0 ? "`" : "";

            (void)fprintf(p->out, "%s%s", i == 0 ? "| " : " | ", tick);
            put_cell(p->out, cells[i]);
            (void)fputs(tick, p->out);
        }
        (void)fputs(" |\n", p->out);
    } else {
        const char *preset = default_of(field);

        (void)fprintf(p->out, "%-44s %s", full, kind);
        if (preset[0] != '\0') {
            (void)fprintf(p->out, preset[0] == '(' ? " %s" : " (default %s)", preset);
        }
        if (range[0] != '\0') {
            (void)fprintf(p->out, " (%s)", range);
        }
        (void)fprintf(p->out, "%s%s\n", help[0] != '\0' ? "  # " : "", help);
    }
    if (field->table != NULL && field->use == BIND_USED) {
        print_table(p, field->table, full);
    }
}

static void print_table(printer *p, const bind_table *table, const char *path)
{
    for (size_t i = 0; i < p->level; i++) {
        if (p->open[i] == table) {
            return; /* its keys stand above already */
        }
    }
    assert(p->level < LEVELS_MAX);
    p->open[p->level++] = table;
    for (const bind_field *field = table->fields; field->key != NULL; field++) {
        print_field(p, field, path);
    }
    for (const bind_variant *v = table->variants; v != NULL && v->value != NULL; v++) {
        if (p->form == BIND_SCHEMA_MARKDOWN) {
            (void)fprintf(p->out, "| `%s` | **with %s: %s** | | | ", path, table->tag, v->value);
            put_cell(p->out, v->help != NULL ? v->help : "");
            (void)fputs(" |\n", p->out);
        } else {
            (void)fprintf(p->out, "%-44s with %s: %s%s%s\n", path, table->tag, v->value, v->help != NULL ? "  # " : "",
                          v->help != NULL ? v->help : "");
        }
        for (const bind_field *field = v->fields; field != NULL && field->key != NULL; field++) {
            print_field(p, field, path);
        }
    }
    p->level--;
}

bool bind_print_schema(FILE *out, const bind_table *table, bind_schema_form form)
{
    printer p = {.out = out, .form = form};

    if (form == BIND_SCHEMA_MARKDOWN) {
        (void)fprintf(out, "## %s\n\n", table->name);
        if (table->help != NULL) {
            (void)fprintf(out, "%s\n\n", table->help);
        }
        (void)fputs("| key | kind | default | range | meaning |\n|---|---|---|---|---|\n", out);
    } else {
        (void)fprintf(out, "%s%s%s\n", table->name, table->help != NULL ? ": " : "",
                      table->help != NULL ? table->help : "");
    }
    print_table(&p, table, "");
    return ferror(out) == 0;
}
