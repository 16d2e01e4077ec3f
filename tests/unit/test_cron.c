/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_cron.c - schedules against a walk over every minute with the C library's calendar, and the rules of a
 * CronFederatedHPA by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "scale/cron.h"
#include "tests/support/choice.h"

#define S   SPW_NS_PER_S
#define MIN (60 * S)

static spw_schedule parsed(const char *text)
{
    spw_schedule s;
    const char *wrong = spw_schedule_parse(text, &s);
    if (wrong != NULL) {
        fail_msg("'%s': %s", text, wrong);
    }
    return s;
}

/* Does the schedule, as drawn, fire in this minute? A restatement over struct tm and plain arrays. */
typedef struct plain {
    bool minute[60], hour[24], day[32], month[13], weekday[7];
    bool day_open, weekday_open;
} plain;

static bool plain_fires(const plain *p, int64_t unix_s, int32_t offset_s)
{
    time_t t = (time_t)(unix_s + offset_s);
    struct tm tm;
    gmtime_r(&t, &tm);
    bool day = p->day[tm.tm_mday];
    bool weekday = p->weekday[tm.tm_wday];
    bool date = p->day_open ? weekday : p->weekday_open ? day : day || weekday;
    return p->minute[tm.tm_min] && p->hour[tm.tm_hour] && p->month[tm.tm_mon + 1] && date;
}

static const char *const MONTHS[] = {"jan", "FEB", "Mar", "apr", "may", "jun",
                                     "jul", "aug", "sep", "oct", "nov", "DEC"};
static const char *const DAYS[] = {"sun", "MON", "Tue", "wed", "thu", "fri", "SAT"};

/* One field as text and as a set of flags. @return whether it is open. */
static bool draw_field(choice *c, char *text, size_t size, bool *flags, int low, int high, const char *const *names)
{
    size_t used = 0;
    int parts = (int)choice_range(c, 1, 3);
    if (choice_chance(c, 1, 2)) {
        snprintf(text, size, "%s", choice_chance(c, 1, 5) ? "?" : "*");
        for (int v = low; v <= high; v++) {
            flags[v] = true;
        }
        return true;
    }
    for (int k = 0; k < parts; k++) {
        int a = (int)choice_range(c, low, high);
        int b = (int)choice_range(c, a, high);
        int step = (int)choice_range(c, 1, 7);
        int form = (int)choice_below(c, 5);
        char word[32];
        if (form == 0) {
            if (names != NULL && choice_chance(c, 1, 2)) {
                snprintf(word, sizeof word, "%s", names[a - low]);
            } else {
                snprintf(word, sizeof word, "%d", a);
            }
            b = a;
            step = 1;
        } else if (form == 1) {
            snprintf(word, sizeof word, "%d-%d", a, b);
            step = 1;
        } else if (form == 2) {
            snprintf(word, sizeof word, "%d-%d/%d", a, b, step);
        } else if (form == 3) {
            snprintf(word, sizeof word, "%d/%d", a, step);
            b = high;
        } else {
            step += 1;
            snprintf(word, sizeof word, "*/%d", step);
            a = low;
            b = high;
        }
        for (int v = a; v <= b; v += step) {
            flags[v] = true;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", k > 0 ? "," : "", word);
    }
    return false;
}

static void draw_schedule(choice *c, plain *p, char *text, size_t size)
{
    char field[5][128];
    memset(p, 0, sizeof *p);
    (void)draw_field(c, field[0], sizeof field[0], p->minute, 0, 59, NULL);
    (void)draw_field(c, field[1], sizeof field[1], p->hour, 0, 23, NULL);
    p->day_open = draw_field(c, field[2], sizeof field[2], p->day, 1, 31, NULL);
    (void)draw_field(c, field[3], sizeof field[3], p->month, 1, 12, MONTHS);
    p->weekday_open = draw_field(c, field[4], sizeof field[4], p->weekday, 0, 6, DAYS);
    snprintf(text, size, " %s %s\t%s %s  %s ", field[0], field[1], field[2], field[3], field[4]);
}

static void test_against_minutes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        choice c;
        plain p;
        char text[800];
        choice_seed(&c, seed);
        draw_schedule(&c, &p, text, sizeof text);
        spw_schedule s;
        int32_t offset = (int32_t)choice_range(&c, -14 * 4, 14 * 4) * 900;
        int64_t from = choice_range(&c, -200000000, 4000000000); /* 1963 .. 2096, any second */
        const char *wrong = spw_schedule_parse(text, &s);
        if (wrong != NULL) {
            assert_non_null(strstr(wrong, "never")); /* such as 31 April */
            continue;
        }
        int64_t minute = from - ((from % 60) + 60) % 60;
        int64_t fires = 0;
        spw_time expected_next = SPW_TIME_MAX;
        spw_time last = SCALER_NEVER;
        for (int64_t k = 1; k <= 60 * 24 * 40; k++) { /* forty days of minutes */
            if (plain_fires(&p, minute + 60 * k, offset)) {
                last = (minute + 60 * k) * S;
                expected_next = fires++ == 0 ? last : expected_next;
            }
        }
        spw_time end = (minute + 60 * 60 * 24 * 40) * S;
        spw_time next = cron_next(&s, offset, from * S + 1);
        if ((fires > 0 && next != expected_next) || (fires == 0 && next <= end) ||
            cron_last(&s, offset, from * S + 1, end) != last) {
            fail_msg("seed %llu '%s' offset %d after %lld", (unsigned long long)seed, text, offset, (long long)from);
        }
    }
}

