/* SPDX-License-Identifier: Apache-2.0 */
/**
 * access.h - where an API server is and who we are to it: kubeconfig files and the account of a pod.
 *
 * Read strictly as far as it matters and leniently elsewhere: kubeconfigs come from many tools. What would weaken TLS
 * (insecure-skip-tls-verify: true) is refused. Secrets stay in this struct and in the wire: no message shows one.
 */
#ifndef SCHED_KUBE_ACCESS_H
#define SCHED_KUBE_ACCESS_H

#include <spillway/manifest.h>

/** A credential plugin: client.authentication.k8s.io/v1 (and v1beta1). */
typedef struct kube_exec {
    const char *api_version;
    const char *command;     /**< NULL = none; a path with '/' that is relative stands beside the kubeconfig */
    const char *const *args; /**< [arg_count] */
    size_t arg_count;
    const char *const *env; /**< [env_count] "NAME=value", added to ours */
    size_t env_count;
    bool wants_cluster; /**< provideClusterInfo */
} kube_exec;

/** All texts live in the kube_access. Bytes of PEM are terminated. */
typedef struct kube_access {
    const char *name;            /**< of the context, for messages */
    const char *server;          /**< "https://host:port/prefix", no '/' at the end */
    const char *tls_server_name; /**< NULL = the host of `server` */
    const char *proxy;           /**< proxy-url, NULL = none */
    const char *ca_pem;          /**< NULL: ca_file, or the system's authorities if that is NULL, too */
    const char *ca_file;
    const char *cert_pem, *key_pem;   /**< client certificate; NULL: the files, or none */
    const char *cert_file, *key_file; /**< read again when they change: certificates rotate */
    const char *token;                /**< NULL = token_file, exec or none */
    const char *token_file;           /**< likewise read again */
    const char *user, *password;      /**< basic, NULL = none */
    kube_exec exec;
    const char *space; /**< default namespace, "" if none */
} kube_access;

typedef struct kube_access_set kube_access_set; /**< owns the texts */

/**
 * Reads one context of a kubeconfig.
 * @param in  path     of the file
 * @param in  context  NULL or "" = current-context
 * @param in  diag     messages with file:line:col; never NULL
 * @param out out      free with kube_access_free; untouched on failure
 * @return SPW_OK; SPW_INVAL; SPW_BACKEND (cannot be read); SPW_NOMEM
 */
spw_rc kube_access_kubeconfig(const char *path, const char *context, spw_diag *diag, kube_access_set **out);

/**
 * The account of the pod we run in: KUBERNETES_SERVICE_HOST and _PORT, and the files of the service account.
 * @param in  folder  NULL = /var/run/secrets/kubernetes.io/serviceaccount
 */
spw_rc kube_access_in_cluster(const char *folder, spw_diag *diag, kube_access_set **out);

const kube_access *kube_access_get(const kube_access_set *set);
/** Wipes secrets before giving the memory back. NULL allowed. */
void kube_access_free(kube_access_set *set);

#endif
