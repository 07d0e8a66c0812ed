#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The files of systemd/: the units verify, the services' exposure stays below its bound, every directive has a comment, the user
# can be made, the catalog compiles and has the ids that the daemon sends, and "make install" keeps them or adapts them to
# PREFIX. Nothing of it is started, or installed on this host.
# unit.sh BUILD: the catalog is made by the build.
B=${1:-build}
case $B in /*) ;; *) B=$PWD/$B ;; esac
cd "$(dirname "$0")/../.." || exit 1
failed=0

fail() {
	echo "unit.sh: $*" >&2
	failed=1
}

skip() {
	echo "unit.sh: skipped $1: $2"
}

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# The program may not be installed here, so another one that exists stands in for it.
cp systemd/rstmond.socket "$tmp/" &&
	sed -E 's!^(ExecStart|ExecReload)=/usr/sbin/[^ ]*!\1=/bin/true!' systemd/rstmond.service >"$tmp/rstmond.service" &&
	sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' systemd/rstmon-exporter.service \
		>"$tmp/rstmon-exporter.service" &&
	sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' contrib/node_exporter/rstmon-textfile.service \
		>"$tmp/rstmon-textfile.service" &&
	cp contrib/node_exporter/rstmon-textfile.timer "$tmp/" || exit 1

check_units() {
	# Manual pages are not installed from here either; all other words of verify count.
	output=$(SYSTEMD_UNIT_PATH="$tmp:" systemd-analyze verify --man=no \
		"$tmp/rstmond.service" "$tmp/rstmond.socket" "$tmp/rstmon-exporter.service" \
		"$tmp/rstmon-textfile.service" "$tmp/rstmon-textfile.timer" 2>&1)
	code=$?
	output=$(printf '%s\n' "$output" | grep -F rstmon)
	{ [ $code -eq 0 ] && [ -z "$output" ]; } || fail "verify: ${output:-exit code $code}"

	check_exposure rstmond.service 10
	check_exposure rstmon-exporter.service 10
	check_exposure rstmon-textfile.service 20
}

# check_exposure UNIT TENTHS
check_exposure() {
	score=$(systemd-analyze security --offline=true "$tmp/$1" 2>&1 |
		sed -n "s/.*Overall exposure level for $1: \([0-9.]*\).*/\1/p")
	tenths=$(printf '%s' "$score" | tr -d .)
	case $tenths in
	'' | *[!0-9]*) fail "no exposure level from systemd-analyze security for $1" ;;
	*)
		echo "unit.sh: exposure of $1: $score"
		[ "$tenths" -le "$2" ] || fail "exposure of $1: $score is above $2 tenths"
		;;
	esac
}

# Those that speak for themselves, and no comment, are listed here.
check_comments() {
	for unit in systemd/rstmond.service systemd/rstmond.socket systemd/rstmon-exporter.service; do
		awk -v unit="$unit" '
			/^#/ { commented = 1; next }
			/^$/ || /^\[/ { commented = 0; next }
			/^(Description|Documentation|ExecStart|ListenStream|WantedBy|Also)=/ { next }
			commented == 0 { print unit ": no comment before " $0; bad = 1 }
			END { exit bad }' "$unit" || fail "a block of directives without a comment"
	done
}

check_catalog() {
	sed -n 's/.*\[LINE_[A-Z]*\] = {"[a-z]*", "\([0-9a-f]*\)"}.*/\1/p' daemon/line.c | sort >"$tmp/sent"
	sed -n 's/^-- \([0-9a-f]*\)$/\1/p' "$B/rstmon.catalog" | sort >"$tmp/explained"
	[ -r "$B/rstmon.catalog" ] || { fail "$B/rstmon.catalog is missing; run make"; return; }
	sed -n 's/^\tX([A-Z0-9_]*, "\([a-z0-9_]*\)".*/\1/p' include/rstmon/cause.h >"$tmp/causes"
	while read -r cause; do
		case $cause in handshake_rst_embryonic | rst_ignored) continue ;; esac # known from counters alone
		grep -q "^  $cause: " "$B/rstmon.catalog" || fail "the catalog has no cause $cause"
	done <"$tmp/causes"
	[ -s "$tmp/causes" ] || fail "no causes in cause.h"
	[ -s "$tmp/sent" ] || fail "no message ids in daemon/line.c"
	cmp -s "$tmp/sent" "$tmp/explained" || fail "rstmon.catalog has other ids than daemon/line.c"
	if command -v journalctl >/dev/null; then
		mkdir -p "$tmp/root/usr/lib/systemd/catalog" "$tmp/root/var/lib/systemd/catalog"
		cp "$B/rstmon.catalog" "$tmp/root/usr/lib/systemd/catalog/"
		journalctl --root="$tmp/root" --update-catalog 2>"$tmp/log" || fail "catalog: $(cat "$tmp/log")"
	else
		skip "the catalog's syntax" "no journalctl"
	fi
}

check_sysusers() {
	mkdir -p "$tmp/users/etc" "$tmp/users/usr/lib/sysusers.d"
	cp systemd/rstmon.sysusers "$tmp/users/usr/lib/sysusers.d/rstmon.conf"
	systemd-sysusers --root="$tmp/users" 2>"$tmp/log" || fail "sysusers: $(cat "$tmp/log")"
	grep -q '^rstmon:' "$tmp/users/etc/passwd" || fail "sysusers makes no user rstmon"
	grep -q '^rstmon:' "$tmp/users/etc/group" || fail "sysusers makes no group rstmon"
}

# What is installed elsewhere starts what is installed there; what goes to /usr is as it is in systemd/.
check_prefix() {
	for prefix in /usr /usr/local; do
		root=$tmp/install$prefix
		make -s --no-print-directory install B="$B" DESTDIR="$tmp/install" PREFIX=$prefix >"$tmp/log" 2>&1 ||
			{ fail "make install PREFIX=$prefix: $(tail -1 "$tmp/log")"; return; }
		examples=$root/share/doc/rstmon/examples
		for file in "$root"/lib/systemd/system/* "$examples/node_exporter/rstmon-textfile.service"; do
			grep -o '/usr/[a-z/]*bin/rstmond\{0,1\}\>' "$file"
		done | sort -u >"$tmp/named"
		printf '%s\n' "$prefix/bin/rstmon" "$prefix/sbin/rstmond" | cmp -s - "$tmp/named" ||
			fail "what PREFIX=$prefix installs names $(tr '\n' ' ' <"$tmp/named")"
		while read -r program; do
			[ -x "$tmp/install$program" ] || fail "$program is not installed with PREFIX=$prefix"
		done <"$tmp/named"
	done
	for unit in "$tmp"/install/usr/lib/systemd/system/*; do
		cmp "systemd/${unit##*/}" "$unit" || fail "make install changes ${unit##*/}"
	done
	for example in contrib/*/*; do
		installed=$tmp/install/usr/share/doc/rstmon/examples/${example#contrib/}
		cmp "$example" "$installed" || fail "make install changes $example"
		[ ! -x "$example" ] || [ -x "$installed" ] || fail "$example is not executable any more"
	done
}

check_comments
check_catalog
check_prefix
if command -v systemd-analyze >/dev/null; then
	check_units
else
	skip "verification and exposure of the units" "no systemd-analyze (package systemd)"
fi
if command -v systemd-sysusers >/dev/null; then
	check_sysusers
else
	skip "the sysusers file" "no systemd-sysusers (package systemd)"
fi
exit $failed
