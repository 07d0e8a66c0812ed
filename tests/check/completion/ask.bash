# SPDX-License-Identifier: GPL-2.0-only
# bash ask.bash < LINES: for each command line that is typed up to its end, what bash completes, found by
# bash-completion as in a new shell; an empty line behind each.
# shellcheck source=/dev/null
. /usr/share/bash-completion/bash_completion || exit 1
# it works only inside of a completion of readline
compopt() { :; }

while IFS= read -r line; do
	program=${line%% *}
	complete -p "$program" >/dev/null 2>&1 || _completion_loader "$program"
	# readline splits at blanks and at =
	read -ra COMP_WORDS <<<"${line//=/ = }"
	[[ $line == *' ' ]] && COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$line COMP_POINT=${#line}
	COMPREPLY=()
	"_$program" "$program" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	printf '%s\n' "${COMPREPLY[@]}" | grep .
	echo
done
