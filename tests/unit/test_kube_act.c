/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The actuator for plain clusters: what it sends, what it leaves alone, and that nothing is applied twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/kube_rig.h"

#define S SPW_NS_PER_S

static void grows_then_shrinks_on_the_scale_subresource(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_ACK, 4, 1, SPW_WHY_SCALE_IN),
                               rig_place(RIG_CHAT, RIG_IDC, 2, 5, SPW_WHY_FILL_IDLE)};
    rig_start(&r, KUBE_MODE_KUBERNETES);
    rig_deployment(&r, RIG_IDC, "chat", 2);
    rig_deployment(&r, RIG_ACK, "chat", 4);
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 7, plan, 2), SPW_OK);
    assert_int_equal(kw_writes(r.world), 2);
    const kw_write *first = kw_write_at(r.world, 0), *second = kw_write_at(r.world, 1);
    assert_int_equal(first->server, RIG_IDC);
    assert_int_equal(second->server, RIG_ACK);
    assert_string_equal(first->path, "/apis/apps/v1/namespaces/prod/deployments/chat/scale?fieldManager=spillway");
    assert_non_null(strstr(first->body, "\"replicas\":5"));
    assert_non_null(strstr(first->body, "\"resourceVersion\":"));
    assert_non_null(strstr(first->body, "\"uid\":"));
    assert_string_equal(rig_tag(&r, 0), "spw-e3-t7-1-fill-idle");
    assert_string_equal(rig_tag(&r, 1), "spw-e3-t7-0-scale-in");
    assert_int_equal(kw_replicas(r.world, RIG_IDC, "prod", "chat"), 5);
    assert_int_equal(kw_replicas(r.world, RIG_ACK, "prod", "chat"), 1);
    assert_int_equal(r.told_count, 2);
    assert_int_equal(r.told[0].fate, KUBE_FATE_DONE);
    rig_stop(&r);
}

static void an_object_as_wanted_is_not_written(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 3, 3, SPW_WHY_FILL_IDLE)};
    rig_start(&r, KUBE_MODE_KUBERNETES);
    rig_deployment(&r, RIG_IDC, "chat", 3);
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 1, plan, 1), SPW_OK);
    assert_int_equal(kw_writes(r.world), 0);
    rig_stop(&r);
}

/* The tick is said again, because its end was lost: what has landed is not sent again, even if undone since. */
static void a_ticket_is_carried_out_once(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 2, 5, SPW_WHY_FILL_IDLE)};
    rig_start(&r, KUBE_MODE_KUBERNETES);
    rig_deployment(&r, RIG_IDC, "chat", 2);
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 1, plan, 1), SPW_OK);
    rig_deployment(&r, RIG_IDC, "chat", 2); /* by hand */
    rig_live(&r, S);
    const spw_actuator seam = kube_act_seam(r.act);
    assert_int_equal(rig_again(&r, &seam, plan, 1), SPW_OK);
    assert_int_equal(kw_writes(r.world), 1);
    assert_int_equal(rig_act(&r, 1, plan, 1), SPW_OK); /* a new decision is another matter, whatever its number */
    assert_int_equal(kw_replicas(r.world, RIG_IDC, "prod", "chat"), 5);
    rig_stop(&r);
}

static void what_others_changed_since_is_left_alone(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 2, 5, SPW_WHY_FILL_IDLE)};
    rig_start(&r, KUBE_MODE_KUBERNETES);
    rig_deployment(&r, RIG_IDC, "chat", 2);
    rig_live(&r, S);
    rig_deployment(&r, RIG_IDC, "chat", 9); /* its event has not come yet */
    assert_int_equal(rig_act(&r, 1, plan, 1), SPW_BACKEND);
    assert_int_equal(r.told[0].fate, KUBE_FATE_OUTRUN);
    assert_int_equal(kw_replicas(r.world, RIG_IDC, "prod", "chat"), 9);
    assert_int_equal(kw_writes(r.world), 0);
    rig_live(&r, S); /* now it has */
    assert_int_equal(rig_act(&r, 2, plan, 1), SPW_BACKEND);
    assert_int_equal(r.told[0].fate, KUBE_FATE_OUTRUN);
    rig_stop(&r);
}

/* Annotations and status make new versions all the time: no reason to give way. */
static void a_new_version_of_the_same_wish_is_no_conflict(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 2, 5, SPW_WHY_FILL_IDLE)};
    rig_start(&r, KUBE_MODE_KUBERNETES);
    rig_deployment(&r, RIG_IDC, "chat", 2);
    rig_live(&r, S);
    kw_put(r.world, RIG_IDC, "/apis/apps/v1/deployments",
           "{\"metadata\":{\"name\":\"chat\",\"namespace\":\"prod\",\"annotations\":{\"a\":\"b\"}},\"spec\":{"
           "\"replicas\":2}}");
    assert_int_equal(rig_act(&r, 1, plan, 1), SPW_OK);
    assert_int_equal(r.told[0].attempts, 2);
    assert_int_equal(kw_replicas(r.world, RIG_IDC, "prod", "chat"), 5);
    rig_stop(&r);
}

static void a_namesake_made_anew_is_another_object(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 2, 5, SPW_WHY_FILL_IDLE)};
    rig_start(&r, KUBE_MODE_KUBERNETES);
    rig_deployment(&r, RIG_IDC, "chat", 2);
    rig_live(&r, S);
    kw_delete(r.world, RIG_IDC, "/apis/apps/v1/deployments", "prod", "chat");
    rig_deployment(&r, RIG_IDC, "chat", 2);
    assert_int_equal(rig_act(&r, 1, plan, 1), SPW_BACKEND);
    assert_int_equal(kw_replicas(r.world, RIG_IDC, "prod", "chat"), 2);
    rig_stop(&r);
}

