/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decisions.c - see decisions.h. A log is long and a burst short: only lines of its time are read as JSON. */
#include "sim/report/decisions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <spillway/json.h>
#include <spillway/plan.h>

enum { REASONS = 256 }; /* values of spw_reason are below it */

/** "now_ns" of a tick's line, without reading it whole. @return false: not a tick, or one without actions */
static bool time_of(const char *line, double *at_s)
{
    const char *now = strstr(line, "\"now_ns\":"), *plan = strstr(line, "\"plan\":[");
    if (strncmp(line, "{\"tick\":", 8) != 0 || now == NULL || plan == NULL || plan[8] == ']') {
        return false;
    }
    *at_s = strtod(now + 9, NULL) / 1e9;
    return true;
}

static bool within(const rep_window *windows, int32_t count, double at_s)
{
    for (int32_t i = 0; i < count; i++) {
        if (at_s >= windows[i].from_s && at_s <= windows[i].to_s) {
            return true;
        }
    }
    return false;
}

static const char *sentence_of(const char *reason)
{
    for (int r = 0; r < REASONS; r++) {
        if (strcmp(spw_reason_name((spw_reason)r), reason) == 0) {
            return spw_reason_text((spw_reason)r);
        }
    }
    return "";
}

/** Takes "VERB TARGET BEFORE -> AMOUNT  REASON ..." apart; text is written to. @return false: it is not of that form */
static bool take_apart(char *text, rep_decision *one)
{
    char *gap = strstr(text, "  "), *arrow = strstr(text, " -> "), *target = strchr(text, ' ');
    if (gap == NULL || arrow == NULL || arrow > gap || target == NULL || target >= arrow) {
        return false;
    }
    *gap = *arrow = '\0';
    char *before = strrchr(text, ' ');
    if (before == target) {
        return false;
    }
    *before = *target = '\0';
    char *reason = gap + 2;
    reason[strcspn(reason, " ")] = '\0';
    one->verb = text;
    one->target = target + 1;
    one->before = strtoll(before + 1, NULL, 10);
    one->amount = strtoll(arrow + 4, NULL, 10);
    one->reason = reason;
    one->why = sentence_of(reason);
    return true;
}

static int add(rep_decisions *d, double at_s, const char *text)
{
    if ((d->count & (d->count + 1)) == 0) { /* room for one less than a power of two */
        rep_decision *grown = realloc(d->at, (2 * d->count + 1) * sizeof *grown);
        if (grown == NULL) {
            return -1;
        }
        d->at = grown;
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        return -1;
    }
    rep_decision one = {.at_s = at_s};
    if (take_apart(copy, &one)) {
        d->at[d->count++] = one;
    } else {
        free(copy);
    }
    return 0;
}

static int take_line(rep_decisions *d, const char *line, size_t size, double at_s, spw_diag *diag)
{
    const spw_json_line *parsed = NULL;
    int rc = 0;
    if (spw_json_line_read(line, size, "decisions.jsonl", 0, diag, &parsed) != SPW_OK) {
        return 0; /* a damaged line is for `replay` to complain about */
    }
    for (size_t i = 0; parsed->tick != NULL && rc == 0 && i < parsed->tick->plan_count; i++) {
        if (strncmp(parsed->tick->plan[i], "route ", 6) != 0) {
            rc = add(d, at_s, parsed->tick->plan[i]);
        }
    }
    spw_json_line_free(parsed);
    return rc;
}

int rep_decisions_read(rep_decisions *d, const char *dir, const rep_window *windows, int32_t count)
{
    char path[1200];
    spw_diag *diag = NULL;
    char *line = NULL;
    size_t room = 0;
    int rc = 0;
    *d = (rep_decisions){NULL, 0};
    snprintf(path, sizeof path, "%.1100s/decisions.jsonl", dir);
    FILE *in = count > 0 ? fopen(path, "r") : NULL;
    if (in == NULL) {
        return 0;
    }
    if (spw_diag_new(NULL, 1, &diag) != SPW_OK) {
        fclose(in);
        return -1;
    }
    for (ssize_t size = getline(&line, &room, in); size > 0 && rc == 0; size = getline(&line, &room, in)) {
        double at_s = 0;
        if (time_of(line, &at_s) && within(windows, count, at_s)) {
            rc = take_line(d, line, (size_t)size, at_s, diag);
        }
    }
    free(line);
    spw_diag_free(diag);
    fclose(in);
    if (rc != 0) {
        rep_decisions_fini(d);
    }
    return rc;
}

bool rep_decision_concerns(const rep_decision *one, const char *workload, rep_window window)
{
    const size_t length = strlen(workload);
    const bool nodes = strcmp(one->verb, "provision") == 0 || strcmp(one->verb, "release") == 0;
    const bool named =
        strncmp(one->target, workload, length) == 0 && (one->target[length] == ' ' || one->target[length] == '\0');
    return within(&window, 1, one->at_s) && (nodes || named);
}

void rep_decisions_fini(rep_decisions *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->at[i].verb);
    }
    free(d->at);
    *d = (rep_decisions){NULL, 0};
}
