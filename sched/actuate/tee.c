/* SPDX-License-Identifier: Apache-2.0 */
/* tee.c - the actuator that passes every call to two others. */
#include <spillway/seam.h>

static spw_rc begin(void *self, const spw_tick_info *info, spw_err *err)
{
    spw_tee *tee = self;
    spw_rc rc = tee->a.begin(tee->a.self, info, err);
    return rc != SPW_OK ? rc : tee->b.begin(tee->b.self, info, err);
}

static spw_rc submit(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    spw_tee *tee = self;
    spw_rc rc = tee->a.submit(tee->a.self, action, ticket, err);
    return rc != SPW_OK ? rc : tee->b.submit(tee->b.self, action, ticket, err);
}

static spw_rc commit(void *self, spw_err *err)
{
    spw_tee *tee = self;
    spw_rc rc = tee->a.commit(tee->a.self, err);
    return rc != SPW_OK ? rc : tee->b.commit(tee->b.self, err);
}

static void close_both(void *self)
{
    spw_tee *tee = self;
    if (tee->a.close != NULL) {
        tee->a.close(tee->a.self);
    }
    if (tee->b.close != NULL) {
        tee->b.close(tee->b.self);
    }
}

spw_actuator spw_actuator_tee(spw_tee *tee)
{
    return (spw_actuator){.version = SPW_API_VERSION,
                          .name = "tee",
                          .self = tee,
                          .begin = begin,
                          .submit = submit,
                          .commit = commit,
                          .close = close_both};
}
