/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Kubeconfigs, credentials that rotate, programs run to their end, and the wire over libcurl on the loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sched/kube/child.h"
#include "sched/kube/credential.h"
#include "sched/kube/secret.h"
#include "sched/kube/wire_curl.h"

#define S SPW_NS_PER_S

static char folder[] = "/tmp/spw-access-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK;
}

static int drop_folder(void **state)
{
    char command[80];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static const char *file(const char *name, const char *text)
{
    static char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return path;
}

static const char CONFIG[] =
    "apiVersion: v1\nkind: Config\ncurrent-context: a\n"
    "contexts:\n- {name: a, context: {cluster: c, user: u, namespace: n}}\n"
    "- {name: b, context: {cluster: skip, user: u}}\n- {name: d, context: {cluster: c, user: no}}\n"
    "clusters:\n- name: c\n  cluster: {server: 'https://h:6443/x/', "
    "certificate-authority-data: aGVsbG8=, certificate-authority: ca.pem}\n"
    "- name: skip\n  cluster: {server: 'https://h', insecure-skip-tls-verify: true}\n"
    "users:\n- {name: u, user: {token: s3cret}}\n";

static spw_rc load(const char *context, kube_access_set **out, char *first, size_t room)
{
    spw_diag *diag = NULL;
    assert_int_equal(spw_diag_new(NULL, 8, &diag), SPW_OK);
    const spw_rc rc = kube_access_kubeconfig(file("config", CONFIG), context, diag, out);
    (void)snprintf(first, room, "%s", spw_diag_count(diag) > 0 ? spw_diag_at(diag, 0) : "");
    spw_diag_free(diag);
    return rc;
}

static void reads_a_context(void **state)
{
    (void)state;
    kube_access_set *set = NULL;
    char first[300];
    assert_int_equal(load(NULL, &set, first, sizeof first), SPW_OK);
    const kube_access *a = kube_access_get(set);
    assert_string_equal(a->server, "https://h:6443/x");
    assert_string_equal(a->ca_pem, "hello");
    assert_string_equal(a->token, "s3cret");
    assert_string_equal(a->space, "n");
    assert_string_equal(strrchr(a->ca_file, '/'), "/ca.pem"); /* beside the kubeconfig */
    kube_access_free(set);
}

static void says_where_it_is_wrong_and_shows_no_secret(void **state)
{
    (void)state;
    kube_access_set *set = NULL;
    char first[300];
    assert_int_equal(load("b", &set, first, sizeof first), SPW_INVAL);
    assert_non_null(strstr(first, "config:12:"));
    assert_non_null(strstr(first, "TLS is always verified"));
    assert_int_equal(load("d", &set, first, sizeof first), SPW_INVAL);
    assert_non_null(strstr(first, "there is no 'no' in 'users'"));
    assert_null(strstr(first, "s3cret"));
    assert_int_equal(load("zz", &set, first, sizeof first), SPW_INVAL);
    assert_null(set);
}

static void base64(void **state)
{
    (void)state;
    const char *const good[][2] = {{"", ""}, {"Zg==", "f"}, {"Zm8=", "fo"}, {"Zm9v", "foo"}, {"Zm9v\nYmFy", "foobar"}};
    const char *const bad[] = {"Z", "Zg=", "Zh==", "Zm9v=", "Z*==", "Zg==Zg=="};
    size_t size = 0;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char *text = secret_base64(good[i][0], &size);
        assert_string_equal(text, good[i][1]);
        assert_int_equal(size, strlen(good[i][1]));
        secret_free(text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(secret_base64(bad[i], &size));
    }
}

static void a_token_file_that_rotates_is_read_again(void **state)
{
    (void)state;
    char path[160], why[160];
    kube_proof proof;
    (void)snprintf(path, sizeof path, "%s", file("token", "one\n"));
    const kube_access access = {.name = "x", .server = "https://h", .token_file = path};
    kube_credential *c = kube_credential_new(&access);
    assert_int_equal(kube_credential_now(c, 1000 * S, false, &proof, why, sizeof why), SPW_OK);
    assert_string_equal(proof.header, "Authorization: Bearer one");
    (void)file("token", "two");
    assert_int_equal(kube_credential_now(c, 1100 * S, false, &proof, why, sizeof why), SPW_OK);
    assert_string_equal(proof.header, "Authorization: Bearer two");
    assert_int_equal(unlink(path), 0); /* in the middle of a swap: what was there still serves */
    assert_int_equal(kube_credential_now(c, 1300 * S, true, &proof, why, sizeof why), SPW_OK);
    assert_string_equal(proof.header, "Authorization: Bearer two");
    kube_credential_free(c);
}

static void a_plugin_runs_again_when_its_answer_expires(void **state)
{
    (void)state;
    static const char *const args[] = {
        "-c",
        "echo "
        "'{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t'"
        "$(cat $COUNT | wc -c)'\",\"expirationTimestamp\":\"1970-01-01T01:00:00Z\"}}'; printf x >> $COUNT"};
    char env[200], why[160];
    const char *const envs[] = {env};
    kube_proof proof;
    (void)snprintf(env, sizeof env, "COUNT=%s", file("count", ""));
    const kube_access access = {.name = "x",
                                .server = "https://h",
                                .exec = {.api_version = "client.authentication.k8s.io/v1",
                                         .command = "sh",
                                         .args = args,
                                         .arg_count = 2,
                                         .env = envs,
                                         .env_count = 1}};
    kube_credential *c = kube_credential_new(&access);
    const struct {
        int64_t at;
        bool anew;
        const char *header;
    } steps[] = {{100, false, "Authorization: Bearer t0"},
                 {3500, false, "Authorization: Bearer t0"},
                 {3595, false, "Authorization: Bearer t1"}, /* a little before it expires */
                 {200, true, "Authorization: Bearer t2"}};  /* and when the server did not want it */
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(kube_credential_now(c, steps[i].at * S, steps[i].anew, &proof, why, sizeof why), SPW_OK);
        assert_string_equal(proof.header, steps[i].header);
    }
    kube_credential_free(c);
}

