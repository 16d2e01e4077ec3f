/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_record.c - the actuators of the core: the record's exact line, dry run, and tee's order and failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <spillway/manifest.h>
#include <spillway/seam.h>

#include "core/plan_internal.h"

static const uint64_t KEYS[] = {1, 2};
static const char *const WORKS[] = {"prod/\"chat\"\\\n\x01", "prod/code"};
static const char *const CLUSTERS[] = {"idc", "ack"};
static const char *const POOLS[] = {"od"};

static const spw_snapshot SNAP = {.version = SPW_API_VERSION,
                                  .clusters = {.count = 2, .key = KEYS, .name = CLUSTERS},
                                  .pools = {.count = 1, .key = KEYS, .name = POOLS},
                                  .workloads = {.count = 2, .key = KEYS, .name = WORKS}};

static spw_plan *three_actions(void)
{
    spw_plan *plan = NULL;
    assert_int_equal(spw_plan_new(spw_mem_libc(), 4, 1, &plan), SPW_OK);
    const spw_action scale = {SPW_VERB_SCALE, SPW_WHY_METRIC_ABOVE, 1, SPW_ID_NONE, SPW_ID_NONE, UINT32_MAX, 8, 4};
    const spw_action place = {SPW_VERB_PLACE, SPW_WHY_FILL_ELASTIC, 0, 1, SPW_ID_NONE, UINT32_MAX, 3, 0};
    const spw_action order = {SPW_VERB_PROVISION, SPW_WHY_NODES_FOR_PENDING, SPW_ID_NONE, 1, 0, 1, 3, 1};
    (void)plan_add(plan, &scale);
    (void)plan_add(plan, &place);
    (void)plan_add(plan, &order);
    return plan;
}

static const char EXPECTED[] =
    "{\"tick\":7,\"now_ns\":-15,\"snapshot_sha\":\"00000000000000ff\",\"state_sha\":\"0123456789abcdef\",\"plan\":["
    "{\"verb\":\"scale\",\"workload\":\"prod/code\",\"before\":4,\"amount\":8,\"reason\":\"metric-above\"},"
    "{\"verb\":\"place\",\"workload\":\"prod/\\\"chat\\\"\\\\\\u000a\\u0001\",\"cluster\":\"ack\",\"before\":0,"
    "\"amount\":3,\"reason\":\"fill-elastic\"},"
    "{\"verb\":\"provision\",\"cluster\":\"ack\",\"pool\":\"od\",\"before\":1,\"amount\":3,\"after\":1,"
    "\"reason\":\"nodes-for-pending\"}]}\n";

typedef struct sink {
    char text[2048];
    int lines;
    spw_rc rc;
} sink;

static spw_rc emit(void *user, const char *line, size_t size)
{
    sink *s = user;
    assert_true(size < sizeof s->text);
    assert_int_equal(line[size - 1], '\n');
    memcpy(s->text, line, size);
    s->text[size] = '\0';
    s->lines++;
    return s->rc;
}

static spw_tick_info info_of(const spw_plan *plan)
{
    return (spw_tick_info){.now = -15,
                           .tick = 7,
                           .snap = &SNAP,
                           .plan = plan,
                           .snapshot_hash = 255,
                           .state_hash = UINT64_C(0x0123456789abcdef)};
}

static void the_exact_line(void **state)
{
    (void)state;
    spw_plan *plan = three_actions();
    spw_tick_info info = info_of(plan);
    static char buf[2048];
    sink out = {.rc = SPW_OK};
    spw_record record = {emit, &out, buf, sizeof buf};
    spw_actuator a = spw_actuator_record(&record);
    assert_int_equal(a.version, SPW_API_VERSION);
    spw_err err = {0};
    assert_int_equal(a.begin(a.self, &info, &err), SPW_OK);
    assert_int_equal(a.submit(a.self, spw_plan_at(plan, 0), 0, &err), SPW_OK);
    assert_int_equal(out.lines, 0);
    assert_int_equal(a.commit(a.self, &err), SPW_OK);
    assert_string_equal(out.text, EXPECTED);
    out.rc = SPW_BACKEND; /* a full disk */
    assert_int_equal(a.begin(a.self, &info, &err), SPW_OK);
    assert_int_equal(a.commit(a.self, &err), SPW_BACKEND);
    plan_clear(plan);
    assert_int_equal(a.begin(a.self, &info, &err), SPW_OK);
    (void)a.commit(a.self, &err);
    assert_string_equal(out.text, "{\"tick\":7,\"now_ns\":-15,\"snapshot_sha\":\"00000000000000ff\","
                                  "\"state_sha\":\"0123456789abcdef\",\"plan\":[]}\n");
    spw_plan_free(plan);
}

