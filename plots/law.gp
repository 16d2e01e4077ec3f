# SPDX-License-Identifier: GPL-3.0-or-later
# law.gp - a model alone: what it gives, as points, over the line of its closed form.
#
# Besides style.gp's: name; formula, more (its second line, "" = none), lines; x_axis, y_axis; x_from, x_to; is_share
# (the points are shares at or below x); is_positive (no y is below 0); count
# of points. Reads NAME.csv.
load lib."/style.gp"

set xdata
set format x "%g"
set format y "%g"
set xtics autofreq
set lmargin at screen 0.105
set rmargin at screen 0.965
set tmargin at screen (lines > 1 ? 0.80 : 0.845)
set bmargin at screen 0.145
set label 1 name at screen 0.022, 0.955 font ",15" textcolor rgb ink
set label 2 formula at screen 0.022, 0.895 font ",12" textcolor rgb muted
set label 3 more at screen 0.022, 0.85 font ",12" textcolor rgb muted
set xlabel x_axis textcolor rgb muted
set ylabel y_axis offset 0.2, 0 textcolor rgb muted
set xrange [x_from:x_to]
if (is_share) {
    set yrange [0:1.02]
} else {
    if (is_positive) { set yrange [0<*:*] } else { set yrange [*:*] }
    set offsets 0, 0, graph 0.05, graph 0.05
}
set key at screen 0.965, 0.955 right top horizontal samplen 1.6
every_nth = count > 120 ? 4 : 1
file = dir."/".name.".csv"
plot file using (column("x")):(column("closed_form")) with lines linewidth 1.8 linecolor rgb 0x9aa5b1 \
         title "closed form", \
     file using (column("x")):(column("model")) every every_nth with points pointtype 7 pointsize (is_share ? 0.42 : 0.6) \
         linecolor rgb 0x1f5c94 title "model"
