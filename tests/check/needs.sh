#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Names what a build lacks, with the Debian package that has it. Prints nothing when all is there.
missing=

need() { # package, then a command that succeeds when it is there
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}

need gcc command -v "${1:-gcc}"
need clang command -v "${2:-clang}"
need bpftool test -x "${3:-/usr/sbin/bpftool}"
need pkg-config command -v pkg-config
need libbpf-dev pkg-config --exists libbpf
need libelf-dev pkg-config --exists libelf
need zlib1g-dev pkg-config --exists zlib
need libsystemd-dev pkg-config --exists libsystemd
need libjson-c-dev pkg-config --exists json-c
need libsmartcols-dev pkg-config --exists smartcols
need libinih-dev pkg-config --exists inih
need uthash-dev test -e /usr/include/uthash.h

[ -z "$missing" ] && exit 0
echo "rstmon: a build needs these packages:$missing" >&2
echo "rstmon: apt-get install$missing, or 'sudo make run', which installs them itself" >&2
exit 1
