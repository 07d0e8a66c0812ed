#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Man pages against programs: every option, verb, key, field and cause is documented, and nothing is that
# does not exist. docs.sh BUILD; a line for each difference, and exit 1.
#
# The pages are read as mdoc: an option is "Fl -name", a verb ".It Cm name" in VERBS, a key ".It Cm name"
# below ".Ss [section]", a field ".It Va name" in JSON, a cause ".It Cm name" in CAUSES.
B=${1:-build}
case $B in /*) ;; *) B=$PWD/$B ;; esac
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0

say() {
	echo "docs: $*"
	bad=1
}

# compare PAGE WHAT: what the program has is in $tmp/have, what the page has in $tmp/told
compare() {
	sort -u "$tmp/have" -o "$tmp/have"
	sort -u "$tmp/told" -o "$tmp/told"
	[ -s "$tmp/have" ] || say "$1: the check found no $2 at all"
	comm -23 "$tmp/have" "$tmp/told" >"$tmp/missing"
	comm -13 "$tmp/have" "$tmp/told" >"$tmp/wrong"
	while read -r word; do say "$1: $2 $word is not documented"; done <"$tmp/missing"
	while read -r word; do say "$1: $2 $word does not exist"; done <"$tmp/wrong"
}

# Options in a help text on stdin: "--name" and "-n".
options_of_help() {
	tr -s ' ,[' '\n' | sed -n -E 's/^(--[a-z][a-z-]*).*/\1/p; s/^(-[A-Za-z])$/\1/p'
}

