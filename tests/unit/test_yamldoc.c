/* SPDX-License-Identifier: GPL-3.0-or-later */
/** test_yamldoc.c - the strict YAML reader: positions, refusals, limits, overrides by path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/manifest/suggest.h"
#include "sched/manifest/yamldoc.h"

typedef struct fixture {
    spw_diag *diag;
    yamldoc *doc;
} fixture;

static int set_up(void **state)
{
    static fixture f;

    f.doc = NULL;
    assert_int_equal(spw_diag_new(NULL, 20, &f.diag), SPW_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    yamldoc_free(f->doc);
    spw_diag_free(f->diag);
    return 0;
}

static spw_rc read_text(fixture *f, const char *text)
{
    return yamldoc_read_text("f.yaml", text, strlen(text), NULL, f->diag, &f->doc);
}

static void tree_and_positions(void **state)
{
    fixture *f = *state;
    const ynode *root;
    const ynode *list;
    char path[64];

    assert_int_equal(
        read_text(f, "# c\nspec:\n  a: 1\n  list:\n    - x\n    - {k: \"v\", \"a.b\": NO}\n---\n---\nz: |\n  t\n"),
        SPW_OK);
    assert_int_equal(yamldoc_count(f->doc), 2); /* the empty document in between is dropped */
    root = yamldoc_root(f->doc, 0);
    assert_int_equal(root->kind, YNODE_MAPPING);
    assert_int_equal(root->line, 2);
    list = ynode_get(ynode_get(root, "spec"), "list");
    assert_int_equal(list->count, 2);
    assert_int_equal(list->items[1]->line, 6);
    assert_int_equal(list->items[1]->column, 7);
    assert_true(ynode_get(list->items[1], "k")->quoted);
    assert_string_equal(ynode_get(list->items[1], "a.b")->text, "NO");
    assert_string_equal(ynode_path(ynode_get(list->items[1], "k"), path, sizeof(path)), "spec.list[1].k");
    assert_string_equal(ynode_path(ynode_get(list->items[1], "a.b"), path, sizeof(path)), "spec.list[1][\"a.b\"]");
    assert_string_equal(ynode_path(list->items[1]->keys[0], path, sizeof(path)), "spec.list[1].k");
    assert_string_equal(ynode_path(root, path, sizeof(path)), "");
    assert_string_equal(ynode_path(ynode_get(list->items[1], "k"), path, 8), "spec.li");
    assert_true(ynode_get(yamldoc_root(f->doc, 1), "z")->quoted); /* a block scalar is text */
    assert_null(ynode_get(root, "absent"));
    assert_null(ynode_get(NULL, "absent"));
    assert_true(ynode_is_null(ynode_get(root, "spec")) == false);
}

typedef struct bad_case {
    const char *text;
    const char *message;
} bad_case;

