/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * tls.h - certificates made by the openssl program, and a server with TLS on the loopback, for tests. Where openssl is
 * missing or libmicrohttpd has no TLS, tls_begin() says so and the tests skip.
 */
#ifndef TESTS_SUPPORT_TLS_H
#define TESTS_SUPPORT_TLS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

/** Makes a folder and in it: two authorities, ca and other (NAME.pem, NAME.key). @return false: cannot be had here */
bool tls_begin(void);
void tls_end(void); /**< removes the folder */

/** Path of a file in the folder; good for 64 calls. */
const char *tls_path(const char *name);
/** The text of a file there, malloc'ed. */
char *tls_text(const char *name);
/** Copies a file there over another, as certificates are rotated: by renaming. */
void tls_replace(const char *from, const char *to);

/**
 * NAME.pem and NAME.key, signed by an authority.
 * @param in  alternative  "IP:127.0.0.1", "DNS:x"; the subject is CN=NAME
 */
void tls_certificate(const char *name, const char *authority, const char *alternative);

/** A server whose handler runs in a thread for each connection. port 0 = any. @return NULL: it cannot be started */
struct MHD_Daemon *tls_serve(const char *certificate, int port, MHD_AccessHandlerCallback handler, void *user);
/** A whole answer; wait = Retry-After, NULL = none. */
enum MHD_Result tls_reply(struct MHD_Connection *c, int status, const char *type, const char *wait, const char *body);

typedef struct tls_upload {
    char *body; /**< terminated; NULL = none came */
    size_t size;
} tls_upload;
/** What a server says to a whole request: by tls_reply(), or MHD_NO to break the connection. */
typedef enum MHD_Result (*tls_answer)(void *user, struct MHD_Connection *c, const char *url, const char *method,
                                      const tls_upload *up);
/** The whole of a handler: gathers the body over its calls, then asks `answer` once. */
enum MHD_Result tls_gather(tls_answer answer, void *user, struct MHD_Connection *c, const char *url, const char *method,
                           const char *data, size_t *size, void **state);

int tls_port(struct MHD_Daemon *server);

/**
 * `openssl s_server` that demands client certificates of an authority, and answers each GET with a page that names the
 * subject of the client's. @return its process, or -1
 */
int tls_demanding(const char *certificate, const char *authority, int *port);
void tls_stop(int process);

#endif
