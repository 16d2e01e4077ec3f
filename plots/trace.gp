# SPDX-License-Identifier: GPL-3.0-or-later
# trace.gp - a trace of requests: its rate over time, and how its lengths and gaps are distributed.
#
# Besides style.gp's: title, has_input, has_output. Reads trace-rates.csv and trace-quantiles.csv.
load lib."/style.gp"

set multiplot
set tmargin at screen 0.92
set bmargin at screen 0.58
set label 1 title at graph 0, graph 1 offset 0, 1.1 font ",14" textcolor rgb ink
set ylabel "requests/s" offset 1.6, 0 textcolor rgb muted
set yrange [0:*]
unset key
plot dir."/trace-rates.csv" using (t(column("time_s"))):(column("requests_per_s")) with steps linewidth 1.4 \
     linecolor rgb 0x1f5c94

unset label 1
set xdata
set xtics autofreq
set format x "%g"
set format y "%g"
set tmargin at screen 0.47
set bmargin at screen 0.13
set logscale x
set xrange [*:*]
set yrange [0:1]
set ylabel "share below" offset 0.6, 0 textcolor rgb muted
set key inside left top vertical
set rmargin at screen 0.48
set xlabel "tokens" textcolor rgb muted
NAMES = (has_input ? "input " : "").(has_output ? "output" : "")
hue(name) = name eq "input" ? 0x1f5c94 : 0xe08f2c
if (words(NAMES) > 0) {
    plot for [name in NAMES] dir."/trace-quantiles.csv" using (column(name."_tokens")):(column("share")) with lines \
         linewidth 1.6 linecolor rgb hue(name) title name
}
set lmargin at screen 0.56
set rmargin at screen right
set xlabel "gap between requests, s" textcolor rgb muted
set xtics 100
unset ylabel
unset key
plot dir."/trace-quantiles.csv" using (column("gap_s") > 0 ? column("gap_s") : NaN):(column("share")) with lines \
     linewidth 1.6 linecolor rgb 0x3a9e83
unset multiplot