/* Every fire of some schedules over eleven years, none missed and none invented. */
static void test_years(void **state)
{
    static const char *const texts[] = {"30 8 * * 1-5", "0 0 29 2 *", "15,45 */6 13 * FRI", "59 23 31 DEC ?"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        spw_schedule s = parsed(texts[i]);
        int64_t begin = 946684800; /* 2000-01-01 */
        int64_t end = begin + 11 * 365 * 86400LL;
        plain p;
        memset(&p, 0, sizeof p);
        for (int v = 0; v < 60; v++) {
            p.minute[v] = (s.minutes >> v & 1) != 0;
            p.hour[v % 24] = (s.hours >> (v % 24) & 1) != 0;
            p.day[v % 32] = (s.days >> (v % 32) & 1) != 0;
            p.month[v % 13] = (s.months >> (v % 13) & 1) != 0;
            p.weekday[v % 7] = (s.weekdays >> (v % 7) & 1) != 0;
        }
        p.day_open = i == 0 || i > 3;
        p.weekday_open = i == 1 || i == 3;
        spw_time next = cron_next(&s, 28800, begin * S);
        for (int64_t t = begin + 60; t <= end; t += 60) {
            if (plain_fires(&p, t, 28800)) {
                assert_int_equal(next, t * S);
                next = cron_next(&s, 28800, next);
            }
        }
        assert_true(next > end * S);
    }
}

static void test_by_hand(void **state)
{
    (void)state;
    spw_schedule s = parsed("0 8 * * *");
    /* 2026-01-01T00:00:00Z = 1767225600; 08:00 at +08:00 is midnight UTC */
    assert_int_equal(cron_next(&s, 28800, 1767225600 * S - 1), 1767225600 * S);
    assert_int_equal(cron_next(&s, 28800, 1767225600 * S), (1767225600 + 86400) * S);
    assert_int_equal(cron_last(&s, 28800, 0, 1767225600 * S), 1767225600 * S);
    assert_int_equal(cron_last(&s, 28800, 1767225600 * S, 1767225600 * S + 86399 * S), SCALER_NEVER);
    /* 1900 and 2100 are no leap years: 29 February 2096 is followed by that of 2104 */
    s = parsed("0 0 29 2 *");
    assert_int_equal(cron_next(&s, 0, 3981312000 * S), 4233686400 * S); /* 2096-02-29 -> 2104-02-29 */
    /* either day fits when both are given: 1 June 2026 is a Monday, the next Friday is the 5th */
    s = parsed("0 0 1 6 5");
    assert_int_equal(cron_next(&s, 0, 1779494400 * S), 1780272000 * S);
    assert_int_equal(cron_next(&s, 0, 1780272000 * S), 1780617600 * S);
    assert_int_equal(cron_next(&s, 0, INT64_MAX - 5), SPW_TIME_MAX);
}

