/* SPDX-License-Identifier: Apache-2.0 */
/** secret.h - memory for credentials: wiped before it goes back to the heap. Internal to sched/kube. */
#ifndef SCHED_KUBE_SECRET_H
#define SCHED_KUBE_SECRET_H

#include <spillway/types.h>

/** An allocator over the heap that wipes what it gives back. @return static */
const spw_mem *secret_mem(void);

/** Overwrites bytes in a way that the compiler keeps. */
void secret_wipe(void *bytes, size_t size);

/** A wiped-on-free copy; NULL when out of memory. Free with secret_free. */
char *secret_copy(const char *bytes, size_t size);
void secret_free(char *text); /**< NULL allowed */

/**
 * Reads a file whole, at most `most` bytes, terminated. @return NULL with errno (EFBIG when too large, ENOMEM).
 * Free with secret_free.
 */
char *secret_file(const char *path, size_t most, size_t *size);

/** Decodes base64, white space skipped. @return NULL when it is none, or out of memory. Free with secret_free. */
char *secret_base64(const char *text, size_t *size);

#endif
