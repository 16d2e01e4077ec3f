# SPDX-License-Identifier: GPL-3.0-or-later
# cost.gp - what is being spent, stacked by kind of capacity, and what has been spent since warm-up.
#
# Besides style.gp's: kinds, KIND[] (keys of cost.csv), WORD[] (the same for people), total (text).
load lib."/style.gp"

file = dir."/cost.csv"
rate_under(k) = k > 1 ? (sum [i=1:k-1] column(KIND[i]."_usd_per_h")) : 0
rate_over(k) = sum [i=1:k] column(KIND[i]."_usd_per_h")
paid_under(k) = k > 1 ? (sum [i=1:k-1] column(KIND[i]."_since_warmup_usd")) : 0
paid_over(k) = sum [i=1:k] column(KIND[i]."_since_warmup_usd")

set multiplot
set yrange [0:*]
set tmargin at screen 0.90
set bmargin at screen 0.53
set label 1 "Cost rate" at graph 0, graph 1 offset 0, 1.1 font ",14" textcolor rgb ink
set ylabel "USD/h" offset 0.6, 0 textcolor rgb muted
set format x ""
plot for [k=1:kinds] file using (t(column("time_s"))):(rate_under(k)):(rate_over(k)) \
         with filledcurves linecolor rgb colour_of(KIND[k]) title WORD[k]

set label 1 "Paid since the end of warm-up: ".total
set tmargin at screen 0.44
set bmargin at screen bottom
set ylabel "USD" offset 0.6, 0
unset key
set format x (span_s <= 108000 ? "%H:%M" : span_s <= 345600 ? "%a %d\n%H:%M" : "%d %b")
plot for [k=1:kinds] file using (t(column("time_s"))):(paid_under(k)):(paid_over(k)) \
         with filledcurves linecolor rgb colour_of(KIND[k]) title WORD[k]
unset multiplot
