# SPDX-License-Identifier: GPL-2.0-only
# zsh -f ask.zsh DIRECTORY < LINES: for each command line that is typed up to its end, what an interactive
# zsh with the completions of DIRECTORY offers, with meanings; an empty line behind each.
zmodload zsh/zpty || exit 1
directory=$1
zpty z zsh -f -i || exit 1

# Until the mark at the beginning of a line; what the terminal's driver adds goes.
answer() {
	local line
	while zpty -r z line; do
		line=${line%%$'\r'*}
		line=${line%%$'\n'*}
		case $line in
		@@done) return 0 ;;
		@@*) print -r -- ${line#@@} ;;
		esac
	done
	return 1
}

zpty -w z "
unsetopt zle_bracketed_paste prompt_cr prompt_sp
PS1= PS2= TERM=dumb
fpath=($directory \$fpath)
autoload -U compinit && compinit -u -D
# what is added is printed, not shown
compadd() {
	local -a hits meanings
	integer i at=\${argv[(I)-d]}
	if [[ \" \${argv[1,(i)(-|--)]} \" == *\\ -[a-zA-Z]#[OAD]\\ * ]]; then
		builtin compadd \"\$@\"
		return
	fi
	if (( at )) && (( \${argv[(i)(-|--)]} > at )); then
		builtin compadd -A hits -D \$argv[at+1] \"\$@\"
		meanings=(\"\${(@P)argv[at+1]}\")
	else
		builtin compadd -A hits \"\$@\"
	fi
	for (( i = 1; i <= \$#hits; i++ )); do
		print -r -- \$'\\n'@@\$hits[i]\$'\\t'\$meanings[i]
	done
	builtin compadd \"\$@\"
}
finish() { zle -I; print -r -- \$'\\n'@@done; BUFFER=; zle .accept-line }
ask() { BUFFER=\$line; CURSOR=\$#BUFFER; zle list-choices; finish }
setopt no_list_ambiguous
zle -N ask
bindkey '^T' ask
print @@done"
answer || exit 1
while IFS= read -r line; do
	zpty -w z "line=${(qq)line}; print @@done"
	answer || exit 1
	zpty -w -n z $'\x14'
	answer || exit 1
	print
done
zpty -d z
