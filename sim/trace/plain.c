/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plain.c - our own CSV of requests, and any other one by a map of its columns. */
#include <stdio.h>
#include <string.h>

#include "sim/trace/build.h"

static bool is_plain(const trace_head *head)
{
    return head_has(head, "at_s");
}

static bool read_plain(trace_build *b, const char *path, const csv_bytes *text, csv_message *message)
{
    static const csv_layout layout = {.time = "at_s",
                                      .input = "input_tokens",
                                      .output = "output_tokens",
                                      .session = "session",
                                      .prefix = "prefix_tokens",
                                      .priority = "priority",
                                      .unit = UNIT_S};
    return csv_requests(b, path, text, &layout, message);
}

const trace_reader trace_plain = {
    .name = "plain",
    .help = "CSV: at_s,input_tokens,output_tokens[,session][,prefix_tokens][,priority], at_s in decimal seconds",
    .is = is_plain,
    .read = read_plain};

#define MAP_MAX 1024

/* "NAME:UNIT" -> NAME in place. False: there is no such unit. */
static bool take_unit(char *name, trace_unit *unit)
{
    static const char *const units[] = {
        [UNIT_CLOCK] = "clock", [UNIT_S] = "s", [UNIT_MS] = "ms", [UNIT_US] = "us", [UNIT_NS] = "ns"};
    char *colon = strrchr(name, ':');
    if (colon == NULL) {
        return true;
    }
    for (size_t u = UNIT_CLOCK; u <= UNIT_NS; u++) {
        if (strcmp(colon + 1, units[u]) == 0) {
            *colon = '\0';
            *unit = (trace_unit)u;
            return true;
        }
    }
    return false;
}

/* Takes text apart in place. @return NULL, or what is wrong */
static const char *parse_map(char *text, csv_layout *layout)
{
    const struct {
        const char *key;
        const char **to;
    } fields[] = {{"time", &layout->time},       {"input", &layout->input},   {"output", &layout->output},
                  {"session", &layout->session}, {"prefix", &layout->prefix}, {"priority", &layout->priority}};
    for (char *at = text; *at != '\0';) {
        char *end = at + strcspn(at, ",");
        char *next = *end == ',' ? end + 1 : end;
        *end = '\0';
        char *equal = strchr(at, '=');
        if (equal == NULL || equal[1] == '\0') {
            return "each part is KEY=COLUMN";
        }
        *equal = '\0';
        const char **to = NULL;
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
            to = strcmp(at, fields[i].key) == 0 ? fields[i].to : to;
        }
        if (to == NULL) {
            return "the keys are time, input, output, session, prefix and priority";
        }
        if (to == &layout->time && !take_unit(equal + 1, &layout->unit)) {
            return "the units of time are clock, s, ms, us and ns";
        }
        *to = equal + 1;
        at = next;
    }
    return layout->time == NULL ? "time=COLUMN is required" : NULL;
}

static bool read_mapped(trace_build *b, const char *path, const csv_bytes *text, csv_message *message)
{
    char map[MAP_MAX];
    csv_layout layout = {.all = true};
    const char *columns = b->options->columns;
    if (columns == NULL || (size_t)snprintf(map, sizeof map, "%s", columns) >= sizeof map) {
        return csv_fail_at(path, 0, 0, message,
                           "the form 'columns' wants a map of the columns (--columns), of 1023 "
                           "bytes at most");
    }
    const char *problem = parse_map(map, &layout);
    if (problem != NULL) {
        return csv_fail_at(path, 0, 0, message, "columns '%s': %s", columns, problem);
    }
    return csv_requests(b, path, text, &layout, message);
}

const trace_reader trace_mapped = {
    .name = "columns", .help = "CSV: any other, by --columns time=NAME[:UNIT],input=NAME,...", .read = read_mapped};
