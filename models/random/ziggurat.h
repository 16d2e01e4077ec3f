/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * ziggurat.h - tables behind models/random/variates.c; use variates.h instead.
 *
 * The area under a decreasing density f (f(0) = 1) is covered by 256 layers of equal area V. Layer i >= 1 is the
 * rectangle [0, x[i]] x [f(x[i]), f(x[i+1])]; layer 0 is the rectangle [0, r] x [0, f(r)] plus the tail beyond r =
 * x[1], as wide as if it were one rectangle: x[0] = V / f(r). A draw from layer i is u * x[i]; left of x[i+1] it lies
 * under f for certain. u is an odd multiple of 2^-53, kept as an integer, so that this first question needs no floating
 * point.
 */
#ifndef MODELS_RANDOM_ZIGGURAT_H
#define MODELS_RANDOM_ZIGGURAT_H

#include <stdint.h>

#define MDL_ZIG_LAYERS 256

typedef struct mdl_ziggurat {
    double tail; /**< r: beyond it layer 0 is the tail of f */
    struct {
        uint64_t inside; /**< u below this is certainly under f: 2^53 x[i+1] / x[i] rounded down */
        double scale;    /**< x[i] / 2^53 */
    } strip[MDL_ZIG_LAYERS];
    double height[MDL_ZIG_LAYERS + 1]; /**< f(x[i]); f(x[256]) = f(0) = 1 */
} mdl_ziggurat;

extern const mdl_ziggurat mdl_zig_exp;    /**< f(x) = exp(-x) */
extern const mdl_ziggurat mdl_zig_normal; /**< f(x) = exp(-x*x/2) */

#endif
