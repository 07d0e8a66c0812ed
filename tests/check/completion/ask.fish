# SPDX-License-Identifier: GPL-2.0-only
# fish ask.fish < LINES: for each command line that is typed up to its end, what fish completes; an empty
# line behind each. It finds completions below XDG_DATA_DIRS.
while read -l line
	complete -C"$line"
	echo
end
