/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep_file.c - see sweep_file.h. Values stay text: what they mean is the scenario reader's affair. */
#include "sim/scenario/sweep_file.h"

#include <stdlib.h>
#include <string.h>

#include "sched/manifest/bind.h"
#include "sim/scenario/hash.h"
#include "sim/scenario/messages.h"

typedef struct sweep_seeds {
    uint64_t *at;
    size_t count;
} sweep_seeds;

typedef struct seed_range {
    uint64_t first;
    int32_t count;
} seed_range;

typedef struct axis_spec {
    const char *name, *path, *manifest;
    const ynode *values, *path_node;
    const char **labels;
    size_t label_count;
    const ynode *self;
} axis_spec;

typedef struct pareto_spec {
    const char *x, *y;
} pareto_spec;

typedef struct body_spec {
    const char *scenario;
    const ynode *scenario_node, *sets;
    axis_spec *axes;
    size_t axis_count;
    sweep_seeds seeds;
    const char **metrics;
    size_t metric_count;
    pareto_spec *pareto;
    const ynode *metrics_node, *pareto_node;
} body_spec;

typedef struct meta_spec {
    const char *name, *description;
    const ynode *name_node;
} meta_spec;

typedef struct root_spec {
    int32_t api_version, kind;
    meta_spec metadata;
    body_spec spec;
} root_spec;

/* A row for each key reads best as a row. */
/* clang-format off */

static const bind_name api_names[] = {{"spillway.dev/v1alpha1", 1}, {NULL, 0}};
static const bind_name kind_names[] = {{"Sweep", 1}, {NULL, 0}};

static const bind_field meta_fields[] = {
    {.key = "name", .kind = BIND_STRING, .required = true, BIND_AT(meta_spec, name),
     BIND_NODE_AT(meta_spec, name_node),
     .help = "names the sweep and its folder of results: small letters, digits, '-'"},
    {.key = "description", .kind = BIND_STRING, .preset = "", BIND_AT(meta_spec, description),
     .help = "one line for people"},
    {.key = NULL}};

static bool meta_check(bind *b, const ynode *node, void *object)
{
    (void)node;
    const meta_spec *m = object;
    return sc_check_name(b->diag, m->name_node, m->name);
}

static const bind_table meta_table = {.name = "metadata", .size = sizeof(meta_spec), .fields = meta_fields,
                                      .check = meta_check};

static const bind_field axis_fields[] = {
    {.key = "name", .kind = BIND_STRING, .required = true, BIND_AT(axis_spec, name), .help = "column of the results"},
    {.key = "path", .kind = BIND_STRING, BIND_AT(axis_spec, path), BIND_NODE_AT(axis_spec, path_node),
     .help = "what varies: a path of the scenario, or Kind/name:PATH for a field of a manifest"},
    {.key = "manifest", .kind = BIND_STRING, BIND_AT(axis_spec, manifest),
     .help = "instead of path: a file of spec.manifests whose place the values (files) take"},
    {.key = "values", .kind = BIND_NODE, .required = true, BIND_AT(axis_spec, values),
     .help = "a list, as the scenario or manifest would hold them; files are relative to the scenario"},
    {.key = "labels", .kind = BIND_SCALARS, .item = BIND_STRING, BIND_AT(axis_spec, labels),
     BIND_COUNT(axis_spec, label_count), .help = "names of the values for people; default: the values"},
    {.key = NULL}};

static bool axis_check(bind *b, const ynode *node, void *object)
{
    const axis_spec *a = object;
    if ((a->path != NULL) == (a->manifest != NULL)) {
        ynode_error(b->diag, node, "an axis needs 'path' or 'manifest', and not both");
        return false;
    }
    if (a->values->kind != YNODE_SEQUENCE || a->values->count == 0) {
        ynode_error(b->diag, a->values, "'values' must be a list of at least one value");
        return false;
    }
    if (a->label_count != 0 && a->label_count != a->values->count) {
        ynode_error(b->diag, a->values, "%zu values, but %zu labels", a->values->count, a->label_count);
        return false;
    }
    return true;
}

static const bind_table axis_table = {.name = "axis", .size = sizeof(axis_spec), .fields = axis_fields,
                                      .self_at = offsetof(axis_spec, self) + 1u, .check = axis_check};

static const bind_field seed_fields[] = {
    {.key = "first", .kind = BIND_UINT64, .preset = "1", BIND_AT(seed_range, first), .help = "the first seed"},
    {.key = "count", .kind = BIND_INT32, .required = true, .range = BIND_MIN | BIND_MAX, .min = 1,
     .max = SWEEP_POINTS_MAX, BIND_AT(seed_range, count), .help = "so many, each one more than the last"},
    {.key = NULL}};
