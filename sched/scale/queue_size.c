/* SPDX-License-Identifier: Apache-2.0 */
/* queue_size.c - see queue_size.h. */
#include "scale/queue_size.h"

#define LN2 0.69314718055994530942

double queue_exp_minus(double x)
{
    if (!(x > 0.0)) {
        return 1.0;
    }
    if (x > 745.0) {
        return 0.0;
    }
    int halvings = (int)(x / LN2);
    double r = x - halvings * LN2; /* 0 .. ln 2, give or take a rounding */
    double term = 1.0;
    double sum = 1.0;
    for (int k = 1; k <= 20; k++) { /* 0.7^21 / 21! < 2^-75 */
        term *= -r / k;
        sum += term;
    }
    for (int i = 0; i < halvings; i++) {
        sum *= 0.5;
    }
    return sum;
}

/** C(n, a) from B(n, a), for n > a. */
static double waiting(double blocking, double erlangs, double slots)
{
    return slots * blocking / (slots - erlangs * (1.0 - blocking));
}

double queue_erlang_c(double erlangs, int32_t slots)
{
    if (!(erlangs > 0.0)) {
        return slots > 0 ? 0.0 : 1.0;
    }
    if (slots <= erlangs) {
        return 1.0;
    }
    double blocking = 1.0;
    for (int32_t n = 1; n <= slots; n++) {
        blocking = erlangs * blocking / (n + erlangs * blocking);
    }
    return waiting(blocking, erlangs, slots);
}

int32_t queue_replicas(const spw_sizing *sizing, double rate, int32_t min, int32_t max)
{
    double slot_rate = (double)sizing->service_rate_milli / 1000.0 / sizing->slots;
    double erlangs = rate / slot_rate;
    double miss = 1.0 - (double)sizing->percentile_ppm / 1e6;
    double usable = (double)sizing->utilization_ppm / 1e6;
    double wait_s = (double)sizing->wait / (double)SPW_NS_PER_S;
    if (!(erlangs > 0.0)) {
        return min;
    }
    if (erlangs > usable * max * sizing->slots) {
        return max;
    }
    double blocking = 1.0;
    int32_t n = 0;
    for (int32_t c = 1; c < max; c++) {
        for (int32_t k = 0; k < sizing->slots; k++) {
            n++;
            blocking = erlangs * blocking / (n + erlangs * blocking);
        }
        if (c < min || erlangs >= n || erlangs > usable * n) {
            continue;
        }
        double tail = waiting(blocking, erlangs, n) * queue_exp_minus((n - erlangs) * slot_rate * wait_s);
        if (tail <= miss) {
            return c;
        }
    }
    return max;
}
