/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flaky.c - see flaky.h. */
#include "tests/support/flaky.h"

static bool fails_now(flaky *f)
{
    f->calls++;
    return f->calls == f->fail_at;
}

bool flaky_reached(const flaky *f)
{
    return f->fail_at > 0 && f->calls >= f->fail_at;
}

static void *take(size_t size, void *user)
{
    flaky *f = user;
    void *ptr = fails_now(f) ? NULL : f->mem.take(size, f->mem.user);
    f->outstanding += ptr != NULL ? 1 : 0;
    return ptr;
}

static void give(void *ptr, void *user)
{
    flaky *f = user;
    f->outstanding -= ptr != NULL ? 1 : 0;
    f->mem.give(ptr, f->mem.user);
}

spw_mem flaky_mem(flaky *f)
{
    return (spw_mem){take, give, f};
}

static spw_rc observe(void *self, spw_time now, const spw_snapshot **out, spw_err *err)
{
    flaky *f = self;
    return fails_now(f) ? SPW_BACKEND : f->source.observe(f->source.self, now, out, err);
}

spw_source flaky_source(flaky *f)
{
    return (spw_source){.version = SPW_API_VERSION, .name = "flaky", .self = f, .observe = observe};
}

static spw_rc begin(void *self, const spw_tick_info *info, spw_err *err)
{
    flaky *f = self;
    bool fails = fails_now(f);
    spw_rc rc = fails && f->how == FLAKY_LOST ? SPW_BACKEND : f->actuator.begin(f->actuator.self, info, err);
    return fails ? SPW_BACKEND : rc;
}

static spw_rc submit(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    flaky *f = self;
    bool fails = fails_now(f);
    spw_rc rc = fails && f->how == FLAKY_LOST ? SPW_BACKEND : f->actuator.submit(f->actuator.self, action, ticket, err);
    return fails ? SPW_BACKEND : rc;
}

static spw_rc commit(void *self, spw_err *err)
{
    flaky *f = self;
    bool fails = fails_now(f);
    spw_rc rc = fails && f->how == FLAKY_LOST ? SPW_BACKEND : f->actuator.commit(f->actuator.self, err);
    return fails ? SPW_BACKEND : rc;
}

spw_actuator flaky_actuator(flaky *f)
{
    return (spw_actuator){
        .version = SPW_API_VERSION, .name = "flaky", .self = f, .begin = begin, .submit = submit, .commit = commit};
}
