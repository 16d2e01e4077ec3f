/* SPDX-License-Identifier: Apache-2.0 */
/** kubeconfig.c - from a kubeconfig, or from the files of a service account, to a server and a credential. */
#include "sched/kube/access.h"
#include "sched/kube/secret.h"
#include "sched/manifest/yamldoc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POD_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"
#define PEM_MAX    (256u * 1024u)

struct kube_access_set {
    zone z;
    kube_access access;
};

typedef struct reading {
    kube_access_set *set;
    spw_diag *diag;
    const char *path; /* of the kubeconfig */
    bool bad;
} reading;

static kube_access_set *set_new(void)
{
    kube_access_set *set = calloc(1, sizeof *set);
    if (set != NULL) {
        zone_init(&set->z, secret_mem());
    }
    return set;
}

void kube_access_free(kube_access_set *set)
{
    if (set != NULL) {
        zone_fini(&set->z);
        free(set);
    }
}

const kube_access *kube_access_get(const kube_access_set *set)
{
    return &set->access;
}

static void wrong(reading *r, const ynode *node, const char *sentence)
{
    r->bad = true;
    spw_diag_add(r->diag, SPW_DIAG_ERROR, r->path, node != NULL ? node->line : 0, node != NULL ? node->column : 0, "%s",
                 sentence);
}

/* A text under a key, copied; NULL when absent or empty. */
static const char *text_at(reading *r, const ynode *map, const char *key)
{
    const ynode *node = ynode_get(map, key);
    if (node == NULL || ynode_is_null(node)) {
        return NULL;
    }
    if (node->kind != YNODE_SCALAR) {
        wrong(r, node, "should be text");
        return NULL;
    }
    return node->length > 0 ? zone_text(&r->set->z, node->text, node->length) : NULL;
}

/* A path: relative ones stand beside the kubeconfig. */
static const char *path_at(reading *r, const ynode *map, const char *key)
{
    const char *path = text_at(r, map, key);
    const char *slash = strrchr(r->path, '/');
    if (path == NULL || path[0] == '/' || slash == NULL) {
        return path;
    }
    return zone_format(&r->set->z, "%.*s/%s", (int)(slash - r->path), r->path, path);
}

/* PEM that stands in the kubeconfig as base64. */
static const char *pem_at(reading *r, const ynode *map, const char *key)
{
    const char *text = text_at(r, map, key);
    size_t size = 0;
    if (text == NULL) {
        return NULL;
    }
    char *pem = secret_base64(text, &size);
    if (pem == NULL || strlen(pem) != size) {
        wrong(r, ynode_get(map, key), "is not base64 of a text");
    }
    const char *kept = pem != NULL ? zone_text(&r->set->z, pem, size) : NULL;
    secret_free(pem);
    return kept;
}

/* The entry of a list of {name, <inside>: {...}} with this name. */
static const ynode *named(reading *r, const ynode *root, const char *list, const char *inside, const char *name)
{
    const ynode *all = ynode_get(root, list);
    for (size_t i = 0; all != NULL && all->kind == YNODE_SEQUENCE && i < all->count; i++) {
        const ynode *it = ynode_get(all->items[i], "name");
        if (it != NULL && it->kind == YNODE_SCALAR && strcmp(it->text, name) == 0) {
            const ynode *body = ynode_get(all->items[i], inside);
            if (body == NULL || body->kind != YNODE_MAPPING) {
                wrong(r, all->items[i], "has no content");
                return NULL;
            }
            return body;
        }
    }
    r->bad = true;
    spw_diag_add(r->diag, SPW_DIAG_ERROR, r->path, all != NULL ? all->line : 0, all != NULL ? all->column : 0,
                 "there is no '%s' in '%s'", name, list);
    return NULL;
}

static bool is_true(const ynode *node)
{
    return node != NULL && node->kind == YNODE_SCALAR && strcmp(node->text, "true") == 0;
}

