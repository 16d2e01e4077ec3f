/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kept.c - see kept.h. */
#include "sim/experiment/kept.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/experiment/whole.h"
#include "sim/scenario/hash.h"

#define ENDING ".rep"

enum { HEAD_SIZE = 64, CHUNK = 1 << 16 };
/* What stands before each piece of a file. */
enum { DECISIONS = 'd', REQUEST = 'q', RESULT = 'r' };

static uint64_t key_of(const kept_folder *k, const sc_scenario *sc, uint64_t seed, uint32_t replication,
                       const fleet_hooks *hooks, const kept_form *form)
{
    const unsigned char wanted[] = {hooks->decision != NULL, hooks->request != NULL, hooks->record_snapshots};
    const uint64_t numbers[] = {sc->hash, seed, replication, form->hash, sizeof(fleet_request)};
    uint64_t hash = hash_bytes(HASH_START, k->version, strlen(k->version) + 1);
    hash = hash_bytes(hash, numbers, sizeof numbers);
    return hash_bytes(hash, wanted, sizeof wanted);
}

static void path_of(const kept_folder *k, uint64_t key, char path[WHOLE_PATH_MAX])
{
    snprintf(path, WHOLE_PATH_MAX, "%.4000s/%016" PRIx64 ENDING, k->dir, key);
}

static int head_of(uint64_t key, char head[HEAD_SIZE])
{
    return snprintf(head, HEAD_SIZE, "spillway replication %016" PRIx64 "\n", key);
}

/* Of the first `size` bytes from here on. @return 0, -1: there are fewer */
static int checksum(FILE *in, int64_t size, uint64_t *hash)
{
    char chunk[CHUNK];
    *hash = HASH_START;
    while (size > 0) {
        const size_t want = size < CHUNK ? (size_t)size : CHUNK;
        if (fread(chunk, 1, want, in) != want) {
            return -1;
        }
        *hash = hash_bytes(*hash, chunk, want);
        size -= CHUNK;
    }
    return 0;
}

/* The file of a replication, behind its head; NULL: it is not there, damaged, or of another key. */
static FILE *open_kept(const kept_folder *k, uint64_t key)
{
    char path[WHOLE_PATH_MAX], head[HEAD_SIZE], found[HEAD_SIZE] = "";
    struct stat st;
    uint64_t sum = 0, said = 0;
    path_of(k, key, path);
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        return NULL;
    }
    const int size = head_of(key, head);
    const bool good = fstat(fileno(in), &st) == 0 &&
                      checksum(in, (int64_t)st.st_size - (int64_t)sizeof sum, &sum) == 0 &&
                      fread(&said, sizeof said, 1, in) == 1 && sum == said && fseek(in, 0, SEEK_SET) == 0 &&
                      fread(found, 1, (size_t)size, in) == (size_t)size && strcmp(found, head) == 0;
    if (!good) {
        fclose(in);
        return NULL;
    }
    return in;
}

/* Tells the hooks what they were told once; the stream stands before the result then. @return 0, -1 */
static int replay(FILE *in, const fleet_hooks *hooks)
{
    char chunk[CHUNK];
    int rc = 0, kind;
    while (rc == 0 && (kind = fgetc(in)) != RESULT) {
        uint64_t size = 0;
        fleet_request request;
        if (kind == DECISIONS && fread(&size, sizeof size, 1, in) == 1) {
            for (; rc == 0 && size > 0; size -= size < CHUNK ? size : CHUNK) {
                const size_t want = size < CHUNK ? (size_t)size : CHUNK;
                rc = fread(chunk, 1, want, in) == want ? hooks->decision(hooks->user, chunk, want) : -1;
            }
        } else if (kind == REQUEST && fread(&request, sizeof request, 1, in) == 1 &&
                   fread(&size, sizeof size, 1, in) == 1 && size < CHUNK && fread(chunk, 1, size, in) == size) {
            chunk[size] = '\0';
            request.outcome = chunk;
            rc = hooks->request(hooks->user, &request);
        } else {
            rc = -1;
        }
    }
    return rc;
}

/* Hooks that write down what they tell the real ones. */
typedef struct scribe {
    const fleet_hooks *hooks;
    FILE *out;
} scribe;

static int on_decision(void *user, const char *line, size_t size)
{
    const scribe *s = user;
    const uint64_t length = size;
    fputc(DECISIONS, s->out);
    fwrite(&length, sizeof length, 1, s->out);
    fwrite(line, 1, size, s->out);
    return s->hooks->decision(s->hooks->user, line, size);
}

