/* SPDX-License-Identifier: GPL-3.0-or-later */
/* whole.c - see whole.h. */
#include "sim/experiment/whole.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int whole_begin(whole_file *w, const char *path)
{
    const int length = snprintf(w->path, sizeof w->path, "%s", path);
    w->file = NULL;
    errno = ENAMETOOLONG;
    for (int n = 0; length > 0 && (size_t)length < sizeof w->path && w->file == NULL && (n == 0 || errno == EEXIST);
         n++) {
        snprintf(w->temporary, sizeof w->temporary, "%s.%ld-%d.tmp", path, (long)getpid(), n);
        w->file = fopen(w->temporary, "w+bx");
    }
    return w->file != NULL ? 0 : -1;
}

static int flush_folder_of(const char *path)
{
    char folder[WHOLE_PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path) + 1 : 1, slash != NULL ? path : ".");
    const int fd = open(folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
        return -1;
    }
    const int rc = fsync(fd);
    close(fd);
    return rc;
}

int whole_end(whole_file *w, bool good)
{
    int rc = good && !ferror(w->file) && fflush(w->file) == 0 ? fsync(fileno(w->file)) : -1;
    if (fclose(w->file) != 0) {
        rc = -1;
    }
    if (rc == 0) {
        rc = rename(w->temporary, w->path);
    }
    if (rc != 0) {
        const int why = errno;
        unlink(w->temporary);
        errno = why;
        return -1;
    }
    return flush_folder_of(w->path);
}

void whole_remove(const char *folder, const char *ending)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return;
    }
    const size_t size = strlen(ending);
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        const size_t length = strlen(e->d_name);
        char path[WHOLE_PATH_MAX + 300];
        if (length > size && strcmp(e->d_name + length - size, ending) == 0) {
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
            (void)unlink(path);
        }
    }
    closedir(dir);
}
