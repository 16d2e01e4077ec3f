/* SPDX-License-Identifier: Apache-2.0 */
/**
 * credential.h - what proves who we are to one server, kept fresh: token files and certificate files are read again
 * when they change, credential plugins run again when what they gave expires. Internal to sched/kube.
 */
#ifndef SCHED_KUBE_CREDENTIAL_H
#define SCHED_KUBE_CREDENTIAL_H

#include "sched/kube/access.h"

typedef struct kube_credential kube_credential;

/** What the next request should use. Borrowed until the next call on the same credential. */
typedef struct kube_proof {
    const char *header;             /**< "Authorization: ...", NULL = none */
    const char *cert_pem, *key_pem; /**< NULL = none */
    const char *ca_pem;             /**< NULL = the system's authorities */
} kube_proof;

/** @param in  access  borrowed for the credential's life. @return NULL when out of memory */
kube_credential *kube_credential_new(const kube_access *access);
void kube_credential_free(kube_credential *credential); /**< wipes; NULL allowed */

/**
 * @param in  unix_ns  now, for expiry
 * @param in  anew     the server has just refused what we had: run the plugin, read the files in any case
 * @param out why      a sentence when it failed
 * @return SPW_OK; SPW_BACKEND: no usable credential now, nothing was sent; SPW_NOMEM
 */
spw_rc kube_credential_now(kube_credential *credential, int64_t unix_ns, bool anew, kube_proof *out, char *why,
                           size_t why_size);

#endif