static int on_request(void *user, const fleet_request *request)
{
    const scribe *s = user;
    const uint64_t length = strlen(request->outcome);
    fputc(REQUEST, s->out);
    fwrite(request, sizeof *request, 1, s->out);
    fwrite(&length, sizeof length, 1, s->out);
    fwrite(request->outcome, 1, length, s->out);
    return s->hooks->request(s->hooks->user, request);
}

static void on_progress(void *user, int64_t now_ns, uint64_t requests)
{
    const scribe *s = user;
    s->hooks->progress(s->hooks->user, now_ns, requests);
}

static int simulate(const sc_scenario *sc, uint64_t seed, uint32_t replication, const fleet_hooks *hooks,
                    const kept_form *form, char *err, size_t err_size)
{
    res_run *run = fleet_run(sc, seed, replication, hooks, err, err_size);
    if (run == NULL) {
        return -1;
    }
    if (form->result(form->user, run) != 0) {
        snprintf(err, err_size, "out of memory");
        return -1;
    }
    return 0;
}

/* @return 0, -1: what has been written so far cannot be read again */
static int put_checksum(FILE *file)
{
    uint64_t sum = 0;
    const long size = ftell(file);
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0 || checksum(file, size, &sum) != 0 || fseek(file, 0, SEEK_END) != 0) {
        return -1;
    }
    return fwrite(&sum, sizeof sum, 1, file) == 1 ? 0 : -1;
}

static int simulate_and_keep(kept_folder *k, uint64_t key, const sc_scenario *sc, uint64_t seed, uint32_t replication,
                             const fleet_hooks *hooks, const kept_form *form, char *err, size_t err_size)
{
    char path[WHOLE_PATH_MAX], head[HEAD_SIZE];
    whole_file w = {.file = NULL};
    path_of(k, key, path);
    int rc = mkdir(k->dir, 0777) == 0 || errno == EEXIST ? whole_begin(&w, path) : -1;
    if (rc == 0) {
        scribe s = {hooks, w.file};
        const fleet_hooks writing = {.decision = hooks->decision != NULL ? on_decision : NULL,
                                     .request = hooks->request != NULL ? on_request : NULL,
                                     .progress = hooks->progress != NULL ? on_progress : NULL,
                                     .stop = hooks->stop,
                                     .user = &s,
                                     .record_snapshots = hooks->record_snapshots};
        head_of(key, head);
        fputs(head, w.file);
        if (simulate(sc, seed, replication, &writing, form, err, err_size) != 0) {
            (void)whole_end(&w, false);
            return -1;
        }
        fputc(RESULT, w.file);
        errno = 0;
        rc = whole_end(&w, form->write(form->user, w.file) == 0 && put_checksum(w.file) == 0);
    }
    if (rc != 0) {
        k->failed = true;
        snprintf(err, err_size, "cannot keep a replication in %s: %s", k->dir, strerror(errno != 0 ? errno : EIO));
    }
    return rc;
}

int kept_replicate(kept_folder *k, const sc_scenario *sc, uint64_t seed, uint32_t replication, const fleet_hooks *hooks,
                   const kept_form *form, char *err, size_t err_size)
{
    if (k == NULL) {
        return simulate(sc, seed, replication, hooks, form, err, err_size);
    }
    const uint64_t key = key_of(k, sc, seed, replication, hooks, form);
    FILE *in = k->resume ? open_kept(k, key) : NULL;
    if (in == NULL) {
        const int rc = simulate_and_keep(k, key, sc, seed, replication, hooks, form, err, err_size);
        k->simulated += rc == 0 ? 1 : 0;
        return rc;
    }
    const int rc = replay(in, hooks) == 0 ? form->read(form->user, in) : -1;
    fclose(in);
    if (rc != 0) {
        snprintf(err, err_size, "a replication that is kept in %s could not be taken from there", k->dir);
        return -1;
    }
    if (hooks->progress != NULL) {
        hooks->progress(hooks->user, sc->duration_ns, 0);
    }
    k->taken++;
    return 0;
}

int32_t kept_count(const kept_folder *k)
{
    const size_t ending = strlen(ENDING);
    int32_t count = 0;
    DIR *dir = opendir(k->dir);
    if (dir == NULL) {
        return errno == ENOENT ? 0 : -1;
    }
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        const size_t length = strlen(e->d_name);
        count += length > ending && strcmp(e->d_name + length - ending, ENDING) == 0 ? 1 : 0;
    }
    closedir(dir);
    return count;
}

void kept_remove(const kept_folder *k)
{
    whole_remove(k->dir, ".tmp");
    whole_remove(k->dir, ENDING);
    (void)rmdir(k->dir);
}
