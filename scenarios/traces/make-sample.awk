# SPDX-License-Identifier: GPL-3.0-or-later
# Makes sample.csv: awk -f make-sample.awk > sample.csv
#
# Twenty minutes of invented chat traffic in the column layout of the public Azure LLM inference traces: exponential
# gaps whose rate swings around 3/s with a ten-minute period, lognormal lengths (medians 600 in, 130 out). Random numbers
# come from the minimal-standard generator x -> 16807 x mod (2^31 - 1), which doubles hold exactly, so that every awk
# writes the same bytes.
function uniform()
{
    x = (x * 16807) % 2147483647
    return x / 2147483647
}
function normal()
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform())
}
function tokens(median, sigma, max,    n)
{
    n = int(median * exp(sigma * normal()) + 0.5)
    return n < 1 ? 1 : n > max ? max : n
}
BEGIN {
    x = 20260302
    print "TIMESTAMP,ContextTokens,GeneratedTokens"
    for (t = 0; t < 1200;) {
        rate = 3 * (1 + 0.5 * sin(6.283185307179586 * t / 600))
        t += -log(uniform()) / rate
        if (t < 1200) {
            s = int(t)
            printf "2026-03-02 10:%02d:%02d.%07d,%d,%d\n", int(s / 60), s % 60, int((t - s) * 1e7),
                   tokens(600, 0.95, 7000), tokens(130, 0.85, 1000)
        }
    }
}