static const bind_table seed_table = {.name = "seeds", .size = sizeof(seed_range), .fields = seed_fields};

/* clang-format on */

/* A list of numbers, or {first, count}. */
static bool read_seeds(bind *b, const bind_field *field, const ynode *node, void *at)
{
    static const bind_field item = {.key = "seeds", .kind = BIND_UINT64};
    sweep_seeds *seeds = at;
    (void)field;
    if (node->kind == YNODE_MAPPING) {
        seed_range range = {0, 0};
        if (!bind_object(b, &seed_table, node, &range)) {
            return false;
        }
        seeds->count = (size_t)range.count;
        seeds->at = zone_array(b->zone, seeds->count, sizeof *seeds->at);
        for (size_t i = 0; seeds->at != NULL && i < seeds->count; i++) {
            seeds->at[i] = range.first + i;
        }
        return seeds->at != NULL;
    }
    if (node->kind != YNODE_SEQUENCE || node->count == 0) {
        ynode_error(b->diag, node, "'seeds' must be a list of whole numbers, or {first: A, count: N}");
        return false;
    }
    seeds->count = node->count;
    seeds->at = zone_array(b->zone, node->count, sizeof *seeds->at);
    bool good = seeds->at != NULL;
    for (size_t i = 0; i < node->count && seeds->at != NULL; i++) {
        good = bind_scalar(b, &item, node->items[i], &seeds->at[i]) && good;
        for (size_t k = 0; k < i && good; k++) {
            if (seeds->at[k] == seeds->at[i]) {
                ynode_error(b->diag, node->items[i], "the seed stands there twice: it would count twice");
                good = false;
            }
        }
    }
    return good;
}

/* clang-format off */

static const bind_field pareto_fields[] = {
    {.key = "x", .kind = BIND_STRING, .required = true, BIND_AT(pareto_spec, x), .help = "a metric; less is better"},
    {.key = "y", .kind = BIND_STRING, .required = true, BIND_AT(pareto_spec, y), .help = "a metric; less is better"},
    {.key = NULL}};
static const bind_table pareto_table = {.name = "pareto", .size = sizeof(pareto_spec), .fields = pareto_fields};

static const bind_field body_fields[] = {
    {.key = "scenario", .kind = BIND_STRING, .required = true, BIND_AT(body_spec, scenario),
     BIND_NODE_AT(body_spec, scenario_node), .help = "the scenario that is varied, relative to this file"},
    {.key = "set", .kind = BIND_NODE, BIND_AT(body_spec, sets),
     .help = "PATH: VALUE for every point, as --set of run"},
    {.key = "axes", .kind = BIND_LIST, .required = true, .count_min = 1, .table = &axis_table,
     BIND_AT(body_spec, axes), BIND_COUNT(body_spec, axis_count), .help = "what varies; every combination is run"},
    {.key = "seeds", .kind = BIND_CUSTOM, .custom = read_seeds, BIND_AT(body_spec, seeds),
     .help = "[1, 2, 3] or {first: 1, count: 20}; default: the scenario's seed"},
    {.key = "metrics", .kind = BIND_SCALARS, .item = BIND_STRING, BIND_AT(body_spec, metrics),
     BIND_COUNT(body_spec, metric_count), BIND_NODE_AT(body_spec, metrics_node),
     .help = "figures to keep, by their names in summary.json, e.g. latency.ttft_s.p99; default: cost, latency, SLO"},
    {.key = "pareto", .kind = BIND_OPTION, .table = &pareto_table, BIND_AT(body_spec, pareto),
     BIND_NODE_AT(body_spec, pareto_node),
     .help = "the trade-off to draw; default: the first two metrics"},
    {.key = NULL}};
static const bind_table body_table = {.name = "spec", .size = sizeof(body_spec), .fields = body_fields};

static const bind_field root_fields[] = {
    {.key = "apiVersion", .kind = BIND_ENUM, .required = true, .names = api_names, BIND_AT(root_spec, api_version),
     .help = "version of this format"},
    {.key = "kind", .kind = BIND_ENUM, .required = true, .names = kind_names, BIND_AT(root_spec, kind),
     .help = "what the file holds"},
    {.key = "metadata", .kind = BIND_TABLE, .required = true, .table = &meta_table, BIND_AT(root_spec, metadata),
     .help = "name and description"},
    {.key = "spec", .kind = BIND_TABLE, .required = true, .table = &body_table, BIND_AT(root_spec, spec),
     .help = "what is run"},
    {.key = NULL}};
static const bind_table root_table = {.name = "Sweep", .size = sizeof(root_spec), .fields = root_fields};

/* clang-format on */

