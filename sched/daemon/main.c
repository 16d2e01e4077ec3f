/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - spillwayd as a process: options, signals, reload. Everything else is daemon.c.
 *
 *   SIGTERM, SIGINT  finish, save the state, give the lease up, end
 *   SIGHUP           read the Daemon file and all it names again; a bad one changes nothing
 *   SIGUSR1, SIGUSR2 kill switch: stop writing, write again
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "sched/daemon/daemon.h"
#include "sched/daemon/http.h"
#include "sched/daemon/manual.h"
#include "sched/daemon/rights.h"
#include "sched/kube/wire_curl.h"

/* Exit statuses, as of the program spillway. */
enum { STATUS_DONE = 0, STATUS_MISSING = 1, STATUS_BAD = 2, STATUS_IO = 3, STATUS_INTERNAL = 4 };

#define MESSAGES_KEPT 64
#define WORK_MOST     (SPW_NS_PER_S / 2)

static int wake_pipe[2] = {-1, -1};

static void on_signal(int number)
{
    const int kept = errno;
    const char byte = (char)number;
    (void)!write(wake_pipe[1], &byte, 1); /* a full pipe will wake us, too */
    errno = kept;
}

static bool catch_signals(void)
{
    static const int caught[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    bool ok = pipe(wake_pipe) == 0;
    for (int i = 0; ok && i < 2; i++) {
        ok = fcntl(wake_pipe[i], F_SETFD, FD_CLOEXEC) == 0 && fcntl(wake_pipe[i], F_SETFL, O_NONBLOCK) == 0;
    }
    (void)sigemptyset(&act.sa_mask);
    for (size_t i = 0; ok && i < sizeof caught / sizeof caught[0]; i++) {
        ok = sigaction(caught[i], &act, NULL) == 0;
    }
    act.sa_handler = SIG_IGN;
    return ok && sigaction(SIGPIPE, &act, NULL) == 0;
}

/* Memory holds credentials: no core dump, no debugger of the same user. */
static bool keep_secrets(void)
{
    const struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0;
}

static spw_time clock_of(clockid_t id)
{
    struct timespec t = {0, 0};
    (void)clock_gettime(id, &t);
    return (spw_time)t.tv_sec * SPW_NS_PER_S + t.tv_nsec;
}

static spw_time mono(void *user)
{
    (void)user;
    return clock_of(CLOCK_BOOTTIME);
}

static spw_time unix_now(void *user)
{
    (void)user;
    return clock_of(CLOCK_REALTIME);
}

typedef struct options {
    const char *config;
    bool once, dry_run, explain, check, rights;
} options;

/* @return -1 to go on, else the exit status */
static int parse(int argc, char **argv, options *o)
{
    struct option known[DM_OPTIONS + 1] = {{NULL, 0, NULL, 0}};
    for (size_t i = 0; dm_options[i].name != NULL; i++) {
        const dm_option *d = &dm_options[i];
        known[i] =
            (struct option){d->name, d->arg != NULL ? required_argument : no_argument, NULL, (unsigned char)d->letter};
    }
    for (int c = getopt_long(argc, argv, "h", known, NULL); c != -1; c = getopt_long(argc, argv, "h", known, NULL)) {
        switch (c) {
        case 'c':
            o->config = optarg;
            break;
        case 'o':
            o->once = true;
            break;
        case 'd':
            o->dry_run = true;
            break;
        case 'e':
            o->explain = true;
            break;
        case 'k':
            o->check = true;
            break;
        case 'r':
            o->rights = true;
            break;
        case 's':
            return dm_config_schema(stdout) && fflush(stdout) == 0 ? STATUS_DONE : STATUS_IO;
        case 'm':
            return dm_manual(stdout) && fflush(stdout) == 0 ? STATUS_DONE : STATUS_IO;
        case 'v':
            printf("spillwayd %s (%s)\n", SPILLWAY_VERSION, kube_curl_version());
            return STATUS_DONE;
        case 'h':
            dm_usage(stdout);
            return STATUS_DONE;
        default:
            dm_usage(stderr);
            return STATUS_BAD;
        }
    }
    if (o->config == NULL || optind != argc) {
        dm_usage(stderr);
        return STATUS_BAD;
    }
    return -1;
}

static void print_messages(const spw_diag *diag)
{
    for (size_t i = 0; i < spw_diag_count(diag); i++) {
        fprintf(stderr, "%s\n", spw_diag_at(diag, i));
    }
    if (spw_diag_dropped(diag) > 0) {
        fprintf(stderr, "... and %zu more messages\n", spw_diag_dropped(diag));
    }
}

static int status_of(spw_rc rc)
{
    return rc == SPW_OK ? STATUS_DONE : rc == SPW_NOMEM ? STATUS_INTERNAL : rc == SPW_INVAL ? STATUS_BAD : STATUS_IO;
}

/* A daemon of what the file says now, checked, not opened. */
static spw_rc make(const char *path, const dm_host *host, dm_voice *voice, spw_diag *diag, dm_daemon **out)
{
    dm_config_file *file = NULL;
    const dm_voice before = *voice;
    spw_rc rc = dm_config_read(path, diag, &file);
    if (rc == SPW_OK) {
        voice->format = (dm_format)dm_config_get(file)->log_format;
        voice->level = (dm_level)dm_config_get(file)->log_level;
        rc = dm_daemon_new(file, host, diag, out);
    }
    if (rc != SPW_OK) {
        *voice = before;
    }
    return rc;
}

/* The old daemon stays whatever goes wrong. */
static void reload(const char *path, const dm_host *host, dm_voice *voice, dm_daemon **daemon)
{
    spw_diag *diag = NULL;
    dm_daemon *anew = NULL;
    spw_err err = {.text = ""};
    if (spw_diag_new(NULL, MESSAGES_KEPT, &diag) != SPW_OK) {
        return;
    }
    spw_rc rc = make(path, host, voice, diag, &anew);
    for (size_t i = 0; i < spw_diag_count(diag); i++) {
        dm_say(voice, rc == SPW_OK ? DM_WARN : DM_ERROR, "configuration", DM_TEXT("message", spw_diag_at(diag, i)));
    }
    spw_diag_free(diag);
    if (rc == SPW_OK) {
        dm_daemon_close(*daemon);
        rc = dm_daemon_open(anew, *daemon, &err);
        if (rc != SPW_OK) {
            dm_say_err(voice, DM_ERROR, "configuration", &err);
            dm_daemon_free(anew);
            (void)dm_daemon_open(*daemon, *daemon, &err);
        } else {
            dm_daemon_free(*daemon);
            *daemon = anew;
        }
    }
    dm_say(voice, rc == SPW_OK ? DM_INFO : DM_ERROR, "reload", DM_TEXT("file", path),
           DM_TEXT("result", rc == SPW_OK ? "taken" : "refused: the old configuration stays"));
}

/* @return whether to go on */
static bool obey(const char *path, const dm_host *host, dm_voice *voice, dm_daemon **daemon)
{
    char bytes[64];
    bool go_on = true;
    for (ssize_t n = read(wake_pipe[0], bytes, sizeof bytes); n > 0; n = read(wake_pipe[0], bytes, sizeof bytes)) {
        for (ssize_t i = 0; i < n; i++) {
            const int number = bytes[i];
            if (number == SIGHUP) {
                reload(path, host, voice, daemon);
            } else if (number == SIGUSR1 || number == SIGUSR2) {
                dm_daemon_stop_writing(*daemon, number == SIGUSR1);
            } else {
                dm_say(voice, DM_INFO, "ending", DM_INT("signal", number));
                go_on = false;
            }
        }
    }
    return go_on;
}

static void show(dm_http *http, const dm_daemon *daemon)
{
    dm_status status;
    dm_latency latency;
    dm_daemon_status(daemon, &status, &latency);
    dm_http_show(http, &status, &latency);
}

#define ADDRESS_SIZE 64 /* of an IP address as text */

/* Where metrics and health are served, and where they were last asked for. The texts are ours: a configuration goes
 * when the next one is taken. */
typedef struct ear {
    dm_http *http;
    char address[ADDRESS_SIZE], wanted[ADDRESS_SIZE];
    int32_t port, wanted_port;
} ear;

/* port -1: nowhere. */
static spw_rc ear_open(ear *e, const char *address, int32_t port, dm_voice *voice, spw_err *err)
{
    e->http = NULL;
    spw_rc rc = port < 0 ? SPW_OK : dm_http_new(address, port, &e->http, err);
    if (rc == SPW_OK) {
        (void)snprintf(e->address, sizeof e->address, "%s", address);
        e->port = e->http == NULL ? -1 : dm_http_port(e->http);
    }
    if (e->http != NULL) {
        dm_say(voice, DM_INFO, "listening", DM_TEXT("address", e->address), DM_INT("port", e->port));
    }
    return rc;
}

static void ear_want(ear *e, const dm_config *c)
{
    (void)snprintf(e->wanted, sizeof e->wanted, "%s", c->listen);
    e->wanted_port = c->port;
}

/* Moves to what a new configuration asks for. Where that cannot be had, the old place is kept. */
static void ear_follow(ear *e, const dm_config *c, dm_voice *voice)
{
    if (strcmp(e->wanted, c->listen) == 0 && e->wanted_port == c->port) {
        return;
    }
    spw_err err = {.text = ""};
    char address[ADDRESS_SIZE];
    const int32_t port = e->port;
    (void)snprintf(address, sizeof address, "%s", e->address);
    ear_want(e, c);
    dm_http_free(e->http); /* first: both places may overlap */
    if (ear_open(e, c->listen, c->port, voice, &err) != SPW_OK) {
        dm_say_err(voice, DM_ERROR, "listening", &err);
        if (ear_open(e, address, port, voice, &err) != SPW_OK) {
            dm_say_err(voice, DM_ERROR, "listening", &err);
        }
    }
}

static spw_rc serve(const options *o, const dm_host *host, dm_voice *voice, dm_daemon **daemon, spw_err *err)
{
    ear e = {.http = NULL};
    const dm_config *c = dm_daemon_config(*daemon);
    spw_rc rc = ear_open(&e, c->listen, o->once ? -1 : c->port, voice, err);
    ear_want(&e, c);
    while (rc == SPW_OK && obey(o->config, host, voice, daemon)) {
        if (!o->once) {
            ear_follow(&e, dm_daemon_config(*daemon), voice);
        }
        rc = dm_daemon_work(*daemon, WORK_MOST, err);
        if (e.http != NULL) {
            show(e.http, *daemon);
        }
    }
    dm_http_free(e.http);
    return rc == SPW_LIMIT ? SPW_OK : rc;
}

static int run(const options *o, const dm_host *host, dm_voice *voice)
{
    spw_diag *diag = NULL;
    dm_daemon *daemon = NULL;
    spw_err err = {.text = ""};
    if (spw_diag_new(NULL, MESSAGES_KEPT, &diag) != SPW_OK) {
        fputs("spillwayd: out of memory\n", stderr);
        return STATUS_INTERNAL;
    }
    spw_rc rc = make(o->config, host, voice, diag, &daemon);
    print_messages(diag);
    spw_diag_free(diag);
    if (rc == SPW_OK && !o->check) {
        rc = dm_daemon_open(daemon, NULL, &err);
        if (rc == SPW_OK) {
            dm_say(voice, DM_INFO, "start", DM_TEXT("name", dm_daemon_config(daemon)->name),
                   DM_TEXT("version", SPILLWAY_VERSION),
                   DM_TEXT("writes", host->dry_run ? "nothing" : "as configured"));
            rc = serve(o, host, voice, &daemon, &err);
            dm_daemon_close(daemon);
        }
        if (rc != SPW_OK) {
            fprintf(stderr, "spillwayd: %s%s%s\n", err.field, err.field[0] != '\0' ? ": " : "",
                    err.text[0] != '\0' ? err.text : spw_strerror(rc));
            rc = rc == SPW_INVAL ? SPW_BACKEND : rc;
        }
    }
    dm_daemon_free(daemon);
    return status_of(rc);
}

/* What may we? */
static int ask_rights(const options *o, const dm_host *host)
{
    spw_diag *diag = NULL;
    dm_config_file *file = NULL;
    bool all = false;
    if (spw_diag_new(NULL, MESSAGES_KEPT, &diag) != SPW_OK) {
        fputs("spillwayd: out of memory\n", stderr);
        return STATUS_INTERNAL;
    }
    spw_rc rc = dm_config_read(o->config, diag, &file);
    rc = rc == SPW_OK ? dm_rights(dm_config_get(file), host, stdout, diag, &all) : rc;
    print_messages(diag);
    spw_diag_free(diag);
    dm_config_free(file);
    const int status = status_of(rc);
    return status != STATUS_DONE ? status : fflush(stdout) != 0 ? STATUS_IO : all ? STATUS_DONE : STATUS_MISSING;
}

int main(int argc, char **argv)
{
    options o = {.config = NULL};
    const int status = parse(argc, argv, &o);
    if (status >= 0) {
        return status;
    }
    if (!keep_secrets() || !catch_signals() || !kube_curl_begin()) {
        fprintf(stderr, "spillwayd: cannot begin: %s\n", strerror(errno));
        return STATUS_INTERNAL;
    }
    dm_voice voice = {.out = stderr, .format = DM_LOGFMT, .level = DM_INFO, .unix_now = unix_now};
    const dm_host host = {.files = dm_files_posix(),
                          .voice = &voice,
                          .mono = mono,
                          .unix_now = unix_now,
                          .wake_fd = wake_pipe[0],
                          .results = stdout,
                          .once = o.once,
                          .dry_run = o.dry_run,
                          .explain = o.explain};
    const int rc = o.rights ? ask_rights(&o, &host) : run(&o, &host, &voice);
    kube_curl_end();
    return rc;
}
