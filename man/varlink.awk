# SPDX-License-Identifier: GPL-2.0-only
# awk -f varlink.awk INTERFACE PAGE: copies a page of mdoc and puts what the interface description says in
# place of the lines "#METHODS", "#TYPES" and "#ERRORS". The comments in INTERFACE are the page's text: a
# method, a parameter, a field and an error cannot be there and not be documented. Proved by
# tests/check/docs.sh.

# ---- the interface: each entry becomes lines of mdoc in out[kind] ----

# Text is no request, whatever it begins with, and each sentence begins a line.
function put(kind, text,    n, i, lines) {
	gsub(/\\/, "\\e", text)
	gsub(/\. +/, ".\n", text)
	n = split(text, lines, "\n")
	for (i = 1; i <= n; i++)
		out[kind] = out[kind] (lines[i] ~ /^[.']/ ? "\\&" : "") lines[i] "\n"
}

function sentence(text) {
	if (text == "")
		return ""
	return toupper(substr(text, 1, 1)) substr(text, 2) (text ~ /[.?]$/ ? "" : ".")
}

# "comm: ?string," in a list of fields
function field(kind, line,    name, type) {
	gsub(/^[ \t]+|[ \t,]+$/, "", line)
	name = line
	sub(/:.*/, "", name)
	type = substr(line, length(name) + 2)
	gsub(/^ +/, "", type)
	out[kind] = out[kind] ".It Va " name " : Li " quoted(type) "\n"
	if (comment != "")
		put(kind, sentence(comment))
	comment = ""
}

function quoted(type) {
	return type ~ / / ? "\"" type "\"" : type
}

function begin_list(kind, title) {
	out[kind] = out[kind] (title == "" ? "" : ".Pp\n" title "\n") ".Bl -tag -width 4n -compact\n"
}

function end_list(kind) {
	out[kind] = out[kind] ".El\n"
}

# One line "(a: string, b: ?int)" in the place of a list.
function inline(kind, title, text,    n, i, parts) {
	gsub(/^[ \t]*\(|\)[ \t]*$/, "", text)
	if (text == "") {
		out[kind] = out[kind] ".Pp\n" (title == "Parameters:" ? "No parameters." : "No fields.") "\n"
		return
	}
	begin_list(kind, title)
	n = split(text, parts, /, */)
	for (i = 1; i <= n; i++)
		field(kind, parts[i])
	end_list(kind)
}

function start(kind, name) {
	out[kind] = out[kind] ".Ss " name "\n"
	if (comment != "")
		put(kind, sentence(comment))
	comment = ""
	names[kind]++
}

FILENAME == ARGV[1] && /^[ \t]*#/ {
	text = $0
	sub(/^[ \t]*# ?/, "", text)
	comment = comment (comment == "" ? "" : " ") text
	next
}
FILENAME == ARGV[1] && /^[ \t]*$/ {
	comment = ""
	next
}
FILENAME == ARGV[1] && /^interface / {
	comment = ""
	next
}
FILENAME == ARGV[1] && /^type / {
	kind = "types"
	start(kind, $2)
	# one reset is told where its fields have names for people
	skip = $2 == "Reset"
	if (skip)
		out[kind] = out[kind] "Its fields are those of the section JSON in\n.Xr rstmon 1 .\n"
	else
		begin_list(kind, "")
	next
}
FILENAME == ARGV[1] && /^error / {
	start("errors", $2)
	next
}
FILENAME == ARGV[1] && /^method / {
	kind = "methods"
	name = $2
	sub(/\(.*/, "", name)
	start(kind, name)
	line = $0
	sub(/^method [A-Za-z]*/, "", line)
	reply = ""
	if (match(line, /-> *\(/)) {
		reply = substr(line, RSTART + 2)
		gsub(/^ +/, "", reply)
		line = substr(line, 1, RSTART - 1)
		inline(kind, "Parameters:", line)
		if (reply == "(")
			begin_reply()
		else
			inline(kind, "Reply:", reply)
	} else {
		begin_list(kind, "Parameters:")
	}
	next
}

# What Watch replies with is one reset and a little more.
function begin_reply() {
	if (name == "Watch") {
		out[kind] = out[kind] ".Pp\nEach reply: the fields of one reset, as the section JSON in\n.Xr rstmon 1\ntells them, and\n"
		out[kind] = out[kind] ".Bl -tag -width 4n -compact\n"
	} else {
		begin_list(kind, "Reply:")
	}
}

FILENAME == ARGV[1] && /^\) -> \($/ {
	end_list(kind)
	begin_reply()
	next
}
FILENAME == ARGV[1] && /^\)/ {
	if (!skip)
		end_list(kind)
	skip = 0
	next
}
FILENAME == ARGV[1] {
	f = $1
	sub(/:.*/, "", f)
	if (skip)
		reset[f] = 1
	# a parameter has a name that a reset has as well
	else if (name != "Watch" || kind != "methods" || !(f in reset)) {
		field(kind, $0)
	}
	comment = ""
	next
}

# ---- the page ----

/^#(METHODS|TYPES|ERRORS)$/ {
	kind = tolower(substr($0, 2))
	printf "%s", out[kind]
	if (!names[kind]) {
		print "varlink.awk: " ARGV[1] " has no " kind > "/dev/stderr"
		failed = 1
	}
	told++
	next
}
{ print }
END {
	if (told != 3) {
		print "varlink.awk: " ARGV[2] " has not all of #METHODS, #TYPES, #ERRORS" > "/dev/stderr"
		failed = 1
	}
	exit failed
}
