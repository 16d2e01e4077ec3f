/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * dying_files.h - calls to the file system of which one fails, or is the last that a process makes before it dies.
 *
 * A test counts N up from 1 until nothing fails any more. With DYING_CRASH the process is dead from that call on: all
 * that follow fail and do nothing. A write that is the last may have come half-way.
 */
#ifndef TESTS_SUPPORT_DYING_FILES_H
#define TESTS_SUPPORT_DYING_FILES_H

#include "sched/daemon/files.h"

typedef enum dying_how {
    DYING_FAIL = 1,  /**< that call fails with EIO, having done nothing */
    DYING_CRASH = 2, /**< that call and all later ones do nothing */
    DYING_HALF = 3   /**< a write: the first half of the bytes is written, then as DYING_CRASH */
} dying_how;

typedef struct dying_files {
    int at; /**< the call, from 1; 0 = none */
    dying_how how;
    int calls;
    int64_t byte_most; /**< writes stop for good after so many bytes in all; -1 = no bound */
    int64_t bytes;
    int open; /**< descriptors opened and not closed */
} dying_files;

dm_files dying_table(dying_files *d); /**< borrows d */

#endif
