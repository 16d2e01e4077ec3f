# SPDX-License-Identifier: GPL-3.0-or-later
# latency.gp - percentiles of TTFT (log scale) and TPOT over time, with the limits of the service's targets.
#
# Besides style.gp's: service, first, last, ttft_limits, TTFT_LIMIT[] (s), TTFT_LABEL[], tpot_limits, TPOT_LIMIT[] (s),
# TPOT_LABEL[], has_tpot.
load lib."/style.gp"

file = dir."/timeline.csv"
set multiplot
set tmargin at screen 0.90
set bmargin at screen (has_tpot ? 0.44 : bottom)
set label 1 service at graph 0, graph 1 offset 0, 1.1 font ",14" textcolor rgb ink
set ylabel "TTFT, s (log scale)" offset 0.6, 0 textcolor rgb muted
set logscale y
set format y "%g"
if (has_tpot) {
    set format x ""
}
do for [i=1:ttft_limits] {
    set label 10+i TTFT_LABEL[i] at graph 0.006, first TTFT_LIMIT[i] left offset 0, 0.55 font ",11" \
        textcolor rgb limit_colour front
}
plot file every ::first::last using (t(column("time_s"))):(column("ttft_p50_s")) \
         with lines linewidth 1.2 linecolor rgb 0x4f93cc title "p50", \
     file every ::first::last using (t(column("time_s"))):(column("ttft_p95_s")) \
         with lines linewidth 1.6 linecolor rgb 0x1f5c94 title "p95", \
     file every ::first::last using (t(column("time_s"))):(column("ttft_p99_s")) \
         with lines linewidth 1.1 linecolor rgb 0xb97a1a title "p99", \
     for [i=1:ttft_limits] TTFT_LIMIT[i] with lines linewidth 1.3 dashtype 2 linecolor rgb limit_colour notitle

if (has_tpot) {
    unset label 1
    unset key
    do for [i=1:ttft_limits] {
        unset label 10+i
    }
    do for [i=1:tpot_limits] {
        set label 20+i TPOT_LABEL[i] at graph 0.006, first 1000*TPOT_LIMIT[i] left offset 0, 0.55 font ",11" \
            textcolor rgb limit_colour front
    }
    unset logscale y
    set tmargin at screen 0.355
    set bmargin at screen bottom
    set yrange [0:*]
    set ylabel "TPOT, ms" offset 0.6, 0
    set format x (span_s <= 108000 ? "%H:%M" : span_s <= 345600 ? "%a %d\n%H:%M" : "%d %b")
    plot file every ::first::last using (t(column("time_s"))):(1000*column("tpot_p50_s")) \
             with lines linewidth 1.2 linecolor rgb 0x4f93cc title "p50", \
         file every ::first::last using (t(column("time_s"))):(1000*column("tpot_p99_s")) \
             with lines linewidth 1.1 linecolor rgb 0xb97a1a title "p99", \
         file every ::first::last using (t(column("time_s"))):(1000*column("tpot_p95_s")) \
             with lines linewidth 1.6 linecolor rgb 0x1f5c94 title "p95", \
         for [i=1:tpot_limits] 1000*TPOT_LIMIT[i] with lines linewidth 1.3 dashtype 2 linecolor rgb limit_colour notitle
}
unset multiplot
