/* SPDX-License-Identifier: Apache-2.0 */
/** credential.c - tokens, token files, certificate files and credential plugins. */
#include "sched/kube/credential.h"
#include "sched/kube/child.h"
#include "sched/kube/secret.h"
#include "sched/manifest/bind.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX     (256u * 1024u)
#define PLUGIN_TIME  (8 * SPW_NS_PER_S)  /* shorter than the renew deadline of a lease */
#define EARLY        (10 * SPW_NS_PER_S) /* a credential is renewed this long before it expires */
#define LONGEST_HELD (60 * SPW_NS_PER_S) /* a file whose time stamp did not change is read again after this */

/* A file that rotates. */
typedef struct watched {
    const char *path; /* NULL = none */
    char *text;
    struct timespec changed;
    int64_t read_ns;
} watched;

struct kube_credential {
    const kube_access *access;
    watched token, cert, key, ca;
    char *header;
    char *plugin_token, *plugin_cert, *plugin_key;
    int64_t plugin_until; /* Unix ns; INT64_MAX = does not expire */
    bool plugin_ran;
};

kube_credential *kube_credential_new(const kube_access *access)
{
    kube_credential *c = calloc(1, sizeof *c);
    if (c != NULL) {
        c->access = access;
        c->token.path = access->token_file;
        c->cert.path = access->cert_pem == NULL ? access->cert_file : NULL;
        c->key.path = access->key_pem == NULL ? access->key_file : NULL;
        c->ca.path = access->ca_pem == NULL ? access->ca_file : NULL;
    }
    return c;
}

void kube_credential_free(kube_credential *c)
{
    if (c != NULL) {
        char *const texts[] = {c->token.text,   c->cert.text,   c->key.text,   c->ca.text,
                               c->plugin_token, c->plugin_cert, c->plugin_key, c->header};
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            secret_free(texts[i]);
        }
        free(c);
    }
}

/* Reads the file when it changed. An unreadable file keeps the text that was there: it may be in the middle of a swap.
 */
static spw_rc refresh(watched *w, int64_t now, bool anew, char *why, size_t why_size)
{
    struct stat st;
    size_t size = 0;
    if (w->path == NULL) {
        return SPW_OK;
    }
    const bool seen = stat(w->path, &st) == 0;
    const bool same = seen && w->text != NULL && st.st_mtim.tv_sec == w->changed.tv_sec &&
                      st.st_mtim.tv_nsec == w->changed.tv_nsec && now - w->read_ns < LONGEST_HELD && now >= w->read_ns;
    if (same && !anew) {
        return SPW_OK;
    }
    char *text = seen ? secret_file(w->path, FILE_MAX, &size) : NULL;
    if (text == NULL && w->text == NULL) {
        (void)snprintf(why, why_size, "%.100s cannot be read: %s", w->path, strerror(errno));
        return errno == ENOMEM ? SPW_NOMEM : SPW_BACKEND;
    }
    if (text != NULL) {
        secret_free(w->text);
        w->text = text;
        w->changed = st.st_mtim;
        w->read_ns = now;
    }
    return SPW_OK;
}

static char *kept(const json_t *status, const char *key)
{
    const json_t *value = json_object_get(status, key);
    return json_is_string(value) ? secret_copy(json_string_value(value), json_string_length(value)) : NULL;
}

/* Takes a plugin's answer over. */
static spw_rc take_answer(kube_credential *c, const char *text, size_t size, char *why, size_t why_size)
{
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *status = json_object_get(root, "status");
    const char *kind = json_string_value(json_object_get(root, "kind"));
    const char *version = json_string_value(json_object_get(root, "apiVersion"));
    const char *until = json_string_value(json_object_get(status, "expirationTimestamp"));
    bind_time expiry = {.unix_ns = INT64_MAX};
    const char *fault = NULL;

    if (kind == NULL || strcmp(kind, "ExecCredential") != 0 || !json_is_object(status)) {
        fault = "did not print an ExecCredential with a status";
    } else if (version == NULL || strcmp(version, c->access->exec.api_version) != 0) {
        fault = "printed another apiVersion than it was asked for";
    } else if (until != NULL && bind_parse_time(until, &expiry) != NULL) {
        fault = "printed an expirationTimestamp that is no time";
    }
    if (fault == NULL) {
        char *token = kept(status, "token");
        char *cert = kept(status, "clientCertificateData");
        char *key = kept(status, "clientKeyData");
        if ((token == NULL && cert == NULL) || (cert == NULL) != (key == NULL)) {
            fault = "printed neither a token nor a certificate with its key";
            secret_free(token);
            secret_free(cert);
            secret_free(key);
        } else {
            secret_free(c->plugin_token);
            secret_free(c->plugin_cert);
            secret_free(c->plugin_key);
            c->plugin_token = token;
            c->plugin_cert = cert;
            c->plugin_key = key;
            c->plugin_until = expiry.unix_ns;
            c->plugin_ran = true;
        }
    }
    json_decref(root);
    if (fault != NULL) {
        (void)snprintf(why, why_size, "credential plugin %.60s %s", c->access->exec.command, fault);
        return SPW_BACKEND;
    }
    return SPW_OK;
}

