/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * The wire over TLS, against servers on the loopback: who is trusted, what a broken answer is taken for, and all that
 * real servers were recorded to say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sched/kube/lease.h"
#include "sched/kube/reflect.h"
#include "sched/kube/wire_curl.h"
#include "tests/support/kube_scale.h"
#include "tests/support/kube_world.h"
#include "tests/support/tls.h"

#define S          SPW_NS_PER_S
#define RECORDINGS "../shared/k8s-recordings"
#define RECORDS    512

/* --- the server ------------------------------------------------------------------------------------------------ */

typedef struct scripted {
    pthread_mutex_t lock;
    kw_world *world;
    json_t *record[RECORDS]; /* responses, by number */
    bool watched[RECORDS];   /* its stream was played */
    size_t record_count;
} scripted;

/* A body that breaks off, whatever was promised. */
static ssize_t break_off(void *user, uint64_t at, char *into, size_t most)
{
    (void)user;
    if (at > 0) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    (void)snprintf(into, most, "{\"metadata\"");
    return 11;
}

/* The chunks of a recording, one after the other, each as it came. */
typedef struct player {
    const json_t *chunks;
    size_t next, from;
} player;

static ssize_t play(void *user, uint64_t at, char *into, size_t most)
{
    player *p = user;
    (void)at;
    const char *text = json_string_value(json_object_get(json_array_get(p->chunks, p->next), "data"));
    if (text == NULL) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    const size_t left = strlen(text) - p->from, n = left < most ? left : most;
    memcpy(into, text + p->from, n);
    p->from += n;
    if (n == left) {
        p->next++;
        p->from = 0;
    }
    return (ssize_t)n;
}

static enum MHD_Result stream(struct MHD_Connection *c, MHD_ContentReaderCallback reader, void *user,
                              MHD_ContentReaderFreeCallback done)
{
    struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, reader, user, done);
    (void)MHD_add_response_header(r, "Content-Type", "application/json");
    const enum MHD_Result rc = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return rc;
}

static const char *header_of(const json_t *record, const char *name)
{
    const json_t *headers = json_object_get(record, "headers");
    for (size_t i = 0; i < json_array_size(headers); i++) {
        const json_t *pair = json_array_get(headers, i);
        if (strcmp(json_string_value(json_array_get(pair, 0)), name) == 0) {
            return json_string_value(json_array_get(pair, 1));
        }
    }
    return NULL;
}

static enum MHD_Result play_record(scripted *s, struct MHD_Connection *c, size_t number)
{
    const json_t *record = s->record[number];
    const char *type = header_of(record, "Content-Type");
    const char *body = json_string_value(json_object_get(record, "body"));
    return tls_reply(c, (int)json_integer_value(json_object_get(record, "status")), type != NULL ? type : "text/plain",
                     header_of(record, "Retry-After"), body);
}

/* An empty list; then the recorded stream, once; then streams that end soon. */
static enum MHD_Result play_watch(scripted *s, struct MHD_Connection *c, size_t number)
{
    static const char empty[] = "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}";
    if (MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "watch") == NULL) {
        return tls_reply(c, 200, "application/json", NULL, empty);
    }
    player *p = calloc(1, sizeof *p);
    const bool again = s->watched[number];
    s->watched[number] = true;
    p->chunks = again ? NULL : json_object_get(s->record[number], "chunks");
    if (again) {
        const struct timespec nap = {0, 200000000};
        (void)nanosleep(&nap, NULL);
    }
    return stream(c, play, p, free);
}

static enum MHD_Result ask_world(scripted *s, struct MHD_Connection *c, const char *method, const char *url,
                                 const tls_upload *up)
{
    char *answer = NULL;
    const char *type = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Type");
    (void)pthread_mutex_lock(&s->lock);
    const int status = kw_handle(s->world, 0, method, url, type, up->body != NULL ? up->body : "", up->size, &answer);
    (void)pthread_mutex_unlock(&s->lock);
    const enum MHD_Result rc = tls_reply(c, status, "application/json", NULL, answer);
    free(answer);
    return rc;
}

