/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.c - names of figures, written short or in full, and conditions on them; see check.h. */
#include "sim/experiment/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const latencies[] = {"ttft", "tpot", "e2e", "queue", "network"};

static bool ends_with(const char *text, size_t length, const char *tail)
{
    const size_t n = strlen(tail);
    return length >= n && strncmp(text + length - n, tail, n) == 0;
}

metric_unit metric_unit_of(const char *name)
{
    for (const char *word = name; *word != '\0';) {
        const size_t n = strcspn(word, ".");
        if (ends_with(word, n, "_usd") || strncmp(word, "usd_per_", 8) == 0 || strncmp(word, "by_kind", n) == 0 ||
            strncmp(word, "by_pool", n) == 0) {
            return METRIC_USD;
        }
        if (ends_with(word, n, "_s") && n > 2) {
            return METRIC_SECONDS;
        }
        if (ends_with(word, n, "attainment") || ends_with(word, n, "utilisation")) {
            return METRIC_SHARE;
        }
        word += n + (word[n] == '.' ? 1 : 0);
    }
    return METRIC_PLAIN;
}

/* Writes short words out: ttft -> latency.ttft_s, behind latency. -> ttft_s. */
static void write_out(const char *text, char out[CHECK_NAME_SIZE])
{
    size_t used = 0;
    const char *before = "";
    size_t before_size = 0;
    if (strcmp(text, "cost") == 0) {
        text = "cost.total_usd";
    }
    out[0] = '\0';
    for (const char *word = text; *word != '\0' && used < CHECK_NAME_SIZE;) {
        const size_t n = strcspn(word, ".");
        bool latency = false;
        for (size_t i = 0; i < sizeof latencies / sizeof latencies[0] && word[n] == '.'; i++) {
            latency = latency || (strlen(latencies[i]) == n && strncmp(word, latencies[i], n) == 0);
        }
        const bool named = before_size == 7 && strncmp(before, "latency", 7) == 0;
        const int m = snprintf(out + used, CHECK_NAME_SIZE - used, "%s%s%.*s%s", used > 0 ? "." : "",
                               latency && !named ? "latency." : "", (int)n, word, latency ? "_s" : "");
        used += m > 0 ? (size_t)m : 0;
        before = word;
        before_size = n;
        word += n + (word[n] == '.' ? 1 : 0);
    }
}

/* Between a wanted and a known name, summed over the dot-separated words: letters behind what two words begin with. */
static size_t words_apart(const char *a, const char *b)
{
    size_t apart = 0;
    while (*a != '\0' || *b != '\0') {
        const size_t n = strcspn(a, "."), m = strcspn(b, ".");
        size_t same = 0;
        while (same < n && same < m && a[same] == b[same]) {
            same++;
        }
        apart += (n > m ? n : m) - same;
        a += n + (a[n] == '.' ? 1 : 0);
        b += m + (b[m] == '.' ? 1 : 0);
    }
    return apart;
}

int metric_resolve(const report_values *known, const char *text, char out[CHECK_NAME_SIZE])
{
    char full[CHECK_NAME_SIZE];
    double ignored;
    write_out(text, full);
    const char *found = known == NULL || report_value(known, full, &ignored) == 0 ? full
                        : report_value(known, text, &ignored) == 0                ? text
                                                                                  : NULL;
    if (found != NULL) {
        snprintf(out, CHECK_NAME_SIZE, "%s", found);
        return 0;
    }
    const char *best = "";
    for (size_t i = 0; i < report_values_count(known); i++) {
        const char *name = report_values_name(known, i);
        if (best[0] == '\0' || words_apart(full, name) < words_apart(full, best)) {
            best = name;
        }
    }
    snprintf(out, CHECK_NAME_SIZE, "%s", best);
    return -1;
}

/* Length of X where "latency.X_s." stands, X being one of the latencies; else 0. */
static size_t latency_at(const char *text)
{
    for (size_t i = 0; i < sizeof latencies / sizeof latencies[0]; i++) {
        const size_t n = strlen(latencies[i]);
        if (strncmp(text, "latency.", 8) == 0 && strncmp(text + 8, latencies[i], n) == 0 &&
            strncmp(text + 8 + n, "_s.", 3) == 0) {
            return n;
        }
    }
    return 0;
}

