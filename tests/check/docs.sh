#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Man pages against programs: every option, verb, key, field, cause, kind of line and its keys, metric, exit
# code, hook, error and limit is documented, and nothing is that does not exist. docs.sh BUILD; a line for each
# difference, and exit 1.
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
		# options of others
		/^\.Dl [#$] systemctl / { next }
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
	section $page OPTIONS | grep "^\.It" | options_of_page >"$tmp/told"
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
	sed -n 's/^\[alert \(.*\)\]$/\1/p' "$tmp/config" >"$tmp/have"
	section $page "BUILT-IN ALERTS" | items Cm >"$tmp/told"
	compare $page "built-in alert"
	# what the page says of the daemon's own options
	"$B/rstmond" --help | options_of_help | sort -u >"$tmp/have"
	options_of_page <$page | sort -u | comm -23 - "$tmp/have" >"$tmp/wrong"
	while read -r word; do say "$page: option $word does not exist"; done <"$tmp/wrong"
}

# ---- the log ----

log() {
	page=man/rstmon-log.7
	section $page KINDS | sed -n 's/^\.Ss //p' >"$tmp/told"
	sed -n 's/^\t\[LINE_[A-Z]*\] = {"\([a-z]*\)".*/\1/p' daemon/line.c | tee "$tmp/kinds" >"$tmp/have"
	compare $page "kind of line"
	awk -f tests/check/log_keys.awk daemon/*.c | sort -u >"$tmp/keys"
	while read -r kind; do
		id=$(sed -n "s/^\t\[LINE_[A-Z]*\] = {\"$kind\", \"\([0-9a-f]*\)\".*/\1/p" daemon/line.c)
		section $page "$kind" Ss >"$tmp/entry"
		grep -qF "MESSAGE_ID=$id" "$tmp/entry" || say "$page: $kind does not say MESSAGE_ID=$id"
		awk -v kind="$kind" '$1 == kind { print $2 }' "$tmp/keys" >"$tmp/have"
		items Va <"$tmp/entry" >"$tmp/told"
		[ -s "$tmp/have" ] || [ -s "$tmp/told" ] || continue
		compare $page "$kind's key"
	done <"$tmp/kinds"
}

# ---- metrics, exit codes, hooks, errors of the socket ----

# without the end that the exposition puts behind the family's name
families() {
	sed -E 's/_(total|info)$//'
}

# the kernel's, as nstat(8) calls them
counters() {
	sed -n 's/^\tX([A-Z_]*, "\(Tcp[A-Za-z]*\)", "\([A-Za-z]*\)".*/\1\2/p' daemon/report_counters.h
}

metrics() {
	page=man/rstmon.1
	counters >"$tmp/have"
	section $page VERBS | grep -oE '\bTcp[A-Za-z]+' >"$tmp/told"
	compare $page counter
	grep -ohE '("|# TYPE )rstmon_[a-z_]*' daemon/publish*.c | sed 's/.*rstmon/rstmon/' | families >"$tmp/have"
	section $page METRICS | items Va >"$tmp/names"
	families <"$tmp/names" >"$tmp/told"
	compare $page metric
	while read -r name; do
		case $name in
		*_total) grep -qE "put_(counter|family|head)\(out, \"${name%_total}\"|# TYPE ${name%_total} counter" daemon/publish*.c ;;
		*_info) grep -q "\"$name{" daemon/publish*.c ;;
		*) grep -qE "put_(gauge|head)\(out, \"$name\"|# TYPE $name gauge" daemon/publish*.c ;;
		esac || say "$page: metric $name has another type"
	done <"$tmp/names"
}

exits() {
	sed -n 's/^\tRSTMON_EXIT_[A-Z_]* = \([0-9]*\),/\1/p' include/rstmon/interface.h >"$tmp/have"
	section man/rstmon.1 "EXIT STATUS" | sed -n 's/^\.It \([0-9]*\)$/\1/p' >"$tmp/told"
	compare man/rstmon.1 "exit code"
	"$B/rstmon" help | sed -n '/^Exit codes/,$p' | grep -o '[0-9]' >"$tmp/told"
	compare "rstmon help" "exit code"
	sed -n 's/^\tEXIT_[A-Z]* = \([0-9]*\),/\1/p' daemon/main.c >"$tmp/have"
	section man/rstmond.8 "EXIT STATUS" | sed -n 's/^\.It \([0-9]*\)$/\1/p' >"$tmp/told"
	compare man/rstmond.8 "exit code"
	"$B/rstmond" --help | sed -n '/^Exit codes/,$p' | grep -o '[0-9]' >"$tmp/told"
	compare "rstmond --help" "exit code"
}

