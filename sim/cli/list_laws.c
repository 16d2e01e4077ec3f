/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list_laws.c - the laws of sim/laws, by family. */
#include "sim/cli/list_laws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/manifest/suggest.h"
#include "sim/laws/laws.h"
#include "sim/report/law_plots.h"

#define SYMBOLS    "U is uniform in (0, 1), Z standard normal, Phi the distribution function of Z"
#define NAME_WIDTH 26

/* Lines of a text, each indented. */
static void put_lines(const char *text)
{
    for (const char *line = text; line != NULL;) {
        const char *end = strchr(line, '\n');
        printf("  %*s%.*s\n", NAME_WIDTH, "", end != NULL ? (int)(end - line) : (int)strlen(line), line);
        line = end != NULL ? end + 1 : NULL;
    }
}

static void put(const law *l, int brief)
{
    printf("  %-*s%s\n", NAME_WIDTH, l->name, l->formula);
    if (!brief) {
        put_lines(l->parameters);
        printf("  %*ssource: %s\n", NAME_WIDTH, "", l->source);
    }
}

static cli_status unknown(const char *name)
{
    suggest near;
    suggest_init(&near, name);
    for (size_t f = 0; law_families[f] != NULL; f++) {
        for (size_t i = 0; i < law_families[f]->count; i++) {
            suggest_offer(&near, law_families[f]->laws[i].name);
        }
    }
    fprintf(stderr, "spillway list: no law '%s'", name);
    if (near.best != NULL) {
        fprintf(stderr, " (did you mean '%s'?)", near.best);
    }
    fputs("; spillway list laws names them\n", stderr);
    return CLI_BAD;
}

static cli_status draw(const law *one, const char *dir)
{
    size_t count = 0;
    for (size_t f = 0; law_families[f] != NULL; f++) {
        count += law_families[f]->count;
    }
    const law **laws = calloc(count, sizeof *laws);
    char err[512] = "out of memory";
    count = 0;
    for (size_t f = 0; laws != NULL && law_families[f] != NULL; f++) {
        for (size_t i = 0; i < law_families[f]->count; i++) {
            if (one == NULL || one == &law_families[f]->laws[i]) {
                laws[count++] = &law_families[f]->laws[i];
            }
        }
    }
    const bool drawn = laws != NULL && law_plots(laws, count, dir, err, sizeof err) == 0;
    free(laws);
    if (!drawn) {
        fprintf(stderr, "spillway list: %s\n", err);
    }
    return drawn ? CLI_DONE : CLI_IO;
}

cli_status list_laws(const char *name, int brief, const char *plot)
{
    const law *one = name != NULL ? law_find(name) : NULL;
    if (name != NULL && one == NULL) {
        return unknown(name);
    }
    if (plot != NULL) {
        return draw(one, plot);
    }
    if (one != NULL) {
        put(one, brief);
        return CLI_DONE;
    }
    puts(brief ? SYMBOLS : SYMBOLS "\n");
    for (size_t f = 0; law_families[f] != NULL; f++) {
        printf("%s%s: %s\n", f > 0 && !brief ? "\n" : "", law_families[f]->name, law_families[f]->what);
        for (size_t i = 0; i < law_families[f]->count; i++) {
            put(&law_families[f]->laws[i], brief);
        }
    }
    return CLI_DONE;
}