static void what_is_not_there_is_refused_and_hinders_nobody(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 0, 2, SPW_WHY_FILL_IDLE),
                               rig_place(RIG_CODE, RIG_ACK, 1, 2, SPW_WHY_FILL_IDLE)};
    rig_start(&r, KUBE_MODE_KUBERNETES);
    rig_deployment(&r, RIG_ACK, "code", 1);
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 1, plan, 2), SPW_BACKEND);
    assert_int_equal(r.told[0].fate, KUBE_FATE_REFUSED);
    assert_int_equal(r.told[1].fate, KUBE_FATE_DONE);
    assert_int_equal(kw_replicas(r.world, RIG_ACK, "prod", "code"), 2);
    rig_stop(&r);
}

static void the_count_of_the_template_is_kept_by_the_source(void **state)
{
    (void)state;
    kube_rig r;
    spw_action plan[] = {rig_place(RIG_CODE, RIG_IDC, 1, 6, SPW_WHY_METRIC_ABOVE)};
    plan[0].verb = SPW_VERB_SCALE;
    plan[0].cluster = SPW_ID_NONE;
    rig_start(&r, KUBE_MODE_KUBERNETES);
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 1, plan, 1), SPW_OK);
    assert_int_equal(kube_source_template(r.source, RIG_CODE), 6);
    assert_int_equal(rig_look(&r)->workloads.replicas[RIG_CODE], 6);
    rig_stop(&r);
}

/* The servers are asked, with every check they have, and nothing changes anywhere. */
static void a_dry_run_asks_and_changes_nothing(void **state)
{
    (void)state;
    kube_rig r;
    spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 2, 5, SPW_WHY_FILL_IDLE),
                         rig_place(RIG_CODE, RIG_IDC, 1, 6, SPW_WHY_METRIC_ABOVE)};
    plan[1].verb = SPW_VERB_SCALE;
    plan[1].cluster = SPW_ID_NONE;
    rig_start(&r, KUBE_MODE_KUBERNETES);
    r.writer_spec.server_dry_run = true;
    rig_new_hands(&r);
    rig_deployment(&r, RIG_IDC, "chat", 2);
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 1, plan, 2), SPW_OK);
    assert_int_equal(r.tag_count, 1);
    assert_int_equal(kw_writes(r.world), 0);
    assert_int_equal(kw_replicas(r.world, RIG_IDC, "prod", "chat"), 2);
    assert_true(kube_source_template(r.source, RIG_CODE) != 6);
    rig_stop(&r);
}

/*
 * Every single call fails in every way, at any place in the work; ticks go on, each from what is then seen. The world
 * ends the same, each object is changed once.
 */
static void any_call_may_fail(void **state)
{
    (void)state;
    for (int fault = KW_REFUSE; fault < KW_FAULTS; fault++) {
        for (uint64_t n = 0; n < 8; n++) {
            kube_rig r;
            rig_start(&r, KUBE_MODE_KUBERNETES);
            rig_deployment(&r, RIG_IDC, "chat", 2);
            rig_deployment(&r, RIG_ACK, "chat", 4);
            rig_deployment(&r, RIG_ACK, "code", 0);
            rig_live(&r, S);
            kw_fail_at(r.world, n, false, (kw_fault)fault);
            for (uint64_t tick = 0; tick < 6; tick++) {
                const spw_action all[] = {
                    rig_place(RIG_CHAT, RIG_IDC, rig_assigned(&r, RIG_CHAT, RIG_IDC), 5, SPW_WHY_FILL_IDLE),
                    rig_place(RIG_CODE, RIG_ACK, rig_assigned(&r, RIG_CODE, RIG_ACK), 1, SPW_WHY_ACTIVATED),
                    rig_place(RIG_CHAT, RIG_ACK, rig_assigned(&r, RIG_CHAT, RIG_ACK), 1, SPW_WHY_SCALE_IN)};
                (void)rig_act(&r, tick, all, 3);
                rig_live(&r, 15 * S);
            }
            assert_int_equal(kw_replicas(r.world, RIG_IDC, "prod", "chat"), 5);
            assert_int_equal(kw_replicas(r.world, RIG_ACK, "prod", "chat"), 1);
            assert_int_equal(kw_replicas(r.world, RIG_ACK, "prod", "code"), 1);
            size_t changes = 0;
            for (size_t i = 0; i < kw_writes(r.world); i++) {
                changes += kw_write_at(r.world, i)->changed ? 1 : 0;
            }
            assert_int_equal(changes, 3);
            rig_stop(&r);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_then_shrinks_on_the_scale_subresource),
        cmocka_unit_test(an_object_as_wanted_is_not_written),
        cmocka_unit_test(a_ticket_is_carried_out_once),
        cmocka_unit_test(what_others_changed_since_is_left_alone),
        cmocka_unit_test(a_new_version_of_the_same_wish_is_no_conflict),
        cmocka_unit_test(a_namesake_made_anew_is_another_object),
        cmocka_unit_test(what_is_not_there_is_refused_and_hinders_nobody),
        cmocka_unit_test(the_count_of_the_template_is_kept_by_the_source),
        cmocka_unit_test(a_dry_run_asks_and_changes_nothing),
        cmocka_unit_test(any_call_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
