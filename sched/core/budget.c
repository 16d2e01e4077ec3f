/* SPDX-License-Identifier: Apache-2.0 */
/* budget.c - see budget.h. */
#include "core/budget.h"

bool budget_is_set(const spw_workload *w)
{
    return w->min_available > 0 || w->budget != SPW_BUDGET_NONE;
}

int64_t budget_floor(const spw_workload *w, int64_t wanted)
{
    int64_t value = w->budget_value;
    int64_t part = (value * wanted + 99) / 100;
    int64_t stay = 0;
    switch (w->budget) {
    case SPW_BUDGET_NONE:
        break;
    case SPW_BUDGET_MIN_AVAILABLE:
        stay = value;
        break;
    case SPW_BUDGET_MIN_AVAILABLE_PERCENT:
        stay = part;
        break;
    case SPW_BUDGET_MAX_UNAVAILABLE:
        stay = wanted - value;
        break;
    case SPW_BUDGET_MAX_UNAVAILABLE_PERCENT:
        stay = wanted - part;
        break;
    }
    return stay > w->min_available ? stay : w->min_available;
}