typedef struct loaded {
    sweep_file file; /* first: sweep_free gets its address */
    zone zone;
    yamldoc *doc;
} loaded;

/* A value as sc_override takes it: plain text as it is, everything else in flow style. */
static void put_flow(const ynode *node, FILE *out)
{
    if (node->kind == YNODE_SCALAR) {
        if (!node->quoted) {
            fputs(node->text, out);
            return;
        }
        fputc('"', out);
        for (const char *c = node->text; *c != '\0'; c++) {
            if (*c == '"' || *c == '\\') {
                fputc('\\', out);
            }
            if (*c == '\n') {
                fputs("\\n", out);
            } else {
                fputc(*c, out);
            }
        }
        fputc('"', out);
        return;
    }
    const bool map = node->kind == YNODE_MAPPING;
    fputc(map ? '{' : '[', out);
    for (size_t i = 0; i < node->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        if (map) {
            fprintf(out, "%s: ", node->keys[i]->text);
        }
        put_flow(node->items[i], out);
    }
    fputc(map ? '}' : ']', out);
}

static const char *flow_text(zone *z, const ynode *node)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        z->failed = true;
        return "";
    }
    put_flow(node, out);
    const char *kept = fclose(out) == 0 ? zone_text(z, text, size) : NULL;
    free(text);
    return kept != NULL ? kept : "";
}

/* "manifests/a-b.yaml" -> "a-b" */
static const char *stem_of(zone *z, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    const char *stem = zone_text(z, name, dot != NULL && dot > name ? (size_t)(dot - name) : strlen(name));
    return stem != NULL ? stem : "";
}

/* The index of a manifest in the scenario's list, -1 when it is not there. Errors of the scenario are not ours. */
static int manifest_index(const char *scenario, const char *manifest)
{
    spw_diag *diag = NULL;
    yamldoc *doc = NULL;
    int index = -1;
    if (spw_diag_new(NULL, 1, &diag) == SPW_OK && yamldoc_read_file(scenario, NULL, diag, &doc) == SPW_OK &&
        yamldoc_count(doc) > 0) {
        const ynode *list = ynode_get(ynode_get(yamldoc_root(doc, 0), "spec"), "manifests");
        for (size_t i = 0; list != NULL && list->kind == YNODE_SEQUENCE && i < list->count; i++) {
            const ynode *item = list->items[i];
            if (item->kind == YNODE_SCALAR && strcmp(item->text, manifest) == 0) {
                index = (int)i;
            }
        }
    }
    yamldoc_free(doc);
    spw_diag_free(diag);
    return index;
}

static void take_axis(loaded *own, spw_diag *diag, const axis_spec *spec, sweep_axis *axis)
{
    zone *z = &own->zone;
    const size_t count = spec->values->count;
    *axis = (sweep_axis){.name = spec->name,
                         .path = spec->path,
                         .values = zone_array(z, count, sizeof(char *)),
                         .labels = zone_array(z, count, sizeof(char *)),
                         .line = spec->self->line,
                         .column = spec->self->column};
    if (spec->manifest != NULL) {
        const int index = manifest_index(own->file.scenario, spec->manifest);
        if (index < 0) {
            ynode_error(diag, spec->self, "the scenario %s names no manifest '%s'", own->file.scenario, spec->manifest);
        }
        axis->path = zone_format(z, "spec.manifests[%d]", index);
    }
    if (z->failed) {
        return;
    }
    axis->count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        const ynode *node = spec->values->items[i];
        axis->values[i] = flow_text(z, node);
        axis->labels[i] = spec->label_count > 0        ? spec->labels[i]
                          : spec->manifest != NULL     ? stem_of(z, axis->values[i])
                          : node->kind == YNODE_SCALAR ? node->text
                                                       : axis->values[i];
        for (size_t k = 0; k < i; k++) {
            if (strcmp(axis->labels[k], axis->labels[i]) == 0) {
                ynode_error(diag, node, "two values of axis '%s' are called '%s'; give 'labels'", axis->name,
                            axis->labels[i]);
            }
        }
    }
}

static void take_sets(loaded *own, spw_diag *diag, const ynode *node)
{
    if (node == NULL) {
        return;
    }
    if (node->kind != YNODE_MAPPING) {
        ynode_error(diag, node, "'set' must be a mapping of PATH: VALUE");
        return;
    }
    sc_override *sets = zone_array(&own->zone, node->count + 1, sizeof *sets);
    for (size_t i = 0; sets != NULL && i < node->count; i++) {
        sets[i] = (sc_override){node->keys[i]->text, flow_text(&own->zone, node->items[i])};
    }
    own->file.sets = sets;
    own->file.set_count = (int32_t)node->count;
}

