/* SPDX-License-Identifier: GPL-3.0-or-later */
/** gunzip.h - a gzip file (RFC 1952, one or more members) in memory, unpacked. */
#ifndef SIM_SCENARIO_GUNZIP_H
#define SIM_SCENARIO_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>

/** Whether the bytes begin as a gzip file does. */
bool gunzip_wanted(const void *data, size_t size);
/**
 * @param limit     most bytes that may come out
 * @param out data  to be freed; followed by a NUL that *out_size does not count; NULL on failure
 * @return NULL, or what is wrong
 */
const char *gunzip(const void *data, size_t size, size_t limit, char **out, size_t *out_size);

#endif
