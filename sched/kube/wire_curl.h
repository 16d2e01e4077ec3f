/* SPDX-License-Identifier: Apache-2.0 */
/**
 * wire_curl.h - the wire over libcurl, one thread, any number of servers.
 *
 * HTTP/1.1 on purpose: a request that runs out of time takes its connection with it, while a dead HTTP/2 connection
 * would swallow the next requests, too. TLS is always verified. Redirects are not followed. Environment proxies are
 * honoured unless a kubeconfig names one. Credentials are asked for at each request.
 */
#ifndef SCHED_KUBE_WIRE_CURL_H
#define SCHED_KUBE_WIRE_CURL_H

#include "sched/kube/access.h"
#include "sched/kube/wire.h"

typedef struct kube_curl kube_curl;

typedef struct kube_curl_options {
    const kube_access *const *servers; /**< [server_count], each borrowed for the wire's life */
    size_t server_count;
    const char *agent;       /**< User-Agent */
    spw_dur connect_timeout; /**< 0 = 5 s */
    int wake_fd;             /**< run() also returns when this can be read; -1 = none */
    size_t answer_most;      /**< a longer body is a broken answer; 0 = 256 MiB */
} kube_curl_options;

/** For the process, before its threads: libcurl's global state. @return false: it refuses */
bool kube_curl_begin(void);
void kube_curl_end(void);
const char *kube_curl_version(void); /**< of libcurl and what it is built on. @return static */

/** Between kube_curl_begin() and kube_curl_end(), or the caller's own curl_global_init(). @return SPW_OK; SPW_NOMEM;
 * SPW_BACKEND: this libcurl lacks something */
spw_rc kube_curl_new(const kube_curl_options *options, kube_curl **out);
void kube_curl_free(kube_curl *curl); /**< cancels what is under way; NULL allowed */
kube_wire kube_curl_wire(kube_curl *curl);

#endif
