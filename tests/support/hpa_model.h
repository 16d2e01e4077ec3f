/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * hpa_model.h - a slow, naive HorizontalPodAutoscaler to compare sched/scale/hpa.c with.
 *
 * It forgets nothing: every recommendation stays in one long log and is judged by its age each time, every change
 * sits in a list of slots as the Kubernetes controller keeps it. It builds the list of samples that count pod by pod
 * and adds it up again after each step. It shares types with the product, no code.
 */
#ifndef TESTS_SUPPORT_HPA_MODEL_H
#define TESTS_SUPPORT_HPA_MODEL_H

#include "sched/scale/hpa.h"

enum { HPA_MODEL_LOG_MAX = 4096, HPA_MODEL_PODS_MAX = 256 };

typedef struct hpa_model_note {
    spw_time when;
    int64_t count;
    bool outdated;
} hpa_model_note;

typedef struct hpa_model_log {
    hpa_model_note notes[HPA_MODEL_LOG_MAX];
    size_t count;
} hpa_model_log;

typedef struct hpa_model {
    const spw_hpa *spec; /**< borrowed */
    hpa_model_log recommendations;
    hpa_model_log added, removed;
    bool slept;
} hpa_model;

void hpa_model_init(hpa_model *model, const spw_hpa *spec);
/** At most HPA_MODEL_PODS_MAX pods for each metric, and sums that fit 64 bits. Fills everything but `metric`. */
void hpa_model_decide(hpa_model *model, const hpa_input *in, hpa_result *out);
void hpa_model_record(hpa_model *model, spw_time now, int32_t from, int32_t to);

#endif
