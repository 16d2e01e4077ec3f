# SPDX-License-Identifier: GPL-3.0-or-later
# heat.gp - one metric over two axes of a sweep, a cell for each pair of values, its figure written in it.
#
# Besides lib, dir, out, fmt, width, height: rows, columns; first, last (rows of heat.csv); title, row_name, column_name.
local0_s = 0; from_s = 0; to_s = 1; warmup_s = 0
load lib."/style.gp"

file = dir."/heat.csv"
set xdata
set xrange [*:*]
stats file using (column("value")) every ::first::last nooutput
set format x "%g"
unset key
unset grid
set border 0
set tics scale 0
set lmargin at screen 0.14
set rmargin at screen 0.96
set tmargin at screen 1 - 90.0 / height
set bmargin at screen 50.0 / height
set label 1 title at screen 0.02, screen 1 - 24.0 / height font ",14" textcolor rgb ink
set xrange [-0.5:columns - 0.5]
set yrange [rows - 0.5:-0.5]
set xlabel column_name textcolor rgb muted
set ylabel row_name textcolor rgb muted
set palette defined (0 "#edf4fa", 1 "#9ecae1", 2 "#4285be", 3 "#0d3d7a")
unset colorbox
dark(v) = v > (STATS_min + STATS_max) / 2
plot file using (column("column")):(column("row")):(0.49):(0.46):(column("value")):xticlabels(stringcolumn("column_label")):yticlabels(stringcolumn("row_label")) \
         every ::first::last with boxxyerror fillcolor palette fillstyle solid 1 noborder, \
     file using (column("column")):(column("row")):(columns > 16 ? "" : sprintf("%.4g", column("value"))):(dark(column("value")) ? 0xffffff : ink) \
         every ::first::last with labels font ",11" textcolor rgb variable