static void read_server(reading *r, const ynode *cluster)
{
    kube_access *a = &r->set->access;
    const char *server = text_at(r, cluster, "server");
    if (server == NULL || (strncmp(server, "https://", 8) != 0 && strncmp(server, "http://127.0.0.1", 16) != 0 &&
                           strncmp(server, "http://localhost", 16) != 0 && strncmp(server, "http://[::1]", 12) != 0)) {
        wrong(r, ynode_get(cluster, "server"), "'server' should be an https:// address (http:// only on this host)");
        return;
    }
    size_t length = strlen(server);
    while (length > 0 && server[length - 1] == '/') {
        length--;
    }
    a->server = zone_text(&r->set->z, server, length);
    a->ca_pem = pem_at(r, cluster, "certificate-authority-data");
    a->ca_file = path_at(r, cluster, "certificate-authority");
    a->tls_server_name = text_at(r, cluster, "tls-server-name");
    a->proxy = text_at(r, cluster, "proxy-url");
    if (is_true(ynode_get(cluster, "insecure-skip-tls-verify"))) {
        wrong(r, ynode_get(cluster, "insecure-skip-tls-verify"),
              "TLS is always verified here: give the server's certificate-authority instead");
    }
}

static const char *const *texts_of(reading *r, const ynode *list, size_t *count)
{
    const size_t n = list != NULL && list->kind == YNODE_SEQUENCE ? list->count : 0;
    const char **out = zone_array(&r->set->z, n + 1, sizeof *out);
    for (size_t i = 0; out != NULL && i < n; i++) {
        const ynode *item = list->items[i];
        if (item->kind != YNODE_SCALAR) {
            wrong(r, item, "should be text");
            return NULL;
        }
        out[i] = zone_text(&r->set->z, item->text, item->length);
    }
    *count = out != NULL ? n : 0;
    return out;
}

static void read_exec(reading *r, const ynode *exec)
{
    kube_exec *x = &r->set->access.exec;
    const ynode *env = ynode_get(exec, "env");

    x->api_version = text_at(r, exec, "apiVersion");
    x->command = text_at(r, exec, "command");
    if (x->command == NULL) {
        wrong(r, exec, "'exec' needs a 'command'");
        return;
    }
    if (strchr(x->command, '/') != NULL) {
        x->command = path_at(r, exec, "command");
    }
    if (x->api_version == NULL || (strcmp(x->api_version, "client.authentication.k8s.io/v1") != 0 &&
                                   strcmp(x->api_version, "client.authentication.k8s.io/v1beta1") != 0)) {
        wrong(r, exec, "'exec' needs apiVersion client.authentication.k8s.io/v1 or v1beta1");
    }
    x->args = texts_of(r, ynode_get(exec, "args"), &x->arg_count);
    x->wants_cluster = is_true(ynode_get(exec, "provideClusterInfo"));
    const size_t n = env != NULL && env->kind == YNODE_SEQUENCE ? env->count : 0;
    const char **pairs = zone_array(&r->set->z, n + 1, sizeof *pairs);
    for (size_t i = 0; pairs != NULL && i < n; i++) {
        const char *name = text_at(r, env->items[i], "name"), *value = text_at(r, env->items[i], "value");
        if (name == NULL) {
            wrong(r, env->items[i], "needs a 'name'");
            return;
        }
        pairs[i] = zone_format(&r->set->z, "%s=%s", name, value != NULL ? value : "");
    }
    x->env = pairs;
    x->env_count = pairs != NULL ? n : 0;
}

static void read_user(reading *r, const ynode *user)
{
    kube_access *a = &r->set->access;
    a->cert_pem = pem_at(r, user, "client-certificate-data");
    a->key_pem = pem_at(r, user, "client-key-data");
    a->cert_file = path_at(r, user, "client-certificate");
    a->key_file = path_at(r, user, "client-key");
    a->token = text_at(r, user, "token");
    a->token_file = path_at(r, user, "tokenFile");
    a->user = text_at(r, user, "username");
    a->password = text_at(r, user, "password");
    if (ynode_get(user, "exec") != NULL) {
        read_exec(r, ynode_get(user, "exec"));
    }
    if (ynode_get(user, "auth-provider") != NULL) {
        wrong(r, ynode_get(user, "auth-provider"), "auth-provider is gone from Kubernetes: use an exec plugin");
    }
    if ((a->cert_pem != NULL || a->cert_file != NULL) != (a->key_pem != NULL || a->key_file != NULL)) {
        wrong(r, user, "a client certificate and its key go together");
    }
}

