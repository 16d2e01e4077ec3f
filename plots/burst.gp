# SPDX-License-Identifier: GPL-3.0-or-later
# burst.gp - one burst magnified: demand and capacity with the burst's marks; below it TTFT p95 and starting replicas.
#
# Besides demand.gp's: heading, marks, MARK_S[], MARK[] (texts), ttft_limits, TTFT_LIMIT[], TTFT_LABEL[].
load lib."/style.gp"

file = dir."/timeline.csv"
under(k) = k > 1 ? (sum [i=1:k-1] column(COLUMN[i])) : 0
over(k) = sum [i=1:k] column(COLUMN[i])

# Marks stand on rows of their own, so that those of the same minute do not cover each other; a mark near the right
# edge has its text on the left.
late(i) = MARK_S[i] > from_s + 0.8 * (to_s - from_s)

set multiplot
right = 0.92
set rmargin at screen right
set tmargin at screen 0.74
set bmargin at screen 0.42
set label 1 heading at screen left, screen 0.97 font ",14" textcolor rgb ink
set key at screen right, screen 0.935 right top horizontal
set ylabel "requests/s" offset 0.6, 0 textcolor rgb muted
set yrange [0:*]
set format x ""
do for [i=1:marks] {
    row = 0.745 + 0.024 * (marks - i)
    set arrow i from t(MARK_S[i]), graph 0 to t(MARK_S[i]), screen row + 0.018 nohead linewidth 1.1 \
        linecolor rgb muted front
    if (late(i)) {
        set label 10+i MARK[i] at t(MARK_S[i]), screen row + 0.009 right offset -0.4, 0 font ",11" \
            textcolor rgb ink front
    } else {
        set label 10+i MARK[i] at t(MARK_S[i]), screen row + 0.009 left offset 0.4, 0 font ",11" \
            textcolor rgb ink front
    }
}
plot for [k=1:pools] file every ::first::last using (t(column("time_s"))):(under(k)):(over(k)) \
         with filledcurves linecolor rgb pool_colour(KIND[k], NTH[k]) title NAME[k], \
     file every ::first::last using (t(column("time_s"))):(column("arrivals_rps")) \
         with lines linewidth 1.8 linecolor rgb ink title "demand"

unset label 1
do for [i=1:marks] {
    unset label 10+i
    set arrow i from t(MARK_S[i]), graph 0 to t(MARK_S[i]), graph 1 nohead linewidth 1.1 linecolor rgb muted front
}
set key at screen right, screen 0.39 right top horizontal
set tmargin at screen 0.34
set bmargin at screen bottom
set ylabel "TTFT p95, s (log)" offset 0.6, 0
set y2label "replicas starting" textcolor rgb muted offset -1, 0
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
