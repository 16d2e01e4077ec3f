# SPDX-License-Identifier: GPL-3.0-or-later
# lag.gp - where the time between "more is needed" and "ready" went: one bar for each stage, each starting where the mean
# of the one before ended; whiskers reach to the stage's 90th percentile.
#
# Besides style.gp's: stages, total_s, axis_max_s, replicas (text).
load lib."/style.gp"

file = dir."/lag.csv"
set xdata
unset object 90
set format x "%g"
set xtics autofreq
set lmargin at screen 0.11
set rmargin at screen 0.95
set tmargin at screen 0.87
set bmargin at screen 0.16
set xrange [0:axis_max_s]
set yrange [stages - 0.4:-0.6]
unset key
set grid noytics
set ytics scale 0
set xlabel "seconds since the metric was read" textcolor rgb muted
set label 1 replicas at graph 0, graph 1 offset 0, 1.0 font ",14" textcolor rgb ink
set boxwidth 0.6
shade(k) = lighter(0x2f6fa7, int(k) % 2 == 0 ? 0.15 : 0.4)
plot file using (column("start_s")):0:(column("start_s")):(column("start_s")+column("mean_s")):($0-0.32):($0+0.32):(shade($0)):ytic(1) \
         with boxxyerror linecolor rgb variable fillstyle solid 1, \
     file using (column("start_s")+column("mean_s")):0:(column("start_s")+column("mean_s")):(column("start_s")+column("p90_s")) \
         with xerrorbars pointtype -1 linewidth 1.3 linecolor rgb ink, \
     file using (column("start_s")+(column("p90_s") > column("mean_s") ? column("p90_s") : column("mean_s"))):0:\
         (valid(4) ? sprintf("%.0f s (p90 %.0f s)", column("mean_s"), column("p90_s")) : sprintf("%.0f s", column("mean_s"))) \
         with labels left offset 0.8, 0 font ",12" textcolor rgb ink
