/* SPDX-License-Identifier: GPL-3.0-or-later */
/** spread.h - the part of the layers that one pipeline stage holds; private to models/gpu. */
#ifndef MODELS_GPU_SPREAD_H
#define MODELS_GPU_SPREAD_H

#include "models/gpu/gpu.h"

/** @return ceil(layers / pipeline) / layers: the largest stage's share of the layers, 1 without a pipeline */
double mdl_stage_share(const mdl_parallel *parallel, const mdl_model *m);

#endif
