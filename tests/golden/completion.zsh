# SPDX-License-Identifier: GPL-3.0-or-later
# An interactive zsh on a pseudo-terminal that reads _spillway from the folder $1 and completes four lines for real; prints
# each completed line. Waits for what must appear, so that its caller sets the limit of time.
zmodload zsh/zpty
zpty -b shell 'TERM=dumb zsh -f -i'
zpty -w shell "fpath=($1 \$fpath); autoload -U compinit; compinit -u -D; unsetopt zle_bracketed_paste; PS1=; print rea''dy"
zpty -r -m shell seen '*ready*'
for case in 'spillway vali|validate' 'spillway run --rep|--replications' 'spillway run --format j|json' 'spillway help pla|plan'; do
    zpty -w -n shell "${case%|*}"$'\t'
    zpty -r -m shell seen "*${case#*|} *" && print -r -- "${case#*|}"
    zpty -w -n shell $'\x15'
done
zpty -d shell
