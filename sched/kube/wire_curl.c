/* SPDX-License-Identifier: Apache-2.0 */
/** wire_curl.c - calls as easy handles in one multi handle. */
#include "sched/kube/wire_curl.h"
#include "sched/kube/credential.h"
#include "sched/kube/secret.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define CONNECT_DEFAULT (5 * SPW_NS_PER_S)
#define ANSWER_DEFAULT  ((size_t)256 * 1024 * 1024)
#define MS(ns)          ((long)((ns) / 1000000))

typedef struct transfer {
    struct transfer *next;
    kube_call call;
    uint64_t ticket;
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    char *url, *body; /* body: copy of what is sent */
    char *answer;
    size_t used, room;
    spw_dur retry_after;
    bool cancelled, too_long, no_memory, in_multi;
    char error[CURL_ERROR_SIZE];
} transfer;

typedef struct server {
    const kube_access *access;
    kube_credential *credential;
    bool refused; /* the last answer was 401: get the credential anew */
} server;

struct kube_curl {
    CURLM *multi;
    server *servers;
    size_t server_count;
    transfer *first;
    uint64_t tickets;
    char agent[80];
    spw_dur connect_timeout;
    int wake_fd;
    size_t answer_most;
    bool failed_early; /* a call ended before it was sent: run() reports it without waiting */
};

static void transfer_free(kube_curl *c, transfer *t)
{
    if (t->in_multi) {
        (void)curl_multi_remove_handle(c->multi, t->easy);
    }
    curl_easy_cleanup(t->easy);
    for (struct curl_slist *h = t->headers; h != NULL; h = h->next) {
        secret_wipe(h->data, strlen(h->data));
    }
    curl_slist_free_all(t->headers);
    curl_slist_free_all(t->connect_to);
    free(t->url);
    free(t->body);
    free(t->answer);
    free(t);
}

static void unlink_transfer(kube_curl *c, const transfer *t)
{
    transfer **at = &c->first;
    while (*at != NULL && *at != t) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = t->next;
    }
}

static bool keep(transfer *t, const char *bytes, size_t size, size_t most)
{
    if (size > most - t->used) {
        t->too_long = true;
        return false;
    }
    if (t->used + size + 1 > t->room) {
        size_t room = t->room == 0 ? 4096 : t->room * 2;
        while (room < t->used + size + 1) {
            room *= 2;
        }
        char *grown = realloc(t->answer, room);
        if (grown == NULL) {
            t->no_memory = true;
            return false;
        }
        t->answer = grown;
        t->room = room;
    }
    memcpy(t->answer + t->used, bytes, size);
    t->used += size;
    t->answer[t->used] = '\0';
    return true;
}

static size_t on_body(char *bytes, size_t one, size_t count, void *user)
{
    transfer *t = user;
    kube_curl *c = NULL;
    const size_t size = one * count;
    long status = 0;

    (void)curl_easy_getinfo(t->easy, CURLINFO_PRIVATE, (char **)&c);
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (t->cancelled) {
        return 0;
    }
    if (t->call.stream && status == 200) {
        t->call.data(t->call.user, bytes, size);
        return t->cancelled ? 0 : size;
    }
    return keep(t, bytes, size, c->answer_most) ? size : 0;
}

static size_t on_header(char *line, size_t one, size_t count, void *user)
{
    static const char name[] = "retry-after:";
    transfer *t = user;
    const size_t size = one * count;
    if (size > sizeof name - 1 && strncasecmp(line, name, sizeof name - 1) == 0) {
        char digits[16] = "";
        size_t at = sizeof name - 1, n = 0;
        while (at < size && line[at] == ' ') {
            at++;
        }
        while (at < size && line[at] >= '0' && line[at] <= '9' && n + 1 < sizeof digits) {
            digits[n++] = line[at++];
        }
        digits[n] = '\0';
        const long s = strtol(digits, NULL, 10);
        if (n > 0 && n < 9 && s < 86400) {
            t->retry_after = s * SPW_NS_PER_S;
        }
    }
    return size;
}