static void refusals(void **state)
{
    static const bad_case cases[] = {
        {"a: 1\na: 2\n", "f.yaml:2:1: error: duplicate key 'a' in the document (first on line 1)"},
        {"s:\n  k: 1\n  b: 2\n  k: 3\n", "f.yaml:4:3: error: duplicate key 'k' in 's' (first on line 2)"},
        {"a: &x 1\n", "f.yaml:1:4: error: anchors ('&') are not supported; write the value out at each place"},
        {"a: *x\n", "f.yaml:1:4: error: aliases ('*') are not supported; write the value out at each place"},
        {"a: !!str 5\n", "f.yaml:1:4: error: tags ('!') are not supported"},
        {"a:\n  <<: {b: 1}\n", "f.yaml:2:3: error: merge keys ('<<') are not supported; write the keys out"},
        {"[a]: 1\n", "f.yaml:1:1: error: a key must be plain text, not a list or a mapping"},
        {"\"\": 1\n", "f.yaml:1:1: error: a key must not be empty"},
        {"a: \"x\\0y\"\n", "f.yaml:1:4: error: text must not hold a NUL character"},
        {"ok: 1\n\xFF\xFE: 2\n", "f.yaml:2:1: error: not valid UTF-8 text: invalid leading UTF-8 octet"},
        {"a: \xC3\xA9\xC3\xA9 \xC0\n", "f.yaml:1:8: error: not valid UTF-8 text: invalid trailing UTF-8 octet"},
        {"a: [1, 2\n", "f.yaml:2:1: error: bad YAML: did not find expected ',' or ']', while parsing a flow sequence"},
        {"a: 1\n\tb: 2\n",
         "f.yaml:2:1: error: bad YAML: found a tab character that violates indentation, while scanning a plain scalar"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fixture *f = *state;

        assert_int_equal(read_text(f, cases[i].text), SPW_INVAL);
        assert_null(f->doc);
        assert_true(spw_diag_count(f->diag) >= 1);
        assert_string_equal(spw_diag_at(f->diag, 0), cases[i].message);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    }
}

static void several_errors_at_once(void **state)
{
    fixture *f = *state;

    assert_int_equal(read_text(f, "a: &x 1\nb: *x\nb: 2\n"), SPW_INVAL);
    assert_int_equal(spw_diag_errors(f->diag), 3);
}

static void many_keys(void **state)
{
    fixture *f = *state;
    char *text = malloc(200000);
    size_t used = 0;

    assert_non_null(text);
    for (int i = 0; i < 5000; i++) {
        used += (size_t)sprintf(text + used, "k%d: %d\n", i, i);
    }
    (void)sprintf(text + used, "k77: again\n");
    assert_int_equal(read_text(f, text), SPW_INVAL);
    assert_string_equal(spw_diag_at(f->diag, 0),
                        "f.yaml:5001:1: error: duplicate key 'k77' in the document (first on line 78)");
    free(text);
}

static void limits(void **state)
{
    fixture *f = *state;
    const size_t size = (size_t)YAMLDOC_BYTES_MAX + 1;
    char *text = malloc(size + 1);

    assert_non_null(text);
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    text[128] = '\0';
    assert_int_equal(read_text(f, text), SPW_OK);
    yamldoc_free(f->doc);
    f->doc = NULL;
    memset(text, '[', 20000);
    text[20000] = '\0';
    assert_int_equal(read_text(f, text), SPW_INVAL);
    assert_string_equal(spw_diag_at(f->diag, 0), "f.yaml:1:65: error: nested deeper than 64 levels");
    memset(text, ' ', size);
    assert_int_equal(yamldoc_read_text("f.yaml", text, size, NULL, f->diag, &f->doc), SPW_INVAL);
    assert_string_equal(spw_diag_at(f->diag, 1), "f.yaml: error: larger than 16 MiB");
    for (size_t i = 0; i < 1000000; i++) {
        memcpy(text + 3 * i, "- \n", 3); /* the list itself is a node too */
    }
    assert_int_equal(yamldoc_read_text("f.yaml", text, 3000000, NULL, f->diag, &f->doc), SPW_INVAL);
    assert_string_equal(spw_diag_at(f->diag, 2), "f.yaml:1000000:2: error: the file holds more than 1000000 nodes");
    free(text);
}

static void odd_starts(void **state)
{
    fixture *f = *state;

    assert_int_equal(read_text(f, "\xEF\xBB\xBF"
                                  "a: 1\n"),
                     SPW_OK);
    assert_int_equal(yamldoc_root(f->doc, 0)->keys[0]->column, 1); /* the mark itself takes no column */
    yamldoc_free(f->doc);
    f->doc = NULL;
    assert_int_equal(read_text(f, ""), SPW_OK);
    assert_int_equal(yamldoc_count(f->doc), 0);
}

static void missing_file(void **state)
{
    fixture *f = *state;

    assert_int_equal(yamldoc_read_file("no/such/file.yaml", NULL, f->diag, &f->doc), SPW_BACKEND);
    assert_string_equal(spw_diag_at(f->diag, 0), "no/such/file.yaml: error: cannot be read: No such file or directory");
    assert_int_equal(yamldoc_read_file("/", NULL, f->diag, &f->doc), SPW_BACKEND);
}

static void overrides(void **state)
{
    fixture *f = *state;
    const ynode *root;
    char path[64];

    assert_int_equal(read_text(f, "spec:\n  services:\n    - traffic:\n        - {file: a.csv}\n  none:\n"), SPW_OK);
    assert_int_equal(yamldoc_set(f->doc, "spec.services[0].traffic[0].file", "b.csv", f->diag), SPW_OK);
    assert_int_equal(yamldoc_set(f->doc, "spec.none.deep[\"x.y/z\"]", "7", f->diag), SPW_OK);
    assert_int_equal(yamldoc_set(f->doc, "spec.new", "[1, {a: \"q\"}]", f->diag), SPW_OK);
    assert_int_equal(yamldoc_set(f->doc, "seed", "\"5\"", f->diag), SPW_OK);
    assert_int_equal(spw_diag_count(f->diag), 0);
    root = yamldoc_root(f->doc, 0);
    root = ynode_get(root, "spec");
    assert_string_equal(ynode_get(ynode_get(ynode_get(root, "services")->items[0], "traffic")->items[0], "file")->text,
                        "b.csv");
    assert_string_equal(ynode_get(ynode_get(ynode_get(root, "none"), "deep"), "x.y/z")->text, "7");
    assert_int_equal(ynode_get(root, "new")->count, 2);
    assert_string_equal(ynode_path(ynode_get(ynode_get(root, "new")->items[1], "a"), path, sizeof(path)),
                        "spec.new[1].a");
    assert_true(ynode_get(yamldoc_root(f->doc, 0), "seed")->quoted);
    assert_string_equal(ynode_get(yamldoc_root(f->doc, 0), "seed")->file, "--set seed");
}

/* Same kinds, texts, quotes and order all the way down. */
static void assert_same_tree(const ynode *a, const ynode *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->quoted, b->quoted);
    if (a->kind == YNODE_SCALAR) {
        assert_string_equal(a->text, b->text);
    }
    for (size_t i = 0; i < a->count; i++) {
        if (a->kind == YNODE_MAPPING) {
            assert_string_equal(a->keys[i]->text, b->keys[i]->text);
        }
        assert_same_tree(a->items[i], b->items[i]);
    }
}

