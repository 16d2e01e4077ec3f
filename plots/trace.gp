# SPDX-License-Identifier: GPL-3.0-or-later
# trace.gp - a trace of requests or what is like one: a rate or a level over time, and how lengths and gaps are
# distributed; what there is of these.
#
# Besides style.gp's: title; series, series_column, series_axis (the file shown over time, "" = none); has_input,
# has_output, has_gaps (columns of trace-quantiles.csv).
load lib."/style.gp"

has_shares = has_input + has_output + has_gaps > 0
set multiplot
set label 1 title at graph 0, graph 1 offset 0, 1.1 font ",14" textcolor rgb ink
unset key
if (series ne "") {
    set tmargin at screen 0.92
    set bmargin at screen (has_shares ? 0.58 : 0.13)
    set ylabel series_axis offset 1.6, 0 textcolor rgb muted
    set yrange [0:*]
    # a step lasts until the next row: the last one, for which there is none, until the end of what is shown
    plot dir."/".series using (last_x = t(column("time_s"))):(last_y = column(series_column)) with steps \
         linewidth 1.4 linecolor rgb 0x1f5c94, \
         "+" every ::::0 using (last_x):(last_y):(t(to_s) - last_x):(0) with vectors nohead linewidth 1.4 \
         linecolor rgb 0x1f5c94
    unset label 1
}

set xdata
set xtics autofreq
set format x "%g"
set format y "%g"
set tmargin at screen (series ne "" ? 0.47 : 0.92)
set bmargin at screen 0.13
set logscale x
set xrange [*:*]
set yrange [0:1]
set ylabel "share below" offset 0.6, 0 textcolor rgb muted
set key inside left top vertical
NAMES = (has_input ? "input " : "").(has_output ? "output" : "")
if (has_gaps && words(NAMES) > 0) {
    set rmargin at screen 0.48
}
set xlabel "tokens" textcolor rgb muted
hue(name) = name eq "input" ? 0x1f5c94 : 0xe08f2c
if (words(NAMES) > 0) {
    plot for [name in NAMES] dir."/trace-quantiles.csv" using (column(name."_tokens")):(column("share")) with lines \
         linewidth 1.6 linecolor rgb hue(name) title name
    unset label 1
}
if (has_gaps) {
    if (words(NAMES) > 0) {
        set lmargin at screen 0.56
        set rmargin at screen right
        unset ylabel
    }
    # whole decades, as narrow as they are: of equal gaps there would be no number at the axis
    gap(x) = x > 0 ? x : NaN
    set yrange [*:*]
    stats dir."/trace-quantiles.csv" using (gap(column("gap_s"))) name "GAP" nooutput
    low = floor(log10(GAP_min))
    high = floor(log10(GAP_max)) + 1
    set xrange [10.0**low:10.0**high]
    set yrange [0:1]
    every_x = words(NAMES) > 0 && high - low > 4 ? 100 : 10
    set xtics every_x
    set xlabel "gap between requests, s" textcolor rgb muted
    unset key
    plot dir."/trace-quantiles.csv" using (gap(column("gap_s"))):(column("share")) with lines \
         linewidth 1.6 linecolor rgb 0x3a9e83
}
unset multiplot
