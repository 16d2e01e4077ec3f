/* SPDX-License-Identifier: Apache-2.0 */
/* dry_run.c - the actuator that accepts everything and does nothing. */
#include <spillway/seam.h>

static spw_rc begin(void *self, const spw_tick_info *info, spw_err *err)
{
    (void)self;
    (void)info;
    (void)err;
    return SPW_OK;
}

static spw_rc submit(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    (void)self;
    (void)action;
    (void)ticket;
    (void)err;
    return SPW_OK;
}

static spw_rc commit(void *self, spw_err *err)
{
    (void)self;
    (void)err;
    return SPW_OK;
}

spw_actuator spw_actuator_dry_run(void)
{
    return (spw_actuator){
        .version = SPW_API_VERSION, .name = "dry-run", .begin = begin, .submit = submit, .commit = commit};
}
