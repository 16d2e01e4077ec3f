/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scene.c - the scenario file itself. See scene.h. */
#include "sim/history/scene.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)
#define WIDTH    118

/* --- small texts --- */

/* A scalar that reads back as this text, whatever is in it. */
static void put_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            fprintf(out, "\\%c", *c);
        } else if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            fprintf(out, "\\x%02x", (unsigned)(unsigned char)*c);
        } else {
            fputc(*c, out);
        }
    }
    fputc('"', out);
}

/* Names of the usual kind go without quotes. */
static void put_name(FILE *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
    const bool letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", "True", "False", "Null"};
    bool word = false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        word = word || strcmp(words[i], text) == 0;
    }
    if (letter && !word && text[strspn(text, plain)] == '\0') {
        fputs(text, out);
    } else {
        put_text(out, text);
    }
}

static void put_pair(FILE *out, const char *key, const char *text)
{
    fprintf(out, "%s: ", key);
    put_name(out, text);
}

/* "15s", "250ms", "1.5s" */
static void put_duration(FILE *out, const char *key, int64_t ns)
{
    fprintf(out, "%s: ", key);
    if (ns % NS_PER_S == 0) {
        fprintf(out, "%" PRId64 "s", ns / NS_PER_S);
    } else {
        fprintf(out, "%" PRId64 "ms", (ns + 500000) / 1000000);
    }
}

static void put_comment(FILE *out, const char *first, const char *text)
{
    int column = fprintf(out, "# %s", first);
    const int indent = column - 2;
    while (*text != '\0') {
        const size_t length = strcspn(text, " \n");
        if (column + 1 + (int)length > WIDTH) {
            column = fprintf(out, "\n# %*s", indent, "") - 1;
        }
        column += fprintf(out, "%s%.*s", column > indent + 2 ? " " : "", (int)length, text);
        text += length + (text[length] != '\0');
    }
    fputc('\n', out);
}

/* --- parts --- */

const char *scene_region(const past_cluster *c)
{
    return c->region[0] != '\0' ? c->region : "unknown";
}

const char *scene_provider(const past_cluster *c)
{
    return c->provider[0] != '\0' ? c->provider : "unknown";
}

bool scene_has_pools(const past *p, size_t cluster)
{
    size_t i = 0;
    while (i < p->pool_count && (size_t)p->pools[i].cluster != cluster) {
        i++;
    }
    return i < p->pool_count;
}

static void put_head(const scene *s, FILE *out)
{
    const past *p = s->p;
    fputs("# Made by 'spillway trace import --decisions' from\n", out);
    for (size_t i = 0; i < s->source_count; i++) {
        put_comment(out, "  ", s->sources[i]);
    }
    fputs("# It begins as the log begins, with as many nodes and replicas, and is asked as much over the same time.\n",
          out);
    fputs(
        "# Change the policy in manifests/ (a copy of this file with other manifests) to ask what it would have done.\n"
        "#\n# What the log does not say, and what stands here instead\n",
        out);
    for (size_t i = 0; i < s->note_count; i++) {
        put_comment(out, "  - ", s->notes[i]);
    }
    char start[32];
    const time_t unix_s = (time_t)(p->unix_ns / NS_PER_S);
    struct tm parts;
    (void)strftime(start, sizeof start, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&unix_s, &parts));
    fprintf(out, "apiVersion: spillway.dev/v1alpha1\nkind: Scenario\nmetadata: {name: %s}\nspec:\n  start: %s\n  ",
            s->name, start);
    put_duration(out, "duration", p->last_ns - p->first_ns);
    fputs("\n  ", out);
    put_duration(out, "tick", p->tick_ns);
    fputs("\n  manifests:\n", out);
    for (size_t i = 0; i < p->manifest_count; i++) {
        fprintf(out, "    - %s\n", s->manifest_files[i]);
    }
}

static bool region_before(const scene *s, size_t cluster, const char *region)
{
    for (size_t c = 0; c < cluster; c++) {
        if (scene_has_pools(s->p, c) && strcmp(scene_region(&s->p->clusters[c]), region) == 0) {
            return true;
        }
    }
    return false;
}