static void printed_and_read_again(void **state)
{
    static const char text[] =
        "a: {b: [1, two, '3', \"x\\ny\"], c: {}, d: []}\nnone:\nurl: http://h:80/p\nminus: -5\ncomma: 1,5\n"
        "text: |\n  one\n  two: #3\nlist:\n  - - deep\n    - {k: v}\n  -\n\"a.b/c: d\": 'it''s'\n---\n- 1\n---\nlast\n";
    fixture *f = *state;
    char *out = NULL;
    size_t size = 0;
    yamldoc *again = NULL;
    FILE *stream = open_memstream(&out, &size);

    assert_int_equal(read_text(f, text), SPW_OK);
    assert_int_equal(yamldoc_set(f->doc, "set", "a: b #c", f->diag), SPW_OK);
    assert_true(yamldoc_print(f->doc, stream));
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(yamldoc_read_text("again", out, size, NULL, f->diag, &again), SPW_OK);
    assert_int_equal(yamldoc_count(again), 3);
    assert_string_equal(ynode_get(yamldoc_root(again, 0), "set")->text, "a: b #c");
    assert_int_equal(yamldoc_set(again, "set", "x", f->diag), SPW_OK); /* quotes were needed to say it */
    assert_int_equal(yamldoc_set(f->doc, "set", "x", f->diag), SPW_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_same_tree(yamldoc_root(f->doc, i), yamldoc_root(again, i));
    }
    yamldoc_free(again);
    free(out);
}

