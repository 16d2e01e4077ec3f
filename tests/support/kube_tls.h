/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * kube_tls.h - the servers of a kw_world behind TLS on the loopback, with watches that stay open. Server i listens on a
 * port of its own; whoever brings no token gets 401. A request to
 * /apis/cluster.karmada.io/v1alpha1/clusters/NAME/proxy/... goes on to the server that kt_proxy() names.
 */
#ifndef TESTS_SUPPORT_KUBE_TLS_H
#define TESTS_SUPPORT_KUBE_TLS_H

#include "tests/support/kube_world.h"

#define KT_TOKEN "a-token-that-nobody-should-see"

typedef struct kube_tls kube_tls;

/** Certificates, once for a program. @return false: there is no openssl here, or no TLS in libmicrohttpd */
bool kt_begin(void);
void kt_end(void);

/** world is borrowed, and touched between kt_lock() and kt_unlock() alone from now on. @return NULL: no server */
kube_tls *kt_start(kw_world *world, size_t servers);
void kt_stop(kube_tls *k); /**< ends open watches */
int kt_port(const kube_tls *k, size_t server);
void kt_proxy(kube_tls *k, const char *cluster, size_t server);

void kt_lock(kube_tls *k);
void kt_unlock(kube_tls *k); /**< watches see what was changed */
/** Writes a kubeconfig for one server: its authority, the token. */
void kt_kubeconfig(const kube_tls *k, size_t server, const char *path);

#endif