hooks() {
	page=man/rstmond.8
	sed -n 's/.*"\(\(tp_btf\|iter\|fentry\|fexit\|cgroup_skb\)\/[a-z0-9_]*\)".*/\1/p' daemon/source_bpf_hooks.c >"$tmp/have"
	section $page PRIVILEGES | sed -n '/^\.Bl/,/^\.El/p' | items Li >"$tmp/told"
	compare $page hook
}

# The sentences that errors of the socket have: strings side by side are one.
sentences() {
	cat daemon/server*.c daemon/methods.c daemon/methods_[al]*.c daemon/varlink.c | tr -d '\n' |
		sed 's/"[ \t]*"//g' | grep -oE '"[A-Z][^"]* [^"]*\."' | tr -d '"' | grep -v '^Get'
}

socket() {
	page=$B/rstmon-varlink.7
	grep -oE 'METHOD\("[A-Za-z]*"\)' daemon/methods.c | sed 's/.*"\(.*\)".*/\1/' >"$tmp/have"
	section "$page" METHODS | sed -n 's/^\.Ss //p' >"$tmp/told"
	compare "$page" method
	cat daemon/server*.c daemon/methods*.c | grep -oE 'RSTMON_VARLINK_INTERFACE "\.[A-Z][A-Za-z]*"|METHODS_FAILED' |
		sed 's/.*\.//; s/"//; s/METHODS_FAILED/Failed/' >"$tmp/have"
	section "$page" "ERROR REPLIES" | sed -n 's/^\.Ss \([A-Za-z]*\)$/\1/p' | grep -v Texts >"$tmp/told"
	compare "$page" error
	sentences >"$tmp/have"
	section "$page" "ERROR REPLIES" | sed 's/^\\&//' >"$tmp/page"
	while read -r line; do
		grep -qxF -- "$line" "$tmp/page" || say "$page: the sentence of an error is not there: $line"
	done <"$tmp/have"
	sed -n '/^\.Ss Texts/,$p' "$tmp/page" | grep -E '^[A-Z].*\.$' >"$tmp/told"
	while read -r line; do
		grep -qxF -- "$line" "$tmp/have" || say "$page: no error says: $line"
	done <"$tmp/told"
}

# ---- what all pages have ----

# Numbers that stand in include/rstmon/interface.h, in the words of the page that tells them.
number() { # PAGE CONSTANT TEXT, in which @ is the number
	value=$(sed -n -E "s/^#define $2[[:space:]]+(\(?[0-9][0-9 <]*\)?).*/\1/p" include/rstmon/interface.h)
	[ -n "$value" ] || { say "there is no $2"; return; }
	text=$(echo "$3" | sed "s/@/$((value))/")
	tr '\n' ' ' <"$1" | grep -qF -- "$text" || say "$1: does not say '$text' ($2)"
}

numbers() {
	varlink=$B/rstmon-varlink.7
	number man/rstmon.1 RSTMON_RECENT_MAX "The daemon keeps @, also"
	number man/rstmon.1 RSTMON_PEERS_MAX "up to @ of them, in both directions"
	number man/rstmon.1 RSTMON_DAY_ROWS_MAX "the last 24 hours for the @ busiest"
	number man/rstmon.1 RSTMON_WATCH_LINES_PER_S "come faster than @ in a second"
	number man/rstmon.1 RSTMON_STORIES_MAX "never more than @;"
	number man/rstmon.1 RSTMON_INCIDENT_BURST "incidents (@ resets of one owner"
	number man/rstmon.1 RSTMON_FILTER_MAX "A filter has at most @ bytes"
	number man/rstmon.1 RSTMON_FILTER_TERMS "bytes, @ terms"
	number man/rstmon.1 RSTMON_FILTER_DEPTH "terms and @ levels"
	number man/rstmond.8 RSTMON_RECENT_MAX "keeps the latest @,"
	number man/rstmond.8 RSTMON_CLIENTS_MAX "takes @ connections"
	number man/rstmond.8 RSTMON_LOG_LINE_MAX "one line below @ bytes"
	number man/rstmon-log.7 RSTMON_LOG_LINE_MAX "less than @ bytes"
	number man/rstmon-log.7 RSTMON_INCIDENT_BURST "Many at once: @ resets"
	number man/rstmon-log.7 RSTMON_ALERTS_MAX "no place of its own among @."
	number man/rstmon-log.7 RSTMON_INCIDENT_QUIET_S "quiet for @ seconds"
	number "$varlink" RSTMON_MESSAGE_MAX "@ bytes without the NUL"
	number "$varlink" RSTMON_JSON_DEPTH "and @ objects and arrays inside"
	number "$varlink" RSTMON_FILTER_MAX "A filter has at most @ bytes"
	number "$varlink" RSTMON_FILTER_TERMS "bytes, @ terms"
	number "$varlink" RSTMON_FILTER_DEPTH "terms and @ levels"
	number "$varlink" RSTMON_ROWS_MAX "of @ rows takes"
	number "$varlink" RSTMON_CLIENTS_MAX "@ at a time"
	number "$varlink" RSTMON_CLIENTS_KEPT "the last @ are kept"
	number "$varlink" RSTMON_IDLE_TIMEOUT_S "closed after @ seconds"
	number "$varlink" RSTMON_STALL_TIMEOUT_S "waits for it after @."
	number "$varlink" RSTMON_WATCH_LINES_PER_S "at most @ lines a second"
	number "$varlink" RSTMON_WATCH_LINES_BURST "bursts of @ at once"
	number "$varlink" RSTMON_DAY_ROWS_MAX "24 hours for the @ busiest"
	number "$varlink" RSTMON_STORIES_MAX "never more than @."
}