static enum MHD_Result answer(void *user, struct MHD_Connection *c, const char *url, const char *method,
                              const tls_upload *up)
{
    scripted *s = user;
    if (strncmp(url, "/record/", 8) == 0) {
        return play_record(s, c, (size_t)strtoul(url + 8, NULL, 10));
    }
    if (strncmp(url, "/watch/", 7) == 0) {
        return play_watch(s, c, (size_t)strtoul(url + 7, NULL, 10));
    }
    if (strcmp(url, "/half") == 0) {
        return stream(c, break_off, NULL, NULL);
    }
    if (strcmp(url, "/empty") == 0) {
        return MHD_NO;
    }
    if (strcmp(url, "/mute") == 0) {
        const struct timespec nap = {3, 0};
        (void)nanosleep(&nap, NULL);
        return MHD_NO;
    }
    return ask_world(s, c, method, url, up);
}

static enum MHD_Result serve(void *user, struct MHD_Connection *c, const char *url, const char *method,
                             const char *version, const char *data, size_t *size, void **state)
{
    (void)version;
    return tls_gather(answer, user, c, url, method, data, size, state);
}

/* --- both ends ------------------------------------------------------------------------------------------------- */

static bool have_tls;
static scripted server = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int set_up(void **state)
{
    (void)state;
    have_tls = tls_begin();
    if (have_tls) {
        tls_certificate("server", "ca", "IP:127.0.0.1");
        tls_certificate("elsewhere", "ca", "DNS:api.example");
        tls_certificate("renewed", "other", "IP:127.0.0.1");
        tls_certificate("zebra", "ca", "DNS:client");
        tls_certificate("walrus", "ca", "DNS:client");
        tls_certificate("stranger", "other", "DNS:client");
    }
    return curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK;
}

static int tear_down(void **state)
{
    (void)state;
    if (have_tls) {
        tls_end();
    }
    for (size_t i = 0; i < server.record_count; i++) {
        json_decref(server.record[i]);
    }
    return 0;
}

#define NEEDS_TLS()                                                                                                    \
    do {                                                                                                               \
        if (!have_tls) {                                                                                               \
            print_message("skip: needs openssl and a libmicrohttpd with TLS\n");                                       \
            skip();                                                                                                    \
        }                                                                                                              \
    } while (0)

typedef struct ends {
    struct MHD_Daemon *daemon;
    char url[64];
    kube_access access;
    const kube_access *servers[1];
    kube_curl *curl;
    kube_wire wire;
} ends;

static void connect_to(ends *e, int port)
{
    (void)snprintf(e->url, sizeof e->url, "https://127.0.0.1:%d", port);
    e->access.name = "test";
    e->access.server = e->url;
    e->servers[0] = &e->access;
    const kube_curl_options options = {
        .servers = e->servers, .server_count = 1, .wake_fd = -1, .connect_timeout = 30 * S};
    assert_int_equal(kube_curl_new(&options, &e->curl), SPW_OK);
    e->wire = kube_curl_wire(e->curl);
}

/* A scripted server with this certificate, and a wire to it that trusts that authority. */
static void start(ends *e, const char *certificate, const char *authority, const char *tls_name)
{
    *e = (ends){.access = {.ca_file = authority, .tls_server_name = tls_name}};
    e->daemon = tls_serve(certificate, 0, serve, &server);
    assert_non_null(e->daemon);
    connect_to(e, tls_port(e->daemon));
    server.world = kw_new(1);
}

static void stop(ends *e)
{
    kube_curl_free(e->curl);
    MHD_stop_daemon(e->daemon);
    kw_free(server.world);
}

static kube_end get(ends *e, const char *path, spw_dur timeout, kube_reply *r)
{
    const kube_call call = {.method = "GET", .path = path, .timeout = timeout};
    assert_int_equal(kube_wire_ask(&e->wire, &call, r), SPW_OK);
    return r->end;
}

/* --- trust ----------------------------------------------------------------------------------------------------- */

