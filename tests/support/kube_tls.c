/* SPDX-License-Identifier: GPL-3.0-or-later */
/** kube_tls.c - requests out of threads into the world, one at a time; events out of it to those that watch. */
#include "tests/support/kube_tls.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/kube_world_int.h"
#include "tests/support/tls.h"

#define PROXIES 4
#define PROXY   "/apis/cluster.karmada.io/v1alpha1/clusters/"

typedef struct door {
    kube_tls *all;
    size_t server;
    struct MHD_Daemon *daemon;
} door;

struct kube_tls {
    pthread_mutex_t lock;
    pthread_cond_t news;
    kw_world *world;
    bool ending;
    door doors[KW_SERVERS];
    size_t count;
    struct {
        char cluster[32];
        size_t server;
    } proxies[PROXIES];
    size_t proxy_count;
};

void kt_lock(kube_tls *k)
{
    (void)pthread_mutex_lock(&k->lock);
}

void kt_unlock(kube_tls *k)
{
    (void)pthread_cond_broadcast(&k->news);
    (void)pthread_mutex_unlock(&k->lock);
}

/* --- watches --------------------------------------------------------------------------------------------------- */

typedef struct watcher {
    kube_tls *all;
    size_t server;
    char collection[128];
    uint64_t seen;
    char *text; /* of an event, not yet handed over as a whole */
    size_t size, from;
} watcher;

/* Waits for the next event. @return false: the server ends */
static bool next_event(watcher *w)
{
    const kw_server *s = &w->all->world->server[w->server];
    kt_lock(w->all);
    while (!w->all->ending) {
        for (size_t i = 0; i < s->event_count; i++) {
            const kw_event *e = &s->events[i];
            if (e->version > w->seen && strcmp(e->collection, w->collection) == 0) {
                w->seen = e->version;
                w->size = strlen(e->line) + 1;
                w->from = 0;
                w->text = malloc(w->size);
                assert(w->text != NULL);
                memcpy(w->text, e->line, w->size);
                w->text[w->size - 1] = '\n';
                (void)pthread_mutex_unlock(&w->all->lock);
                return true;
            }
        }
        (void)pthread_cond_wait(&w->all->news, &w->all->lock);
    }
    (void)pthread_mutex_unlock(&w->all->lock);
    return false;
}

static ssize_t give(void *user, uint64_t at, char *into, size_t most)
{
    watcher *w = user;
    (void)at;
    if (w->text == NULL && !next_event(w)) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    const size_t left = w->size - w->from, n = left < most ? left : most;
    memcpy(into, w->text + w->from, n);
    w->from += n;
    if (n == left) {
        free(w->text);
        w->text = NULL;
    }
    return (ssize_t)n;
}

static void forget(void *user)
{
    watcher *w = user;
    free(w->text);
    free(w);
}

static enum MHD_Result watch(kube_tls *k, size_t server, struct MHD_Connection *c, const char *path)
{
    const char *version = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "resourceVersion");
    watcher *w = calloc(1, sizeof *w);
    kw_target t;
    assert(w != NULL);
    kw_target_of(path, &t);
    *w = (watcher){.all = k, .server = server, .seen = version != NULL ? strtoull(version, NULL, 10) : 0};
    (void)snprintf(w->collection, sizeof w->collection, "%s", t.collection);
    struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, give, w, forget);
    (void)MHD_add_response_header(r, "Content-Type", "application/json");
    const enum MHD_Result rc = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return rc;
}

/* --- requests -------------------------------------------------------------------------------------------------- */

/* Takes the prefix of a proxy away. @return the path at that server */
static const char *follow(const kube_tls *k, const char *path, size_t *server)
{
    for (size_t i = 0; i < k->proxy_count; i++) {
        const size_t n = strlen(k->proxies[i].cluster);
        const char *rest = path + strlen(PROXY);
        if (strncmp(path, PROXY, strlen(PROXY)) == 0 && strncmp(rest, k->proxies[i].cluster, n) == 0 &&
            strncmp(rest + n, "/proxy/", 7) == 0) {
            *server = k->proxies[i].server;
            return rest + n + 6;
        }
    }
    return path;
}

static enum MHD_Result answer(void *user, struct MHD_Connection *c, const char *url, const char *method,
                              const tls_upload *up)
{
    const door *d = user;
    static const char unknown[] =
        "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Unauthorized\",\"code\":401}";
    kube_tls *k = d->all;
    const char *token = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization");
    const char *type = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Type");
    size_t server = d->server;
    if (token == NULL || strcmp(token, "Bearer " KT_TOKEN) != 0) {
        return tls_reply(c, 401, "application/json", NULL, unknown);
    }
    const char *path = follow(k, url, &server);
    if (MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "watch") != NULL) {
        return watch(k, server, c, path);
    }
    char *text = NULL;
    kt_lock(k);
    const int status =
        kw_handle(k->world, server, method, path, type, up->body != NULL ? up->body : "", up->size, &text);
    kt_unlock(k);
    const enum MHD_Result rc = tls_reply(c, status, "application/json", NULL, text);
    free(text);
    return rc;
}

static enum MHD_Result serve(void *user, struct MHD_Connection *c, const char *url, const char *method,
                             const char *version, const char *data, size_t *size, void **state)
{
    (void)version;
    return tls_gather(answer, user, c, url, method, data, size, state);
}

/* --- making ---------------------------------------------------------------------------------------------------- */

bool kt_begin(void)
{
    const bool can = tls_begin();
    if (can) {
        tls_certificate("server", "ca", "IP:127.0.0.1");
    }
    return can;
}

void kt_end(void)
{
    tls_end();
}

kube_tls *kt_start(kw_world *world, size_t servers)
{
    kube_tls *k = calloc(1, sizeof *k);
    assert(k != NULL && servers <= KW_SERVERS);
    k->world = world;
    (void)pthread_mutex_init(&k->lock, NULL);
    (void)pthread_cond_init(&k->news, NULL);
    while (k->count < servers) {
        door *d = &k->doors[k->count];
        *d = (door){.all = k, .server = k->count};
        d->daemon = tls_serve("server", 0, serve, d);
        if (d->daemon == NULL) {
            kt_stop(k);
            return NULL;
        }
        k->count++;
    }
    return k;
}

void kt_stop(kube_tls *k)
{
    kt_lock(k);
    k->ending = true;
    kt_unlock(k);
    for (size_t i = 0; i < k->count; i++) {
        MHD_stop_daemon(k->doors[i].daemon);
    }
    (void)pthread_cond_destroy(&k->news);
    (void)pthread_mutex_destroy(&k->lock);
    free(k);
}

int kt_port(const kube_tls *k, size_t server)
{
    return tls_port(k->doors[server].daemon);
}

void kt_proxy(kube_tls *k, const char *cluster, size_t server)
{
    assert(k->proxy_count < PROXIES);
    (void)snprintf(k->proxies[k->proxy_count].cluster, sizeof k->proxies[0].cluster, "%s", cluster);
    k->proxies[k->proxy_count++].server = server;
}

void kt_kubeconfig(const kube_tls *k, size_t server, const char *path)
{
    FILE *f = fopen(path, "w");
    assert(f != NULL);
    fprintf(f,
            "apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
            "clusters: [{name: c, cluster: {server: \"https://127.0.0.1:%d\", certificate-authority: %s}}]\n"
            "users: [{name: u, user: {token: %s}}]\n",
            kt_port(k, server), tls_path("ca.pem"), KT_TOKEN);
    (void)fclose(f);
}