static void test_equal_spellings(void **state)
{
    static const char *const pairs[][2] = {{"@hourly", "0 * * * *"},           {"@weekly", "0 0 * * 7"},
                                           {"@monthly", "0 0 1 * ?"},          {"@yearly", "0 0 1 jan *"},
                                           {"@daily", "0 0 */1 * *"},          {"5/10 * * * *", "5-59/10 * * * *"},
                                           {"0 0 * * 5/1", "0 0 * * fri,sat"}, {"0 0 * * 5-7", "0 0 * * 0,5,6"}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        spw_schedule a = parsed(pairs[i][0]);
        spw_schedule b = parsed(pairs[i][1]);
        assert_int_equal(a.minutes, b.minutes);
        assert_int_equal(a.hours, b.hours);
        assert_int_equal(a.days, b.days);
        assert_int_equal(a.months, b.months);
        assert_int_equal(a.weekdays, b.weekdays);
        assert_int_equal(a.any_day, b.any_day);
        assert_int_equal(a.any_weekday, b.any_weekday);
    }
}

static void test_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "* * * *",
                                      "* * * * * *",
                                      "60 * * * *",
                                      "* 24 * * *",
                                      "* * 0 * *",
                                      "* * 32 * *",
                                      "* * * 13 *",
                                      "* * * * 8",
                                      "a * * * *",
                                      "5-1 * * * *",
                                      "*/0 * * * *",
                                      "1, * * * *",
                                      "1-* * * * *",
                                      "0 0 30 2 *",
                                      "@every 5m",
                                      "TZ=UTC 0 0 * * *",
                                      "-1 * * * *",
                                      "99999999999 * * * *",
                                      "0 0 1 janx *"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        spw_schedule s = {.minutes = 42};
        if (spw_schedule_parse(bad[i], &s) == NULL || s.minutes != 42) {
            fail_msg("'%s' was taken", bad[i]);
        }
    }
}

/* --- rules --- */

static spw_cron_rule rule(const char *text, int32_t replicas, int32_t min, int32_t max)
{
    return (spw_cron_rule){
        .name = text, .schedule = parsed(text), .replicas = replicas, .replicas_min = min, .replicas_max = max};
}

static scaler_result ask(const spw_cron *spec, void *mem, int64_t unix_s, int32_t current)
{
    scaler_input in = {.now = (unix_s - 1000) * S, .unix_ns = unix_s * S, .patience = 300 * S, .current = current};
    scaler_result out;
    scaler_cron.decide(spec, mem, &in, &out);
    return out;
}

