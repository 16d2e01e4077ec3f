/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_prefix_model.c - the prefix cache against a list that is kept in order by moving everything.
 *
 * Random calls on few keys, so that keys come back, several leave at one boundary in any order of submission, and the
 * ring of entries runs full of gaps. Half of the caches start near the end of the 32 bit places. After each call every
 * key must hold the same blocks in both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "models/engine/prefix.h"
#include "tests/support/choice.h"

#define CACHES 3000
#define CALLS  400
#define KEYS   40

typedef struct held {
    uint64_t key, number;
    int64_t stamp;
    int32_t blocks;
} held;

typedef struct list {
    held at[KEYS]; /* oldest first */
    size_t count;
} list;

static size_t list_index(const list *l, uint64_t key)
{
    size_t i = 0;
    while (i < l->count && l->at[i].key != key) {
        i++;
    }
    return i;
}

static void list_remove(list *l, size_t i)
{
    memmove(&l->at[i], &l->at[i + 1], (l->count - i - 1) * sizeof l->at[0]);
    l->count--;
}

static void list_put(list *l, held h)
{
    size_t i = list_index(l, h.key);
    if (h.blocks < 1) {
        return;
    }
    if (i < l->count) {
        if (l->at[i].stamp == h.stamp && l->at[i].number > h.number) {
            return;
        }
        list_remove(l, i);
    }
    i = l->count;
    while (i > 0 && l->at[i - 1].stamp == h.stamp && l->at[i - 1].number > h.number) {
        i--;
    }
    memmove(&l->at[i + 1], &l->at[i], (l->count - i) * sizeof l->at[0]);
    l->at[i] = h;
    l->count++;
}

static int32_t list_blocks(const list *l)
{
    int32_t sum = 0;
    for (size_t i = 0; i < l->count; i++) {
        sum += l->at[i].blocks;
    }
    return sum;
}

static void list_trim(list *l, int32_t most)
{
    for (int32_t over = list_blocks(l) - most; over > 0; over--) {
        if (--l->at[0].blocks == 0) {
            list_remove(l, 0);
        }
    }
}

static void assert_same(const mdl_prefix *p, const list *l)
{
    assert_int_equal(p->count, l->count);
    assert_int_equal(p->blocks, list_blocks(l));
    for (uint64_t key = 1; key <= KEYS; key++) {
        const size_t i = list_index(l, key);
        assert_int_equal(mdl_prefix_find(p, key), i < l->count ? l->at[i].blocks : 0);
    }
}

/* @return puts that had to go behind others of their boundary */
static size_t play(uint64_t seed)
{
    choice c;
    choice_seed(&c, seed);
    mdl_prefix p = mdl_prefix_empty();
    list l = {.count = 0};
    const uint64_t keys = (uint64_t)choice_range(&c, 1, KEYS);
    const int64_t same = choice_range(&c, 1, 6); /* so many leave at one boundary, on average */
    const bool roomy = choice_chance(&c, 1, 2);
    int64_t stamp = choice_range(&c, 0, 3);
    size_t behind = 0;
    assert_true(mdl_prefix_reserve(&p, 1));
    if (choice_chance(&c, 1, 2)) {
        p.tail = p.head = p.group = UINT32_MAX - (uint32_t)choice_range(&c, 0, 100);
    }
    for (int i = 0; i < CALLS; i++) {
        const uint64_t key = (uint64_t)choice_range(&c, 1, (int64_t)keys);
        const int64_t call = choice_range(&c, 0, 99);
        if (call < 70) {
            const held h = {.key = key,
                            .number = (uint64_t)choice_range(&c, 0, 1000000),
                            .stamp = stamp,
                            .blocks = (int32_t)choice_range(&c, 0, 9)};
            assert_true(mdl_prefix_reserve(&p, roomy ? KEYS : 1));
            mdl_prefix_put(&p, h.key, h.blocks, h.stamp, h.number);
            list_put(&l, h);
            behind += l.count > 0 && l.at[l.count - 1].key != key;
        } else if (call < 85) {
            mdl_prefix_drop(&p, key);
            if (list_index(&l, key) < l.count) {
                list_remove(&l, list_index(&l, key));
            }
        } else if (call < 99) {
            const int32_t most = (int32_t)choice_range(&c, 0, 200);
            mdl_prefix_trim(&p, most);
            list_trim(&l, most);
        } else {
            mdl_prefix_clear(&p);
            l.count = 0;
        }
        assert_same(&p, &l);
        stamp += choice_chance(&c, 1, (uint64_t)same);
    }
    while (l.count > 0) { /* the order, to the last */
        list_trim(&l, list_blocks(&l) - 1);
        mdl_prefix_trim(&p, list_blocks(&l));
        assert_same(&p, &l);
    }
    mdl_prefix_free(&p);
    return behind;
}

static void cache_equals_list(void **state)
{
    (void)state;
    size_t behind = 0;
    for (uint64_t seed = 1; seed <= CACHES; seed++) {
        behind += play(seed);
    }
    assert_true(behind > 10 * CACHES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cache_equals_list)};
    return cmocka_run_group_tests_name("prefix_model", tests, NULL, NULL);
}
