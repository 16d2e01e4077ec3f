/* SPDX-License-Identifier: Apache-2.0 */
/**
 * abi.h - whether the headers a program was compiled with are those of the library it runs with.
 *
 * The shared library's soname ends in SPW_ABI_MAJOR. Within one, the digest of all public structs' sizes and of
 * SPW_API_VERSION says more: a program that finds another one must not go on.
 */
#ifndef SPILLWAY_ABI_H
#define SPILLWAY_ABI_H

#include <spillway/seam.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPW_ABI_MAJOR 0

/* One step of FNV-1a over whole words, as a constant expression. */
#define SPW_ABI_STEP(digest, word) (((digest) ^ (uint64_t)(word)) * UINT64_C(0x100000001b3))
#define SPW_ABI_1                                                                                                      \
    SPW_ABI_STEP(                                                                                                      \
        SPW_ABI_STEP(SPW_ABI_STEP(SPW_ABI_STEP(UINT64_C(0xcbf29ce484222325), SPW_API_VERSION), sizeof(spw_err)),       \
                     sizeof(spw_mem)),                                                                                 \
        sizeof(spw_settings))
#define SPW_ABI_2                                                                                                      \
    SPW_ABI_STEP(SPW_ABI_STEP(SPW_ABI_STEP(SPW_ABI_STEP(SPW_ABI_1, sizeof(spw_snapshot)), sizeof(spw_config)),         \
                              sizeof(spw_workload)),                                                                   \
                 sizeof(spw_policy))
#define SPW_ABI_3                                                                                                      \
    SPW_ABI_STEP(SPW_ABI_STEP(SPW_ABI_STEP(SPW_ABI_STEP(SPW_ABI_2, sizeof(spw_action)), sizeof(spw_outcome)),          \
                              sizeof(spw_candidate)),                                                                  \
                 sizeof(spw_hpa) + sizeof(spw_hpa_metric))
/** Of the headers at hand. */
#define SPW_ABI_DIGEST                                                                                                 \
    SPW_ABI_STEP(                                                                                                      \
        SPW_ABI_STEP(SPW_ABI_STEP(SPW_ABI_STEP(SPW_ABI_STEP(SPW_ABI_3, sizeof(spw_source)), sizeof(spw_actuator)),     \
                                  sizeof(spw_tick_info)),                                                              \
                     sizeof(spw_loop_stats)),                                                                          \
        sizeof(spw_state_report))

/** Of the headers that the library was built with. @return SPW_ABI_DIGEST then */
uint64_t spw_abi_digest(void);
/** "0.1.0". @return static */
const char *spw_version(void);

/** @return whether this program and this library agree on every public struct. */
static inline bool spw_abi_matches(void)
{
    return spw_abi_digest() == SPW_ABI_DIGEST;
}

#ifdef __cplusplus
}
#endif
#endif
