/* SPDX-License-Identifier: GPL-3.0-or-later */
/* folder.c - see folder.h. */
#include "tests/support/folder.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void folder_make(char *dir, size_t size)
{
    (void)snprintf(dir, size, "/tmp/spillway-report-XXXXXX");
    assert_non_null(mkdtemp(dir));
}

void folder_remove(const char *dir)
{
    DIR *folder = opendir(dir);
    assert_non_null(folder);
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        char path[512];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
            continue;
        }
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (unlink(path) != 0) { /* a folder */
            folder_remove(path);
        }
    }
    (void)closedir(folder);
    assert_int_equal(rmdir(dir), 0);
}

void folder_write(const char *dir, const char *name, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

char *folder_read(const char *dir, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        fail_msg("cannot open %s", path);
    }
    char *text = NULL;
    size_t used = 0;
    size_t got;
    do {
        text = realloc(text, used + 65537);
        assert_non_null(text);
        got = fread(text + used, 1, 65536, in);
        used += got;
    } while (got > 0);
    (void)fclose(in);
    text[used] = '\0';
    return text;
}

static bool is_void(const char *tag)
{
    static const char *const tags[] = {"meta", "br",       "hr",   "img",     "link",   "!doctype", "path",
                                       "rect", "polyline", "line", "polygon", "circle", "wbr"};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        if (strcmp(tags[i], tag) == 0) {
            return true;
        }
    }
    return false;
}

void page_check_well_formed(const char *html)
{
    char stack[64][24];
    size_t depth = 0;
    for (const char *p = strchr(html, '<'); p != NULL; p = strchr(p, '<')) {
        bool closes = p[1] == '/';
        const char *name = p + (closes ? 2 : 1);
        size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!-");
        char tag[24];
        assert_true(length > 0 && length < sizeof tag);
        for (size_t i = 0; i < length; i++) {
            tag[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
        }
        tag[length] = '\0';
        const char *end = name + length;
        for (bool quoted = false; *end != '\0' && (quoted || *end != '>'); end++) {
            quoted = *end == '"' ? !quoted : quoted;
            assert_true(quoted || *end != '<');
        }
        assert_int_equal(*end, '>');
        if (strncmp(tag, "!--", 3) == 0) {
            p = strstr(p, "-->");
            assert_non_null(p);
            continue;
        }
        if (closes) {
            if (depth == 0 || strcmp(stack[depth - 1], tag) != 0) {
                fail_msg("</%s> closes <%s>", tag, depth == 0 ? "nothing" : stack[depth - 1]);
            }
            depth--;
        } else if (!is_void(tag) && end[-1] != '/') {
            assert_true(depth < 64);
            (void)snprintf(stack[depth++], sizeof stack[0], "%s", tag);
        }
        p = end;
    }
    if (depth != 0) {
        fail_msg("<%s> is never closed", stack[depth - 1]);
    }
}
