#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Gets what a virtual machine is made of, by apt from where this machine gets its own packages. Each is made
# once and kept.
#
#	fetch.sh DIR root		DIR/root.cpio: Debian 12 with systemd and what rstmond links
#	fetch.sh DIR disk PACKAGE...	DIR/disk.ext4: the same and these packages, with apt, as a root that can be
#					written to; its unit rstmon-test runs what a second disk has
#	fetch.sh DIR kernel PACKAGE	DIR/PACKAGE/vmlinuz, e.g. of linux-image-cloud-amd64, and in
#					DIR/PACKAGE/root/lib/modules those of its modules that tests use;
#					PACKAGE/SUITE (DIR/PACKAGE@SUITE) takes it from another release; a
#					package that only depends on a kernel is followed
#
#	ARCH=arm64			kernels of that architecture
set -eu

dir=$(mkdir -p "$1" && cd "$1" && pwd)
what=$2
here=$(cd "$(dirname "$0")" && pwd)
own=/etc/apt/sources.list.d/debian.sources

sources() { # SUITE: the machine's own mirror and key, another release
	awk -v suite="$1" '
		/^(Types|URIs|Components|Signed-By):/ { if (!seen[$1]++) print }
		END { print "Suites: " suite }' "$own"
}

# No documentation and no translations: every byte is unpacked at every boot, in slow motion.
unpack_root() { # DIRECTORY PACKAGE,...
	sources bookworm >"$1.sources"
	mmdebstrap --quiet --variant=minbase --mode=root --include="$2" \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/i18n/*' \
		bookworm "$1.tar" "$1.sources" >&2
	rm -rf "$1"
	mkdir "$1"
	tar -C "$1" -xf "$1.tar" --exclude='./dev/*'
	rm -f "$1.tar" "$1/usr/lib/udev/hwdb.bin"
}

fetch_root() {
	[ ! -s "$dir/root.cpio" ] || return 0
	unpack_root "$dir/root" \
		systemd,systemd-sysv,dbus,libbpf1,libjson-c5,libsmartcols1,libinih1,iproute2,jq
	rm -rf "$dir/root/var/cache/apt" "$dir/root/var/lib/apt"
	(cd "$dir/root" && find . -print0 | cpio --quiet -0 -o -H newc) >"$dir/root.cpio.new"
	mv "$dir/root.cpio.new" "$dir/root.cpio"
	rm -rf "$dir/root"
}

# What is not to change between the boots of a machine, and what nobody waits for in vain.
settle_root() { # DIRECTORY
	# packages that are installed later come whole
	rm -f "$1"/etc/dpkg/dpkg.cfg.d/*mmdebstrap*
	# a first boot would enable units by their presets
	echo 7273746d6f6e2d74657374206d616368 >"$1/etc/machine-id"
	echo rstmon-vm >"$1/etc/hostname"
	printf '127.0.0.1\tlocalhost rstmon-vm\n::1\tlocalhost\n' >"$1/etc/hosts"
	: >"$1/etc/fstab"
	for unit in getty@tty1 serial-getty@ttyS0 systemd-udevd systemd-udev-trigger systemd-hwdb-update \
		systemd-timesyncd systemd-networkd systemd-resolved systemd-logind ldconfig; do
		ln -sf /dev/null "$1/etc/systemd/system/$unit.service"
	done
	for unit in apt-daily apt-daily-upgrade dpkg-db-backup e2scrub_all fstrim systemd-tmpfiles-clean; do
		ln -sf /dev/null "$1/etc/systemd/system/$unit.timer"
	done
	install -m644 "$here/rstmon-package.service" "$1/etc/systemd/system"
	ln -sf ../rstmon-package.service "$1/etc/systemd/system/multi-user.target.wants"
}

fetch_disk() { # PACKAGE...
	made="$* $(cat "$here/fetch.sh" "$here/rstmon-package.service" | cksum)"
	[ ! -s "$dir/disk.ext4" ] || [ "$made" != "$(cat "$dir/disk.made" 2>/dev/null)" ] || return 0
	rm -f "$dir/disk.ext4"
	unpack_root "$dir/disk" "$(echo "$*" | tr ' ' ',')"
	rm -rf "$dir/disk/var/lib/apt/lists" "$dir/disk/var/cache/apt"
	mkdir -p "$dir/disk/var/lib/apt/lists/partial" "$dir/disk/var/cache/apt/archives/partial"
	settle_root "$dir/disk"
	rm -f "$dir/disk.new"
	truncate -s 1G "$dir/disk.new"
	mke2fs -q -F -t ext4 -d "$dir/disk" "$dir/disk.new"
	mv "$dir/disk.new" "$dir/disk.ext4"
	echo "$made" >"$dir/disk.made"
	rm -rf "$dir/disk"
}

apt() { # SUITE, tool, then its arguments: with lists of our own
	state=$dir/apt-$1${ARCH:+-$ARCH}
	if [ ! -d "$state/lists/partial" ]; then
		mkdir -p "$state/etc" "$state/lists/partial" "$state/cache/archives/partial"
		sources "$1" >"$state/etc/vm.sources"
	fi
	tool=$2
	shift 2
	"$tool" -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$state/etc" \
		-o Dir::State::Lists="$state/lists" -o Dir::Cache="$state/cache" \
		-o APT::Sandbox::User=root ${ARCH:+-o APT::Architecture=$ARCH -o APT::Architectures=$ARCH} "$@"
}

# Packages that $1 depends on and that have a part of a kernel in them: an image alone, or, where the
# packages were split (forky), a binary and modules.
parts() { # SUITE PACKAGE
	apt "$1" apt-cache show --no-all-versions "$2" 2>/dev/null | sed -n 's/^Depends: //p' | tr ',' '\n' |
		sed -n 's/^ *\(linux-\(image\|binary\|modules\)-[0-9][^ ]*\).*/\1/p'
}

