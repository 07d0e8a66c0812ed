#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Gets what a virtual machine is made of, by apt from where this machine gets its own packages. Each is made
# once and kept.
#
#	fetch.sh DIR root		DIR/root.cpio: Debian 12 with systemd and what rstmond links
#	fetch.sh DIR kernel PACKAGE	DIR/PACKAGE/vmlinuz, e.g. of linux-image-cloud-amd64; PACKAGE/SUITE takes
#					it from another release; a package that only depends on a kernel
#					is followed
set -eu

dir=$(mkdir -p "$1" && cd "$1" && pwd)
what=$2
own=/etc/apt/sources.list.d/debian.sources

sources() { # SUITE: the machine's own mirror and key, another release
	awk -v suite="$1" '
		/^(Types|URIs|Components|Signed-By):/ { if (!seen[$1]++) print }
		END { print "Suites: " suite }' "$own"
}

fetch_root() {
	[ ! -s "$dir/root.cpio" ] || return 0
	sources bookworm >"$dir/root.sources"
	# no documentation and no translations: every byte is unpacked at every boot, in slow motion
	mmdebstrap --quiet --variant=minbase --mode=root \
		--include=systemd,systemd-sysv,dbus,libbpf1,libjson-c5,libsmartcols1,libinih1,iproute2,jq \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/i18n/*' \
		bookworm "$dir/root.tar" "$dir/root.sources" >&2
	rm -rf "$dir/root"
	mkdir "$dir/root"
	tar -C "$dir/root" -xf "$dir/root.tar" --exclude='./dev/*'
	rm -rf "$dir/root/var/cache/apt" "$dir/root/var/lib/apt" "$dir/root/usr/lib/udev/hwdb.bin"
	(cd "$dir/root" && find . -print0 | cpio --quiet -0 -o -H newc) >"$dir/root.cpio.new"
	mv "$dir/root.cpio.new" "$dir/root.cpio"
	rm -rf "$dir/root" "$dir/root.tar"
}

apt() { # SUITE, tool, then its arguments: with lists of our own
	state=$dir/apt-$1
	if [ ! -d "$state/lists/partial" ]; then
		mkdir -p "$state/etc" "$state/lists/partial" "$state/cache/archives/partial"
		sources "$1" >"$state/etc/vm.sources"
	fi
	tool=$2
	shift 2
	"$tool" -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$state/etc" \
		-o Dir::State::Lists="$state/lists" -o Dir::Cache="$state/cache" \
		-o APT::Sandbox::User=root "$@"
}

fetch_kernel() {
	package=${1%%/*}
	suite=bookworm
	[ "$package" = "$1" ] || suite=${1#*/}
	to=$dir/$(echo "$1" | tr / @)
	[ ! -s "$to/vmlinuz" ] || return 0
	apt "$suite" apt-get update
	# a package without an image depends on the one that has it
	real=$(apt "$suite" apt-cache show --no-all-versions "$package" |
		sed -n 's/^Depends:.*\(linux-image-[0-9][^ ,]*\).*/\1/p')
	rm -rf "$to"
	mkdir -p "$to"
	(cd "$to" && apt "$suite" apt-get download "${real:-$package}")
	dpkg-deb --fsys-tarfile "$to"/*.deb | tar -x -C "$to" --wildcards './boot/vmlinuz-*'
	mv "$to"/boot/vmlinuz-* "$to/vmlinuz"
	rm -rf "${to:?}/boot" "$to"/*.deb
}

case $what in
root) fetch_root ;;
kernel) fetch_kernel "$3" ;;
*) exit 2 ;;
esac