static void test_rules(void **state)
{
    spw_cron_rule rules[] = {rule("0 8 * * *", 20, -1, -1), rule("0 20 * * *", 5, -1, -1),
                             rule("0 20 * * *", 6, -1, -1), rule("30 * * * *", 99, -1, -1)};
    spw_cron spec = {rules, 4};
    cron_state mem;
    const int64_t midnight = 1767225600;
    (void)state;
    rules[3].suspend = true;
    scaler_cron.init(&mem, &spec);
    assert_int_equal(ask(&spec, &mem, midnight + 3600, 3).desired,
                     3); /* nothing before the first tick is made up for */
    assert_int_equal(ask(&spec, &mem, midnight + 8 * 3600 - 1, 3).desired, 3);
    scaler_result r = ask(&spec, &mem, midnight + 8 * 3600, 3);
    assert_int_equal(r.desired, 20);
    assert_int_equal(r.reason, SPW_WHY_SCHEDULE);
    assert_int_equal(ask(&spec, &mem, midnight + 8 * 3600 + 15, 3).desired, 20); /* the write was lost: again */
    assert_int_equal(ask(&spec, &mem, midnight + 8 * 3600 + 30, 20).desired, 20);
    assert_int_equal(ask(&spec, &mem, midnight + 8 * 3600 + 45, 7).desired, 7); /* changed by hand later: stays */
    /* a long pause over 20:00 and 08:00: both are due, the last wins */
    assert_int_equal(ask(&spec, &mem, midnight + 86400 + 9 * 3600, 7).desired, 20);
    assert_int_equal(ask(&spec, &mem, midnight + 86400 + 9 * 3600 + 300, 7).desired, 7); /* given up after 300 s */
    /* two rules at one instant: the later one in the list wins */
    assert_int_equal(ask(&spec, &mem, midnight + 86400 + 20 * 3600 + 5, 7).desired, 6);
}

static void test_start_on_the_minute(void **state)
{
    spw_cron_rule rules[] = {rule("0 0 * * *", 4, -1, -1)};
    spw_cron spec = {rules, 1};
    cron_state mem;
    (void)state;
    scaler_cron.init(&mem, &spec);
    assert_int_equal(ask(&spec, &mem, 1767225600, 1).desired, 4);
}

static void test_bounds(void **state)
{
    spw_cron_rule rules[] = {rule("0 1 * * *", -1, 10, -1), rule("0 2 * * *", -1, -1, 5), rule("0 3 * * *", -1, 2, 4)};
    spw_cron spec = {rules, 3};
    cron_state s;
    (void)state;
    cron_init(&s);
    cron_run(&spec, &s, 0, 0, 1, 30);
    assert_int_equal(s.replicas_min, -1);
    cron_run(&spec, &s, 3600 * S, 0, 1, 30);
    assert_int_equal(s.replicas_min, 10);
    cron_run(&spec, &s, 7200 * S, 0, 1, 30); /* max 5 under min 10: does nothing */
    assert_int_equal(s.replicas_max, -1);
    cron_run(&spec, &s, 10800 * S, 0, 1, 30);
    assert_int_equal(s.replicas_min, 2);
    assert_int_equal(s.replicas_max, 4);
}

static void test_save(void **state)
{
    spw_cron_rule rules[] = {rule("0 8 * * *", 20, -1, -1)};
    spw_cron spec = {rules, 1};
    cron_state a;
    cron_state b;
    unsigned char buf[64];
    size_t used = 0;
    (void)state;
    scaler_cron.init(&a, &spec);
    scaler_cron.init(&b, &spec);
    (void)ask(&spec, &a, 8 * 3600, 3);
    size_t size = scaler_cron.save_size(&a);
    assert_true(size <= sizeof buf);
    assert_int_equal(scaler_cron.save(&a, buf, size - 1), SPW_LIMIT);
    assert_int_equal(scaler_cron.save(&a, buf, size), SPW_OK);
    assert_int_equal(scaler_cron.load(&b, buf, size - 1, &used), SPW_STATE);
    assert_int_equal(ask(&spec, &b, 8 * 3600 - 100, 3).desired, 3); /* b as it was: before its first fire */
    assert_int_equal(scaler_cron.load(&b, buf, size, &used), SPW_OK);
    assert_int_equal(used, size);
    assert_int_equal(ask(&spec, &b, 8 * 3600 + 15, 3).desired, 20); /* still to be seen */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_minutes),
        cmocka_unit_test(test_years),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_equal_spellings),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_start_on_the_minute),
        cmocka_unit_test(test_save),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
