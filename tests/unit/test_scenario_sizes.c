/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_scenario_sizes.c - as many regions, services and tenants as a request can tell apart, and one more. Runs from
 * the top of the repository.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/scenario/scenario.h"
#include "tests/support/folder.h"

#define MANIFEST "tests/golden/broken/parts/chat.yaml"

typedef struct sizes {
    int32_t regions, services, tenants;
} sizes;

/* A scenario with so many of each. */
static void put(const char *path, sizes n)
{
    char top[1024];
    FILE *f = fopen(path, "w");

    assert_true(getcwd(top, sizeof top) != NULL && f != NULL);
    fprintf(f,
            "apiVersion: spillway.dev/v1alpha1\nkind: Scenario\nmetadata: {name: many}\nspec:\n  duration: 10m\n"
            "  network: {rtt: none, egress: none}\n  manifests: [%s/" MANIFEST
            "]\n  clusters:\n  - name: lab\n    region: r00000\n"
            "    provider: on-premises\n    pools:\n"
            "    - {name: a, gpu: RTX-4090, gpusPerNode: 4, capacity: owned, nodes: 1}\n  regions:\n",
            top);
    for (int32_t i = 0; i < n.regions; i++) {
        fprintf(f, "  - {name: r%05d}\n", i);
    }
    fputs("  services:\n", f);
    for (int32_t i = 0; i < n.services; i++) {
        /* a million nodes of YAML are the most: many services have the least that can be read */
        fprintf(f, "  - {workload: prod/chat, %straffic: [\n",
                n.services > 1 ? "model: M, " : "engine: {kind: station, service: {fixed: {mean: 1s}}}, ");
        for (int32_t k = 0; k < n.tenants; k++) {
            /* 40503 is odd: all numbers below 2^16, but not by size */
            fprintf(f, "    {kind: poisson, from: r00000, rate: 1/h, tenant: t%05u},\n", (uint32_t)k * 40503u % 65536u);
        }
        fprintf(f, "    {from: r00000, %s}]}\n", n.services > 1 ? "kind: trace, file: t" : "kind: poisson, rate: 1/h");
    }
    assert_int_equal(fclose(f), 0);
}

/* What is said of such a scenario, without the name of its file. */
static sc_scenario *say(sizes n, char *text, size_t size)
{
    char dir[64], path[128];
    sc_messages messages;

    folder_make(dir, sizeof dir);
    snprintf(path, sizeof path, "%s/s.yaml", dir);
    put(path, n);
    sc_scenario *sc = sc_load(path, NULL, &messages);
    snprintf(text, size, "%s", messages.errors > 0 ? messages.text + strlen(path) : "");
    sc_messages_fini(&messages);
    folder_remove(dir);
    return sc;
}

static void as_many_as_fit(void **state)
{
    char text[512];

    (void)state;
    sc_scenario *sc = say((sizes){1, 1, SC_NAMES_MAX}, text, sizeof text);
    assert_string_equal(text, "");
    assert_non_null(sc);
    assert_int_equal(sc->tenant_count, SC_NAMES_MAX);
    for (uint32_t i = 0; i < SC_NAMES_MAX; i++) { /* in order of appearance */
        assert_int_equal(strtol(sc->tenants[i] + 1, NULL, 10), i * 40503u % 65536u);
        assert_int_equal(sc->services[0].traffic[i].tenant, (int32_t)i);
    }
    assert_int_equal(sc->services[0].traffic[SC_NAMES_MAX].tenant, -1);
    sc_free(sc);
}

/* The file's first region stands on line 15. */
static void one_more(void **state)
{
    static const struct {
        sizes n;
        const char *says;
    } cases[] = {
        {{SC_NAMES_MAX + 1, 1, 1}, ":65550:5: error: a scenario has at most 65535 regions, this one has 65536\n"},
        {{1, SC_NAMES_MAX + 1, 0}, ":131087:5: error: a scenario has at most 65535 services, this one has 65536\n"},
        {{1, 1, SC_NAMES_MAX + 1}, ":65553:54: error: a scenario has at most 65535 tenants, 't25033' is one more\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];

        assert_null(say(cases[i].n, text, sizeof text));
        assert_string_equal(text, cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_many_as_fit), cmocka_unit_test(one_more)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