# Options in mdoc on stdin, wherever they stand: after Fl up to its arguments, and as text in examples.
options_of_page() {
	sed 's/\\-/-/g; s/\\&//g' | awk '
		/^\.\\"/ { next }
		/^\./ {
			flag = 0
			for (i = 1; i <= NF; i++) {
				word = $i
				sub(/^\./, "", word)
				if (word == "Fl") { flag = 1; continue }
				if (word ~ /^(Ar|Ns|Op|Oo|Oc|Cm|Pa|Xr|Li|Ev)$/ || word == "|") { flag = word == "|"; continue }
				if (word ~ /^[,;.:]$/) continue
				if (flag) { print "-" word; continue }
			}
		}
		{
			rest = $0
			while (match(rest, /(^|[ (])--[a-z][a-z-]*/)) {
				word = substr(rest, RSTART, RLENGTH)
				sub(/^[ (]/, "", word)
				print word
				rest = substr(rest, RSTART + RLENGTH)
			}
		}' | sed -n -E 's/^(--[a-z][a-z-]*)=?.*$/\1/p; s/^(-[A-Za-z])$/\1/p'
}

# section PAGE NAME [LEVEL]: the lines of one section or subsection
section() {
	awk -v want="$2" -v level="${3:-Sh}" '
		$1 == ".Sh" || $1 == "." level { title = $0; sub(/^[^ ]* /, "", title); inside = title == want && $1 == "." level; next }
		inside' "$1"
}

# Lines of the entry ".It Cm NAME" of the outermost list on stdin.
entry() {
	awk -v want="$1" '
		/^\.Bl/ { depth++ }
		/^\.El/ { depth-- }
		depth == 1 && $1 == ".It" { inside = $2 == "Cm" && $3 == want }
		inside'
}

# Names of the outermost items ".It MACRO name , name" on stdin.
items() {
	awk -v macro="$1" '
		/^\.Bl/ { depth++ }
		/^\.El/ { depth-- }
		depth == 1 && $1 == ".It" && $2 == macro {
			for (i = 3; i <= NF && $i !~ /^(Oo|Op|Ar)$/; i++)
				if ($i != ",")
					print $i
		}'
}

daemon() {
	page=man/rstmond.8
	"$B/rstmond" --help | options_of_help >"$tmp/have"
	section $page OPTIONS | options_of_page >"$tmp/told"
	compare $page option
	# elsewhere on the page
	options_of_page <$page >"$tmp/told"
	compare $page option
}

cli() {
	page=man/rstmon.1
	"$B/rstmon" help | sed -n '/^Verbs/,/^$/s/^  \([a-z]*\) .*/\1/p' >"$tmp/verbs"
	cp "$tmp/verbs" "$tmp/have"
	section $page VERBS | items Cm >"$tmp/told"
	compare $page verb

	"$B/rstmon" help | sed -n '/^Options/,/^$/p' | options_of_help >"$tmp/common"
	cp "$tmp/common" "$tmp/have"
	section $page OPTIONS | grep '^\.It' | options_of_page >"$tmp/told"
	compare $page "common option"
	sort -u "$tmp/common" -o "$tmp/common"
	cp "$tmp/common" "$tmp/all"

	while read -r verb; do
		"$B/rstmon" help "$verb" | sed -n '/^Options/,$p' | options_of_help | sort -u |
			comm -23 - "$tmp/common" >"$tmp/have"
		cat "$tmp/have" >>"$tmp/all"
		section $page VERBS | entry "$verb" | grep '^\.It Fl' | options_of_page >"$tmp/told"
		[ -s "$tmp/have" ] || [ -s "$tmp/told" ] || continue
		compare $page "rstmon $verb's option"
	done <"$tmp/verbs"

	sort -u "$tmp/all" >"$tmp/have"
	options_of_page <$page >"$tmp/told"
	compare $page option
}

words() {
	page=man/rstmon.1
	sed -n 's/^\tX([A-Z0-9_]*, "\([a-z0-9_]*\)".*/\1/p' include/rstmon/cause.h >"$tmp/have"
	section $page CAUSES | items Cm >"$tmp/told"
	compare $page cause
	sed -n 's/^\.Ss //p' "$B/rstmon-causes.7" >"$tmp/told"
	compare rstmon-causes.7 cause

	sed -n '/^type Reset (/,/^)/s/^\t\([a-z0-9_]*\):.*/\1/p' daemon/io.rstmon.varlink >"$tmp/have"
	section $page JSON | items Va >"$tmp/told"
	compare $page field

	sed -n '/define FILTER_FIELDS/,/^$/p' common/filter.h | grep -o '"[a-z_]*"' | tr -d '"' >"$tmp/have"
	section $page FILTERS | sed -n '/^these fields/,/^is the remote/p' |
		sed -n 's/^\.Va //p' | tr -s ' ,.' '\n' | grep . >"$tmp/told"
	compare $page "filter field"
}

# Each key with what it takes and its default, in the words of --print-config.
config() {
	page=man/rstmond.conf.5
	"$B/rstmond" --config /dev/null --print-config >"$tmp/config"
	# keys of alerts have their defaults in a comment: "# key:", "#   Takes ...", "#   Default: ..."
	awk '/^\[/ { section = $1 } /^[a-z]/ && section != "[alert" { print section, $1 }
		/^# [a-z]+:$/ { sub(/:/, "", $2); print "[alert NAME]", $2 }' "$tmp/config" >"$tmp/have"
	: >"$tmp/told"
	sed -n 's/^\.Ss //p' $page >"$tmp/sections"
	while read -r name; do
		section $page "$name" Ss | items Cm | sed "s/^/$name /" >>"$tmp/told"
	done <"$tmp/sections"
	compare $page option

	awk '/^\[/ { section = $1 }
		/^# Takes/ { takes = $0; sub(/^# /, "", takes); sub(/ Origin:.*/, "", takes) }
		/^# [a-z]+:$/ { key = $2; sub(/:/, "", key) }
		/^#   Takes/ { takes = $0; sub(/^#   /, "", takes) }
		/^#   Default: / { value = $0; sub(/^#   Default: /, "", value); sub(/\.$/, "", value)
			print "[alert NAME]\t" key "\t" takes "\t" value }
		/^[a-z]/ && section != "[alert" { key = $1; value = $0; sub(/^[^=]*= /, "", value)
			print section "\t" key "\t" takes "\t" value }' "$tmp/config" >"$tmp/entries"
	while IFS='	' read -r name key takes value; do
		section $page "$name" Ss | entry "$key" >"$tmp/entry"
		grep -qxF -- "$takes" "$tmp/entry" || say "$page: $name $key does not say: $takes"
		grep -qxF -- "Default: $value." "$tmp/entry" || say "$page: $name $key does not say: Default: $value."
	done <"$tmp/entries"
	# what the page says of the daemon's own options
	"$B/rstmond" --help | options_of_help | sort -u >"$tmp/have"
	options_of_page <$page | sort -u | comm -23 - "$tmp/have" >"$tmp/wrong"
	while read -r word; do say "$page: option $word does not exist"; done <"$tmp/wrong"
}

for program in rstmond rstmon; do
	[ -x "$B/$program" ] || { say "$B/$program is missing; run make"; exit 1; }
done
[ -r "$B/rstmon-causes.7" ] || { say "$B/rstmon-causes.7 is missing; run make"; exit 1; }
daemon
cli
words
config
exit $bad
