# SPDX-License-Identifier: GPL-2.0-only
# awk -f log_keys.awk daemon/*.c: "kind key" for each key that a line of the log can have, as the sources
# write them. A key belongs to the kinds that its function starts a line of; a function that starts none
# adds its keys to the lines of those that call it.
function calls_of(line,    word) {
	while (match(line, /[a-z_][a-z0-9_]*\(/)) {
		word = substr(line, RSTART, RLENGTH - 1)
		calls[current] = calls[current] " " word
		line = substr(line, RSTART + RLENGTH)
	}
}

# A definition: at the beginning of a line, not a prototype. Names of static functions may be in several files.
/^[a-z].*[ *][a-z_][a-z0-9_]*\(/ && !/;[ \t]*$/ {
	name = $0
	sub(/\(.*/, "", name)
	sub(/.*[ *]/, "", name)
	current = FILENAME ":" name
	functions[current] = name
	takes_line[current] = $0 ~ /struct line \*/
	next
}
/^}/ { current = "" }
!current { next }
/line_start\(/ {
	line = $0
	while (match(line, /LINE_[A-Z_]+/)) {
		kind = tolower(substr(line, RSTART + 5, RLENGTH - 5))
		kinds[current] = kinds[current] " " kind
		line = substr(line, RSTART + RLENGTH)
	}
}
{
	line = $0
	# its key is the second argument, and may be on the next line
	if (pending != "" && match(line, /^[ \t]*"[a-z_]+"/))
		line = pending line
	pending = ""
	while (match(line, /(line_add[a-z0-9_]*|add_[a-z]+|put_[a-z]+)\([a-z&>-]+,[ \t]*"[a-z_0-9]+"/)) {
		key = substr(line, RSTART, RLENGTH)
		sub(/"$/, "", key)
		sub(/.*"/, "", key)
		keys[current] = keys[current] " " key
		line = substr(line, RSTART + RLENGTH)
	}
	if (match($0, /line_append\([^"]*"[a-z_]+"/)) {
		key = substr($0, RSTART, RLENGTH - 1)
		sub(/.*"/, "", key)
		keys[current] = keys[current] " " key
	}
	calls_of($0)
}

function tell(f, kind, depth,    n, i, words, g) {
	n = split(keys[f], words, " ")
	for (i = 1; i <= n; i++)
		print kind, words[i]
	if (depth > 4)
		return
	n = split(calls[f], words, " ")
	for (i = 1; i <= n; i++) {
		g = f
		sub(/:.*/, ":" words[i], g)
		# of another file, if it says whose line it is
		if (!(g in functions))
			g = elsewhere[words[i]]
		if (g != "" && g != f && takes_line[g] && kinds[g] == "")
			tell(g, kind, depth + 1)
	}
}

END {
	for (f in functions)
		if (keys[f] != "" && takes_line[f])
			elsewhere[functions[f]] = f
	for (f in kinds) {
		n = split(kinds[f], words_, " ")
		for (i_ = 1; i_ <= n; i_++)
			tell(f, words_[i_], 0)
	}
}