static void trusts_its_authority_and_no_other(void **state)
{
    (void)state;
    NEEDS_TLS();
    const char *const ca = tls_path("ca.pem"), *const other = tls_path("other.pem");
    const struct {
        const char *certificate, *authority, *name;
        bool good;
    } cases[] = {
        {"server", ca, NULL, true},
        {"server", other, NULL, false}, /* another authority */
        {"server", NULL, NULL, false},  /* the system's: ours is not among them */
        {"elsewhere", ca, NULL, false}, /* another host's certificate */
        {"elsewhere", ca, "api.example", true},
        {"server", ca, "api.example", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ends e;
        kube_reply r;
        start(&e, cases[i].certificate, cases[i].authority, cases[i].name);
        const kube_end end = get(&e, "/api/v1/nodes", 30 * S, &r);
        if ((end == KUBE_END_ANSWERED) != cases[i].good) {
            fail_msg("case %zu: %d %s", i, (int)end, r.error);
        }
        if (!cases[i].good) { /* nothing was sent, so nothing was done */
            assert_int_equal(end, KUBE_END_UNSENT);
        }
        kube_reply_fini(&r);
        stop(&e);
    }
}

/* The server comes back with a certificate of a new authority; then its file follows. */
static void follows_an_authority_that_is_replaced(void **state)
{
    (void)state;
    NEEDS_TLS();
    ends e;
    kube_reply r;
    tls_replace("ca.pem", "bundle.pem");
    start(&e, "server", tls_path("bundle.pem"), NULL);
    const int port = tls_port(e.daemon);
    assert_int_equal(get(&e, "/api/v1/nodes", 30 * S, &r), KUBE_END_ANSWERED);
    kube_reply_fini(&r);
    MHD_stop_daemon(e.daemon);
    e.daemon = tls_serve("renewed", port, serve, &server);
    assert_non_null(e.daemon);
    assert_int_equal(get(&e, "/api/v1/nodes", 30 * S, &r), KUBE_END_UNSENT);
    kube_reply_fini(&r);
    tls_replace("other.pem", "bundle.pem");
    assert_int_equal(get(&e, "/api/v1/nodes", 30 * S, &r), KUBE_END_ANSWERED);
    kube_reply_fini(&r);
    stop(&e);
}

static kube_end show(const char *cert, const char *key, kube_reply *r, ends *e, int port)
{
    *e = (ends){.access = {.ca_file = tls_path("ca.pem"),
                           .cert_file = cert != NULL ? tls_path(cert) : NULL,
                           .key_file = key != NULL ? tls_path(key) : NULL}};
    connect_to(e, port);
    return get(e, "/", 30 * S, r);
}

static void shows_its_certificate_and_the_next_one(void **state)
{
    (void)state;
    NEEDS_TLS();
    ends e;
    kube_reply r;
    int port = 0;
    const int process = tls_demanding("server", "ca", &port);
    assert_true(process > 0);
    tls_replace("zebra.pem", "client.pem");
    tls_replace("zebra.key", "client.key");
    assert_int_equal(show("client.pem", "client.key", &r, &e, port), KUBE_END_ANSWERED);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.body, "zebra")); /* the page has the subject of the client's certificate */
    kube_reply_fini(&r);
    tls_replace("walrus.pem", "client.pem");
    tls_replace("walrus.key", "client.key");
    assert_int_equal(get(&e, "/", 30 * S, &r), KUBE_END_ANSWERED);
    assert_non_null(strstr(r.body, "walrus"));
    kube_reply_fini(&r);
    kube_curl_free(e.curl);

    const char *const strangers[] = {NULL, "stranger"};
    for (size_t i = 0; i < 2; i++) { /* none, and one of another authority */
        char cert[32], key[32];
        (void)snprintf(cert, sizeof cert, "%s.pem", strangers[i] != NULL ? strangers[i] : "");
        (void)snprintf(key, sizeof key, "%s.key", strangers[i] != NULL ? strangers[i] : "");
        const bool any = strangers[i] != NULL;
        assert_true(show(any ? cert : NULL, any ? key : NULL, &r, &e, port) != KUBE_END_ANSWERED);
        kube_reply_fini(&r);
        kube_curl_free(e.curl);
    }
    tls_stop(process);
}

/* --- answers --------------------------------------------------------------------------------------------------- */

static void a_broken_answer_is_no_answer(void **state)
{
    (void)state;
    NEEDS_TLS();
    ends e;
    kube_reply r;
    start(&e, "server", tls_path("ca.pem"), NULL);
    const char *const paths[] = {"/half", "/empty", "/mute"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(get(&e, paths[i], i < 2 ? 30 * S : 2 * S, &r), KUBE_END_BROKEN);
        kube_reply_fini(&r);
    }
    assert_int_equal(get(&e, "/api/v1/nodes", 30 * S, &r), KUBE_END_ANSWERED); /* nothing is left over from them */
    kube_reply_fini(&r);
    stop(&e);
}