static CURLcode set_blob(CURL *easy, CURLoption option, const char *pem)
{
    struct curl_blob blob = {.data = (void *)(uintptr_t)pem, .len = strlen(pem), .flags = CURL_BLOB_COPY};
    return pem[0] != '\0' ? curl_easy_setopt(easy, option, &blob) : CURLE_OK;
}

static bool add_header(transfer *t, const char *line)
{
    struct curl_slist *grown = curl_slist_append(t->headers, line);
    if (grown == NULL) {
        return false;
    }
    t->headers = grown;
    return true;
}

static bool set_headers(transfer *t, const kube_proof *proof)
{
    char type[96];
    bool ok = add_header(t, "Accept: application/json") && add_header(t, "Expect:");
    if (t->call.content_type != NULL) {
        (void)snprintf(type, sizeof type, "Content-Type: %s", t->call.content_type);
        ok = ok && add_header(t, type);
    }
    if (t->call.tag != NULL) {
        (void)snprintf(type, sizeof type, "Audit-ID: %.64s", t->call.tag);
        ok = ok && add_header(t, type);
    }
    return ok && (proof->header == NULL || add_header(t, proof->header));
}

#define SET(option, value) (rc = rc == CURLE_OK ? curl_easy_setopt(t->easy, option, value) : rc)

/* @return false: out of memory, or this libcurl cannot do it */
static bool set_up(kube_curl *c, transfer *t, const kube_access *access, const kube_proof *proof)
{
    CURLcode rc = CURLE_OK;
    SET(CURLOPT_PRIVATE, c);
    SET(CURLOPT_URL, t->url);
    SET(CURLOPT_USERAGENT, c->agent);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROTOCOLS_STR, "https,http");
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_MAXAGE_CONN, 80L); /* the server closes idle ones at 90 s */
    SET(CURLOPT_CUSTOMREQUEST, t->call.method);
    SET(CURLOPT_HTTPHEADER, t->headers);
    SET(CURLOPT_ERRORBUFFER, t->error);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    const spw_dur connect = c->connect_timeout < t->call.timeout ? c->connect_timeout : t->call.timeout;
    SET(CURLOPT_CONNECTTIMEOUT_MS, MS(connect) > 0 ? MS(connect) : 1L);
    if (t->call.stream) {
        const long s = (long)(t->call.timeout / SPW_NS_PER_S);
        SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
        SET(CURLOPT_LOW_SPEED_TIME, s > 0 ? s : 1L);
    } else {
        SET(CURLOPT_TIMEOUT_MS, MS(t->call.timeout) > 0 ? MS(t->call.timeout) : 1L);
        SET(CURLOPT_ACCEPT_ENCODING, "");
    }
    if (t->call.content_type != NULL) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->call.body_size);
        SET(CURLOPT_POSTFIELDS, t->body);
    }
    if (access->proxy != NULL) {
        SET(CURLOPT_PROXY, access->proxy);
    }
    if (t->connect_to != NULL) {
        SET(CURLOPT_CONNECT_TO, t->connect_to);
    }
    rc = rc == CURLE_OK && proof->ca_pem != NULL ? set_blob(t->easy, CURLOPT_CAINFO_BLOB, proof->ca_pem) : rc;
    if (proof->cert_pem != NULL && proof->key_pem != NULL) {
        rc = rc == CURLE_OK ? set_blob(t->easy, CURLOPT_SSLCERT_BLOB, proof->cert_pem) : rc;
        rc = rc == CURLE_OK ? set_blob(t->easy, CURLOPT_SSLKEY_BLOB, proof->key_pem) : rc;
    }
    return rc == CURLE_OK;
}

/*
 * Where the request goes. With tls-server-name the URL has that name, so that the certificate is checked for it, and
 * the connection is led to the address of the server.
 */
