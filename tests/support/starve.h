/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * starve.h - memory that runs out: of the allocations that our own code makes while it is watched, one fails. Programs
 * that use it are linked with STARVE_FLAGS of the Makefile, which puts these in the place of malloc and its kin;
 * libraries keep the real ones.
 */
#ifndef TESTS_SUPPORT_STARVE_H
#define TESTS_SUPPORT_STARVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** From now on allocations are watched, and the nth, from 1, fails; 0 = none does. Counts from 0 again. */
void starve_at(uint64_t nth);
/** Watched or not: the tests' own servers are to be spared. @return what it was */
bool starve_watch(bool on);
/** Stops watching for good. @return how many were watched */
uint64_t starve_end(void);
bool starve_struck(void); /**< the nth was reached */

#endif