static void put_regions(const scene *s, FILE *out)
{
    const past *p = s->p;
    fputs("  regions:\n", out);
    for (size_t c = 0; c < p->cluster_count; c++) {
        const char *region = scene_region(&p->clusters[c]);
        if (!scene_has_pools(p, c) || region_before(s, c, region)) {
            continue;
        }
        fputs("    - {", out);
        put_pair(out, "name", region);
        if (p->clusters[c].jurisdiction[0] != '\0') {
            put_pair(out, ", jurisdiction", p->clusters[c].jurisdiction);
        }
        fputs("}\n", out);
    }
    for (size_t u = 0; u < s->user_count; u++) {
        bool known = region_before(s, p->cluster_count, s->users[u].region);
        for (size_t v = 0; v < u; v++) {
            known = known || strcmp(s->users[v].region, s->users[u].region) == 0;
        }
        if (!known) {
            fputs("    - {", out);
            put_pair(out, "name", s->users[u].region);
            fputs("}\n", out);
        }
    }
}

static const char *capacity_word(uint8_t capacity)
{
    return capacity == SPW_CAPACITY_OWNED      ? "owned"
           : capacity == SPW_CAPACITY_RESERVED ? "reserved"
           : capacity == SPW_CAPACITY_SPOT     ? "spot"
                                               : "on-demand";
}

static void put_pool(const scene *s, const past_pool *pool, FILE *out)
{
    const past_level *first = &pool->levels[0];
    fputs("        - {", out);
    put_pair(out, "name", pool->name);
    put_pair(out, ", gpu", pool->gpu);
    fprintf(out, ", gpusPerNode: %d, capacity: %s, nodes: ", pool->gpus_per_node, capacity_word(pool->capacity));
    if (pool->elastic) {
        const int32_t start = first->nodes < pool->nodes_min   ? pool->nodes_min
                              : first->nodes > pool->nodes_max ? pool->nodes_max
                                                               : first->nodes;
        fprintf(out, "{min: %d, max: %d, start: %d}", pool->nodes_min, pool->nodes_max, start);
    } else {
        fprintf(out, "%d", pool->nodes_most);
    }
    fprintf(out, ",\n           price: {usdPerGpuHour: %.6f}", (double)first->price_uusd / 1e6);
    if (scene_stocked(pool)) {
        fprintf(out, ", stockRecord: %s", scene_pool_file(s, pool, "stocks", -1));
        if (s->p->stock_ns > 0) {
            put_duration(out, ", stockSeen", s->p->stock_ns);
        }
    }
    for (size_t i = 0; i < pool->labels.count; i++) {
        fputs(i == 0 ? ",\n           labels: {" : ", ", out);
        put_text(out, pool->labels.at[i].key);
        fputs(": ", out);
        put_text(out, pool->labels.at[i].value);
    }
    fputs(pool->labels.count > 0 ? "}}\n" : "}\n", out);
}

static void put_cluster(const scene *s, size_t index, FILE *out)
{
    const past_cluster *c = &s->p->clusters[index];
    fputs("    - ", out);
    put_pair(out, "name", c->name);
    put_pair(out, "\n      region", scene_region(c));
    if (c->zone[0] != '\0') {
        put_pair(out, "\n      zone", c->zone);
    }
    put_pair(out, "\n      provider", scene_provider(c));
    for (size_t i = 0; i < c->labels.count; i++) {
        fputs(i == 0 ? "\n      labels:\n        " : "\n        ", out);
        put_text(out, c->labels.at[i].key);
        fputs(": ", out);
        put_text(out, c->labels.at[i].value);
    }
    fputs("\n      pools:\n", out);
    /* used in the order of the file: by rank, then as the log has them */
    for (int64_t rank = INT32_MIN; rank <= INT32_MAX;) {
        int64_t next = (int64_t)INT32_MAX + 1;
        for (size_t i = 0; i < s->p->pool_count; i++) {
            const past_pool *pool = &s->p->pools[i];
            if ((size_t)pool->cluster == index && pool->rank == rank) {
                put_pool(s, pool, out);
            } else if ((size_t)pool->cluster == index && pool->rank > rank && pool->rank < next) {
                next = pool->rank;
            }
        }
        rank = next;
    }
}