/** Every room that is too small is refused, and not a byte behind it is touched. */
static void a_line_too_long(void **state)
{
    (void)state;
    spw_plan *plan = three_actions();
    spw_tick_info info = info_of(plan);
    static char buf[sizeof EXPECTED + 8];
    for (size_t size = 0; size <= sizeof EXPECTED; size++) {
        memset(buf, '#', sizeof buf);
        sink out = {.rc = SPW_OK};
        spw_record record = {emit, &out, size == 0 ? NULL : buf, size};
        spw_actuator a = spw_actuator_record(&record);
        spw_err err = {0};
        bool fits = size >= sizeof EXPECTED; /* the terminator included */
        assert_int_equal(a.begin(a.self, &info, &err), fits ? SPW_OK : SPW_LIMIT);
        assert_string_equal(err.field, fits ? "" : "record.size");
        assert_int_equal(a.begin(a.self, &info, NULL), fits ? SPW_OK : SPW_LIMIT);
        for (size_t i = size; i < sizeof buf; i++) {
            assert_int_equal(buf[i], '#');
        }
    }
    spw_plan_free(plan);
}

static void dry_run(void **state)
{
    (void)state;
    spw_plan *plan = three_actions();
    spw_tick_info info = info_of(plan);
    spw_actuator a = spw_actuator_dry_run();
    assert_int_equal(a.version, SPW_API_VERSION);
    assert_string_equal(a.name, "dry-run");
    assert_int_equal(a.begin(a.self, &info, NULL), SPW_OK);
    assert_int_equal(a.submit(a.self, spw_plan_at(plan, 0), 1, NULL), SPW_OK);
    assert_int_equal(a.commit(a.self, NULL), SPW_OK);
    assert_null(a.close);
    spw_plan_free(plan);
}

/* --- tee --- */

static char trail[64];

typedef struct noisy {
    char name;
    char fails; /* b, s, c or 0 */
} noisy;

static spw_rc note(const noisy *n, char call)
{
    size_t used = strlen(trail);
    assert_true(used + 3 < sizeof trail);
    trail[used] = n->name;
    trail[used + 1] = call;
    trail[used + 2] = '\0';
    return n->fails == call ? SPW_BACKEND : SPW_OK;
}

static spw_rc noisy_begin(void *self, const spw_tick_info *info, spw_err *err)
{
    (void)info;
    (void)err;
    return note(self, 'b');
}

static spw_rc noisy_submit(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    (void)action;
    (void)err;
    assert_int_equal(ticket, 42);
    return note(self, 's');
}

static spw_rc noisy_commit(void *self, spw_err *err)
{
    (void)err;
    return note(self, 'c');
}

static void noisy_close(void *self)
{
    (void)note(self, 'x');
}

static spw_actuator make_noisy(noisy *n)
{
    return (spw_actuator){SPW_API_VERSION, "noisy", n, noisy_begin, noisy_submit, noisy_commit, noisy_close};
}

static const char *run(spw_actuator *a, spw_rc *rc)
{
    spw_action action = {0};
    trail[0] = '\0';
    *rc = a->begin(a->self, NULL, NULL);
    *rc = *rc != SPW_OK ? *rc : a->submit(a->self, &action, 42, NULL);
    *rc = *rc != SPW_OK ? *rc : a->commit(a->self, NULL);
    a->close(a->self);
    return trail;
}

static void tee_calls_first_a_then_b(void **state)
{
    (void)state;
    noisy a = {'A', 0};
    noisy b = {'B', 0};
    spw_tee tee = {make_noisy(&a), make_noisy(&b)};
    spw_actuator t = spw_actuator_tee(&tee);
    spw_rc rc;
    assert_string_equal(run(&t, &rc), "AbBbAsBsAcBcAxBx");
    assert_int_equal(rc, SPW_OK);
    static const struct {
        char a, b;
        const char *trail;
    } cases[] = {{'b', 0, "AbAxBx"},       {0, 'b', "AbBbAxBx"},       {'s', 0, "AbBbAsAxBx"},
                 {0, 's', "AbBbAsBsAxBx"}, {'c', 0, "AbBbAsBsAcAxBx"}, {0, 'c', "AbBbAsBsAcBcAxBx"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        a.fails = cases[i].a;
        b.fails = cases[i].b;
        assert_string_equal(run(&t, &rc), cases[i].trail);
        assert_int_equal(rc, SPW_BACKEND);
    }
    tee.a.close = tee.b.close = NULL; /* may be NULL */
    t.close(t.self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exact_line),
        cmocka_unit_test(a_line_too_long),
        cmocka_unit_test(dry_run),
        cmocka_unit_test(tee_calls_first_a_then_b),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
