/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load.c - sc_load: file, overrides, manifests, tables, and the life of what they leave behind.
 *
 * Everything that a scenario points to is held by one `loaded`: the scenario itself is its first member, so that
 * sc_free finds the rest. Steps stop early only where the next could not make sense of anything.
 */
#include "sim/scenario/resolve.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sched/manifest/manifest_edit.h"
#include "sim/scenario/csvfile.h"
#include "sim/scenario/datadir.h"
#include "sim/scenario/hash.h"
#include "sim/scenario/messages.h"

#define FILE_BYTES_MAX ((size_t)1 << 32)

typedef struct loaded {
    sc_scenario sc;    /* first: sc_free gets its address */
    spw_config config; /* of the manifests, with the distances of the scenario; empty while there is none */
    zone zone;
    yamldoc *doc; /* names point into its tree */
    spw_manifest_set *manifests;
    tables *tables;
    resolve_trace *traces;
} loaded;

static void loaded_free(loaded *own)
{
    if (own == NULL) {
        return;
    }
    for (resolve_trace *t = own->traces; t != NULL; t = t->next) {
        trace_close(t->trace);
    }
    tables_free(own->tables);
    spw_manifest_free(own->manifests);
    yamldoc_free(own->doc);
    zone_fini(&own->zone);
    free(own);
}

void sc_free(sc_scenario *sc)
{
    loaded_free((loaded *)sc);
}

int32_t sc_laws(const sc_scenario *sc)
{
    int32_t count = 0;
    for (int32_t i = 0; i < sc->region_count; i++) {
        const char *law = sc->regions[i].jurisdiction;
        bool known = law == NULL || law[0] == '\0';
        for (int32_t k = 0; k < i && !known; k++) {
            known = sc->regions[k].jurisdiction != NULL && strcmp(sc->regions[k].jurisdiction, law) == 0;
        }
        count += known ? 0 : 1;
    }
    return count;
}

const spw_manifest_set *sc_manifest_set(const sc_scenario *sc)
{
    return ((const loaded *)(const void *)sc)->manifests;
}

/* A line so long that a sentence which does not end with it goes on in the next one. */
#define WRAPPED 80

static bool goes_on(const char *line, size_t length)
{
    return length >= WRAPPED && strchr(".:!?", line[length - 1]) == NULL;
}

/* The first comment line that says something: not empty, not the licence; with the next ones, if it was wrapped. */
static const char *title_of(zone *z, const char *path)
{
    char line[256];
    const char *title = "";
    bool wrapped = false;
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL && line[0] == '#') {
        const char *text = line + strspn(line, "# \t");
        const size_t length = strcspn(text, "\r\n");
        if (wrapped && length > 0) {
            title = zone_format(z, "%s %.*s", title, (int)length, text);
        } else if (length > 0 && strncmp(text, "SPDX-", 5) != 0) {
            title = zone_text(z, text, length);
        }
        wrapped = goes_on(line, strcspn(line, "\r\n"));
        if (title[0] != '\0' && (!wrapped || length == 0)) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return title;
}

static const char *folder_of(zone *z, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return ".";
    }
    return slash == path ? "/" : zone_text(z, path, (size_t)(slash - path));
}