static spw_rc put_service(const scene *s, const hist_service *service, FILE *out)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    const bool printed = memory != NULL && ynode_print(service->entry, 3, memory);
    if (memory == NULL || fclose(memory) != 0 || !printed || size < 6) {
        free(text);
        return SPW_NOMEM;
    }
    fputs("    - ", out);
    if (service->workload == NULL) {
        put_pair(out, "workload", s->p->services[0].name);
        fputs("\n      ", out);
    }
    fputs(text + 6, out); /* the dash stands in the indentation of the first line */
    free(text);
    return SPW_OK;
}

static void put_faults(const scene *s, FILE *out)
{
    const past *p = s->p;
    bool any = false;
    for (size_t c = 0; c < p->cluster_count; c++) {
        if (p->clusters[c].away.count > 0 && scene_has_pools(p, c)) {
            fputs(any ? "" : "  faults:\n", out);
            any = true;
            fputs("    - {kind: cluster, ", out);
            put_pair(out, "cluster", p->clusters[c].name);
            fprintf(out, ", file: %s}\n", scene_file(s->z, "faults", p->clusters[c].name, ".csv"));
        }
    }
    for (size_t i = 0; i < p->service_count; i++) {
        if (scene_blind(p, i)) {
            fputs(any ? "" : "  faults:\n", out);
            any = true;
            fputs("    - {kind: metrics-missing, ", out);
            put_pair(out, "service", p->services[i].name);
            fprintf(out, ", file: %s}\n", scene_file(s->z, "faults", p->services[i].name, ".csv"));
        }
    }
    for (size_t i = 0; i < p->pool_count; i++) {
        const past_pool *pool = &p->pools[i];
        const int32_t missing = scene_missing(pool);
        for (int32_t k = 0; k < missing; k++) {
            fputs(any ? "" : "  faults:\n", out);
            any = true;
            fputs("    - {kind: node, ", out);
            put_pair(out, "cluster", p->clusters[pool->cluster].name);
            put_pair(out, ", pool", pool->name);
            fprintf(out, ", index: %d, file: %s}\n", pool->nodes_most - k - 1,
                    scene_pool_file(s, pool, "faults", pool->nodes_most - k - 1));
        }
    }
}

spw_rc scene_scenario(const scene *s, const char *folder, spw_diag *diag)
{
    const past *p = s->p;
    FILE *out = scene_open(s->z, folder, "scenario.yaml", diag);
    spw_rc rc = SPW_OK;
    if (out == NULL) {
        return s->z->failed ? SPW_NOMEM : SPW_BACKEND;
    }
    put_head(s, out);
    put_regions(s, out);
    fputs("  clusters:\n", out);
    for (size_t c = 0; c < p->cluster_count; c++) {
        if (scene_has_pools(p, c)) {
            put_cluster(s, c, out);
        }
    }
    fputs("  services:\n", out);
    for (size_t i = 0; i < p->service_count && rc == SPW_OK; i++) {
        if (past_served(p, i)) {
            rc = put_service(s, hist_service_of(s->services, p->services[i].name, p->service_count == 1), out);
        }
    }
    fprintf(out, "  network: {rtt: %s, egress: %s}\n  metrics: {", s->delays ? "default" : "none",
            s->bytes_cost ? "default" : "none");
    put_duration(out, "scrape", p->scrape_ns > NS_PER_S ? p->scrape_ns : NS_PER_S);
    put_duration(out, ", delay", p->age_ns > 0 ? p->age_ns : 0);
    fprintf(out, ", dropout: %.4g}\n", past_lost_share(p));
    put_faults(s, out);
    const spw_rc closed = scene_close(out, "scenario.yaml", diag);
    return rc == SPW_OK ? closed : rc;
}
