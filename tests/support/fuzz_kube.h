/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * fuzz_kube.h - API servers, programs and files that say anything at all, one case for each seed.
 *
 * A small fleet (kube_rig.h) is watched and written to over a wire that damages answers and streams, as trees and as
 * bytes; a lease is held, metrics are read, objects are listed for their readers over the same wire. Then the damage
 * ends. What must hold: nothing crashes; every snapshot on the way passes spw_snapshot_check(); once servers speak the
 * truth again and lists are made anew, the snapshot shows it. Also kubeconfigs, damaged as text: an error with a place,
 * or an access.
 */
#ifndef TESTS_SUPPORT_FUZZ_KUBE_H
#define TESTS_SUPPORT_FUZZ_KUBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fuzz_kube_tally {
    uint64_t cases, damaged; /**< damaged: answers and pieces of streams */
    uint64_t refused, read;  /**< kubeconfigs */
} fuzz_kube_tally;

/** @param out why  of a failure. @return false: a failure */
bool fuzz_kube_case(uint64_t seed, fuzz_kube_tally *tally, char *why, size_t why_size);

#endif