char *metric_short(const char *name, char out[CHECK_NAME_SIZE])
{
    size_t used = 0;
    bool word = true;
    const char *at = strcmp(name, "cost.total_usd") == 0 ? "cost" : name;
    while (*at != '\0' && used + 1 < CHECK_NAME_SIZE) {
        const size_t n = word ? latency_at(at) : 0;
        if (n > 0 && used + n < CHECK_NAME_SIZE) {
            memcpy(out + used, at + 8, n);
            used += n;
            at += 8 + n + 2;
        }
        word = *at == '.';
        out[used++] = *at++;
    }
    out[used < CHECK_NAME_SIZE ? used : CHECK_NAME_SIZE - 1] = '\0';
    return out;
}

report_values *metric_names(const sc_scenario *sc)
{
    res_run *empty = res_new(sc, 1, sc->duration_ns);
    report_values *values = empty != NULL ? report_values_of(sc, empty) : NULL;
    res_free(empty);
    return values;
}

typedef struct unit {
    const char *name;
    metric_unit of;
    double factor;
} unit;

static const unit units[] = {{"ns", METRIC_SECONDS, 1e-9}, {"us", METRIC_SECONDS, 1e-6}, {"ms", METRIC_SECONDS, 1e-3},
                             {"s", METRIC_SECONDS, 1},     {"min", METRIC_SECONDS, 60},  {"m", METRIC_SECONDS, 60},
                             {"h", METRIC_SECONDS, 3600},  {"d", METRIC_SECONDS, 86400}, {"%", METRIC_SHARE, 0.01},
                             {"USD", METRIC_USD, 1}};

static const char *unit_words(metric_unit of)
{
    return of == METRIC_SECONDS ? "a time: ns us ms s min h d"
           : of == METRIC_USD   ? "money: USD or nothing"
           : of == METRIC_SHARE ? "a share: % or nothing"
                                : "a plain number: no unit";
}

typedef struct parser {
    const char *text, *where;
    size_t offset;
    char *err;
    size_t err_size;
} parser;

static int complain(const parser *p, const char *at, const char *what, const char *detail)
{
    snprintf(p->err, p->err_size, "%s:%zu: error: %s%s in '%s'", p->where, p->offset + (size_t)(at - p->text) + 1, what,
             detail, p->text);
    return -1;
}

static int parse_limit(const parser *p, const char *at, check *out)
{
    at += strspn(at, " \t");
    char *end;
    const double value = strtod(at, &end);
    if (end == at || !isfinite(value)) {
        return complain(p, at, "a number is missing", "");
    }
    const char *name = end + strspn(end, " \t");
    const size_t size = strcspn(name, " \t");
    if (name[size + strspn(name + size, " \t")] != '\0') {
        return complain(p, name + size, "something follows the condition", "");
    }
    const metric_unit want = metric_unit_of(out->metric);
    out->limit = value;
    if (size == 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].name) == size && strncmp(name, units[i].name, size) == 0 && units[i].of == want) {
            out->limit = value * units[i].factor;
            return 0;
        }
    }
    char detail[CHECK_NAME_SIZE + 64];
    snprintf(detail, sizeof detail, "%s is %s", out->metric, unit_words(want));
    return complain(p, name, "the unit does not fit: ", detail);
}

int check_parse(const char *text, const char *where, size_t offset, const report_values *known, check *out, char *err,
                size_t err_size)
{
    const parser p = {text, where, offset, err, err_size};
    const char *start = text + strspn(text, " \t");
    const size_t size = strcspn(start, "<> \t=");
    const char *op = start + size + strspn(start + size, " \t");
    char name[CHECK_NAME_SIZE];
    *out = (check){.text = text};
    if (size == 0) {
        return complain(&p, start, "a metric is missing", "");
    }
    if (size >= sizeof name) {
        return complain(&p, start, "the metric's name is too long", "");
    }
    memcpy(name, start, size);
    name[size] = '\0';
    if (*op != '<' && *op != '>') {
        return complain(&p, op, "one of <= >= < > is missing", "");
    }
    if (metric_resolve(known, name, out->metric) != 0) {
        char detail[2 * CHECK_NAME_SIZE + 32];
        snprintf(detail, sizeof detail, "'%s' (did you mean '%s'?)", name, out->metric);
        return complain(&p, start, "there is no metric ", detail);
    }
    out->at_most = *op == '<';
    out->strict = op[1] != '=';
    return parse_limit(&p, op + (out->strict ? 1 : 2), out);
}

double check_margin(const check *c, double value)
{
    return isnan(value) ? -(double)INFINITY : c->at_most ? c->limit - value : value - c->limit;
}

bool check_holds(const check *c, double value)
{
    const double margin = check_margin(c, value);
    return c->strict ? margin > 0 : margin >= 0;
}
