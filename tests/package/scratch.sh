# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2154 # sourced by run.sh: deb, dir, B and those of judge.sh
# The package in a Debian 12 of its own: what it brings, what an upgrade calls, and that a purge leaves nothing.
# systemd does not run there, only what the maintainer scripts ask of it is written down; "make vm-package" has the real one.

own=/etc/apt/sources.list.d/debian.sources
root=$dir/root
calls=$root/calls

make_root() {
	[ -s "$dir/root.tar" ] || {
		awk '/^(Types|URIs|Components|Signed-By):/ { if (!seen[$1]++) print }
			END { print "Suites: bookworm" }' "$own" >"$dir/root.sources"
		# what it depends on comes from Debian 12 and nowhere else
		needs=$(dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/[[:space:]]//g' | paste -sd,)
		mmdebstrap --quiet --variant=minbase --mode=root --include="$needs,apt-utils,dpkg-dev,jq" bookworm "$dir/root.tar" \
			"$dir/root.sources" || return 1
	}
	rm -rf "$root"
	mkdir "$root" && tar -C "$root" -xf "$dir/root.tar" --exclude='./dev/*' || return 1
	mknod -m 666 "$root/dev/null" c 1 3 && mknod -m 666 "$root/dev/urandom" c 1 9
}

# Maintainer scripts believe that systemd is there.
pretend() {
	mkdir -p "$root/run/systemd/system"
	cat >"$root/usr/local/bin/systemctl" <<-'END'
		#!/bin/sh
		case " $* " in
		*" is-enabled "*) echo enabled; exit ;;
		*" is-active "*) exit 0 ;;
		*" preset "*) SYSTEMD_OFFLINE=1 exec /usr/bin/systemctl "$@" ;;
		esac
		echo "$*" >>/calls
	END
	chmod +x "$root/usr/local/bin/systemctl"
}

inside() {
	chroot "$root" env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}

# Everything that a file, a user or a line of a database would show as; logs and dpkg's own lists of the known aside.
inventory() { # FILE
	(cd "$root" && find . -mindepth 1 ! -path './var/lib/dpkg*' ! -path './var/log/*' ! -path './var/cache/*' \
		! -path ./calls ! -path './etc/*-' -printf '%M %p %l\n' | LC_ALL=C sort
	cat etc/passwd etc/group etc/shadow etc/gshadow) >"$1"
	inside journalctl --list-catalog 2>/dev/null | sed 's/ .*//' >>"$1"
	inside dpkg -l | grep rstmon >>"$1"
}

# A version below this one, with another configuration file.
older() {
	rm -rf "$dir/older"
	dpkg-deb -R "$deb" "$dir/older"
	sed -i 's/^Version: .*/Version: 0.0.1/' "$dir/older/DEBIAN/control"
	echo '# of the version before' >>"$dir/older/etc/rstmon/rstmond.conf"
	dpkg-deb --root-owner-group -b "$dir/older" "$root/older.deb" >/dev/null
	cp "$deb" "$root/newer.deb"
	rm -rf "$dir/older"
}

called() { # EXACT-CALL
	grep -cxE -- "$1" "$calls"
}

has_user() {
	grep -c '^rstmon:' "$root/etc/passwd"
}

install_it() {
	: >"$calls"
	inside dpkg -i /older.deb >"$dir/install.log" 2>&1
	check "a version before is installed" $? = 0
	check "systemd-sysusers made user and group" "$(has_user)$(grep -c '^rstmon:' "$root/etc/group")" = 11
	wants=$(cd "$root/etc/systemd/system" && find . -name 'rstmon*' | LC_ALL=C sort | paste -sd' ')
	check "enabled: $wants" "$wants" = "./multi-user.target.wants/rstmond.service ./sockets.target.wants/rstmond.socket"
	check "socket and service are started" \
		"$(called '(--quiet --system )?start rstmond.socket')$(called '(--quiet --system )?start rstmond.service')" = 11
	check "nobody starts the exporter" "$(grep -c exporter "$calls")" = 0
	check "journalctl -x knows the messages" \
		"$(inside journalctl --list-catalog 2>/dev/null | grep -c rstmon)" -ge 5
	check "the programs run: $(inside rstmon version 2>&1)" "$(inside rstmond --version 2>&1 | cut -d' ' -f1)" = rstmond
	inside rstmond --check-config >"$dir/config.log" 2>&1
	check "the configuration is accepted" $? = 0
}