/* The contents of KUBERNETES_EXEC_INFO. @return NULL when out of memory; free() */
static char *exec_info(const kube_access *a)
{
    json_t *spec = json_pack("{s:b}", "interactive", 0);
    if (spec != NULL && a->exec.wants_cluster) {
        json_t *cluster = json_pack("{s:s}", "server", a->server);
        if (cluster != NULL && a->tls_server_name != NULL) {
            (void)json_object_set_new(cluster, "tls-server-name", json_string(a->tls_server_name));
        }
        (void)json_object_set_new(spec, "cluster", cluster);
    }
    json_t *root =
        json_pack("{s:s,s:s,s:o}", "apiVersion", a->exec.api_version, "kind", "ExecCredential", "spec", spec);
    char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

static spw_rc run_plugin(kube_credential *c, char *why, size_t why_size)
{
    const kube_exec *x = &c->access->exec;
    const char **argv = calloc(x->arg_count + 2, sizeof *argv);
    const char **env = calloc(x->env_count + 1, sizeof *env);
    char *info = exec_info(c->access), *pair = NULL;
    child_result result = {.exit_status = -1};
    spw_rc rc = SPW_NOMEM;

    if (info != NULL) {
        const size_t room = strlen(info) + sizeof "KUBERNETES_EXEC_INFO=";
        pair = malloc(room);
        if (pair != NULL) {
            (void)snprintf(pair, room, "KUBERNETES_EXEC_INFO=%s", info);
        }
    }
    if (argv != NULL && env != NULL && pair != NULL) {
        argv[0] = x->command;
        memcpy(argv + 1, x->args, x->arg_count * sizeof *argv);
        memcpy(env, x->env, x->env_count * sizeof *env);
        env[x->env_count] = pair;
        const child_task task = {
            .argv = argv, .env = env, .env_count = x->env_count + 1, .output_most = FILE_MAX, .timeout = PLUGIN_TIME};
        rc = child_run(&task, &result);
        if (rc == SPW_BACKEND) {
            (void)snprintf(why, why_size, "credential plugin %.60s: %.80s", x->command, result.error);
        } else if (rc == SPW_OK) {
            rc = take_answer(c, result.output, result.size, why, why_size);
        }
    }
    child_result_fini(&result);
    free(pair);
    free(info);
    free(env);
    free(argv);
    return rc;
}

/* "Authorization: Bearer TOKEN", the token without the white space around it. @return NULL when out of memory */
static char *bearer(const char *token)
{
    static const char lead[] = "Authorization: Bearer ";
    const size_t skip = strspn(token, " \t\r\n");
    const size_t length = strcspn(token + skip, " \t\r\n");
    char *header = secret_mem()->take(sizeof lead + length, NULL);
    if (header != NULL) {
        memcpy(header, lead, sizeof lead - 1);
        memcpy(header + sizeof lead - 1, token + skip, length);
        header[sizeof lead - 1 + length] = '\0';
    }
    return header;
}

static char *basic(const char *user, const char *password)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char lead[] = "Authorization: Basic ";
    const size_t size = strlen(user) + 1 + strlen(password);
    char *plain = secret_mem()->take(size + 3, NULL);
    char *header = plain != NULL ? secret_mem()->take(sizeof lead + (size + 2) / 3 * 4, NULL) : NULL;
    if (header != NULL) {
        (void)snprintf(plain, size + 3, "%s:%s", user, password);
        memset(plain + size, 0, 3);
        memcpy(header, lead, sizeof lead - 1);
        char *at = header + sizeof lead - 1;
        for (size_t i = 0; i < size; i += 3) {
            const unsigned char *b = (const unsigned char *)plain + i;
            const unsigned bits = (unsigned)b[0] << 16 | (unsigned)b[1] << 8 | b[2];
            *at++ = alphabet[bits >> 18];
            *at++ = alphabet[bits >> 12 & 63];
            *at++ = i + 1 < size ? alphabet[bits >> 6 & 63] : '=';
            *at++ = i + 2 < size ? alphabet[bits & 63] : '=';
        }
        *at = '\0';
    }
    secret_free(plain);
    return header;
}

spw_rc kube_credential_now(kube_credential *c, int64_t unix_ns, bool anew, kube_proof *out, char *why, size_t why_size)
{
    const kube_access *a = c->access;
    watched *const files[] = {&c->token, &c->cert, &c->key, &c->ca};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const spw_rc rc = refresh(files[i], unix_ns, anew, why, why_size);
        if (rc != SPW_OK) {
            return rc;
        }
    }
    if (a->exec.command != NULL &&
        (anew || !c->plugin_ran || (c->plugin_until != INT64_MAX && unix_ns >= c->plugin_until - EARLY))) {
        const spw_rc rc = run_plugin(c, why, why_size);
        if (rc != SPW_OK && (rc == SPW_NOMEM || !c->plugin_ran || unix_ns >= c->plugin_until)) {
            return rc; /* what it gave before is used to its last second */
        }
    }
    const char *token = c->plugin_token != NULL ? c->plugin_token : c->token.text != NULL ? c->token.text : a->token;
    secret_free(c->header);
    c->header = NULL;
    if (token != NULL || a->user != NULL) {
        c->header = token != NULL ? bearer(token) : basic(a->user, a->password != NULL ? a->password : "");
        if (c->header == NULL) {
            return SPW_NOMEM;
        }
    }
    const bool plugin = c->plugin_cert != NULL;
    *out = (kube_proof){
        .header = c->header,
        .cert_pem = plugin                 ? c->plugin_cert
                    : c->cert.text != NULL ? c->cert.text
                                           : a->cert_pem,
        .key_pem = plugin                ? c->plugin_key
                   : c->key.text != NULL ? c->key.text
                                         : a->key_pem,
        .ca_pem = c->ca.text != NULL ? c->ca.text : a->ca_pem,
    };
    return SPW_OK;
}