static void read_context(reading *r, const ynode *root, const char *context)
{
    kube_access *a = &r->set->access;
    a->name = context != NULL && context[0] != '\0' ? zone_text(&r->set->z, context, strlen(context))
                                                    : text_at(r, root, "current-context");
    if (a->name == NULL) {
        wrong(r, root, "has no current-context, and none was asked for");
        return;
    }
    const ynode *body = named(r, root, "contexts", "context", a->name);
    const char *cluster = body != NULL ? text_at(r, body, "cluster") : NULL;
    const char *user = body != NULL ? text_at(r, body, "user") : NULL;
    const char *space = body != NULL ? text_at(r, body, "namespace") : NULL;
    a->space = space != NULL ? space : "";
    if (body != NULL && cluster == NULL) {
        wrong(r, body, "names no 'cluster'");
    }
    const ynode *at = cluster != NULL ? named(r, root, "clusters", "cluster", cluster) : NULL;
    if (at != NULL) {
        read_server(r, at);
    }
    const ynode *who = user != NULL ? named(r, root, "users", "user", user) : NULL;
    if (who != NULL) {
        read_user(r, who);
    }
}

spw_rc kube_access_kubeconfig(const char *path, const char *context, spw_diag *diag, kube_access_set **out)
{
    yamldoc *doc = NULL;
    kube_access_set *set = set_new();
    if (set == NULL) {
        return SPW_NOMEM;
    }
    spw_rc rc = yamldoc_read_file(path, secret_mem(), diag, &doc);
    if (rc == SPW_OK) {
        reading r = {.set = set, .diag = diag, .path = path};
        if (yamldoc_count(doc) != 1 || yamldoc_root(doc, 0)->kind != YNODE_MAPPING) {
            wrong(&r, NULL, "is no kubeconfig: one mapping is expected");
        } else {
            read_context(&r, yamldoc_root(doc, 0), context);
        }
        rc = set->z.failed ? SPW_NOMEM : r.bad ? SPW_INVAL : SPW_OK;
    }
    yamldoc_free(doc);
    if (rc != SPW_OK) {
        kube_access_free(set);
        return rc;
    }
    *out = set;
    return SPW_OK;
}

spw_rc kube_access_in_cluster(const char *folder, spw_diag *diag, kube_access_set **out)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    const char *dir = folder != NULL ? folder : POD_FOLDER;
    size_t size = 0;

    if (host == NULL || port == NULL || host[0] == '\0' || port[0] == '\0') {
        spw_diag_add(
            diag, SPW_DIAG_ERROR, NULL, 0, 0,
            "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; name a kubeconfig");
        return SPW_INVAL;
    }
    kube_access_set *set = set_new();
    if (set == NULL) {
        return SPW_NOMEM;
    }
    kube_access *a = &set->access;
    const bool bare6 = strchr(host, ':') != NULL && host[0] != '[';
    a->name = "in-cluster";
    a->server = zone_format(&set->z, bare6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
    a->token_file = zone_format(&set->z, "%s/token", dir);
    a->ca_file = zone_format(&set->z, "%s/ca.crt", dir);
    a->space = "";
    char *path = zone_format(&set->z, "%s/namespace", dir);
    char *space = path != NULL ? secret_file(path, PEM_MAX, &size) : NULL;
    if (space != NULL) {
        a->space = zone_text(&set->z, space, strcspn(space, " \r\n"));
        secret_free(space);
    }
    char *token = a->token_file != NULL ? secret_file(a->token_file, PEM_MAX, &size) : NULL;
    const int why = errno;
    spw_rc rc = set->z.failed ? SPW_NOMEM : token == NULL ? SPW_BACKEND : SPW_OK;
    secret_free(token);
    if (rc != SPW_OK) {
        if (rc == SPW_BACKEND) {
            spw_diag_add(diag, SPW_DIAG_ERROR, a->token_file, 0, 0, "cannot be read: %s", strerror(why));
        }
        kube_access_free(set);
        return rc;
    }
    *out = set;
    return SPW_OK;
}
