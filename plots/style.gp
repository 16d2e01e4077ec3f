# SPDX-License-Identifier: GPL-3.0-or-later
# style.gp - terminal, colours and axes of every picture. Loaded first by each script.
#
# The caller (sim/report/plots.c) sets, with -e:
#   lib, dir, out, fmt     folder of these scripts; folder of the CSV files; picture to write; "svg" or "png"
#   width, height          size in points of the SVG; the PNG has twice as many pixels
#   local0_s               local time of simulated time 0, s since 1970-01-01 00:00 local
#   from_s, to_s           shown range of simulated time
#   warmup_s               end of warm-up
# Terminal, size and font are fixed, so the same CSV gives the same bytes with the same gnuplot.

if (fmt eq "svg") {
    set terminal svg noenhanced size width,height font "sans-serif,13" dashlength 0.6 background "#ffffff"
} else {
    set terminal pngcairo noenhanced size 2*width,2*height font "sans-serif,13" fontscale 2 linewidth 2 pointscale 2 \
        dashlength 0.6 background "#ffffff"
}
set encoding utf8
set output out
set datafile separator ","
set datafile columnheaders
set datafile missing ""

# Okabe and Ito's palette, toned down: told apart with every common kind of colour blindness. One colour for each kind
# of capacity; further pools of the same kind are lighter.
ink = 0x22303c
muted = 0x6b7885
limit_colour = 0xb3261e
colour_of(kind) = kind eq "owned" ? 0x2f6fa7 : kind eq "reserved" ? 0x7fb8dc : kind eq "on_demand" ? 0xe08f2c : \
    kind eq "spot" ? 0x3a9e83 : kind eq "egress" ? 0xb5739d : \
    kind eq "images" ? 0x94803a : 0x8a949e
mix(c, w) = int(c + (255 - c) * w + 0.5)
lighter(c, w) = mix((c >> 16) & 255, w) * 65536 + mix((c >> 8) & 255, w) * 256 + mix(c & 255, w)
pool_colour(kind, nth) = lighter(colour_of(kind), nth > 3 ? 0.66 : 0.22 * nth)

set border 3 linecolor rgb 0x9aa5b1 linewidth 0.8
set tics nomirror out scale 0.5 textcolor rgb ink
set grid xtics ytics linetype 1 linecolor rgb 0xe3e8ed linewidth 0.7
set key tmargin right horizontal samplen 1.6 spacing 1.1 width 1 font ",12" textcolor rgb ink
set style fill solid 0.9 noborder

# Time of day on the x axis, at round local times.
t(s) = local0_s + s
span_s = to_s - from_s
step_s = span_s <= 900 ? 120 : span_s <= 1800 ? 300 : span_s <= 4500 ? 600 : span_s <= 10800 ? 1800 : \
    span_s <= 28800 ? 3600 : span_s <= 50400 ? 7200 : span_s <= 108000 ? 10800 : span_s <= 345600 ? 43200 : span_s <= 1382400 ? 86400 : \
    span_s <= 8467200 ? 604800 : span_s <= 33868800 ? 2629800 : 7889400
set xdata time
set xrange [t(from_s):t(to_s)]
set xtics step_s
set format x (span_s <= 108000 ? "%H:%M" : span_s <= 345600 ? "%a %d\n%H:%M" : "%d %b")

# Panels share their left and right edge, so that times line up.
left = 0.085
right = 0.962
bottom = span_s > 108000 && span_s <= 345600 ? 0.11 : 0.07 # two lines of text below
set lmargin at screen left
set rmargin at screen right

# Warm-up is simulated but not counted: grey.
if (warmup_s > from_s) {
    set object 90 rectangle from t(from_s), graph 0 to t(warmup_s < to_s ? warmup_s : to_s), graph 1 \
        fillcolor rgb 0xeef1f4 fillstyle solid 1 noborder behind
}
