/* SPDX-License-Identifier: GPL-3.0-or-later */
/** edit.h - a new trace from one or several: a part of it, more or less of it, later, together. */
#ifndef SIM_TRACE_EDIT_H
#define SIM_TRACE_EDIT_H

#include <gsl/gsl_rng.h>

#include "sim/trace/trace.h"

/** All return a new trace, to be freed with trace_close(), or NULL with a message about `name`, also
 *  where a request would leave the range of times (2^63 ns). Sources are unchanged. */

/** Requests from from_ns on and before to_ns, since the first one. */
trace *edit_slice(const trace *t, int64_t from_ns, int64_t to_ns, const char *name, char *err, size_t err_size);
/**
 * Each request `factor` times on average: as often as the whole part says, and once more with the probability of the
 * rest. Copies lie beside each other, moved apart by up to jitter_ns (uniform; 0 = the same instant); their sessions
 * and blocks stay those of the original.
 */
trace *edit_scale(const trace *t, double factor, int64_t jitter_ns, gsl_rng *r, const char *name, char *err,
                  size_t err_size);
/** The time of the first request moves by `by_ns`, and all others with it. It must stay from 0 to 2^62 ns. */
trace *edit_shift(const trace *t, int64_t by_ns, const char *name, char *err, size_t err_size);
/**
 * All requests of several traces. Their clocks are taken as one, or (aligned) each trace begins at the same instant,
 * that of the first one. Sessions and blocks of different traces are kept apart: trace i's number s becomes
 * s * count + i, those that leave int64 by that are hashed. Times of a calendar and others have no origin in common:
 * refused if not aligned, and aligned they are what the first one's are. A message is about that one of names[] which
 * is to blame.
 */
trace *edit_mix(const trace *const *traces, size_t count, bool aligned, const char *const *names, char *err,
                size_t err_size);

#endif
