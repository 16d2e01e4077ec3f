/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scene_manifests.c - the objects of a log as files, beginning with the replicas that there were. See scene.h. */
#include "sim/history/scene.h"

#include <string.h>

/* Where a scalar begins: line and column count from 1, columns in characters. */
static size_t offset_of(const char *text, size_t size, const ynode *node)
{
    size_t at = 0;
    for (int32_t line = 1; line < node->line && at < size; line++) {
        const char *end = memchr(text + at, '\n', size - at);
        at = end != NULL ? (size_t)(end - text) + 1 : size;
    }
    for (int32_t column = 1; column < node->column && at < size; column++) {
        at++;
        while (at < size && ((unsigned char)text[at] & 0xC0u) == 0x80u) {
            at++;
        }
    }
    return at;
}

static const char *text_at(const ynode *map, const char *key)
{
    const ynode *node = ynode_get(map, key);
    return node != NULL && node->kind == YNODE_SCALAR ? node->text : "";
}

/* The service that an object is the template of, if the log begins with another number of its replicas. */
static const past_service *template_of(const past *p, const ynode *root)
{
    const ynode *meta = ynode_get(root, "metadata");
    const ynode *spec = ynode_get(root, "spec");
    const char *space = text_at(meta, "namespace");
    if (strcmp(text_at(root, "apiVersion"), "apps/v1") != 0 || spec == NULL || spec->kind != YNODE_MAPPING ||
        spec->count == 0) {
        return NULL;
    }
    for (size_t s = 0; s < p->service_count; s++) {
        char name[2 * SPW_NAME_MAX + 2], first[16];
        const past_service *service = &p->services[s];
        (void)snprintf(name, sizeof name, "%s/%s", space[0] != '\0' ? space : "default", text_at(meta, "name"));
        (void)snprintf(first, sizeof first, "%d", service->replicas_first);
        if (strcmp(name, service->name) == 0) {
            return service->replicas_first >= 0 && strcmp(text_at(spec, "replicas"), first) != 0 ? service : NULL;
        }
    }
    return NULL;
}

/* Writes on up to the replicas, then their number. @return where the text goes on */
static size_t replicas_write(const spw_json_manifest *m, const ynode *spec, int32_t number, size_t done, FILE *out)
{
    const ynode *replicas = ynode_get(spec, "replicas");
    const size_t at = offset_of(m->text, m->size, replicas != NULL ? replicas : spec->keys[0]);
    fwrite(m->text + done, 1, at - done, out);
    if (replicas != NULL) {
        fprintf(out, "%d", number);
        return at + replicas->length + (replicas->quoted ? 2 : 0);
    }
    if (m->text[offset_of(m->text, m->size, spec)] == '{') {
        fprintf(out, "replicas: %d, ", number);
    } else {
        fprintf(out, "replicas: %d\n%*s", number, spec->keys[0]->column - 1, "");
    }
    return at;
}

/* Writes a text with the replicas of its templates as the log has them first. Documents come in its order. */
static spw_rc manifest_write(scene *s, const spw_json_manifest *m, FILE *out, spw_diag *diag)
{
    yamldoc *doc = NULL;
    size_t done = 0;
    spw_rc rc = yamldoc_read_text(m->name, m->text, m->size, NULL, diag, &doc);
    for (size_t i = 0; rc == SPW_OK && i < yamldoc_count(doc); i++) {
        const ynode *root = yamldoc_root(doc, i);
        const past_service *service = template_of(s->p, root);
        if (service != NULL) {
            done = replicas_write(m, ynode_get(root, "spec"), service->replicas_first, done, out);
            const bool noted = scene_note(s, "%s begins with %d replicas, as it stood in the first tick", service->name,
                                          service->replicas_first);
            rc = noted ? SPW_OK : SPW_NOMEM;
        }
    }
    yamldoc_free(doc);
    fwrite(m->text + done, 1, m->size - done, out);
    return rc;
}

/* The last part of a path, and its ending; numbered, as two files may have the same. */
static const char *name_of(const scene *s, size_t index)
{
    const char *name = s->p->manifests[index].name;
    const char *slash = strrchr(name, '/');
    const char *base = slash != NULL && slash[1] != '\0' ? slash + 1 : name;
    const size_t length = strlen(base);
    const bool yaml = length > 5 && strcmp(base + length - 5, ".yaml") == 0;
    size_t same = 0;
    for (size_t i = 0; i < index; i++) {
        const char *other = strrchr(s->p->manifests[i].name, '/');
        same += strcmp(other != NULL && other[1] != '\0' ? other + 1 : s->p->manifests[i].name, base) == 0;
    }
    const char *numbered = same > 0 ? zone_format(s->z, "%zu-%s", same + 1, base) : base;
    return numbered != NULL ? scene_file(s->z, "manifests", numbered, yaml ? "" : ".yaml") : NULL;
}

spw_rc scene_manifests(scene *s, const char *folder, spw_diag *diag)
{
    spw_rc rc = SPW_OK;
    const char **files = zone_array(s->z, s->p->manifest_count + 1, sizeof *files);
    for (size_t i = 0; files != NULL && i < s->p->manifest_count && rc == SPW_OK; i++) {
        files[i] = name_of(s, i);
        FILE *out = scene_open(s->z, folder, files[i], diag);
        if (out == NULL) {
            return s->z->failed ? SPW_NOMEM : SPW_BACKEND;
        }
        rc = manifest_write(s, &s->p->manifests[i], out, diag);
        const spw_rc closed = scene_close(out, files[i], diag);
        rc = rc == SPW_OK ? closed : rc;
    }
    s->manifest_files = files;
    return files != NULL ? rc : SPW_NOMEM;
}
