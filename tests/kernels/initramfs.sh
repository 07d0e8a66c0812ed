#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Makes the parts of a guest's first and only file system, to be put one behind the other:
#
#	initramfs.sh base BUILD FILE		programs of this machine with what they link, those of BUILD, tests
#	initramfs.sh modules KERNEL-DIR FILE	what fetch.sh kept of a kernel's modules
#	initramfs.sh job SCRIPT FILE		/job, which init runs
#
# No program is started by a name that an argument gives, and nothing is fetched.
#
#	SYSROOT=DIR STRIP=CROSS-strip	another machine's programs: they lie in DIR, as sysroot.sh unpacked them
set -eu
here=$(cd "$(dirname "$0")" && pwd)
what=$1 from=$2 file=$3

# What init, the tests and the lab call and busybox has not, or not as they need it. Everything else is busybox's:
# it needs no dynamic linker, which is what a process spends most of its time in where all is emulated.
tools="bash cksum dash date ip jq nft nstat setpriv ss"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir "$root"

pack() {
	(cd "$root" && find . -print0 | sort -z | cpio --quiet -0 -o -H newc -R 0:0) >"$file"
}

# What a file links: ldd knows where this machine has that, another machine's files are asked themselves.
links() { # FILE
	if [ -z "${SYSROOT:-}" ]; then
		ldd "$1" 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^\t\(\/[^ ]*\) (.*/\1/p'
		return
	fi
	readelf -dl "$1" 2>/dev/null |
		sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p; s/.*interpreter: \(.*\)\]/\1/p' | while read -r name; do
		for lib in "$SYSROOT$name" "$SYSROOT"/usr/lib/*-linux-gnu/"$name"; do
			[ ! -f "$lib" ] || { echo "${lib#"$SYSROOT"}"; break; }
		done
	done
}

# A file with what it links.
take() { # FILE [PLACE]
	mkdir -p "$root$(dirname "${2:-$1}")"
	cp -L "$1" "$root${2:-$1}"
	chmod u+w "$root${2:-$1}"
	links "$1" | while read -r lib; do
		[ -e "$root$lib" ] || take "${SYSROOT:-}$lib" "$lib"
	done
}

# Where a tool is; what another machine's packages do not have, busybox has.
where() { # TOOL
	if [ -n "${SYSROOT:-}" ]; then
		for path in "$SYSROOT/usr/bin/$1" "$SYSROOT/usr/sbin/$1"; do
			[ ! -e "$path" ] || { echo "$path"; return; }
		done
		return
	fi
	path=$(PATH=$PATH:/usr/sbin:/sbin command -v "$1") || { echo "initramfs: there is no $1 here" >&2; exit 1; }
	case $path in
	/*) echo "$path" ;;
	*) echo "/usr/bin/$path" ;; # what the shell has itself
	esac
}

base() { # BUILD
	mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64" "$root/dev" "$root/proc" \
		"$root/sys" "$root/tmp" "$root/run" "$root/etc" "$root/root" "$root/var/lib" "$root/rstmon/build"
	for d in bin sbin lib lib64; do
		ln -s usr/$d "$root/$d"
	done
	ln -s /run "$root/var/run"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	echo 'root:x:0:' >"$root/etc/group"
	for tool in $tools; do
		path=$(where "$tool")
		[ -z "$path" ] || take "$path" "/usr/bin/$tool"
	done
	take "$(where busybox)" /usr/bin/busybox
	ln -sf dash "$root/usr/bin/sh"
	for program in rstmond rstmon live labtool; do
		[ ! -x "$1/$program" ] || take "$1/$program" "/rstmon/build/$program"
	done
	find "$root/rstmon/build" "$root/usr" -type f -exec "${STRIP:-strip}" --strip-debug {} + 2>/dev/null || true
	mkdir -p "$root/rstmon/tests"
	cp -r "$here/../lab" "$here/../kernels" "$root/rstmon/tests"
	install -m 755 "$here/init" "$root/init"
}

case $what in
base) base "$from" ;;
modules) [ ! -d "$from/root/lib/modules" ] || { mkdir "$root/usr" && cp -r "$from/root/lib" "$root/usr/lib"; } ;;
job) install -m 755 "$from" "$root/job" ;;
*) exit 2 ;;
esac
pack