static void load_recordings(void)
{
    json_t *index = json_load_file(RECORDINGS "/INDEX.json", 0, NULL);
    const json_t *all = json_object_get(index, "records");
    for (size_t i = 0; i < json_array_size(all) && server.record_count < RECORDS; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, RECORDINGS "/%s",
                       json_string_value(json_object_get(json_array_get(all, i), "file")));
        json_t *record = json_load_file(path, 0, NULL);
        json_t *response = json_object_get(record, "response");
        if (json_is_object(response)) {
            (void)json_object_set(response, "file", json_object_get(json_array_get(all, i), "file"));
            server.record[server.record_count++] = json_incref(response);
        }
        json_decref(record);
    }
    json_decref(index);
}

/* What it takes for the truth is the same as without any network between. */
static void recorded_answers_arrive_as_they_were(void **state)
{
    (void)state;
    NEEDS_TLS();
    ends e;
    size_t played = 0;
    load_recordings();
    if (server.record_count == 0) {
        print_message("skip: no " RECORDINGS "\n");
        skip();
    }
    start(&e, "server", tls_path("ca.pem"), NULL);
    for (size_t i = 0; i < server.record_count; i++) {
        const json_t *body = json_object_get(server.record[i], "body");
        char path[32];
        kube_reply r;
        kube_status far, near;
        if (!json_is_string(body)) {
            continue;
        }
        const char *wait = header_of(server.record[i], "Retry-After");
        const kube_answer direct = {.end = KUBE_END_ANSWERED,
                                    .status = (int)json_integer_value(json_object_get(server.record[i], "status")),
                                    .retry_after = wait != NULL ? strtol(wait, NULL, 10) * S : -1,
                                    .body = json_string_value(body),
                                    .size = strlen(json_string_value(body)),
                                    .error = ""};
        (void)snprintf(path, sizeof path, "/record/%zu", i);
        assert_int_equal(get(&e, path, 30 * S, &r), KUBE_END_ANSWERED);
        assert_int_equal(r.status, direct.status);
        assert_string_equal(r.body, direct.body);
        kube_status_of_reply(&r, true, &far);
        kube_status_of(&direct, true, &near);
        assert_int_equal(far.verdict, near.verdict);
        assert_string_equal(far.reason, near.reason);
        assert_true(far.wait == near.wait);
        kube_reply_fini(&r);
        played++;
    }
    assert_true(played > 150);
    stop(&e);
}

/* --- watches --------------------------------------------------------------------------------------------------- */

typedef struct counts {
    size_t puts, removes;
} counts;

static void on_begin(void *self)
{
    (void)self;
}

static bool on_put(void *self, const json_t *object)
{
    (void)object;
    ((counts *)self)->puts++;
    return true;
}

static void on_remove(void *self, const json_t *object)
{
    (void)object;
    ((counts *)self)->removes++;
}

static void on_end(void *self, bool whole)
{
    (void)self;
    (void)whole;
}

/* The events of a recorded stream, counted in the text itself. */
static counts counted(const json_t *chunks, bool *error)
{
    counts n = {0};
    for (size_t i = 0; i < json_array_size(chunks); i++) {
        const char *text = json_string_value(json_object_get(json_array_get(chunks, i), "data"));
        for (const char *at = text; at != NULL && (at = strstr(at, "{\"type\":\"")) != NULL; at += 9) {
            const bool put = strncmp(at + 9, "ADDED\"", 6) == 0 || strncmp(at + 9, "MODIFIED\"", 9) == 0;
            n.puts += put && strstr(at, "\"object\":") == strchr(at + 9, ',') + 1 ? 1 : 0;
            n.removes += strncmp(at + 9, "DELETED\",\"object\":", 18) == 0 ? 1 : 0;
            *error = *error || strncmp(at + 9, "ERROR\",", 7) == 0;
        }
    }
    return n;
}

