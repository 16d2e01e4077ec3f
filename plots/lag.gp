# SPDX-License-Identifier: GPL-3.0-or-later
# lag.gp - where the time between "more is needed" and "ready" went: one bar for each stage, each starting where the mean
# of the one before ended; whiskers reach to the stage's 90th percentile. Starts that needed a node and starts on nodes
# that were up have a panel each, on the same axis.
#
# Besides style.gp's: panels (1 or 2), PANEL[] (headings), stages (rows of lag.csv for each panel), axis_max_s.
load lib."/style.gp"

file = dir."/lag.csv"
set xdata
unset object 90
set xtics autofreq
set lmargin at screen 0.11
set rmargin at screen 0.95
set xrange [0:axis_max_s]
set yrange [stages - 0.4:-0.6]
unset key
set grid noytics
set ytics scale 0
set boxwidth 0.6
shade(k) = lighter(0x2f6fa7, int(k) % 2 == 0 ? 0.15 : 0.4)
row(k) = int(k) % stages
far(a, b) = b > a ? b : a
high = panels > 1 ? 0.33 : 0.71  # of a panel
step = panels > 1 ? 0.46 : 0      # from panel to panel
first_top = panels > 1 ? 0.935 : 0.87

set multiplot
do for [p=1:panels] {
    set tmargin at screen first_top - step * (p - 1)
    set bmargin at screen first_top - step * (p - 1) - high
    set label 1 PANEL[p] at graph 0, graph 1 offset 0, 1.0 font ",14" textcolor rgb ink
    set format x (p == panels ? "%g" : "")
    set xlabel (p == panels ? "seconds since the metric was read" : "") textcolor rgb muted
    from = (p - 1) * stages
    to = p * stages - 1
    plot file every ::from::to using (column("start_s")):(row($0)):(column("start_s")):(column("start_s")+column("mean_s")):(row($0)-0.32):(row($0)+0.32):(shade($0)):yticlabels(stringcolumn("stage")) \
             with boxxyerror linecolor rgb variable fillstyle solid 1, \
         file every ::from::to using (column("start_s")+column("mean_s")):(row($0)):(column("start_s")+column("mean_s")):(column("start_s")+column("p90_s")) \
             with xerrorbars pointtype -1 linewidth 1.3 linecolor rgb ink, \
         file every ::from::to using (column("start_s")+far(column("mean_s"), column("p90_s"))):(row($0)):\
             (valid(6) ? sprintf("%.0f s (p90 %.0f s)", column("mean_s"), column("p90_s")) : sprintf("%.0f s", column("mean_s"))) \
             with labels left offset 0.8, 0 font ",12" textcolor rgb ink
}
unset multiplot
