/* SPDX-License-Identifier: Apache-2.0 */
/** child.c - one program run to its end. */
#include "sched/kube/child.h"
#include "sched/kube/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ERROR_ROOM 4096
#define SLICE_MS   50

extern char **environ;

typedef struct pipes {
    int in[2], out[2], err[2]; /* [0] is read from, [1] is written to; -1 = closed */
} pipes;

static int64_t clock_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SPW_NS_PER_S + t.tv_nsec;
}

static void shut(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

static bool open_pair(int fd[2])
{
    if (pipe(fd) != 0) {
        fd[0] = fd[1] = -1;
        return false;
    }
    return fcntl(fd[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd[1], F_SETFD, FD_CLOEXEC) == 0;
}

static bool open_pipes(pipes *p)
{
    *p = (pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    return open_pair(p->in) && open_pair(p->out) && open_pair(p->err) && fcntl(p->in[1], F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(p->out[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(p->err[0], F_SETFL, O_NONBLOCK) == 0;
}

static void shut_pipes(pipes *p)
{
    for (int i = 0; i < 2; i++) {
        shut(&p->in[i]);
        shut(&p->out[i]);
        shut(&p->err[i]);
    }
}

/* Our environment and the added names; an added name replaces ours. */
static char **environment(const child_task *task)
{
    size_t n = 0, used = 0;
    while (environ[n] != NULL) {
        n++;
    }
    char **all = calloc(n + task->env_count + 1, sizeof *all);
    for (size_t i = 0; all != NULL && i < n; i++) {
        bool replaced = false;
        for (size_t k = 0; k < task->env_count && !replaced; k++) {
            const size_t name = strcspn(task->env[k], "=") + 1;
            replaced = strncmp(environ[i], task->env[k], name) == 0;
        }
        if (!replaced) {
            all[used++] = environ[i];
        }
    }
    for (size_t k = 0; all != NULL && k < task->env_count; k++) {
        all[used++] = (char *)(uintptr_t)task->env[k]; /* posix_spawn takes char *const [] and changes nothing */
    }
    return all;
}

static int spawn(const child_task *task, pipes *p, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, defaults;
    char **env = environment(task);
    int rc = env != NULL ? posix_spawn_file_actions_init(&actions) : ENOMEM;

    if (rc != 0) {
        free(env);
        return rc;
    }
    rc = posix_spawnattr_init(&attr);
    if (rc == 0) {
        (void)sigemptyset(&none);
        (void)sigemptyset(&defaults);
        (void)sigaddset(&defaults, SIGPIPE);
        rc = posix_spawn_file_actions_adddup2(&actions, p->in[0], 0);
        rc = rc == 0 ? posix_spawn_file_actions_adddup2(&actions, p->out[1], 1) : rc;
        rc = rc == 0 ? posix_spawn_file_actions_adddup2(&actions, p->err[1], 2) : rc;
        rc = rc == 0 ? posix_spawnattr_setsigmask(&attr, &none) : rc;
        rc = rc == 0 ? posix_spawnattr_setsigdefault(&attr, &defaults) : rc;
        rc = rc == 0 ? posix_spawnattr_setpgroup(&attr, 0) : rc;
        const short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
        rc = rc == 0 ? posix_spawnattr_setflags(&attr, flags) : rc;
        rc =
            rc == 0 ? posix_spawnp(pid, task->argv[0], &actions, &attr, (char *const *)(uintptr_t)task->argv, env) : rc;
        (void)posix_spawnattr_destroy(&attr);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    free(env);
    return rc;
}

typedef struct talk {
    const child_task *task;
    pipes *p;
    char *out;
    size_t used, sent;
    char err[ERROR_ROOM];
    size_t err_used;
    bool too_much;
} talk;

/* write() to a pipe that nobody reads any more would end a process that does not ignore SIGPIPE. */
static ssize_t write_quietly(int fd, const char *bytes, size_t size)
{
    const struct timespec none = {0, 0};
    sigset_t broken, before, pending;
    (void)sigemptyset(&broken);
    (void)sigaddset(&broken, SIGPIPE);
    (void)sigpending(&pending);
    (void)pthread_sigmask(SIG_BLOCK, &broken, &before);
    const ssize_t n = write(fd, bytes, size);
    const int error = errno;
    if (n < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE)) {
        (void)sigtimedwait(&broken, NULL, &none); /* ours: nobody else's business */
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return n;
}

static void feed(talk *t)
{
    while (t->sent < t->task->input_size) {
        const ssize_t n = write_quietly(t->p->in[1], t->task->input + t->sent, t->task->input_size - t->sent);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            if (errno != EAGAIN) {
                shut(&t->p->in[1]); /* it does not care for the rest */
            }
            return;
        }
        t->sent += (size_t)n;
    }
    shut(&t->p->in[1]);
}

/* Reads what is there; closes at the end. Over the room, bytes are dropped and counted in *lost. */
static void drain(int *fd, char *into, size_t room, size_t *used, bool *lost)
{
    char spill[4096];
    for (;;) {
        const bool full = *used >= room;
        const ssize_t n = read(*fd, full ? spill : into + *used, full ? sizeof spill : room - *used);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            if (n == 0 || errno != EAGAIN) {
                shut(fd);
            }
            return;
        }
        if (full) {
            *lost = true;
        } else {
            *used += (size_t)n;
        }
    }
}

/* Until both outputs are closed. @return false: the time is over */
static bool converse(talk *t, int64_t deadline)
{
    bool ignored = false;
    feed(t);
    while (t->p->out[0] >= 0 || t->p->err[0] >= 0) {
        struct pollfd fds[3] = {{t->p->out[0], POLLIN, 0}, {t->p->err[0], POLLIN, 0}, {t->p->in[1], POLLOUT, 0}};
        const int64_t left = deadline - clock_ns();
        if (left <= 0 || t->too_much) {
            return false;
        }
        const int64_t ms = left / 1000000 + 1, most = t->task->meanwhile != NULL ? SLICE_MS : 60000;
        if (poll(fds, 3, ms > most ? (int)most : (int)ms) < 0 && errno != EINTR) {
            return false;
        }
        if (t->task->meanwhile != NULL) {
            t->task->meanwhile(t->task->user);
        }
        if (t->p->in[1] >= 0 && fds[2].revents != 0) {
            feed(t);
        }
        if (t->p->out[0] >= 0 && fds[0].revents != 0) {
            drain(&t->p->out[0], t->out, t->task->output_most, &t->used, &t->too_much);
        }
        if (t->p->err[0] >= 0 && fds[1].revents != 0) {
            drain(&t->p->err[0], t->err, sizeof t->err - 1, &t->err_used, &ignored);
        }
    }
    return true;
}

/* @return the wait status; the group is killed at the deadline, and always at the end, so that nothing is left over */
static int reap(pid_t pid, int64_t deadline, bool *late)
{
    int status = 0;
    for (;;) {
        const pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR)) {
            break;
        }
        if (clock_ns() >= deadline) {
            *late = true;
            (void)kill(-pid, SIGKILL);
            while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
            }
            break;
        }
        struct timespec nap = {0, SLICE_MS * 100000L};
        (void)nanosleep(&nap, NULL);
    }
    (void)kill(-pid, SIGKILL);
    return status;
}

static void explain(child_result *result, const talk *t, int status, bool late)
{
    const size_t said = strcspn(t->err, "\r\n");
    if (t->too_much) {
        (void)snprintf(result->error, sizeof result->error, "printed more than %zu bytes", t->task->output_most);
    } else if (late) {
        (void)snprintf(result->error, sizeof result->error, "did not end within %.1f s",
                       (double)t->task->timeout / (double)SPW_NS_PER_S);
    } else if (said > 0) {
        (void)snprintf(result->error, sizeof result->error, "%.*s", (int)(said < 150 ? said : 150), t->err);
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(result->error, sizeof result->error, "ended by signal %d", WTERMSIG(status));
    } else {
        (void)snprintf(result->error, sizeof result->error, "exit status %d", WEXITSTATUS(status));
    }
}

spw_rc child_run(const child_task *task, child_result *result)
{
    pipes p;
    pid_t pid = 0;
    const int64_t deadline = clock_ns() + task->timeout;
    *result = (child_result){.exit_status = -1};
    talk t = {.task = task, .p = &p};

    t.out = secret_mem()->take(task->output_most + 1, NULL);
    if (t.out == NULL) {
        return SPW_NOMEM;
    }
    int rc = open_pipes(&p) ? 0 : errno;
    rc = rc == 0 ? spawn(task, &p, &pid) : rc;
    if (rc != 0) {
        shut_pipes(&p);
        secret_free(t.out);
        (void)snprintf(result->error, sizeof result->error, "cannot run %.60s: %s", task->argv[0], strerror(rc));
        return SPW_BACKEND;
    }
    shut(&p.in[0]);
    shut(&p.out[1]);
    shut(&p.err[1]);
    bool late = !converse(&t, deadline) && !t.too_much;
    if (late || t.too_much) {
        (void)kill(-pid, SIGKILL);
    }
    const int status = reap(pid, late ? clock_ns() : deadline, &late);
    shut_pipes(&p);
    t.out[t.used] = '\0';
    t.err[t.err_used] = '\0';
    result->output = t.out;
    result->size = t.used;
    if (!late && !t.too_much && WIFEXITED(status)) {
        result->exit_status = WEXITSTATUS(status);
    }
    if (result->exit_status != 0) {
        explain(result, &t, status, late);
        return SPW_BACKEND;
    }
    return SPW_OK;
}

void child_result_fini(child_result *result)
{
    secret_free(result->output);
    *result = (child_result){.exit_status = -1};
}
