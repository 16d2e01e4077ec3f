/* SPDX-License-Identifier: GPL-3.0-or-later */
/* services.c - see services.h. */
#include "sim/history/services.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *scalar(const ynode *map, const char *key)
{
    const ynode *value = ynode_get(map, key);
    return value != NULL && value->kind == YNODE_SCALAR ? value->text : NULL;
}

static spw_rc entry_add(hist_services *s, yamldoc *doc, const char *source, const char *path, const ynode *entry,
                        spw_diag *diag)
{
    if (entry == NULL || entry->kind != YNODE_MAPPING) {
        if (entry != NULL) {
            ynode_error(diag, entry, "an entry of spec.services is needed: a mapping with model, engine, lengths, slo");
        } else {
            spw_diag_add(diag, SPW_DIAG_ERROR, source, 0, 0, "nothing in it");
        }
        return SPW_INVAL;
    }
    hist_service *grown = zone_array(&s->z, s->count + 1, sizeof *grown);
    if (grown == NULL) {
        return SPW_NOMEM;
    }
    if (s->count > 0) {
        memcpy(grown, s->at, s->count * sizeof *grown);
    }
    s->at = grown;
    s->at[s->count++] = (hist_service){scalar(entry, "workload"), source, doc, path, entry};
    return SPW_OK;
}

static spw_rc doc_add(hist_services *s, yamldoc *doc, const char *source, spw_diag *diag)
{
    yamldoc **grown = zone_array(&s->z, s->doc_count + 1, sizeof(yamldoc *));
    if (grown == NULL) {
        yamldoc_free(doc);
        return SPW_NOMEM;
    }
    if (s->doc_count > 0) {
        memcpy(grown, s->docs, s->doc_count * sizeof(yamldoc *));
    }
    s->docs = grown;
    s->docs[s->doc_count++] = doc;
    const ynode *root = yamldoc_count(doc) > 0 ? yamldoc_root(doc, 0) : NULL;
    const char *kind = scalar(root, "kind");
    if (kind == NULL || strcmp(kind, "Scenario") != 0) {
        return entry_add(s, doc, source, "", root, diag);
    }
    const ynode *list = ynode_get(ynode_get(root, "spec"), "services");
    spw_rc rc = SPW_OK;
    for (size_t i = 0; list != NULL && list->kind == YNODE_SEQUENCE && i < list->count && rc == SPW_OK; i++) {
        const char *path = zone_format(&s->z, "spec.services[%zu]", i);
        rc = path != NULL ? entry_add(s, doc, source, path, list->items[i], diag) : SPW_NOMEM;
    }
    return rc;
}

spw_rc hist_services_read(hist_services *s, const char *const *files, size_t count, spw_diag *diag)
{
    *s = (hist_services){.count = 0};
    zone_init(&s->z, NULL);
    spw_rc rc = SPW_OK;
    for (size_t i = 0; i < count && rc == SPW_OK; i++) {
        yamldoc *doc = NULL;
        rc = yamldoc_read_file(files[i], NULL, diag, &doc);
        rc = rc == SPW_OK ? doc_add(s, doc, files[i], diag) : rc;
    }
    return rc;
}

void hist_services_fini(hist_services *s)
{
    for (size_t i = 0; i < s->doc_count; i++) {
        yamldoc_free(s->docs[i]);
    }
    zone_fini(&s->z);
}

spw_rc hist_services_lengths(hist_services *s, hist_service *service, int64_t input, int64_t output, spw_diag *diag)
{
    const char *in = zone_format(&s->z, "{fixed: %lld}", (long long)input);
    const char *out = zone_format(&s->z, "{fixed: %lld}", (long long)output);
    const spw_rc rc = in != NULL && out != NULL ? hist_service_set(s, service, "lengths.input", in, diag) : SPW_NOMEM;
    return rc == SPW_OK ? hist_service_set(s, service, "lengths.output", out, diag) : rc;
}