upgrade_it() {
	: >"$calls"
	sed -i '/of the version before/d' "$root/etc/rstmon/rstmond.conf"
	printf '[log]\ninterval = 2m\n' >"$root/etc/rstmon/rstmond.conf.d/mine.conf"
	inside dpkg --force-confdef -i /newer.deb >"$dir/upgrade.log" 2>&1
	check "upgraded" $? = 0
	check "by one restart of the service" "$(called '(--quiet --system )?restart rstmond.service')" = 1
	check "nothing is stopped, and the socket not restarted" "$(grep -cE 'stop|restart .*socket' "$calls")" = 0
	sed 's/^/          systemctl /' "$calls"
	check "files of the administrator stay" -e "$root/etc/rstmon/rstmond.conf.d/mine.conf"
	echo '# mine' >>"$root/etc/rstmon/rstmond.conf"
	inside dpkg --force-confdef -i /newer.deb >>"$dir/upgrade.log" 2>&1
	check "a configuration that was edited stays" "$(tail -n 1 "$root/etc/rstmon/rstmond.conf")" = '# mine'
}

# What a run of the daemon leaves, as its unit would.
leave_traces() {
	mkdir -p "$root/var/lib/rstmon" "$root/run/rstmon"
	inside chown rstmon:rstmon /var/lib/rstmon
	: >"$root/var/lib/rstmon/checkpoint"
	: >"$root/run/rstmon/rstmon.sock"
}

purge_it() {
	leave_traces
	: >"$calls"
	inside dpkg -r rstmon >"$dir/remove.log" 2>&1
	check "removed" $? = 0
	check "service and socket are stopped" \
		"$(called 'stop rstmond.service')$(called 'stop rstmond.socket')" = 11
	check "counts and configuration are kept" -e "$root/var/lib/rstmon/checkpoint" -a -e "$root/etc/rstmon/rstmond.conf"
	inside dpkg -P rstmon >>"$dir/remove.log" 2>&1
	check "purged" $? = 0
	inventory "$dir/after"
	diff -u "$dir/before" "$dir/after" >"$dir/left.diff"
	check "nothing is left: files, links, user, group, catalog, dpkg's list" $? = 0
	cat "$dir/left.diff"
}

# The package's own tests by Debian's runner: cli here, smoke where there is a machine with systemd.
own_tests() {
	rm -rf "$dir/source" "$root/run/systemd"
	rm -f "$root/usr/local/bin/systemctl"
	dpkg-source --no-check -x "$B"/deb/rstmon_*.dsc "$dir/source" >/dev/null
	(cd /tmp && timeout 300 autopkgtest -B "$deb" "$dir/source" -- chroot "$root") >"$dir/autopkgtest.log" 2>&1
	check "autopkgtest: cli passes" "$(grep -cE '^cli +PASS' "$dir/autopkgtest.log")" -gt 0
	check "autopkgtest: smoke wants a machine" \
		"$(grep -cE '^smoke +SKIP .*isolation' "$dir/autopkgtest.log")" -gt 0
	grep -E '^(ok:|cli |smoke )' "$dir/autopkgtest.log" | sort -u | sed 's/^/          /'
	rm -rf "$dir/source"
}

# A person who is called rstmon, or a second purge, must not come to harm.
purge_again() {
	inside useradd -c 'Rosa S. T. Monroe' -m rstmon
	inside dpkg -i /newer.deb >>"$dir/install.log" 2>&1
	inside dpkg -P rstmon >>"$dir/remove.log" 2>&1
	check "a purge leaves a person's account of that name alone" "$(has_user)" = 1
}

scratch() {
	if [ "$(id -u)" != 0 ] || [ ! -e "$own" ] || ! command -v mmdebstrap >/dev/null; then
		skip "a root to install it in: needs root, mmdebstrap and $own"
		return
	fi
	if ! make_root >"$dir/mmdebstrap.log" 2>&1; then
		tail -n 5 "$dir/mmdebstrap.log"
		fail "a root of Debian 12"
		return
	fi
	pretend
	older
	inventory "$dir/before"
	install_it
	upgrade_it
	purge_it
	purge_again
	if command -v autopkgtest >/dev/null; then own_tests; else skip "autopkgtest is not there"; fi
	rm -rf "$root"
}
