/* SPDX-License-Identifier: Apache-2.0 */
/* json_order.c - the canonical order of rows: by group, then name, then key; the row number last, so no two are equal.
 */
#include "sched/manifest/json_int.h"

#include <stdlib.h>
#include <string.h>

/* All that is visible in JSON: 0 means that two rows cannot be told apart. */
static int compare(const jsn_item *a, const jsn_item *b)
{
    if (a->group != b->group) {
        return a->group < b->group ? -1 : 1;
    }
    const int texts = strcmp(a->text, b->text);
    if (texts != 0) {
        return texts;
    }
    return a->key < b->key ? -1 : a->key > b->key;
}

static int compare_rows(const void *left, const void *right)
{
    const jsn_item *a = left;
    const jsn_item *b = right;
    const int order = compare(a, b);
    return order != 0 ? order : a->row < b->row ? -1 : a->row > b->row;
}

void jsn_items_sort(jsn_item *items, size_t count)
{
    if (count > 1) {
        qsort(items, count, sizeof *items, compare_rows);
    }
}

bool jsn_items_twins(const jsn_item *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (compare(&items[i - 1], &items[i]) == 0) {
            return true;
        }
    }
    return false;
}

size_t jsn_items_first(const jsn_item *items, size_t count, size_t group)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (items[middle].group < group) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const jsn_item *jsn_items_find(const jsn_item *items, size_t count, size_t group, uint64_t key)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const jsn_item *item = &items[middle];
        if (item->group < group || (item->group == group && item->key < key)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && items[low].group == group && items[low].key == key ? &items[low] : NULL;
}