static bool aim(transfer *t, const kube_access *a)
{
    const char *name = a->tls_server_name, *host = a->server + (sizeof "https://" - 1);
    const bool renamed = name != NULL && strncmp(a->server, "https://", 8) == 0;
    const size_t room = strlen(a->server) + strlen(t->call.path) + (renamed ? strlen(name) : 0) + 16;

    t->url = malloc(room);
    if (t->url == NULL) {
        return false;
    }
    if (!renamed) {
        (void)snprintf(t->url, room, "%s%s", a->server, t->call.path);
        return true;
    }
    const size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    const bool has_port = host[length] == ':';
    const long port = has_port ? strtol(host + length + 1, NULL, 10) : 443;
    const char *prefix = host + length + (has_port ? 1 + strspn(host + length + 1, "0123456789") : 0);
    char line[600];
    (void)snprintf(t->url, room, "https://%s:%ld%s%s", name, port, prefix, t->call.path);
    (void)snprintf(line, sizeof line, "%s:%ld:%.*s:%ld", name, port, (int)length, host, port);
    t->connect_to = curl_slist_append(NULL, line);
    return t->connect_to != NULL;
}

static int64_t unix_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SPW_NS_PER_S + now.tv_nsec;
}

/* Takes copies of everything that the caller may free. */
static bool copy_call(transfer *t, const kube_call *call)
{
    t->call = *call;
    t->body = malloc(call->body_size + 1);
    if (t->body == NULL) {
        return false;
    }
    if (call->body_size > 0) {
        memcpy(t->body, call->body, call->body_size);
    }
    t->body[call->body_size] = '\0';
    t->call.body = t->body;
    return true;
}

static spw_rc start(void *self, const kube_call *call, uint64_t *ticket)
{
    kube_curl *c = self;
    kube_proof proof = {0};
    char why[160] = "";
    transfer *t = calloc(1, sizeof *t);

    if (t == NULL) {
        return SPW_NOMEM;
    }
    server *s = &c->servers[call->server];
    t->retry_after = -1;
    t->easy = curl_easy_init();
    spw_rc rc = t->easy != NULL && copy_call(t, call) ? SPW_OK : SPW_NOMEM;
    if (rc == SPW_OK) {
        rc = kube_credential_now(s->credential, unix_now(), s->refused, &proof, why, sizeof why);
        s->refused = false;
    }
    if (rc == SPW_BACKEND) { /* told like a connection that failed: by the callback, later */
        (void)snprintf(t->error, sizeof t->error, "%s", why);
        c->failed_early = true;
    } else if (rc == SPW_OK) {
        const bool ready = aim(t, s->access) && set_headers(t, &proof) && set_up(c, t, s->access, &proof);
        t->in_multi = ready && curl_multi_add_handle(c->multi, t->easy) == CURLM_OK;
        rc = t->in_multi ? SPW_OK : SPW_NOMEM;
    }
    t->call.path = t->call.body = t->call.content_type = t->call.tag =
        NULL; /* the caller's; url, headers and body are ours */
    if (rc == SPW_NOMEM) {
        transfer_free(c, t);
        return rc;
    }
    t->ticket = ++c->tickets;
    t->next = c->first;
    c->first = t;
    *ticket = t->ticket;
    return SPW_OK;
}

static void cancel(void *self, uint64_t ticket)
{
    kube_curl *c = self;
    for (transfer *t = c->first; t != NULL; t = t->next) {
        if (t->ticket == ticket) {
            t->cancelled = true; /* freed by the next run(): we may be inside one of its callbacks */
            return;
        }
    }
}

static void tell(kube_curl *c, transfer *t, CURLcode code)
{
    long status = 0, sent = 0;
    if (t->in_multi) {
        (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
    }
    const bool whole = t->in_multi && code == CURLE_OK && status > 0;
    kube_answer answer = {
        .end = whole      ? KUBE_END_ANSWERED
               : sent > 0 ? KUBE_END_BROKEN
                          : KUBE_END_UNSENT,
        .status = whole ? (int)status : 0,
        .retry_after = t->retry_after,
        .body = t->answer != NULL ? t->answer : "",
        .size = t->used,
        .error = whole              ? ""
                 : t->too_long      ? "the answer is too long"
                 : t->no_memory     ? "out of memory"
                 : t->error[0] != 0 ? t->error
                                    : curl_easy_strerror(code),
    };
    if (status == 401) {
        c->servers[t->call.server].refused = true;
    }
    t->call.done(t->call.user, &answer);
}

/* Ends what is over. @return how many calls were called back */
static int finish(kube_curl *c)
{
    int told = 0, left = 0;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left)) != NULL;) {
        const CURLcode code = m->data.result;
        transfer *t = c->first;
        while (t != NULL && t->easy != m->easy_handle) {
            t = t->next;
        }
        if (t != NULL) {
            unlink_transfer(c, t);
            if (!t->cancelled) {
                tell(c, t, code);
                told++;
            }
            transfer_free(c, t);
        }
    }
    return told;
}

