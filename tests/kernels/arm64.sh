#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make check-arm64: what was cross-built, on a Debian kernel for arm64 in software emulation, by the same tests as all
# other kernels; and whether the programs for the kernel are the same to the byte. arm64.sh BUILD [KERNEL...]
#
# BUILD is that of this machine, BUILD-arm64 the other. A KERNEL is NAME=PACKAGE/SUITE, as for run.sh, which has the
# variables too. An emulator on x86 does not reorder memory as an arm64 may: nothing here shows that.
set -u
B=$(realpath "$1")
shift
here=$(cd "$(dirname "$0")" && pwd)
cloud=linux-image-cloud-arm64
[ $# -gt 0 ] || set -- "6.12-arm64=$cloud/trixie"

found=$(mktemp) || exit 1
trap 'rm -f "$found"' EXIT
verdict=right
cmp "$B/rstmon.bpf.o" "$B-arm64/rstmon.bpf.o" || verdict=wrong
printf '%s\t%s\tone object\tthe same bytes as on amd64\trstmon.bpf.o differs\n' "${1%%=*}" $verdict >"$found"

# another machine, slower: its every instruction is translated
export ARCH=arm64 VM_ARCH=arm64 SYSROOT=$B-arm64/sysroot STRIP=aarch64-linux-gnu-strip
export KERNELS_FOUND=$found KERNELS_SLOW=${KERNELS_SLOW:-8} VM_SECONDS=${VM_SECONDS:-1500}
"$here/run.sh" "$B-arm64" "$@"
