/* SPDX-License-Identifier: GPL-3.0-or-later */
/** tls.c - openssl(1) and libmicrohttpd, put to use for tests. */
#include "tests/support/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEY "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"

static char folder[] = "/tmp/spw-tls-XXXXXX";

static bool shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool shell(const char *format, ...)
{
    char command[1024];
    va_list args;
    va_start(args, format);
    const int n = snprintf(command, sizeof command, "cd %s && ", folder);
    (void)vsnprintf(command + n, sizeof command - (size_t)n, format, args);
    va_end(args);
    return system(command) == 0;
}

bool tls_begin(void)
{
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES || system("openssl version >/dev/null 2>&1") != 0 ||
        mkdtemp(folder) == NULL) {
        return false;
    }
    return shell("for a in ca other; do openssl req -x509 " KEY " -keyout $a.key -out $a.pem -days 2 -subj /CN=$a "
                 "2>/dev/null || exit 1; done");
}

void tls_end(void)
{
    (void)shell("rm -f ./*.pem ./*.key ./*.csr ./*.ext ./*.srl ./*.new && rmdir %s", folder);
}

const char *tls_path(const char *name)
{
    static char paths[64][160];
    static unsigned next;
    char *path = paths[next++ % 64];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

char *tls_text(const char *name)
{
    FILE *f = fopen(tls_path(name), "r");
    char *text = calloc(1, 16384);
    assert(f != NULL && text != NULL);
    (void)!fread(text, 1, 16383, f);
    (void)fclose(f);
    return text;
}

void tls_replace(const char *from, const char *to)
{
    const bool done = shell("cp %s %s.new && mv %s.new %s", from, to, to, to);
    assert(done);
    (void)done;
}

void tls_certificate(const char *name, const char *authority, const char *alternative)
{
    const bool done = shell("echo subjectAltName=%s > %s.ext && openssl req " KEY
                            " -keyout %s.key -out %s.csr -subj /CN=%s 2>/dev/null && openssl x509 -req -in %s.csr "
                            "-CA %s.pem -CAkey %s.key -CAcreateserial -days 2 -extfile %s.ext -out %s.pem 2>/dev/null",
                            alternative, name, name, name, name, name, authority, authority, name, name);
    assert(done);
    (void)done;
}

struct MHD_Daemon *tls_serve(const char *certificate, int port, MHD_AccessHandlerCallback handler, void *user)
{
    char name[64];
    const struct sockaddr_in where = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    (void)snprintf(name, sizeof name, "%s.key", certificate);
    char *key = tls_text(name);
    (void)snprintf(name, sizeof name, "%s.pem", certificate);
    char *pem = tls_text(name);
    struct MHD_Daemon *d =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_TLS, 0, NULL, NULL,
                         handler, user, MHD_OPTION_SOCK_ADDR, &where, MHD_OPTION_HTTPS_MEM_KEY, key,
                         MHD_OPTION_HTTPS_MEM_CERT, pem, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
    free(key);
    free(pem);
    return d;
}

enum MHD_Result tls_reply(struct MHD_Connection *c, int status, const char *type, const char *wait, const char *body)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(strlen(body), (char *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
    (void)MHD_add_response_header(r, "Content-Type", type);
    if (wait != NULL) {
        (void)MHD_add_response_header(r, "Retry-After", wait);
    }
    const enum MHD_Result rc = MHD_queue_response(c, (unsigned)status, r);
    MHD_destroy_response(r);
    return rc;
}

enum MHD_Result tls_gather(tls_answer answer, void *user, struct MHD_Connection *c, const char *url, const char *method,
                           const char *data, size_t *size, void **state)
{
    tls_upload *up = *state;
    if (up == NULL) {
        *state = calloc(1, sizeof *up);
        return MHD_YES;
    }
    if (*size > 0) {
        up->body = realloc(up->body, up->size + *size + 1);
        memcpy(up->body + up->size, data, *size);
        up->size += *size;
        up->body[up->size] = '\0';
        *size = 0;
        return MHD_YES;
    }
    *state = NULL;
    const enum MHD_Result rc = answer(user, c, url, method, up);
    free(up->body);
    free(up);
    return rc;
}

int tls_port(struct MHD_Daemon *server)
{
    return MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port;
}

/* A port that was free a moment ago. */
static int free_port(void)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof where;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const bool got = fd >= 0 && bind(fd, (struct sockaddr *)&where, size) == 0 &&
                     getsockname(fd, (struct sockaddr *)&where, &size) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return got ? ntohs(where.sin_port) : -1;
}

static bool answers(int port)
{
    const struct sockaddr_in where = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const bool connected = fd >= 0 && connect(fd, (const struct sockaddr *)&where, sizeof where) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return connected;
}

int tls_demanding(const char *certificate, const char *authority, int *port)
{
    char accept[32], cert[200], key[200], ca[200];
    *port = free_port();
    (void)snprintf(accept, sizeof accept, "127.0.0.1:%d", *port);
    (void)snprintf(cert, sizeof cert, "%s/%s.pem", folder, certificate);
    (void)snprintf(key, sizeof key, "%s/%s.key", folder, certificate);
    (void)snprintf(ca, sizeof ca, "%s/%s.pem", folder, authority);
    const pid_t pid = *port > 0 ? fork() : -1;
    if (pid == 0) {
        const int null = open("/dev/null", O_RDWR);
        (void)dup2(null, 0);
        (void)dup2(null, 1);
        (void)dup2(null, 2);
        (void)execlp("openssl", "openssl", "s_server", "-accept", accept, "-cert", cert, "-key", key, "-CAfile", ca,
                     "-Verify", "1", "-verify_return_error", "-www", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; pid > 0 && i < 1500; i++) {
        const struct timespec nap = {0, 20000000};
        if (answers(*port)) {
            return pid;
        }
        (void)nanosleep(&nap, NULL);
    }
    tls_stop(pid);
    return -1;
}

void tls_stop(int process)
{
    if (process > 0) {
        (void)kill(process, SIGKILL);
        (void)waitpid(process, NULL, 0);
    }
}