# Modules that tests ask for, and what these need in turn, not compressed: busybox's modprobe loads them.
# depmod is told what the kernel itself has by modules.builtin.
modules="nft_reject_inet nft_ct nft_limit nft_counter nft_nat nft_chain_nat nft_numgen nft_log nf_log_syslog nft_fib_inet
	nft_compat nf_tables nf_conntrack inet_diag tcp_diag mptcp_diag veth dummy tun sch_netem sch_fq tls ifb"

keep_modules() ( # ROOT: below it, lib/modules/RELEASE of the whole package
	release=$(ls "$1/lib/modules")
	all=$1/lib/modules/$release
	mv "$all" "$1/all"
	mkdir -p "$all"
	[ ! -e "$1/all/modules.builtin" ] || cp "$1/all"/modules.builtin* "$1/all/modules.order" "$all"
	wanted=" $(echo "$modules" | tr -s '\n\t' '  ') "
	# each name once; what a module needs stands in its own "depends="
	while [ -n "${wanted# }" ]; do
		next=' '
		for name in $wanted; do
			file=$(find "$1/all" -name "$(echo "$name" | sed 's/[-_]/[-_]/g').ko*" | head -n 1)
			[ -n "$file" ] || continue # part of the kernel, or not of this one
			to=$all/$(basename "$file" | sed 's/\.ko.*/.ko/')
			[ ! -e "$to" ] || continue
			case $file in
			*.xz) xz -dc "$file" >"$to" ;;
			*.zst) zstd -qdc "$file" >"$to" ;;
			*.gz) gzip -dc "$file" >"$to" ;;
			*) cp "$file" "$to" ;;
			esac
			next="$next$(modinfo -F depends "$to" | tr ',' ' ') "
		done
		wanted=$next
	done
	rm -rf "${1:?}/all"
	depmod -b "$1" "$release" 2>/dev/null
)

fetch_kernel() {
	package=${1%%/*}
	suite=bookworm
	[ "$package" = "$1" ] || suite=${1#*/}
	to=$dir/$(echo "$1" | tr / @)
	[ ! -s "$to/vmlinuz" ] || return 0
	apt "$suite" apt-get update
	packages=$package
	# two steps down: a name without a version, the image, its parts
	for _ in 1 2; do
		for p in $packages; do
			packages="$packages $(parts "$suite" "$p" | tr '\n' ' ')"
		done
	done
	packages=$(echo "$packages" | tr ' ' '\n' | grep -E -- '-[0-9]' | sort -u)
	rm -rf "$to"
	mkdir -p "$to/root"
	# shellcheck disable=SC2086
	(cd "$to" && apt "$suite" apt-get download ${packages:-$package})
	for p in "$to"/*.deb; do
		dpkg-deb --fsys-tarfile "$p" | tar -x -C "$to/root" --wildcards --no-wildcards-match-slash \
			'./boot/vmlinuz-*' './lib/modules' './usr/lib/modules' 2>/dev/null || true
	done
	rm -f "$to"/*.deb
	# before and after /usr was merged
	[ -d "$to/root/lib/modules" ] || { mkdir -p "$to/root/lib" && mv "$to/root/usr/lib/modules" "$to/root/lib"; }
	image=$(find "$to/root" -name 'vmlinuz*' | head -n 1)
	mv "$image" "$to/image"
	rm -rf "$to/root/boot" "$to/root/usr"
	keep_modules "$to/root"
	mv "$to/image" "$to/vmlinuz" # last: it says that all is there
}

case $what in
root) fetch_root ;;
disk) shift 2 && fetch_disk "$@" ;;
kernel) fetch_kernel "$3" ;;
*) exit 2 ;;
esac
