/* SPDX-License-Identifier: GPL-3.0-or-later */
/** State file and log of decisions: whatever call fails, whatever byte is the last, what is read back is whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sched/daemon/declog.h"
#include "sched/daemon/state.h"
#include "tests/support/dying_files.h"

static char folder[64];
static char path[96];

static void clear_folder(void)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        char name[400];
        if (e->d_name[0] != '.') {
            (void)snprintf(name, sizeof name, "%s/%s", folder, e->d_name);
            assert_int_equal(unlink(name), 0);
        }
    }
    (void)closedir(dir);
}

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/spillway-files-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/it", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    clear_folder();
    return rmdir(folder);
}

static void write_file(const char *name, const void *bytes, size_t size)
{
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* A state of which every part depends on its generation. */
static dm_state state_of(uint64_t generation)
{
    static char core[3][100];
    static dm_template templates[3][2];
    const size_t i = generation % 3;
    memset(core[i], (int)('a' + generation), sizeof core[i]);
    templates[i][0] = (dm_template){.name = (char *)(uintptr_t) "prod/chat", .replicas = (int32_t)generation};
    templates[i][1] = (dm_template){.name = (char *)(uintptr_t) "prod/code", .replicas = -1};
    return (dm_state){.generation = generation,
                      .epoch = 10 + generation,
                      .core = core[i],
                      .core_size = sizeof core[i],
                      .templates = templates[i],
                      .template_count = 2};
}

static void check_state(const dm_state *s, uint64_t generation)
{
    const dm_state want = state_of(generation);
    assert_int_equal(s->generation, generation);
    assert_int_equal(s->epoch, want.epoch);
    assert_int_equal(s->core_size, want.core_size);
    assert_memory_equal(s->core, want.core, want.core_size);
    assert_int_equal(s->template_count, 2);
    assert_string_equal(s->templates[0].name, "prod/chat");
    assert_int_equal(s->templates[0].replicas, (int32_t)generation);
    assert_int_equal(s->templates[1].replicas, -1);
}

static void save(uint64_t generation)
{
    const dm_state s = state_of(generation);
    assert_int_equal(dm_state_save(dm_files_posix(), path, &s, NULL), SPW_OK);
}

static dm_found load(uint64_t *generation)
{
    dm_state s = {0};
    char note[300];
    const dm_found found = dm_state_load(path, &s, note, sizeof note);
    *generation = s.generation;
    if (found == DM_FOUND_WHOLE || found == DM_FOUND_OLDER) {
        check_state(&s, s.generation);
    }
    assert_true((note[0] != '\0') == (found == DM_FOUND_OLDER || found == DM_FOUND_DAMAGED));
    dm_state_fini(&s);
    return found;
}

static void test_state_comes_back(void **state)
{
    (void)state;
    uint64_t generation = 0;
    clear_folder();
    assert_int_equal(load(&generation), DM_FOUND_NONE);
    save(1);
    assert_int_equal(load(&generation), DM_FOUND_WHOLE);
    assert_int_equal(generation, 1);
    save(2);
    assert_int_equal(load(&generation), DM_FOUND_WHOLE);
    assert_int_equal(generation, 2);
}

/* Whatever call is the last one, generation 2 or 3 is there, whole. */
static void test_state_any_call_is_the_last(void **state)
{
    (void)state;
    static const dying_how ways[] = {DYING_FAIL, DYING_CRASH, DYING_HALF};
    for (size_t w = 0; w < 3; w++) {
        int reached = 0;
        for (int at = 1; at < 30; at++) {
            dying_files d = {.at = at, .how = ways[w], .byte_most = -1};
            const dm_files files = dying_table(&d);
            const dm_state third = state_of(3);
            uint64_t generation = 0;
            clear_folder();
            save(1);
            save(2);
            const spw_rc rc = dm_state_save(&files, path, &third, NULL);
            assert_int_equal(d.open, 0);
            const dm_found found = load(&generation);
            assert_true(found == DM_FOUND_WHOLE || found == DM_FOUND_OLDER);
            assert_true(generation == 3 || (generation == 2 && rc != SPW_OK));
            if (d.calls < at) {
                assert_int_equal(rc, SPW_OK);
                break;
            }
            reached++;
            save(4); /* life goes on */
            assert_int_equal(load(&generation), DM_FOUND_WHOLE);
            assert_int_equal(generation, 4);
        }
        assert_true(reached >= 8);
    }
}

