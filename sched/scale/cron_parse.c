/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cron_parse.c - five-field cron schedules from text, with the rules of the library that Karmada uses: a step makes '*'
 * a restriction (only a bare '*' or '?', also with step 1, leaves a day open), and N/step runs to the field's end.
 */
#include "scale/cron.h"

typedef struct field {
    int32_t low, high;
    int32_t end;       /**< of '*' and of N/step: Sunday is not counted twice */
    const char *names; /**< three letters each, from `low` on; NULL = none */
} field;

enum { FIELD_COUNT = 5, MINUTE = 0, HOUR = 1, DAY = 2, MONTH = 3, WEEKDAY = 4 };

static const field FIELDS[FIELD_COUNT] = {
    {0, 59, 59, NULL},
    {0, 23, 23, NULL},
    {1, 31, 31, NULL},
    {1, 12, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
    {0, 7, 6, "SUNMONTUEWEDTHUFRISAT"},
};

static const struct nickname {
    const char *name, *schedule;
} NICKNAMES[] = {{"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
                 {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
                 {"@hourly", "0 * * * *"}};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/** A number of one to four digits, or a name of the field. */
static const char *read_value(const char **at, const field *f, int32_t *value)
{
    const char *p = *at;
    int32_t n = 0;
    if (*p >= '0' && *p <= '9') {
        int digits = 0;
        for (; *p >= '0' && *p <= '9'; p++) {
            if (++digits > 4) {
                return "a number in the schedule is out of range";
            }
            n = n * 10 + (*p - '0');
        }
        if (n < f->low || n > f->high) {
            return "a number in the schedule is out of range";
        }
        *value = n;
        *at = p;
        return NULL;
    }
    for (int32_t i = 0; f->names != NULL && f->names[3 * i] != '\0'; i++) {
        const char *name = f->names + 3 * i;
        if (upper(p[0]) == name[0] && upper(p[1]) == name[1] && upper(p[2]) == name[2]) {
            *value = f->low + i;
            *at = p + 3;
            return NULL;
        }
    }
    return "a field of the schedule holds something that is neither a number nor a name it knows";
}

/** One element of a list. *bare becomes true for a bare '*' or '?'. */
static const char *read_range(const char **at, const field *f, uint64_t *set, bool *bare)
{
    const char *p = *at;
    int32_t low = f->low;
    int32_t high = f->end;
    int32_t step = 1;
    bool star = *p == '*' || *p == '?';
    bool single = false;
    if (star) {
        p++;
    } else {
        const char *wrong = read_value(&p, f, &low);
        high = low;
        single = true;
        if (wrong == NULL && *p == '-') {
            p++;
            single = false;
            wrong = read_value(&p, f, &high);
        }
        if (wrong != NULL) {
            return wrong;
        }
        if (high < low) {
            return "a range of the schedule ends before it begins";
        }
    }
    if (*p == '/') {
        static const field STEPS = {1, 9999, 9999, NULL};
        p++;
        if (read_value(&p, &STEPS, &step) != NULL) {
            return "a step of the schedule must be a number of 1 or more";
        }
        high = single ? (low > f->end ? low : f->end) : high;
    }
    for (int32_t v = low; v <= high; v += step) {
        *set |= UINT64_C(1) << v;
    }
    *bare = *bare || (star && step == 1);
    *at = p;
    return NULL;
}

static const char *read_field(const char **at, const field *f, uint64_t *set, bool *bare)
{
    *set = 0;
    *bare = false;
    for (;;) {
        const char *wrong = read_range(at, f, set, bare);
        if (wrong != NULL) {
            return wrong;
        }
        if (**at != ',') {
            break;
        }
        (*at)++;
    }
    return is_blank(**at) || **at == '\0' ? NULL : "a field of the schedule goes on after its end";
}

static const char *unfold(const char *text)
{
    for (size_t i = 0; i < sizeof NICKNAMES / sizeof NICKNAMES[0]; i++) {
        if (strcmp(NICKNAMES[i].name, text) == 0) {
            return NICKNAMES[i].schedule;
        }
    }
    return text;
}

const char *spw_schedule_parse(const char *text, spw_schedule *out)
{
    const char *at = unfold(text);
    uint64_t sets[FIELD_COUNT];
    bool bare[FIELD_COUNT];
    for (int f = 0; f < FIELD_COUNT; f++) {
        while (is_blank(*at)) {
            at++;
        }
        if (*at == '\0') {
            return "a schedule has five fields: minute hour day month weekday";
        }
        const char *wrong = read_field(&at, &FIELDS[f], &sets[f], &bare[f]);
        if (wrong != NULL) {
            return wrong;
        }
    }
    while (is_blank(*at)) {
        at++;
    }
    if (*at != '\0') {
        return "a schedule has five fields: minute hour day month weekday";
    }
    spw_schedule s = {.minutes = sets[MINUTE],
                      .hours = (uint32_t)sets[HOUR],
                      .days = (uint32_t)sets[DAY],
                      .months = (uint32_t)sets[MONTH],
                      .weekdays = (uint32_t)((sets[WEEKDAY] | sets[WEEKDAY] >> 7) & 0x7f),
                      .any_day = bare[DAY],
                      .any_weekday = bare[WEEKDAY]};
    if (cron_next(&s, 0, 0) == SPW_TIME_MAX) {
        return "the schedule never comes: no such day in these months";
    }
    *out = s;
    return NULL;
}
