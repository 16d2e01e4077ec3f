# SPDX-License-Identifier: GPL-3.0-or-later
# burst.gp - one burst magnified: demand and capacity with the burst's marks; below it TTFT p95 and starting replicas.
#
# Besides demand.gp's: heading, marks, MARK_S[], MARK[] (texts), ttft_limits, TTFT_LIMIT[], TTFT_LABEL[].
load lib."/style.gp"

file = dir."/timeline.csv"
under(k) = k > 1 ? (sum [i=1:k-1] column(COLUMN[i])) : 0
over(k) = sum [i=1:k] column(COLUMN[i])

set multiplot
set tmargin at screen 0.80
set bmargin at screen 0.42
set label 1 heading at screen left, screen 0.96 font ",14" textcolor rgb ink
set key at screen right, screen 0.975 right top
set ylabel "requests/s" textcolor rgb muted
set yrange [0:*]
set format x ""
do for [i=1:marks] {
    set arrow i from t(MARK_S[i]), graph 0 to t(MARK_S[i]), graph 1 nohead linewidth 1.1 linecolor rgb muted front
    set label 10+i MARK[i] at t(MARK_S[i]), graph 1 offset 0.3, 0.4+0.95*((i-1)%2) left font ",11" textcolor rgb ink front
}
plot for [k=1:pools] file every ::first::last using (t(column("time_s"))):(under(k)):(over(k)) \
         with filledcurves linecolor rgb pool_colour(KIND[k], NTH[k]) title NAME[k], \
     file every ::first::last using (t(column("time_s"))):(column("arrivals_rps")) \
         with lines linewidth 1.8 linecolor rgb ink title "demand"

unset label 1
do for [i=1:marks] {
    unset label 10+i
}
set key tmargin right
set tmargin at screen 0.34
set bmargin at screen 0.07
set ylabel "TTFT p95, s (log)"
set y2label "replicas starting" textcolor rgb muted
set rmargin at screen right - 0.035
set ytics nomirror
set y2tics textcolor rgb muted
set y2range [0:*]
set yrange [*:*]
set logscale y
set format y "%g"
set format x "%H:%M"
do for [i=1:ttft_limits] {
    set label 20+i TTFT_LABEL[i] at graph 0.006, first TTFT_LIMIT[i] left offset 0, 0.55 font ",11" \
        textcolor rgb limit_colour front
}
plot file every ::first::last using (t(column("time_s"))):(column("starting_replicas")) axes x1y2 \
         with filledcurves y2=0 linecolor rgb lighter(0xe08f2c, 0.5) title "starting (right)", \
     file every ::first::last using (t(column("time_s"))):(column("ttft_p95_s")) \
         with lines linewidth 1.8 linecolor rgb 0x1f5c94 title "TTFT p95", \
     for [i=1:ttft_limits] TTFT_LIMIT[i] with lines linewidth 1.3 dashtype 2 linecolor rgb limit_colour notitle
unset multiplot