static bool is_folder(const char *path)
{
    struct stat st;
    return path != NULL && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

void resolve_foreign(resolve *r, const char *text)
{
    static const char mark[] = ": error: ";
    const char *at = strstr(text, mark);
    const char *place = at != NULL ? zone_text(r->zone, text, (size_t)(at - text)) : NULL;
    spw_diag_add(r->diag, SPW_DIAG_ERROR, place, 0, 0, "%s", at != NULL ? at + sizeof mark - 1 : text);
}

/* --tables, else those beside the scenario, else those that came with the program. NULL with an error. */
static const char *tables_folder(resolve *r, const sc_options *options, char *shipped, size_t shipped_size)
{
    const char *dir = options != NULL ? options->tables_dir : NULL;
    if (dir != NULL) {
        if (!is_folder(dir)) {
            spw_diag_add(r->diag, SPW_DIAG_ERROR, NULL, 0, 0, "--tables: there is no folder '%s'", dir);
            return NULL;
        }
        return dir;
    }
    const char *beside = zone_format(r->zone, "%s/tables", r->dir);
    if (is_folder(beside)) {
        return beside;
    }
    char err[4096];
    if (!datadir_tables(shipped, shipped_size, err, sizeof err)) {
        spw_diag_add(r->diag, SPW_DIAG_ERROR, NULL, 0, 0, "%s", err);
        return NULL;
    }
    return shipped;
}

static tables *load_tables(resolve *r, const sc_options *options)
{
    char shipped[DATADIR_PATH_MAX];
    const char *dir = tables_folder(r, options, shipped, sizeof shipped);
    if (dir == NULL) {
        return NULL;
    }
    char err[4096];
    tables *t = tables_load(dir, err, sizeof err);
    if (t == NULL) {
        resolve_foreign(r, err);
        return NULL;
    }
    const uint64_t of_tables = tables_hash(t);
    r->hash = hash_bytes(r->hash, &of_tables, sizeof of_tables);
    return t;
}

/*
 * Hashes a manifest and keeps its text, `edited` where overrides touched it. That a file cannot be read is reported
 * where it is parsed.
 */
static void keep_manifest(resolve *r, const char *path, const spw_json_manifest *edited, spw_json_manifest *out)
{
    if (edited->text != NULL) {
        r->hash = hash_bytes(r->hash, edited->text, edited->size);
        *out = *edited;
        return;
    }
    const char *name = edited->name;
    char ignored[8];
    csv_message message = {ignored, sizeof ignored};
    csv_bytes bytes = {NULL, 0};
    if (csv_slurp(path, FILE_BYTES_MAX, &bytes, &message)) {
        r->hash = hash_bytes(r->hash, bytes.data, bytes.size);
        *out = (spw_json_manifest){name, zone_text(r->zone, bytes.data, bytes.size), bytes.size};
    }
    free(bytes.data);
}

/* The overrides that go to an object of the manifests. *count of them; NULL when out of memory. */
static manifest_edit *edits_of(resolve *r, const sc_options *options, size_t *count)
{
    const size_t all = options != NULL ? options->set_count : 0;
    manifest_edit *edits = zone_array(r->zone, all + 1, sizeof *edits);
    *count = 0;
    for (size_t i = 0; edits != NULL && i < all; i++) {
        size_t split = 0;
        if (!manifest_edit_split(options->sets[i].path, &split)) {
            continue;
        }
        manifest_edit *e = &edits[(*count)++];
        e->object = zone_text(r->zone, options->sets[i].path, split);
        e->path = options->sets[i].path + split + 1;
        e->value = options->sets[i].value;
        if (e->object == NULL) {
            return NULL;
        }
        suggest_init(&e->near, e->object);
    }
    return edits;
}

/* An override that found no object would change nothing and say nothing. */
static bool all_matched(resolve *r, const manifest_edit *edits, size_t count)
{
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        const manifest_edit *e = &edits[i];
        if (e->matched > 0) {
            continue;
        }
        const char *label = zone_format(r->zone, "--set %s:%s", e->object, e->path);
        spw_diag_add(r->diag, SPW_DIAG_ERROR, label, 0, 0, "the manifests hold no object '%s'%s%s%s", e->object,
                     e->near.best != NULL ? " (did you mean '" : "", e->near.best != NULL ? e->near.best : "",
                     e->near.best != NULL ? "'?)" : "; write Kind/name or Kind/namespace/name");
        all = false;
    }
    return all;
}

/* @return the configuration, or NULL with errors */
static const spw_config *load_manifests(resolve *r, spw_manifest_set *set, const sc_options *options)
{
    const spec_body *spec = r->spec;
    spw_json_manifest *texts = zone_array(r->zone, spec->manifest_count, sizeof *texts);
    bool all = true;
    size_t edit_count = 0;
    manifest_edit *edits = edits_of(r, options, &edit_count);
    if (texts == NULL || edits == NULL) {
        return NULL;
    }
    r->sc->manifests = texts;
    r->sc->manifest_count = spec->manifest_count;
    for (size_t i = 0; i < spec->manifest_count; i++) {
        const char *path = resolve_path(r, spec->manifests[i]);
        if (path == NULL) {
            return NULL;
        }
        char *text = NULL;
        size_t size = 0;
        const spw_rc rc = manifest_edit_add(set, path, edits, edit_count, r->zone, r->diag, &text, &size);
        if (rc == SPW_BACKEND) {
            ynode_error(r->diag, spec->manifests_node->items[i], "the manifest '%s' cannot be read",
                        spec->manifests[i]);
        }
        all = all && rc == SPW_OK;
        keep_manifest(r, path, &(spw_json_manifest){spec->manifests[i], text, size}, &texts[i]);
    }
    if (!all || !all_matched(r, edits, edit_count)) {
        return NULL; /* what is wrong has been said; joining the rest would only add complaints about what is missing */
    }
    const spw_config *config = NULL;
    return spw_manifest_config(set, r->diag, &config) == SPW_OK ? config : NULL;
}

