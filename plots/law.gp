# SPDX-License-Identifier: GPL-3.0-or-later
# law.gp - a model alone: what it gives, as points, over the line of its closed form.
#
# Besides style.gp's: name; text1 .. textN with lines = N, the first formula_lines of them the formula, the others its
# parameters; x_axis, y_axis; x_from, x_to; is_share (the points are shares at or below x); from_zero (the y axis begins
# at 0); count of points. Reads NAME.csv.
load lib."/style.gp"

set xdata
set format x "%g"
set format y "%g"
set xtics autofreq
top = 1 - 24.0 / height
line = 21.0 / height
set lmargin at screen 0.11
set rmargin at screen 0.965
set tmargin at screen top - line * (lines + 1.35)
set bmargin at screen 0.14
set label 1 name at screen 0.022, top font ",15" textcolor rgb ink
do for [i = 1:lines] {
    set label i + 1 value(sprintf("text%d", i)) at screen 0.022, top - line * (i + 0.25) font ",12" \
        textcolor rgb (i <= formula_lines ? ink : muted)
}
set xlabel x_axis textcolor rgb muted
set ylabel y_axis offset 0.2, 0 textcolor rgb muted
set xrange [x_from:x_to]
if (is_share) {
    set yrange [0:1.02]
} else {
    if (from_zero) { set yrange [0:*] } else { set yrange [*:*] }
    set offsets 0, 0, graph 0.05, graph (from_zero ? 0 : 0.05)
}
set key at screen 0.972, 1 - 8.0 / height right top horizontal samplen 1.6 width -1
file = dir."/".name.".csv"
plot file using 1:3 with lines linewidth 2 linecolor rgb 0xe3a857 \
         title "closed form", \
     file using 1:2 with points pointtype 7 pointsize (count > 60 ? 0.4 : 0.6) \
         linecolor rgb 0x1f5c94 title "model"
