# SPDX-License-Identifier: GPL-3.0-or-later
# demand.gp - demand against the capacity that is ready, stacked by pool; below it replicas wanted, ready, starting.
#
# Besides style.gp's: service, first, last (rows of timeline.csv), pools, COLUMN[], NAME[], KIND[], NTH[].
load lib."/style.gp"

file = dir."/timeline.csv"
under(k) = k > 1 ? (sum [i=1:k-1] column(COLUMN[i])) : 0
over(k) = sum [i=1:k] column(COLUMN[i])

set multiplot
set tmargin at screen 0.85
set bmargin at screen 0.44
set label 1 service at screen left, screen 0.97 font ",14" textcolor rgb ink
set key at screen right, screen 0.975 right top horizontal
set ylabel "requests/s" offset 0.6, 0 textcolor rgb muted
set yrange [0:*]
set format x ""
plot for [k=1:pools] file every ::first::last using (t(column("time_s"))):(under(k)):(over(k)) \
         with filledcurves linecolor rgb pool_colour(KIND[k], NTH[k]) title NAME[k], \
     file every ::first::last using (t(column("time_s"))):(column("arrivals_rps")) \
         with lines linewidth 1.6 linecolor rgb ink title "demand"

unset label 1
set key at screen right, screen 0.405 right top horizontal
set tmargin at screen 0.355
set bmargin at screen bottom
set ylabel "replicas" offset 0.6, 0
set format x (span_s <= 108000 ? "%H:%M" : span_s <= 345600 ? "%a %d\n%H:%M" : "%d %b")
plot file every ::first::last using (t(column("time_s"))):(column("starting_replicas")) \
         with filledcurves y1=0 linecolor rgb lighter(0xe08f2c, 0.45) title "starting", \
     file every ::first::last using (t(column("time_s"))):(column("ready_replicas")) \
         with lines linewidth 1.8 linecolor rgb 0x2f6fa7 title "ready", \
     file every ::first::last using (t(column("time_s"))):(column("desired_replicas")) \
         with lines linewidth 1.3 dashtype 2 linecolor rgb ink title "wanted"
unset multiplot
