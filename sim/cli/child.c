/* SPDX-License-Identifier: GPL-3.0-or-later */
/* child.c - see child.h. */
#include "sim/cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void drain(int fd, char *said, size_t said_size)
{
    char chunk[512];
    size_t used = 0;
    for (;;) {
        const ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        for (ssize_t i = 0; i < got && used + 1 < said_size; i++) {
            said[used++] = chunk[i];
        }
    }
    said[used] = '\0';
}

int child_run(char *const argv[], char *said, size_t said_size)
{
    int ends[2], status = 0;
    pid_t child = 0;
    posix_spawn_file_actions_t actions;
    said[0] = '\0';
    if (pipe(ends) != 0) {
        return -1;
    }
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc == 0) {
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
        posix_spawn_file_actions_addclose(&actions, ends[0]);
        posix_spawn_file_actions_addclose(&actions, ends[1]);
        rc = posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(ends[1]);
    if (rc == 0) {
        drain(ends[0], said, said_size);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
    }
    close(ends[0]);
    if (rc != 0) {
        errno = rc;
        return -1;
    }
    errno = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
