# SPDX-License-Identifier: GPL-3.0-or-later
# pareto.gp - every setting of a sweep in the plane of two metrics, and the front that nothing beats in both.
#
# Besides lib, dir, out, fmt, width, height: x_column, y_column (of settings.csv; the half width stands in the next one);
# x_name, y_name.
local0_s = 0; from_s = 0; to_s = 1; warmup_s = 0
load lib."/style.gp"

set xdata
set format x "%g"
set xrange [*:*]
set xtics autofreq
set lmargin at screen 0.10
set rmargin at screen 0.965
set tmargin at screen 0.90
set bmargin at screen 0.13
set xlabel x_name textcolor rgb muted
set ylabel y_name textcolor rgb muted
set key at screen 0.965, screen 0.97 right top horizontal
plot dir."/settings.csv" using x_column:y_column with points pointtype 7 pointsize 0.6 linecolor rgb lighter(0x2f6fa7, 0.5) \
         title "settings", \
     dir."/pareto.csv" using (column("x")):(column("y")) with linespoints pointtype 7 pointsize 0.9 linewidth 1.6 \
         linecolor rgb 0xc9461d title "front"
