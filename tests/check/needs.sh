#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Names what a build lacks, with the Debian package that has it. Prints nothing when all is there. A cross
# build looks for libraries in SYSROOT.
missing=
cc=${1:-gcc}
pkgconfig=${PKG_CONFIG:-pkg-config} # may be a command with variables before it

need() { # package, then a command that succeeds when it is there
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}

need gcc command -v "${cc%% *}"
need clang command -v "${2:-clang}"
need bpftool test -x "${3:-/usr/sbin/bpftool}"
need pkg-config command -v pkg-config
need libbpf-dev sh -c "$pkgconfig --exists libbpf"
need libelf-dev sh -c "$pkgconfig --exists libelf"
need zlib1g-dev sh -c "$pkgconfig --exists zlib"
need libsystemd-dev sh -c "$pkgconfig --exists libsystemd"
need libjson-c-dev sh -c "$pkgconfig --exists json-c"
need libsmartcols-dev sh -c "$pkgconfig --exists smartcols"
need libmicrohttpd-dev sh -c "$pkgconfig --exists libmicrohttpd"
need libinih-dev sh -c "$pkgconfig --exists inih"
need uthash-dev test -e "$SYSROOT/usr/include/uthash.h"

[ -z "$missing" ] && exit 0
if [ -n "$SYSROOT" ]; then
	echo "rstmon: a build with the libraries of $SYSROOT needs:$missing" >&2
	exit 1
fi
echo "rstmon: a build needs these packages:$missing" >&2
echo "rstmon: apt-get install$missing, or 'sudo make run', which installs them itself" >&2
exit 1