spw_rc hist_services_add(hist_services *s, const char *workload, const char *model, int64_t input, int64_t output,
                         spw_diag *diag)
{
    static const char start[] = "workload:\n";
    yamldoc *doc = NULL;
    spw_rc rc = yamldoc_read_text("--model", start, sizeof start - 1, NULL, diag, &doc);
    rc = rc == SPW_OK ? doc_add(s, doc, "--model", diag) : rc;
    if (rc != SPW_OK) {
        return rc;
    }
    hist_service *service = &s->at[s->count - 1];
    service->workload = workload;
    rc = hist_service_set(s, service, "workload", workload, diag);
    rc = rc == SPW_OK ? hist_service_set(s, service, "model", model, diag) : rc;
    return rc == SPW_OK ? hist_services_lengths(s, service, input, output, diag) : rc;
}

hist_service *hist_service_of(const hist_services *s, const char *workload, bool only)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->at[i].workload != NULL ? strcmp(s->at[i].workload, workload) == 0 : only) {
            return &s->at[i];
        }
    }
    return NULL;
}

spw_rc hist_service_set(hist_services *s, hist_service *service, const char *key, const char *value, spw_diag *diag)
{
    const char *path = zone_format(&s->z, "%s%s%s", service->path, service->path[0] != '\0' ? "." : "", key);
    return path != NULL ? yamldoc_set(service->doc, path, value, diag) : SPW_NOMEM;
}

/* --- files --- */

typedef struct copying {
    hist_services *s;
    hist_service *service;
    const char *folder;
    spw_diag *diag;
} copying;

static spw_rc io_failed(const copying *c, const char *path)
{
    spw_diag_add(c->diag, SPW_DIAG_ERROR, path, 0, 0, "%s", strerror(errno));
    return SPW_BACKEND;
}

static spw_rc bytes_copy(const copying *c, const char *from, const char *to)
{
    char piece[8192];
    size_t n;
    FILE *in = fopen(from, "rb");
    FILE *out = in != NULL ? fopen(to, "wb") : NULL;
    spw_rc rc = out != NULL ? SPW_OK : io_failed(c, in != NULL ? to : from);
    while (rc == SPW_OK && (n = fread(piece, 1, sizeof piece, in)) > 0) {
        rc = fwrite(piece, 1, n, out) == n ? SPW_OK : io_failed(c, to);
    }
    if (rc == SPW_OK && ferror(in) != 0) {
        rc = io_failed(c, from);
    }
    if (in != NULL) {
        (void)fclose(in);
    }
    return out != NULL && fclose(out) != 0 && rc == SPW_OK ? io_failed(c, to) : rc;
}

static spw_rc file_copy(copying *c, const ynode *node)
{
    zone *z = &c->s->z;
    char path[512];
    const char *slash = strrchr(c->service->source, '/');
    const char *base = strrchr(node->text, '/') != NULL ? strrchr(node->text, '/') + 1 : node->text;
    const int lead = slash != NULL && node->text[0] != '/' ? (int)(slash - c->service->source) + 1 : 0;
    const char *from = zone_format(z, "%.*s%s", lead, c->service->source, node->text);
    const char *name = zone_format(z, "files/%zu-%s", c->s->files, base);
    const char *folder = zone_format(z, "%s/files", c->folder);
    const char *to = zone_format(z, "%s/files/%zu-%s", c->folder, c->s->files++, base);
    if (from == NULL || name == NULL || folder == NULL || to == NULL) {
        return SPW_NOMEM;
    }
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        return io_failed(c, folder);
    }
    const spw_rc rc = bytes_copy(c, from, to);
    return rc == SPW_OK ? yamldoc_set(c->service->doc, ynode_path(node, path, sizeof path), name, c->diag) : rc;
}

static spw_rc files_in(copying *c, const ynode *node)
{
    spw_rc rc = SPW_OK;
    for (size_t i = 0; i < node->count && rc == SPW_OK; i++) {
        const ynode *item = node->items[i];
        const bool file = node->kind == YNODE_MAPPING && strcmp(node->keys[i]->text, "file") == 0;
        rc = file && item->kind == YNODE_SCALAR ? file_copy(c, item) : files_in(c, item);
    }
    return rc;
}

spw_rc hist_service_files(hist_services *s, hist_service *service, const char *folder, spw_diag *diag)
{
    copying c = {.s = s, .service = service, .folder = folder, .diag = diag};
    return files_in(&c, service->entry);
}
