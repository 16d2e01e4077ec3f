/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calibrate_rig.c - a GPU, a model, a law, and the log of a run under it. */
#include "tests/support/calibrate_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/choice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const mdl_gpu rig_gpu = {.name = "X",
                         .mem_gib = 24,
                         .mem_usable_bytes = 25000000000,
                         .mem_bw_gb_s = 1000,
                         .fp16_tflops = 165,
                         .tdp_w = 400,
                         .pcie_gb_s = 26,
                         .eff_mem_bw = 0.9,
                         .eff_kv_bw = 0.9,
                         .eff_compute = 0.9,
                         .eff_attention = 0.9,
                         .dense_exposed = 0.4,
                         .dense_growth = 0.4,
                         .eff_int4 = 1,
                         .link_gb_s = 1};
const mdl_model rig_model = {.name = "Y",
                             .params_b = 8,
                             .active_b = 8,
                             .layers = 32,
                             .heads = 32,
                             .kv_heads = 8,
                             .head_dim = 128,
                             .hidden = 4096,
                             .ffn = 14336,
                             .vocab = 128256,
                             .kv_bytes_per_token = 131072,
                             .weights_bytes = 16000000000,
                             .max_context = 131072,
                             .compute = "fp16"};
const mdl_profile rig_truth = {.engine = "e",
                               .gpu = "X",
                               .model = "Y",
                               .c1_us = 15000,
                               .c2_us = 40,
                               .c3_us = 6000,
                               .c4_us = 90,
                               .h0_us = 1000,
                               .h1_us = 10,
                               .e0_us = 600,
                               .e1_us = 30,
                               .e2_us = 0.3,
                               .g0_us = 500,
                               .block_tokens = 16,
                               .reserved_bytes = 1000000000,
                               .memory_utilization = 0.9,
                               .grade = "estimate"};

void rig_log(const mdl_profile *row, double gap_s, observed *o)
{
    const mdl_engine_limits limits = {.max_batched_tokens = 2048, .max_sequences = 256, .max_waiting = 100000};
    static drive_request r[RIG_REQUESTS];
    mdl_llm_config config;
    drive_sums sums;
    choice c;
    choice_seed(&c, 11);
    int64_t at_ns = 0;
    for (int i = 0; i < RIG_REQUESTS; i++) {
        double busy = 0.55 + 0.45 * cos(6.2831853 * 3.0 * i / RIG_REQUESTS);
        at_ns += (int64_t)(gap_s * busy * 1e9 * (double)choice_range(&c, 0, 2000) / 1000.0);
        bool many = i / 50 % 2 == 0; /* short prompts and long ones by turns: contexts do not go with the batch */
        r[i] = (drive_request){.at_ns = at_ns,
                               .input = (int32_t)choice_range(&c, many ? 200 : 900, many ? 400 : 1800),
                               .output = (int32_t)choice_range(&c, 20, 500)};
    }
    assert_null(mdl_profile_config(&rig_gpu, &rig_model, row, &limits, &config));
    assert_true(drive_engine(&config, r, RIG_REQUESTS, 0, &sums));
    o->requests = calloc(RIG_REQUESTS, sizeof *o->requests);
    assert_non_null(o->requests);
    o->request_count = RIG_REQUESTS;
    for (int i = 0; i < RIG_REQUESTS; i++) {
        o->requests[i] = (observed_request){.arrival_s = (double)r[i].at_ns / 1e9,
                                            .start_s = (double)r[i].started_ns / 1e9,
                                            .first_s = (double)r[i].first_ns / 1e9,
                                            .last_s = (double)r[i].done_ns / 1e9,
                                            .input = r[i].input,
                                            .output = r[i].output};
    }
    o->kv_blocks = config.kv_blocks;
    o->block_tokens = 16;
    o->memory_utilization = 0.9;
}

bool rig_notes_say(const calibration *c, const char *what)
{
    bool said = false;
    for (size_t i = 0; i < c->note_count; i++) {
        said = said || strstr(c->notes[i], what) != NULL;
    }
    return said;
}
