/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - three pages over libmicrohttpd. */
#include "sched/daemon/http.h"

#include "sched/daemon/files.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECTIONS 16u
#define IDLE_S      10u

typedef struct page {
    char *text; /* malloc'ed; NULL = nothing yet */
    size_t size;
    unsigned status;
} page;

enum { PAGE_METRICS, PAGE_HEALTH, PAGE_READY, PAGES };

struct dm_http {
    struct MHD_Daemon *server;
    pthread_mutex_t lock; /* of pages */
    page pages[PAGES];
    spw_time shown; /* uptime when the pages were made; -1 = never */
    uint16_t port;
};

static const char *const paths[PAGES] = {"/metrics", "/healthz", "/readyz"};

static enum MHD_Result reply(struct MHD_Connection *c, unsigned status, const char *type, const char *text, size_t size)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(size, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (r == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(r, "Content-Type", type);
    (void)MHD_add_response_header(r, "Cache-Control", "no-store");
    const enum MHD_Result sent = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return sent;
}

static enum MHD_Result reply_text(struct MHD_Connection *c, unsigned status, const char *text)
{
    return reply(c, status, "text/plain; charset=utf-8", text, strlen(text));
}

static enum MHD_Result answer(void *self, struct MHD_Connection *c, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **context)
{
    dm_http *h = self;
    (void)version;
    (void)upload;
    (void)context;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        *upload_size = 0;
        return reply_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    }
    for (size_t i = 0; i < PAGES; i++) {
        if (strcmp(url, paths[i]) == 0) {
            (void)pthread_mutex_lock(&h->lock);
            const page *p = &h->pages[i];
            const enum MHD_Result sent = p->text == NULL
                                             ? reply_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, "starting\n")
                                             : reply(c, p->status,
                                                     i == PAGE_METRICS ? "text/plain; version=0.0.4; charset=utf-8"
                                                                       : "text/plain; charset=utf-8",
                                                     p->text, p->size);
            (void)pthread_mutex_unlock(&h->lock);
            return sent;
        }
    }
    return reply_text(c, MHD_HTTP_NOT_FOUND, "/metrics /healthz /readyz\n");
}

static spw_rc start(dm_http *h, const char *address, int32_t port, spw_err *err)
{
    char service[8];
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    (void)snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(address, service, &hints, &found) != 0) {
        return dm_fail(err, SPW_BACKEND, "http", "'%.60s' is no IP address", address);
    }
    const unsigned flags =
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | (found->ai_family == AF_INET6 ? (unsigned)MHD_USE_IPv6 : 0u);
    h->server = MHD_start_daemon(flags, (uint16_t)port, NULL, NULL, answer, h, MHD_OPTION_SOCK_ADDR, found->ai_addr,
                                 MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
                                 MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
    freeaddrinfo(found);
    if (h->server == NULL) {
        return dm_fail(err, SPW_BACKEND, "http", "cannot listen on %.60s port %d", address, port);
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->server, MHD_DAEMON_INFO_BIND_PORT);
    h->port = info != NULL ? info->port : (uint16_t)port;
    return SPW_OK;
}

spw_rc dm_http_new(const char *address, int32_t port, dm_http **out, spw_err *err)
{
    dm_http *h = calloc(1, sizeof *h);
    if (h == NULL || pthread_mutex_init(&h->lock, NULL) != 0) {
        free(h);
        return dm_fail(err, SPW_NOMEM, "http", "out of memory");
    }
    h->shown = -1;
    const spw_rc rc = start(h, address, port, err);
    if (rc != SPW_OK) {
        dm_http_free(h);
        return rc;
    }
    *out = h;
    return SPW_OK;
}

void dm_http_free(dm_http *h)
{
    if (h != NULL) {
        if (h->server != NULL) {
            MHD_stop_daemon(h->server);
        }
        for (size_t i = 0; i < PAGES; i++) {
            free(h->pages[i].text);
        }
        (void)pthread_mutex_destroy(&h->lock);
        free(h);
    }
}

uint16_t dm_http_port(const dm_http *h)
{
    return h->port;
}

static void put(dm_http *h, size_t index, char *text, size_t size, bool good)
{
    if (text == NULL) {
        return; /* out of memory: the page before stays */
    }
    (void)pthread_mutex_lock(&h->lock);
    char *old = h->pages[index].text;
    h->pages[index] = (page){text, size, good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE};
    (void)pthread_mutex_unlock(&h->lock);
    free(old);
}

void dm_http_show(dm_http *h, const dm_status *status, const dm_latency *latency)
{
    char why[120];
    size_t size = 0;
    const bool ticked = status->ticked >= 0 && status->ticked < status->uptime - h->shown;
    if (h->shown >= 0 && status->uptime >= h->shown && status->uptime - h->shown < SPW_NS_PER_S && !ticked) {
        return;
    }
    h->shown = status->uptime;
    char *text = dm_metrics_text(status, latency, &size);
    put(h, PAGE_METRICS, text, size, true);
    bool good = dm_is_healthy(status, why, sizeof why);
    put(h, PAGE_HEALTH, strdup(why), strlen(why), good);
    good = dm_is_ready(status, why, sizeof why);
    put(h, PAGE_READY, strdup(why), strlen(why), good);
}