/* Frees what was cancelled and tells what never left. */
static int sweep(kube_curl *c)
{
    int told = 0;
    c->failed_early = false;
    for (transfer *t = c->first; t != NULL;) {
        if (t->cancelled || !t->in_multi) {
            unlink_transfer(c, t);
            if (!t->cancelled) {
                tell(c, t, CURLE_COULDNT_CONNECT);
                told++;
            }
            transfer_free(c, t);
            t = c->first; /* the callback may have changed the list */
        } else {
            t = t->next;
        }
    }
    return told;
}

static spw_rc run(void *self, spw_dur longest)
{
    kube_curl *c = self;
    struct curl_waitfd wake = {.fd = c->wake_fd, .events = CURL_WAIT_POLLIN};
    int running = 0, ready = 0;
    int told = sweep(c);

    if (curl_multi_perform(c->multi, &running) != CURLM_OK) {
        return SPW_BACKEND;
    }
    told += finish(c);
    if (told > 0 || c->failed_early || longest <= 0) {
        return SPW_OK;
    }
    const long ms = MS(longest) > 60000 ? 60000 : MS(longest) + 1;
    if (curl_multi_poll(c->multi, &wake, c->wake_fd >= 0 ? 1 : 0, (int)ms, &ready) != CURLM_OK ||
        curl_multi_perform(c->multi, &running) != CURLM_OK) {
        return SPW_BACKEND;
    }
    (void)finish(c);
    (void)sweep(c);
    return SPW_OK;
}

bool kube_curl_begin(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

void kube_curl_end(void)
{
    curl_global_cleanup();
}

const char *kube_curl_version(void)
{
    return curl_version();
}

spw_rc kube_curl_new(const kube_curl_options *options, kube_curl **out)
{
    kube_curl *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return SPW_NOMEM;
    }
    c->wake_fd = options->wake_fd;
    c->connect_timeout = options->connect_timeout > 0 ? options->connect_timeout : CONNECT_DEFAULT;
    c->answer_most = options->answer_most > 0 ? options->answer_most : ANSWER_DEFAULT;
    (void)snprintf(c->agent, sizeof c->agent, "%s", options->agent != NULL ? options->agent : "spillwayd");
    c->multi = curl_multi_init();
    c->servers = calloc(options->server_count + 1, sizeof *c->servers);
    bool ok = c->multi != NULL && c->servers != NULL;
    for (size_t i = 0; ok && i < options->server_count; i++) {
        c->servers[i].access = options->servers[i];
        c->servers[i].credential = kube_credential_new(options->servers[i]);
        ok = c->servers[i].credential != NULL;
        c->server_count = i + 1;
    }
    if (!ok) {
        kube_curl_free(c);
        return SPW_NOMEM;
    }
    *out = c;
    return SPW_OK;
}

void kube_curl_free(kube_curl *c)
{
    if (c == NULL) {
        return;
    }
    while (c->first != NULL) {
        transfer *t = c->first;
        c->first = t->next;
        transfer_free(c, t);
    }
    for (size_t i = 0; i < c->server_count; i++) {
        kube_credential_free(c->servers[i].credential);
    }
    free(c->servers);
    if (c->multi != NULL) {
        (void)curl_multi_cleanup(c->multi);
    }
    free(c);
}

kube_wire kube_curl_wire(kube_curl *curl)
{
    return (kube_wire){.self = curl, .start = start, .cancel = cancel, .run = run};
}
