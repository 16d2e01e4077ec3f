/* SPDX-License-Identifier: Apache-2.0 */
/* roomiest.c - see roomiest.h. An entry is (UINT32_MAX - room, cluster) in one word: ascending is the order wanted. */
#include "core/roomiest.h"

#include "core/search.h"

static uint64_t entry_for(const spw_core *core, work_class *class, uint32_t c)
{
    const spw_workload *workload = &core->config.workloads[class->example];
    const spw_policy *policy = &core->config.policies[workload->policy];
    const room_seen *seen = room_look(&core->view.rooms, c, workload, &class->seen[c]);
    int64_t n = seen->idle;
    n += policy->step_major == SPW_STEP_PER_CLUSTER && policy->elastic ? seen->elastic : 0;
    n = n < SPW_REPLICAS_MAX ? n : SPW_REPLICAS_MAX;
    return (uint64_t)(UINT32_MAX - (uint32_t)n) << 32 | c;
}

void roomiest_begin(work_class *class)
{
    memset(class->sorted, 0, sizeof class->sorted);
    class->known_to = 0;
}

size_t roomiest_run(const uint64_t *entries, size_t count, size_t at)
{
    return at + 1 + search_lower(entries + at + 1, count - at - 1, ((entries[at] >> 32) + 1) << 32);
}

static void sift(uint64_t *heap, size_t count, size_t at)
{
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && heap[child + 1] > heap[child] ? 1 : 0;
        if (heap[at] >= heap[child]) {
            return;
        }
        uint64_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

#define STEPS_EACH 8 /* so far may an entry move on average, until a heap sort is the better choice */

/** From tick to tick most entries keep their place: insertion, and a heap where that does not come to an end. */
static void sort_entries(uint64_t *entries, size_t count)
{
    size_t steps = STEPS_EACH * count;
    for (size_t i = 1; i < count; i++) {
        uint64_t entry = entries[i];
        size_t at = i;
        for (; at > 0 && entries[at - 1] > entry && steps > 0; at--, steps--) {
            entries[at] = entries[at - 1];
        }
        entries[at] = entry;
        if (steps == 0) {
            break;
        }
    }
    if (steps > 0) {
        return;
    }
    for (size_t at = count / 2; at-- > 0;) {
        sift(entries, count, at);
    }
    for (size_t end = count; end-- > 1;) {
        uint64_t swap = entries[0];
        entries[0] = entries[end];
        entries[end] = swap;
        sift(entries, end, 0);
    }
}

static size_t group_first(const work_class *class, int32_t group)
{
    return group > 0 ? class->group_end[group - 1] : 0;
}

/** Puts a cluster of a sorted group in its new place. */
static void replace(spw_core *core, work_class *class, int32_t group, uint32_t c)
{
    uint64_t old = class->entry_of[c];
    uint64_t entry = entry_for(core, class, c);
    if (entry == old) {
        return;
    }
    uint64_t *entries = class->entries + group_first(class, group);
    size_t count = class->group_end[group] - group_first(class, group);
    size_t from = search_lower(entries, count, old);
    size_t to = search_lower(entries, count, entry);
    if (to > from) {
        to--;
        memmove(entries + from, entries + from + 1, (to - from) * sizeof *entries);
    } else {
        memmove(entries + to + 1, entries + to, (from - to) * sizeof *entries);
    }
    entries[to] = entry;
    class->entry_of[c] = entry;
}

/** What was touched since the class was here last; groups that are not sorted wait until they are asked for. */
static void catch_up(spw_core *core, work_class *class)
{
    const room *rooms = &core->view.rooms;
    const spw_id policy = core->config.workloads[class->example].policy;
    if (rooms->touches - class->known_to > rooms->touched_max) {
        memset(class->sorted, 0, sizeof class->sorted); /* some of it is overwritten */
        class->known_to = rooms->touches;
    }
    for (; class->known_to < rooms->touches; class->known_to++) {
        uint32_t c = rooms->touched[class->known_to % rooms->touched_max];
        int32_t group = class->entry_of[c] != 0 ? view_site_at(&core->view, policy, c)->group : -1;
        if (group >= 0 && class->sorted[group]) {
            replace(core, class, group, c);
        }
    }
}

const uint64_t *roomiest_of(spw_core *core, work_class *class, int32_t group, size_t *count)
{
    catch_up(core, class);
    uint64_t *entries = class->entries + group_first(class, group);
    *count = class->group_end[group] - group_first(class, group);
    if (!class->sorted[group]) {
        for (size_t i = 0; i < *count; i++) {
            uint32_t c = roomiest_cluster(entries[i]);
            entries[i] = class->entry_of[c] = entry_for(core, class, c);
        }
        sort_entries(entries, *count);
        class->sorted[group] = true;
    }
    return entries;
}
