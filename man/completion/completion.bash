# SPDX-License-Identifier: GPL-2.0-only
# bash completion for @PROGRAM@. The tables are made by man/completion.c from those of the program.

_@PROGRAM@_table()
{
	case $1 in
#TABLES
	esac
}

# Words of a filter move what is expected next: a term (a field, or "not"), a value of $field, or how
# it goes on. Uses the variables of _@PROGRAM@.
_@PROGRAM@_filter_word()
{
	local token tokens
	read -ra tokens <<<"${1//[()\'\"]/ }"
	for token in "${tokens[@]}"; do
		case $place:$token in
		term:not | joint:and | joint:or) place=term ;;
		term:*[=\<\>]?*) place=joint ;;
		term:*)
			field=${token%%[!a-z_]*}
			place=value
			;;
		value:[=\<\>!]*[!=]) place=joint ;;
		value:[=\<\>!]*) ;;
		value:*) place=joint ;;
		esac
	done
}

_@PROGRAM@()
{
	local cur=${COMP_WORDS[COMP_CWORD]} verb='' option='' given=0 place=term field='' prefix='' word i takes words

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $option ]]; then
			# bash splits --option=value into three words
			[[ $word == = ]] || option=''
		elif [[ $word == -?* ]]; then
			takes=$(_@PROGRAM@_table "takes:$word")
			if [[ $takes && ($takes != optional || ${COMP_WORDS[i + 1]} == =*) ]]; then
				option=$word
			fi
		elif [[ ! $verb && $(_@PROGRAM@_table verbs) ]]; then
			verb=$word
		elif [[ $(_@PROGRAM@_table "filter:$verb") && ! ($given == 0 && $verb == last && $word == [0-9]*) ]]; then
			given=$((given + 1))
			_@PROGRAM@_filter_word "$word"
		else
			given=$((given + 1))
		fi
	done
	[[ $option && $cur == = ]] && cur=''
	# where = does not split words
	if [[ ! $option && $cur == --*=* ]]; then
		option=${cur%%=*} prefix=${cur%%=*}= cur=${cur#*=}
	fi

	if [[ $option ]]; then
		case $(_@PROGRAM@_table "takes:$option") in
		file)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -P "$prefix" -f -- "$cur")
			return
			;;
		directory)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -P "$prefix" -d -- "$cur")
			return
			;;
		esac
		words=$(_@PROGRAM@_table "values:$option")
	elif [[ $cur == -* ]]; then
		words=$(_@PROGRAM@_table "options:$verb")
	elif [[ ! $verb ]]; then
		words=$(_@PROGRAM@_table verbs)
	else
		[[ $given == 0 ]] && words=$(_@PROGRAM@_table "arguments:$verb")
		word=$(_@PROGRAM@_table "filter:$verb")
		case ${word:+$place} in
		term) words+=" $(_@PROGRAM@_table "fields:$word")" ;;
		value)
			[[ $cur == [=\<\>]* ]] && cur=''
			words=$(_@PROGRAM@_table "words:$field")
			;;
		joint) words='and or' ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$words" -- "$cur")
}

complete -F _@PROGRAM@ @PROGRAM@