static void check_size(const loaded *own, spw_diag *diag)
{
    const sweep_file *f = &own->file;
    double points = f->seed_count > 0 ? f->seed_count : 1;
    for (int32_t a = 0; a < f->axis_count; a++) {
        points *= f->axes[a].count;
    }
    if (points > SWEEP_POINTS_MAX) {
        ynode_error(diag, yamldoc_root(own->doc, 0), "%.0f points are more than %d; split the sweep", points,
                    SWEEP_POINTS_MAX);
    }
}

static void take_body(loaded *own, spw_diag *diag, const root_spec *root)
{
    sweep_file *f = &own->file;
    const body_spec *spec = &root->spec;
    const char *slash = strrchr(f->path, '/');
    f->name = root->metadata.name;
    f->description = root->metadata.description;
    f->scenario = spec->scenario[0] == '/' || slash == NULL
                      ? spec->scenario
                      : zone_format(&own->zone, "%.*s/%s", (int)(slash - f->path), f->path, spec->scenario);
    f->scenario_line = spec->scenario_node->line;
    f->scenario_column = spec->scenario_node->column;
    f->seeds = spec->seeds.at;
    f->seed_count = (int32_t)spec->seeds.count;
    f->metrics = spec->metrics;
    f->metric_count = (int32_t)spec->metric_count;
    f->pareto[0] = spec->pareto != NULL ? spec->pareto->x : NULL;
    f->pareto[1] = spec->pareto != NULL ? spec->pareto->y : NULL;
    f->metrics_line = spec->metrics_node != NULL ? spec->metrics_node->line : 1;
    f->metrics_column = spec->metrics_node != NULL ? spec->metrics_node->column : 1;
    f->pareto_line = spec->pareto_node != NULL ? spec->pareto_node->line : 1;
    f->pareto_column = spec->pareto_node != NULL ? spec->pareto_node->column : 1;
    take_sets(own, diag, spec->sets);
    f->axes = zone_array(&own->zone, spec->axis_count, sizeof *f->axes);
    if (f->axes == NULL || f->scenario == NULL) {
        return;
    }
    if (spec->axis_count > SWEEP_AXES_MAX) {
        ynode_error(diag, spec->axes[SWEEP_AXES_MAX].self, "more than %d axes", SWEEP_AXES_MAX);
        return;
    }
    for (size_t a = 0; a < spec->axis_count && !own->zone.failed; a++) {
        take_axis(own, diag, &spec->axes[a], &f->axes[a]);
        f->axis_count++;
        for (size_t k = 0; k < a; k++) {
            if (strcmp(f->axes[k].name, f->axes[a].name) == 0) {
                ynode_error(diag, spec->axes[a].self, "two axes are called '%s'", f->axes[a].name);
            }
        }
    }
    check_size(own, diag);
}

static bool load_into(loaded *own, const char *path, spw_diag *diag)
{
    root_spec root = {0};
    bind b;
    own->file.path = zone_text(&own->zone, path, strlen(path));
    if (own->file.path == NULL || yamldoc_read_file(path, NULL, diag, &own->doc) != SPW_OK) {
        return false;
    }
    if (yamldoc_count(own->doc) != 1) {
        spw_diag_add(diag, SPW_DIAG_ERROR, path, 1, 1, "a sweep file holds one document, this one holds %zu",
                     yamldoc_count(own->doc));
        return false;
    }
    own->file.hash = sc_hash_file(HASH_START, path);
    own->file.text = sc_keep_text(&own->zone, path);
    bind_init(&b, &own->zone, diag);
    if (bind_object(&b, &root_table, yamldoc_root(own->doc, 0), &root)) {
        take_body(own, diag, &root);
    }
    return spw_diag_errors(diag) == 0 && !own->zone.failed;
}

sweep_file *sweep_load(const char *path, sc_messages *messages)
{
    spw_diag *diag = NULL;
    loaded *own = calloc(1, sizeof *own);
    *messages = (sc_messages){NULL, 0, 0, 0};
    if (own == NULL || spw_diag_new(NULL, SC_MESSAGES_KEPT, &diag) != SPW_OK) {
        free(own);
        return NULL;
    }
    zone_init(&own->zone, NULL);
    const bool good = load_into(own, path, diag);
    sc_messages_collect(diag, messages);
    spw_diag_free(diag);
    if (!good) {
        sweep_free(&own->file);
        return NULL;
    }
    return &own->file;
}

void sweep_free(sweep_file *file)
{
    loaded *own = (loaded *)file;
    if (own != NULL) {
        yamldoc_free(own->doc);
        zone_fini(&own->zone);
        free(own);
    }
}

void sweep_print_schema(FILE *file)
{
    (void)bind_print_schema(file, &root_table, BIND_SCHEMA_TEXT);
}
