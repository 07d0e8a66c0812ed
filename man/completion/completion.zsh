#compdef @PROGRAM@
# SPDX-License-Identifier: GPL-2.0-only
# zsh completion for @PROGRAM@. The tables are made by man/completion.c from those of the program.

_@PROGRAM@_table() {
	reply=()
	case $1 in
#TABLES
	esac
	(( $#reply ))
}

# Words of a filter move what is expected next: a term (a field, or "not"), a value of $field, or how
# it goes on. Uses the variables of _@PROGRAM@.
_@PROGRAM@_filter_word() {
	local token
	for token in ${=${1//[()\'\"]/ }}; do
		case $place:$token in
		term:not | joint:and | joint:or) place=term ;;
		term:*[=\<\>]?*) place=joint ;;
		term:*)
			field=${token%%[^a-z_]*}
			place=value
			;;
		value:[=\<\>!]*[^=]) place=joint ;;
		value:[=\<\>!]*) ;;
		value:*) place=joint ;;
		esac
	done
}

_@PROGRAM@() {
	local verb option word scope field place=term
	local -a reply
	integer i given=0

	for (( i = 2; i < CURRENT; i++ )); do
		word=${(Q)words[i]}
		if [[ -n $option ]]; then
			option=
		elif [[ $word == -?* ]]; then
			_@PROGRAM@_table takes:$word && [[ $reply[1] != optional ]] && option=$word
		elif [[ -z $verb ]] && _@PROGRAM@_table verbs; then
			verb=$word
		else
			if _@PROGRAM@_table filter:$verb && ! [[ $given == 0 && $verb == last && $word == [0-9]* ]]; then
				_@PROGRAM@_filter_word $word
			fi
			(( given++ ))
		fi
	done
	if [[ -z $option && $PREFIX == --*=* ]]; then
		option=${PREFIX%%=*}
		compset -P 1 '*='
	fi

	if [[ -n $option ]]; then
		_@PROGRAM@_table takes:$option
		case $reply[1] in
		file) _files ;;
		directory) _files -/ ;;
		*)
			_@PROGRAM@_table values:$option
			_describe -V value reply
			;;
		esac
	elif [[ $PREFIX == -* ]]; then
		_@PROGRAM@_table options:$verb
		_describe -o option reply
	elif [[ -z $verb ]] && _@PROGRAM@_table verbs; then
		_describe -V verb reply
	else
		(( given == 0 )) && _@PROGRAM@_table arguments:$verb && _describe -V argument reply
		_@PROGRAM@_table filter:$verb || return
		scope=$reply[1]
		if [[ $place == term && $PREFIX == [a-z_]##[=\<\>!]* ]]; then
			field=${PREFIX%%[^a-z_]*}
			compset -P 1 '*[=<>]'
			place=value
		fi
		case $place in
		term)
			_@PROGRAM@_table fields:$scope
			_describe -V field reply
			;;
		value) _@PROGRAM@_table words:$field && _describe -V $field reply ;;
		joint)
			reply=(and or)
			_describe -V 'filter word' reply
			;;
		esac
	fi
}

_@PROGRAM@ "$@"
