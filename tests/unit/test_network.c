/* SPDX-License-Identifier: GPL-3.0-or-later */
/** test_network.c - round-trip matrix by index and by name, payload sizes worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/network/network.h"

static void test_matrix(void **state)
{
    (void)state;
    char first[] = "cn-hangzhou";
    const char *names[3] = {first, "us-east-1", "eu-west-1"};
    int64_t rtt[9] = {1, 225, 235, 226, 4, 70, 236, 69, 1};
    mdl_network *network = mdl_network_new(names, 3, rtt);
    assert_non_null(network);
    first[0] = 'x'; /* names and figures are copies */
    rtt[1] = 0;
    assert_int_equal(mdl_network_count(network), 3);
    assert_string_equal(mdl_network_region(network, 0), "cn-hangzhou");
    assert_int_equal(mdl_network_find(network, "eu-west-1"), 2);
    assert_true(mdl_network_find(network, "eu-west") == MDL_NO_REGION);
    assert_int_equal(mdl_network_rtt_ns(network, 0, 1), 225); /* from row to column: not symmetric */
    assert_int_equal(mdl_network_rtt_ns(network, 1, 0), 226);
    assert_int_equal(mdl_network_rtt_ns_by_name(network, "eu-west-1", "us-east-1"), 69);
    assert_int_equal(mdl_network_rtt_ns_by_name(network, "eu-west-1", "mars"), -1);
    assert_int_equal(mdl_network_rtt_ns_by_name(network, "mars", "eu-west-1"), -1);
    mdl_network_free(network);
    mdl_network_free(NULL);
    assert_null(mdl_network_new(names, 0, rtt));
}

static void test_payload(void **state)
{
    (void)state;
    mdl_payload p = {600.0, 4.4, 500.0, 380.0};
    assert_int_equal(mdl_payload_request_bytes(&p, 1155), 5682);  /* 600 + 5082 */
    assert_int_equal(mdl_payload_response_bytes(&p, 211), 80680); /* 500 + 80180 */
    assert_int_equal(mdl_payload_request_bytes(&p, 1), 604);
    p.request_bytes_fixed = -1e9;
    assert_int_equal(mdl_payload_request_bytes(&p, 1), 0);
    p.request_bytes_fixed = 1e300;
    assert_true(mdl_payload_request_bytes(&p, 1) == INT64_MAX);
}

static void test_jitter(void **state)
{
    (void)state;
    mdl_jitter law = {.floor_us = 100, .share = 0.01};
    assert_int_equal(mdl_jitter_mean_ns(&law, 0), 100000);
    assert_int_equal(mdl_jitter_mean_ns(&law, 150000000), 850000); /* 0.1 ms + 1 % of 75 ms */
    law.floor_us = law.share = 0;
    assert_int_equal(mdl_jitter_mean_ns(&law, 150000000), 0);
}

static void test_scopes(void **state)
{
    (void)state;
    assert_string_equal(mdl_egress_scope_name(MDL_EGRESS_INTERNET), "internet");
    assert_string_equal(mdl_egress_scope_name(MDL_EGRESS_INTER_REGION), "inter-region");
    assert_string_equal(mdl_egress_scope_name(MDL_EGRESS_INTER_PROVIDER), "inter-provider");
    assert_true(mdl_egress_scope_find("inter-region") == MDL_EGRESS_INTER_REGION);
    assert_true(mdl_egress_scope_find("inter") == 0 && mdl_egress_scope_find("") == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix),
        cmocka_unit_test(test_payload),
        cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
