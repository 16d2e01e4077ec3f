/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orders.c - see orders.h. The manifests are read once more as trees, for the texts of the groups as they stand. */
#include "sim/scenario/orders.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sched/manifest/yamldoc.h"

enum { POLICIES_MAX = 16, GROUPS_MAX = 8 };

/** A policy with an order to choose, and the permutation at hand. */
typedef struct policy {
    const char *kind, *space, *name;
    const ynode *groups;
    size_t turn[GROUPS_MAX];
} policy;

typedef struct finding {
    yamldoc **docs; /* [doc_count] */
    size_t doc_count;
    policy policies[POLICIES_MAX];
    size_t count;
    bool too_many;
} finding;

/* A tree on one line, as --set takes it. Whatever could mean anything else inside a flow is put in quotes. */
static void put_flow(const ynode *node, FILE *out)
{
    if (node->kind == YNODE_SCALAR) {
        const bool plain =
            !node->quoted && node->length > 0 &&
            strspn(node->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+-") == node->length;
        fputs(plain ? "" : "\"", out);
        for (const char *c = node->text; *c != '\0'; c++) {
            if (*c == '\n') {
                fputs("\\n", out);
            } else {
                fprintf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
            }
        }
        fputs(plain ? "" : "\"", out);
        return;
    }
    const bool map = node->kind == YNODE_MAPPING;
    fputs(map ? "{" : "[", out);
    for (size_t i = 0; i < node->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        if (map) {
            put_flow(node->keys[i], out);
            fputs(": ", out);
        }
        put_flow(node->items[i], out);
    }
    fputs(map ? "}" : "]", out);
}

static const char *text_of(const ynode *map, const char *key, const char *absent)
{
    const ynode *value = ynode_get(map, key);
    return value != NULL && value->kind == YNODE_SCALAR ? value->text : absent;
}

static void look(const ynode *root, finding *f)
{
    const char *kind = text_of(root, "kind", "");
    const ynode *meta = ynode_get(root, "metadata");
    const ynode *groups = ynode_get(ynode_get(ynode_get(root, "spec"), "placement"), "clusterAffinities");
    if (strcmp(kind, "PropagationPolicy") != 0 || groups == NULL || groups->kind != YNODE_SEQUENCE ||
        groups->count < 2) {
        return;
    }
    if (groups->count > GROUPS_MAX || f->count == POLICIES_MAX) {
        f->too_many = true;
        return;
    }
    policy *p = &f->policies[f->count++];
    *p = (policy){kind, text_of(meta, "namespace", "default"), text_of(meta, "name", ""), groups, {0}};
    for (size_t i = 0; i < groups->count; i++) {
        p->turn[i] = i;
    }
}

static int find(const sc_scenario *sc, finding *f)
{
    spw_diag *diag = NULL;
    int rc = spw_diag_new(NULL, 1, &diag) == SPW_OK ? 0 : -1;
    f->docs = calloc(sc->manifest_count + 1, sizeof(yamldoc *));
    rc = f->docs == NULL ? -1 : rc;
    for (size_t i = 0; rc == 0 && i < sc->manifest_count; i++) {
        const spw_json_manifest *m = &sc->manifests[i];
        rc = yamldoc_read_text(m->name, m->text, m->size, NULL, diag, &f->docs[i]) == SPW_OK ? 0 : -1;
        f->doc_count = i + 1;
        for (size_t d = 0; rc == 0 && d < yamldoc_count(f->docs[i]); d++) {
            look(yamldoc_root(f->docs[i], d), f);
        }
    }
    spw_diag_free(diag);
    return rc;
}

/* The next permutation in lexicographic order; back to the first one after the last. @return false: it is the first */
static bool turn_on(policy *p)
{
    const size_t n = p->groups->count;
    size_t i = n - 1;
    while (i > 0 && p->turn[i - 1] > p->turn[i]) {
        i--;
    }
    for (size_t a = i, b = n - 1; a < b; a++, b--) {
        const size_t t = p->turn[a];
        p->turn[a] = p->turn[b];
        p->turn[b] = t;
    }
    if (i == 0) {
        return false;
    }
    size_t k = i;
    while (p->turn[k] < p->turn[i - 1]) {
        k++;
    }
    const size_t t = p->turn[i - 1];
    p->turn[i - 1] = p->turn[k];
    p->turn[k] = t;
    return true;
}

static bool turn_all(finding *f)
{
    for (size_t i = f->count; i-- > 0;) {
        if (turn_on(&f->policies[i])) {
            return true;
        }
    }
    return false;
}

static void put_set(const finding *f, FILE *out)
{
    for (size_t i = 0; i < f->count; i++) {
        const policy *p = &f->policies[i];
        fprintf(out, "%s%s/%s/%s:spec.placement.clusterAffinities=[", i > 0 ? "\n" : "", p->kind, p->space, p->name);
        for (size_t g = 0; g < p->groups->count; g++) {
            fputs(g > 0 ? ", " : "", out);
            put_flow(p->groups->items[p->turn[g]], out);
        }
        fputs("]", out);
    }
}

static void put_label(const finding *f, FILE *out)
{
    for (size_t i = 0; i < f->count; i++) {
        const policy *p = &f->policies[i];
        if (f->count > 1) {
            fprintf(out, "%s%s: ", i > 0 ? ", " : "", p->name);
        }
        for (size_t g = 0; g < p->groups->count; g++) {
            fprintf(out, "%s%s", g > 0 ? " > " : "", text_of(p->groups->items[p->turn[g]], "affinityName", "?"));
        }
    }
}

static char *written(const finding *f, void (*put)(const finding *, FILE *))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out != NULL) {
        put(f, out);
        if (fclose(out) != 0) {
            free(text);
            text = NULL;
        }
    }
    return text;
}

int orders_list(const sc_scenario *sc, int32_t most, orders *o, char *err, size_t err_size)
{
    finding f = {0};
    *o = (orders){calloc((size_t)most + 1, sizeof(char *)), calloc((size_t)most + 1, sizeof(char *)), 0};
    int rc = o->sets != NULL && o->labels != NULL ? find(sc, &f) : -1;
    snprintf(err, err_size, "out of memory");
    while (rc == 0 && !f.too_many && turn_all(&f)) {
        if (o->count == most) {
            f.too_many = true;
            break;
        }
        o->sets[o->count] = written(&f, put_set);
        o->labels[o->count] = written(&f, put_label);
        rc = o->sets[o->count] != NULL && o->labels[o->count] != NULL ? 0 : -1;
        o->count++;
    }
    if (rc == 0 && f.too_many) {
        snprintf(err, err_size,
                 "there are more than %" PRId32 " other orders of its cluster groups; name some as "
                 "candidates",
                 most);
        rc = 1;
    } else if (rc == 0 && o->count == 0) {
        snprintf(err, err_size, "no PropagationPolicy of it has two clusterAffinities to order");
        rc = -1;
    }
    for (size_t i = 0; i < f.doc_count; i++) {
        yamldoc_free(f.docs[i]);
    }
    free(f.docs);
    return rc;
}

void orders_fini(orders *o)
{
    for (int32_t i = 0; i < o->count; i++) {
        free(o->sets[i]);
        free(o->labels[i]);
    }
    free(o->sets);
    free(o->labels);
    *o = (orders){0};
}