static spw_time mono(void *user)
{
    struct timespec t;
    (void)user;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (spw_time)t.tv_sec * S + t.tv_nsec;
}

static void recorded_watches_are_followed(void **state)
{
    (void)state;
    NEEDS_TLS();
    ends e;
    size_t streams = 0, errors = 0;
    if (server.record_count == 0) {
        skip();
    }
    start(&e, "server", tls_path("ca.pem"), NULL);
    for (size_t i = 0; i < server.record_count; i++) {
        const json_t *chunks = json_object_get(server.record[i], "chunks");
        bool error = false;
        counts got = {0}, want = counted(chunks, &error);
        char path[32];
        kube_reflect_state s = {0};
        if (json_array_size(chunks) == 0) {
            continue;
        }
        (void)snprintf(path, sizeof path, "/watch/%zu", i);
        const kube_reflect_spec spec = {
            .path = path,
            .query = "",
            .seed = i,
            .sink = {.self = &got, .begin = on_begin, .put = on_put, .remove = on_remove, .end = on_end}};
        kube_reflect *reflect = kube_reflect_new(&spec, &e.wire);
        const spw_time until = mono(NULL) + 60 * S;
        while (mono(NULL) < until && s.watches < 2 && s.lists < 2) {
            (void)kube_reflect_step(reflect, mono(NULL));
            (void)e.wire.run(e.wire.self, S / 20);
            kube_reflect_state_get(reflect, &s);
        }
        if (got.puts != want.puts || got.removes != want.removes) {
            fail_msg("%s: %zu put, %zu removed instead of %zu, %zu",
                     json_string_value(json_object_get(server.record[i], "file")), got.puts, got.removes, want.puts,
                     want.removes);
        }
        assert_int_equal(s.lists, error ? 2 : 1); /* 410 inside the stream: list again */
        kube_reflect_free(reflect);
        streams++;
        errors += error ? 1 : 0;
    }
    assert_true(streams >= 15 && errors >= 1);
    stop(&e);
}

/* --- the whole way --------------------------------------------------------------------------------------------- */

static void a_lease_and_a_write_over_a_real_connection(void **state)
{
    (void)state;
    NEEDS_TLS();
    ends e;
    start(&e, "server", tls_path("ca.pem"), NULL);
    kw_put(server.world, 0, "/apis/apps/v1/deployments",
           "{\"metadata\":{\"name\":\"chat\",\"namespace\":\"prod\"},\"spec\":{\"replicas\":2}}");
    const kube_lease_spec lease_spec = {.wire = &e.wire, .space = "s", .name = "l", .identity = "me", .seed = 1};
    kube_lease *lease = kube_lease_new(&lease_spec);
    const spw_time until = mono(NULL) + 30 * S;
    while (!kube_lease_may_write(lease, mono(NULL)) && mono(NULL) < until) {
        (void)kube_lease_step(lease, mono(NULL), 1790000000 * S);
        (void)e.wire.run(e.wire.self, S / 20);
    }
    assert_true(kube_lease_may_write(lease, mono(NULL)));
    const kube_writer_spec spec = {.wire = &e.wire, .server_count = 1, .breaker_count = 1, .clock = mono, .seed = 1};
    kube_writer *writer = kube_writer_new(&spec);
    kube_write write = scale_write("/apis/apps/v1/namespaces/prod/deployments/chat/scale", "1");
    assert_int_equal(kube_writer_run(writer, &write, 1, mono(NULL) + 30 * S, NULL), SPW_OK);
    assert_int_equal(write.attempts, 2); /* the version was stale: 409, read, tried again */
    assert_int_equal(kw_replicas(server.world, 0, "prod", "chat"), 5);
    kube_writer_free(writer);
    kube_lease_release(lease, 1790000000 * S);
    kube_lease_free(lease);
    stop(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trusts_its_authority_and_no_other),
        cmocka_unit_test(follows_an_authority_that_is_replaced),
        cmocka_unit_test(shows_its_certificate_and_the_next_one),
        cmocka_unit_test(a_broken_answer_is_no_answer),
        cmocka_unit_test(recorded_answers_arrive_as_they_were),
        cmocka_unit_test(recorded_watches_are_followed),
        cmocka_unit_test(a_lease_and_a_write_over_a_real_connection),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
