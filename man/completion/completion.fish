# SPDX-License-Identifier: GPL-2.0-only
# fish completion for @PROGRAM@. The tables are made by man/completion.c from those of the program.

function __@PROGRAM@_table
	switch $argv[1]
#TABLES
	end
end

# Of the words before the cursor: the verb, or nothing; then how many arguments it has, where in a filter
# they end, and at which field.
function __@PROGRAM@_walk
	set -l verb ''
	set -l option ''
	set -l given 0
	set -l place term
	set -l field ''
	set -l verbs (__@PROGRAM@_table verbs)
	for word in (commandline -opc)[2..-1]
		if test -n "$option"
			set option ''
		else if string match -q -- '-?*' $word
			string match -qr -- '^(file|directory|value)' (__@PROGRAM@_table takes:$word); and set option $word
		else if test -z "$verb" -a -n "$verbs"
			set verb $word
		else
			# the number of "last"
			if not string match -qr '^0:last:[0-9]' -- "$given:$verb:$word"
				for token in (string match -ar '[^ ()\'"]+' -- $word)
					switch $place:$token
						case term:not joint:and joint:or
							set place term
						case 'term:*'
							set field (string match -r '^[a-z_]*' -- $token)
							set place value
							string match -qr '[=<>].' -- (string sub -s 2 -- $token); and set place joint
						case 'value:*'
							string match -qr '^[=<>!]+$' -- $token; or set place joint
					end
				end
			end
			set given (math $given + 1)
		end
	end
	printf '%s\n' "$verb" $given $place "$field"
end

function __@PROGRAM@_verb_is
	set -l at (__@PROGRAM@_walk)
	test "$at[1]" = "$argv[1]"
end

# What may stand at the cursor, options and their values excepted.
function __@PROGRAM@_words
	set -l at (__@PROGRAM@_walk)
	if test -z "$at[1]"
		__@PROGRAM@_table verbs
		return
	end
	test $at[2] = 0; and __@PROGRAM@_table arguments:$at[1]
	set -l scope (__@PROGRAM@_table filter:$at[1] | string trim)
	test -n "$scope"; or return
	switch $at[3]
		case term
			# cause=...: the field is part of the word
			set -l head (string match -r '^([a-z_]+)[=<>!]+' -- (commandline -ct))
			if set -q head[2]
				__@PROGRAM@_table words:$head[2] | string replace -r '^' $head[1]
			else
				__@PROGRAM@_table fields:$scope
			end
		case value
			__@PROGRAM@_table words:$at[4]
		case joint
			printf '%s\n' and or
	end
end

function __@PROGRAM@_option
	set -l condition $argv[1]
	set -l name (string split \t -- $argv[2])
	set -l with -d "$name[2]" -n $condition
	switch (__@PROGRAM@_table takes:$name[1] | string trim)
		case file
			set -a with -r -F
		case directory
			set -a with -x -a '(__fish_complete_directories (commandline -ct))'
		case value
			set -a with -x -k -a "(__@PROGRAM@_table values:$name[1])"
		case optional
			set -a with -f -k -a "(__@PROGRAM@_table values:$name[1])"
	end
	switch $name[1]
		case '--*'
			complete -c @PROGRAM@ -l (string sub -s 3 -- $name[1]) $with
		case '*'
			complete -c @PROGRAM@ -s (string sub -s 2 -- $name[1]) $with
	end
end

complete -c @PROGRAM@ -f -k -a '(__@PROGRAM@_words)'
for option in (__@PROGRAM@_table options:)
	__@PROGRAM@_option "__@PROGRAM@_verb_is ''" $option
end
for line in (__@PROGRAM@_table verbs)
	set -l verb (string split \t -- $line)[1]
	for option in (__@PROGRAM@_table options:$verb)
		__@PROGRAM@_option "__@PROGRAM@_verb_is $verb" $option
	end
end
functions -e __@PROGRAM@_option