static void impossible_overrides(void **state)
{
    static const bad_case cases[] = {
        {"a.list[2]", "--set a.list[2]: error: 'a.list' has 1 elements, so there is no [2]"},
        {"a[0]", "--set a[0]: error: 'a' is a mapping, so it has no element [0]"},
        {"a.list.x", "--set a.list.x: error: 'a.list' is a list, so it has no key 'x'"},
        {"a.n.x", "--set a.n.x: error: 'a.n' is '1', so it has no key 'x'"},
        {"a.new[0]", "--set a.new[0]: error: there is no list before [0]"},
        {"", "--set : error: the path is empty"},
        {"a..b", "--set a..b: error: bad path at '..b'; write keys joined by dots and [n] for list elements"},
        {"a[x]", "--set a[x]: error: bad path at '[x]'; write keys joined by dots and [n] for list elements"},
        {"a.list[0", "--set a.list[0: error: bad path at '[0'; write keys joined by dots and [n] for list elements"},
    };
    fixture *f = *state;

    assert_int_equal(read_text(f, "a: {list: [1], n: 1}\n"), SPW_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(yamldoc_set(f->doc, cases[i].text, "v", f->diag), SPW_INVAL);
        assert_string_equal(spw_diag_at(f->diag, i), cases[i].message);
    }
    assert_int_equal(ynode_get(yamldoc_root(f->doc, 0), "a")->count, 2); /* nothing half-changed */
    assert_int_equal(yamldoc_set(f->doc, "a.list", "[1", f->diag), SPW_INVAL);
}

static void suggestions(void **state)
{
    suggest s;

    (void)state;
    assert_int_equal(suggest_distance("maxReplicaz", "maxReplicas"), 1);
    assert_int_equal(suggest_distance("kind", "kidn"), 1); /* a swap is one step */
    assert_int_equal(suggest_distance("Kind", "kind"), 0);
    assert_int_equal(suggest_distance("", "abc"), 3);
    assert_int_equal(suggest_distance("kitten", "sitting"), 3);
    suggest_init(&s, "maxReplica");
    suggest_offer(&s, "minReplicas");
    suggest_offer(&s, "maxReplicas");
    assert_string_equal(s.best, "maxReplicas");
    suggest_init(&s, "xyz");
    suggest_offer(&s, "abc");
    assert_null(s.best);
}

/* An allocator that refuses its n-th call: every place that takes memory must survive it. */
static void *stingy_take(size_t size, void *user)
{
    int *left = user;

    if (*left == 0) {
        return NULL;
    }
    (*left)--;
    return malloc(size);
}

static void stingy_give(void *ptr, void *user)
{
    (void)user;
    free(ptr);
}

static void out_of_memory(void **state)
{
    fixture *f = *state;
    char text[20000];
    bool done = false;

    memset(text, ' ', sizeof(text));
    memcpy(text, "a: [", 4);
    memset(text + 4, 'x', sizeof(text) - 7);
    memcpy(text + sizeof(text) - 3, "]\n", 3);
    for (int n = 0; n < 50 && !done; n++) {
        int left = n;
        const spw_mem mem = {stingy_take, stingy_give, &left};
        const spw_rc rc = yamldoc_read_text("f.yaml", text, strlen(text), &mem, f->diag, &f->doc);

        assert_true(rc == SPW_OK || rc == SPW_NOMEM);
        done = rc == SPW_OK;
        if (done) {
            assert_true(n >= 2);
            yamldoc_free(f->doc);
            f->doc = NULL;
        }
    }
    assert_true(done);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(tree_and_positions),
        TEST(refusals),
        TEST(several_errors_at_once),
        TEST(many_keys),
        TEST(limits),
        TEST(odd_starts),
        TEST(missing_file),
        TEST(overrides),
        TEST(impossible_overrides),
        TEST(printed_and_read_again),
        TEST(suggestions),
        TEST(out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