/* Reads the file, applies the overrides, binds. @return false with errors */
static bool read_spec(resolve *r, const char *path, const sc_options *options, yamldoc **doc, spec_root *root)
{
    if (yamldoc_read_file(path, NULL, r->diag, doc) != SPW_OK) {
        return false;
    }
    r->hash = sc_hash_file(r->hash, path);
    if (yamldoc_count(*doc) != 1) {
        const int32_t line = yamldoc_count(*doc) > 1 ? yamldoc_root(*doc, 1)->line : 1;
        spw_diag_add(r->diag, SPW_DIAG_ERROR, path, line, 1, "a scenario file holds one document, this one holds %zu",
                     yamldoc_count(*doc));
        return false;
    }
    for (size_t i = 0; options != NULL && i < options->set_count; i++) {
        const sc_override *set = &options->sets[i];
        size_t split = 0;
        if (!manifest_edit_split(set->path, &split) && yamldoc_set(*doc, set->path, set->value, r->diag) != SPW_OK) {
            return false;
        }
        r->hash = hash_bytes(r->hash, set->path, strlen(set->path) + 1);
        r->hash = hash_bytes(r->hash, set->value, strlen(set->value) + 1);
    }
    bind b;
    bind_init(&b, r->zone, r->diag);
    return bind_object(&b, &spec_table, yamldoc_root(*doc, 0), root);
}

/* What people will want to see again beside the results: the text and what was overridden. */
static void keep_inputs(resolve *r, const char *path, const sc_options *options)
{
    r->sc->text = sc_keep_text(r->zone, path);
    r->sc->set_count = options != NULL ? options->set_count : 0;
    sc_override *sets = zone_array(r->zone, r->sc->set_count + 1, sizeof *sets);
    for (size_t i = 0; sets != NULL && i < r->sc->set_count; i++) {
        const sc_override *set = &options->sets[i];
        sets[i] = (sc_override){zone_text(r->zone, set->path, strlen(set->path)),
                                zone_text(r->zone, set->value, strlen(set->value))};
    }
    r->sc->sets = sets;
}

static void keep_names(resolve *r, const spec_root *root, const char *path)
{
    sc_scenario *sc = r->sc;
    sc->name = zone_text(r->zone, root->metadata.name, strlen(root->metadata.name));
    sc->path = zone_text(r->zone, path, strlen(path));
    sc->title = root->metadata.description[0] != '\0' ? root->metadata.description : title_of(r->zone, path);
}

/* Policies and workloads are the manifests'; how far apart regions are only the scenario knows. */
static void add_distances(loaded *own, resolve *r)
{
    const sc_scenario *sc = &own->sc;
    const size_t n = (size_t)sc->region_count;
    spw_rtt *rtts = zone_array(r->zone, n * n + 1, sizeof *rtts);
    if (rtts == NULL || sc->rtt_ns == NULL || own->config.rtt_count > 0) { /* the manifests may say it, too */
        return;
    }
    own->sc.distances_ours = true;
    for (size_t i = 0; i < n * n; i++) {
        rtts[i] = (spw_rtt){.from = sc->regions[i / n].name, .to = sc->regions[i % n].name, .rtt = sc->rtt_ns[i]};
    }
    own->config.rtts = rtts;
    own->config.rtt_count = n * n;
}

static bool load_into(loaded *own, resolve *r, const char *path, const sc_options *options)
{
    spec_root root = {0};
    if (!read_spec(r, path, options, &own->doc, &root)) {
        return false;
    }
    r->spec = &root.spec;
    keep_names(r, &root, path);
    keep_inputs(r, path, options);
    own->tables = load_tables(r, options);
    r->tables = own->tables;
    r->manifests = own->manifests;
    const spw_config *config = load_manifests(r, own->manifests, options);
    if (own->tables == NULL) {
        return false;
    }
    if (!resolve_fits(r)) {
        return false;
    }
    own->config = config != NULL ? *config : (spw_config){.workload_count = 0};
    own->sc.config = &own->config;
    resolve_world(r);
    add_distances(own, r);
    if (config != NULL) {
        resolve_check_classes(r);
        resolve_services(r);
        resolve_faults(r);
        if (spw_diag_errors(r->diag) == 0) {
            resolve_check(r);
            resolve_unused(r);
        }
    }
    own->sc.hash = r->hash;
    own->traces = r->traces;
    return spw_diag_errors(r->diag) == 0 && !own->zone.failed;
}

sc_scenario *sc_load(const char *path, const sc_options *options, sc_messages *messages)
{
    *messages = (sc_messages){NULL, 0, 0, 0};
    spw_diag *diag = NULL;
    loaded *own = calloc(1, sizeof *own);
    if (own == NULL || spw_diag_new(NULL, SC_MESSAGES_KEPT, &diag) != SPW_OK) {
        free(own);
        return NULL;
    }
    zone_init(&own->zone, NULL);
    own->manifests = spw_manifest_new(NULL);
    resolve r = {
        .sc = &own->sc, .zone = &own->zone, .diag = diag, .dir = folder_of(&own->zone, path), .hash = HASH_START};
    bool ok = own->manifests != NULL && r.dir != NULL && load_into(own, &r, path, options);
    own->traces = r.traces;
    sc_messages_collect(diag, messages);
    spw_diag_free(diag);
    if (!ok) {
        loaded_free(own);
        return NULL;
    }
    return &own->sc;
}