static void test_state_any_byte_is_the_last(void **state)
{
    (void)state;
    const dm_state third = state_of(3);
    size_t size = 0;
    free(dm_state_pack(&third, &size));
    for (int64_t most = 0; most <= (int64_t)size; most++) {
        dying_files d = {.byte_most = most};
        const dm_files files = dying_table(&d);
        uint64_t generation = 0;
        clear_folder();
        save(2);
        (void)dm_state_save(&files, path, &third, NULL);
        const dm_found found = load(&generation);
        assert_true(found == DM_FOUND_WHOLE || found == DM_FOUND_OLDER);
        assert_int_equal(generation, most == (int64_t)size ? 3 : 2);
    }
}

/* A disk that lies: any byte flipped, any length cut. The generation before takes over; without one, it is said. */
static void test_state_damage_is_seen(void **state)
{
    (void)state;
    const dm_state s = state_of(2);
    size_t size = 0;
    unsigned char *bytes = dm_state_pack(&s, &size);
    uint64_t generation = 0;
    assert_non_null(bytes);
    for (size_t i = 0; i < 2 * size; i++) {
        clear_folder();
        save(1);
        save(2);
        if (i < size) {
            bytes[i] ^= (unsigned char)(1u << (i % 8));
            write_file(path, bytes, size);
            bytes[i] ^= (unsigned char)(1u << (i % 8));
        } else {
            write_file(path, bytes, i - size);
        }
        assert_int_equal(load(&generation), DM_FOUND_OLDER);
        assert_int_equal(generation, 1);
        char previous[120];
        (void)snprintf(previous, sizeof previous, "%s.previous", path);
        assert_int_equal(unlink(previous), 0);
        assert_int_equal(load(&generation), DM_FOUND_DAMAGED);
    }
    free(bytes);
}

/* --- the log --- */

static dm_log *open_log(const dm_files *files, int64_t rotate, int32_t keep, int64_t *torn)
{
    const dm_log_spec spec = {.files = files, .path = path, .rotate = rotate, .keep = keep};
    dm_log_mended mended;
    dm_log *log = NULL;
    spw_err err;
    if (dm_log_open(&spec, &log, &mended, &err) != SPW_OK) {
        return NULL;
    }
    if (torn != NULL) {
        *torn = mended.torn;
    }
    return log;
}

static spw_rc add_line(dm_log *log, int number)
{
    char line[64];
    const int n = snprintf(line, sizeof line, "{\"tick\":%d,\"plan\":[]}\n", number);
    return dm_log_tick(log, line, (size_t)n, NULL, NULL, NULL);
}

/* Counts the lines of a file; each must be sealed and whole. @return the numbers it holds as a bit set */
static unsigned lines_in(const char *name)
{
    FILE *f = fopen(name, "rb");
    char line[200];
    unsigned seen = 0;
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        int number = 0;
        assert_int_equal(spw_json_line_sum(line, strlen(line)), SPW_SEAL_GOOD);
        assert_int_equal(sscanf(line, "{\"tick\":%d", &number), 1);
        assert_int_equal(seen >> number, 0); /* in order, none twice */
        seen |= 1u << number;
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return seen;
}

static void test_log_any_call_is_the_last(void **state)
{
    (void)state;
    static const dying_how ways[] = {DYING_FAIL, DYING_CRASH, DYING_HALF};
    for (size_t w = 0; w < 3; w++) {
        for (int at = 1; at < 60; at++) {
            dying_files d = {.at = at, .how = ways[w], .byte_most = -1};
            const dm_files files = dying_table(&d);
            unsigned done = 0;
            clear_folder();
            dm_log *log = open_log(&files, 0, 3, NULL);
            for (int i = 1; log != NULL && i <= 6; i++) {
                done |= add_line(log, i) == SPW_OK ? 1u << i : 0;
            }
            dm_log_close(log);
            assert_int_equal(d.open, 0);
            log = open_log(dm_files_posix(), 0, 3, NULL);
            assert_non_null(log);
            const unsigned kept = lines_in(path);
            assert_int_equal(kept & done, done); /* nothing recorded is lost */
            assert_int_equal(add_line(log, 7), SPW_OK);
            dm_log_close(log);
            assert_int_equal(lines_in(path), kept | 1u << 7);
            if (d.calls < at) {
                assert_int_equal(done, 0x7e);
                break;
            }
            assert_true(at < 59);
        }
    }
}