static spw_rc shell(const char *script, const char *input, spw_dur timeout, child_result *result)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const child_task task = {
        .argv = argv, .input = input, .input_size = strlen(input), .output_most = 1000, .timeout = timeout};
    return child_run(&task, result);
}

static void children(void **state)
{
    (void)state;
    child_result r;
    assert_int_equal(shell("cat; cat >&2 </dev/null", "in and out", 5 * S, &r), SPW_OK);
    assert_string_equal(r.output, "in and out");
    child_result_fini(&r);
    assert_int_equal(shell("echo why not >&2; exit 3", "", 5 * S, &r), SPW_BACKEND);
    assert_int_equal(r.exit_status, 3);
    assert_string_equal(r.error, "why not");
    child_result_fini(&r);
    assert_int_equal(shell("sleep 60 & sleep 60", "", S / 5, &r), SPW_BACKEND); /* its own children go, too */
    assert_non_null(strstr(r.error, "did not end"));
    child_result_fini(&r);
    assert_int_equal(shell("yes", "", 5 * S, &r), SPW_BACKEND);
    assert_non_null(strstr(r.error, "printed more"));
    child_result_fini(&r);
}

/* --- libcurl --- */

static enum MHD_Result serve(void *user, struct MHD_Connection *c, const char *url, const char *method,
                             const char *version, const char *data, size_t *size, void **state)
{
    static int marker;
    char *seen = user;
    (void)version;
    if (*state == NULL) {
        *state = &marker;
        return MHD_YES;
    }
    if (*size > 0) {
        (void)snprintf(seen, 100, "%s %.*s", method, (int)*size, data);
        *size = 0;
        return MHD_YES;
    }
    const char *tag = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Audit-ID");
    const bool busy = strcmp(url, "/busy") == 0;
    static char body[] = "{\"a\":1}";
    struct MHD_Response *r = MHD_create_response_from_buffer(sizeof body - 1, body, MHD_RESPMEM_PERSISTENT);
    (void)MHD_add_response_header(r, busy ? "Retry-After" : "X-Tag", busy ? "7" : tag != NULL ? tag : "none");
    const enum MHD_Result rc = MHD_queue_response(c, busy ? 429 : 200, r);
    MHD_destroy_response(r);
    return rc;
}

static void over_the_loopback(void **state)
{
    (void)state;
    static char seen[100];
    char url[64], dead[64];
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, serve, seen,
                                            MHD_OPTION_SOCK_ADDR, &where, MHD_OPTION_END);
    assert_non_null(d);
    const int port = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    (void)snprintf(dead, sizeof dead, "http://127.0.0.1:1");
    const kube_access live = {.name = "a", .server = url}, gone = {.name = "b", .server = dead};
    const kube_access *const servers[] = {&live, &gone};
    const kube_curl_options options = {.servers = servers, .server_count = 2, .wake_fd = -1};
    kube_curl *curl = NULL;
    kube_reply r;
    assert_int_equal(kube_curl_new(&options, &curl), SPW_OK);
    const kube_wire wire = kube_curl_wire(curl);
    kube_call call = {.server = 0, .method = "GET", .path = "/x?y=1", .timeout = 5 * S};
    assert_int_equal(kube_wire_ask(&wire, &call, &r), SPW_OK);
    assert_int_equal(r.end, KUBE_END_ANSWERED);
    assert_int_equal(r.status, 200);
    assert_string_equal(r.body, "{\"a\":1}");
    kube_reply_fini(&r);
    call = (kube_call){.server = 0,
                       .method = "PATCH",
                       .path = "/busy",
                       .content_type = "application/merge-patch+json",
                       .body = "{}",
                       .body_size = 2,
                       .tag = "t",
                       .timeout = 5 * S};
    assert_int_equal(kube_wire_ask(&wire, &call, &r), SPW_OK);
    assert_int_equal(r.status, 429);
    assert_int_equal(r.retry_after, 7 * S);
    assert_string_equal(seen, "PATCH {}");
    kube_reply_fini(&r);
    call.server = 1;
    assert_int_equal(kube_wire_ask(&wire, &call, &r), SPW_OK);
    assert_int_equal(r.end, KUBE_END_UNSENT);
    kube_reply_fini(&r);
    kube_curl_free(curl);
    MHD_stop_daemon(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_context),
        cmocka_unit_test(says_where_it_is_wrong_and_shows_no_secret),
        cmocka_unit_test(base64),
        cmocka_unit_test(a_token_file_that_rotates_is_read_again),
        cmocka_unit_test(a_plugin_runs_again_when_its_answer_expires),
        cmocka_unit_test(children),
        cmocka_unit_test(over_the_loopback),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
