/* SPDX-License-Identifier: Apache-2.0 */
/**
 * http.h - /metrics (Prometheus text format 0.0.4), /healthz and /readyz, over plain HTTP on the loopback by default.
 *
 * A thread of its own answers from pages that dm_http_show() has made: a server that hangs delays no answer here.
 * healthz is 200 while ticks come: none for five periods and a minute more is 503. readyz is 200 when the fleet is
 * known and a tick was made. Both say why not.
 */
#ifndef SCHED_DAEMON_HTTP_H
#define SCHED_DAEMON_HTTP_H

#include "sched/daemon/status.h"

typedef struct dm_http dm_http;

/** @param in  port  0 = any. @return SPW_OK; SPW_BACKEND: the address cannot be bound, see err; SPW_NOMEM */
spw_rc dm_http_new(const char *address, int32_t port, dm_http **out, spw_err *err);
void dm_http_free(dm_http *http); /**< NULL allowed */
uint16_t dm_http_port(const dm_http *http);
/** Pages as of now, once a second at most. */
void dm_http_show(dm_http *http, const dm_status *status, const dm_latency *latency);

#endif