pages() {
	for page in man/*.[158] man/rstmon-log.7 "$B"/rstmon-*.7; do
		for title in EXAMPLES "EXIT STATUS" LIMITATIONS "SEE ALSO"; do
			grep -qx "\.Sh $title" "$page" || say "$page: there is no section $title"
		done
		# references to pages of this tree
		sed -n -E 's/^\.Xr (rstmon[a-z.-]*) ([0-9]).*/\1.\2/p' "$page" | sort -u | while read -r other; do
			[ -e "man/$other" ] || [ -e "$B/$other" ] || echo "$other"
		done >"$tmp/wrong"
		while read -r other; do say "$page: there is no page $other"; done <"$tmp/wrong"
		# and to what is installed as an example
		grep -oE '/usr/share/doc/rstmon/examples/[A-Za-z0-9_./-]+' "$page" | while read -r file; do
			[ -e "contrib/${file#/usr/share/doc/rstmon/examples/}" ] || echo "$file"
		done >"$tmp/wrong"
		while read -r file; do say "$page: there is no $file"; done <"$tmp/wrong"
	done
}

# Whatever a page calls by name, wherever it stands, is a word of the program: a field, a key, a metric, a counter.
known() {
	{
		cat daemon/*.[ch] cli/*.[ch] common/*.[ch] include/rstmon/*.h | grep -oE '"[A-Za-z0-9_.]+["({]' | tr -d '"({'
		grep -oE '[a-z_0-9]+:' daemon/io.rstmon.varlink | tr -d :
		grep -ohE 'rstmon_[A-Za-z_]+' daemon/publish*.c
		counters
		# the journal's, systemd's, the kernel's and Prometheus's own
		printf '%s\n' MESSAGE MESSAGE_ID PRIORITY SYSLOG_FACILITY SYSLOG_IDENTIFIER FileDescriptorStoreMax \
			kernel.unprivileged_bpf_disabled up continues more oneway method parameters
		sed -n 's/.* \(RST_[A-Z]*\)$/\1/p' systemd/*.in
		awk '{ print "RST_" toupper($2) }' "$tmp/keys"
	} >"$tmp/have"
	{ cat "$tmp/have"; families <"$tmp/have"; } | sort -u >"$tmp/all.known"
	for page in man/*.[158] man/rstmon-log.7 "$B/rstmon-varlink.7"; do
		sed -n -E 's/^\.(It |Pq |Po )?Va //p; s/.*[ ]Va //p' "$page" | sed 's/ [A-Z][a-z].*//; s/ : Li .*//' | tr -s ' ,;:()' '\n' |
			sed 's/\.$//; s/_total$//; s/_info$//' | grep . | sort -u >"$tmp/told.raw"
		comm -23 "$tmp/told.raw" "$tmp/all.known" >"$tmp/wrong"
		while read -r word; do say "$page: nothing is called $word"; done <"$tmp/wrong"
	done
}

# What shells complete has been compared with help by completion.sh, in the shells; here only that the files of
# all three have the same options and verbs.
completions() {
	for program in rstmon rstmond; do
		{ "$B/$program" --help; [ $program = rstmond ] || while read -r verb; do "$B/rstmon" help "$verb"; done <"$tmp/verbs"; } |
			options_of_help | grep '^--' >"$tmp/have"
		for file in $program.bash _$program $program.fish; do
			# the table alone, up to the end of its function
			sed -n '/options:/,/^}\|^end/p' "$B/completions/$file" | grep -vE '_help\b' | grep -oE "(^|[ ('])--[a-z][a-z-]*" | grep -o -- '--.*' >"$tmp/told"
			compare "completions/$file" option
		done
	done
}

for program in rstmond rstmon; do
	[ -x "$B/$program" ] || { say "$B/$program is missing; run make"; exit 1; }
done
[ -r "$B/rstmon-causes.7" ] || { say "$B/rstmon-causes.7 is missing; run make"; exit 1; }
daemon
cli
words
config
log
metrics
exits
hooks
socket
numbers
pages
known
completions
exit $bad