static void test_log_any_byte_is_the_last(void **state)
{
    (void)state;
    for (int64_t most = 0; most < 200; most++) {
        dying_files d = {.byte_most = most};
        const dm_files files = dying_table(&d);
        unsigned done = 0;
        int64_t torn = 0;
        clear_folder();
        dm_log *log = open_log(&files, 0, 3, NULL);
        for (int i = 1; log != NULL && i <= 5; i++) {
            done |= add_line(log, i) == SPW_OK ? 1u << i : 0;
        }
        dm_log_close(log);
        log = open_log(dm_files_posix(), 0, 3, &torn);
        assert_non_null(log);
        assert_int_equal(lines_in(path) & done, done);
        assert_int_equal(add_line(log, 6), SPW_OK);
        dm_log_close(log);
        assert_int_equal(lines_in(path) & ~(1u << 6) & done, done);
        char beside[120];
        (void)snprintf(beside, sizeof beside, "%s.torn", path);
        assert_int_equal(access(beside, F_OK) == 0, torn > 0);
    }
}

static void test_log_rotates(void **state)
{
    (void)state;
    clear_folder();
    dm_log *log = open_log(dm_files_posix(), 120, 2, NULL);
    assert_non_null(log);
    unsigned heads = 0;
    for (int i = 1; i <= 20; i++) {
        const spw_json_manifest none = {"m", "", 0};
        spw_json_head head = {.manifests = &none, .manifest_count = 0};
        spw_settings_default(&head.settings);
        if (dm_log_wants_head(log)) {
            assert_int_equal(dm_log_head(log, &head, NULL), SPW_OK);
            heads++;
        }
        assert_false(dm_log_wants_head(log));
        assert_int_equal(add_line(log, i), SPW_OK);
    }
    dm_log_close(log);
    assert_int_equal(heads, 20); /* a head alone is over 120 bytes: each tick begins a file */
    char name[128];
    static const char *const left[] = {"", ".1", ".2"};
    for (size_t i = 0; i < 3; i++) {
        char line[4000];
        (void)snprintf(name, sizeof name, "%s%s", path, left[i]);
        FILE *f = fopen(name, "rb");
        assert_non_null(f);
        assert_non_null(fgets(line, sizeof line, f));
        assert_non_null(strstr(line, "\"spillway\":\"decisions/1\""));
        assert_non_null(fgets(line, sizeof line, f));
        int number = 0;
        assert_int_equal(sscanf(line, "{\"tick\":%d", &number), 1);
        assert_int_equal(number, 20 - (int)i);
        assert_null(fgets(line, sizeof line, f));
        (void)fclose(f);
    }
    (void)snprintf(name, sizeof name, "%s.3", path);
    assert_int_not_equal(access(name, F_OK), 0);
}

/* A checksum finds every byte that changes, and is no part of what a line says. */
static void test_seal(void **state)
{
    (void)state;
    static const char line[] = "{\"tick\":0,\"now_ns\":5,\"snapshot_sha\":\"0000000000000001\",\"state_sha\":"
                               "\"0000000000000002\",\"plan\":[]}\n";
    spw_json_buffer b = {0};
    spw_diag *diag = NULL;
    const spw_json_line *read = NULL;
    b.text = malloc(sizeof line);
    assert_non_null(b.text);
    memcpy(b.text, line, sizeof line);
    b.size = b.room = sizeof line - 1;
    assert_int_equal(spw_json_line_sum(b.text, b.size), SPW_SEAL_NONE);
    assert_int_equal(spw_json_line_seal(&b, 0), SPW_OK);
    assert_int_equal(spw_json_line_sum(b.text, b.size), SPW_SEAL_GOOD);
    assert_int_equal(spw_diag_new(NULL, 8, &diag), SPW_OK);
    assert_int_equal(spw_json_line_read(b.text, b.size, "log", 1, diag, &read), SPW_OK);
    assert_int_equal(read->tick->now, 5);
    spw_json_line_free(read);
    read = NULL;
    b.text[19] = '6'; /* still JSON, and another time */
    assert_int_equal(spw_json_line_sum(b.text, b.size), SPW_SEAL_BAD);
    assert_int_equal(spw_json_line_read(b.text, b.size, "log", 1, diag, &read), SPW_INVAL);
    assert_string_equal(spw_diag_at(diag, 0),
                        "log:1:103: error: 'sum' does not fit: bytes of this line have changed since it was written");
    spw_diag_free(diag);
    spw_json_buffer_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_comes_back),
        cmocka_unit_test(test_state_any_call_is_the_last),
        cmocka_unit_test(test_state_any_byte_is_the_last),
        cmocka_unit_test(test_state_damage_is_seen),
        cmocka_unit_test(test_log_any_call_is_the_last),
        cmocka_unit_test(test_log_any_byte_is_the_last),
        cmocka_unit_test(test_log_rotates),
        cmocka_unit_test(test_seal),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
