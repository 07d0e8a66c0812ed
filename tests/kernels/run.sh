#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make check-kernels: the daemon on several kernels, one matrix. run.sh BUILD [KERNEL...]
#
# A KERNEL is a name of the list below, or NAME=PACKAGE/SUITE[,PACKAGE/SUITE...] (the first that can be had). 'here' is
# the kernel that runs, with no machine in between. Packages come from where this machine gets its own, each time anew,
# and are gone afterwards; what the guests said stays in BUILD/kernels.
#
#	KERNELS_TESTS='probe log'	only these of guest.sh's
#	KERNELS_PACKAGES=DIR		keeps what was fetched
#	KERNELS_FOUND=FILE		results of a test that no guest ran, in the form of $found below
#	KERNELS_SLOW=4			deadlines in guests
#	LIVE_MANY=10000			so many resets without a socket or a segment
#	VM_SECONDS=900 VM_LOCK=FILE and others of tests/vm/qemu.sh
set -u
B=$(realpath "$1")
shift
top=$(cd "$(dirname "$0")/../.." && pwd)
here=$top/tests/kernels
# shellcheck source=tests/vm/qemu.sh
. "$top/tests/vm/qemu.sh"

cloud=linux-image-cloud-amd64
known="5.10=$cloud/bullseye,$cloud/bullseye-security
6.1=$cloud/bookworm
6.12=$cloud/trixie
new=$cloud/sid,$cloud/forky
here="
tests=${KERNELS_TESTS:-probe ownership counters exact reject many names causes log}
# Of the lab's scenarios those that show most for their time: everything is emulated.
CAUSES=${CAUSES:-client_abort_unread_data|server_killed_unread|upload_not_drained|linger_zero|app_disconnect|listener_closed_pending|admin_abort|data_after_shutdown|linger2|mptcp_close_unread|firewall_reject|firewall_reject_ipv6|close_server_first|half_close|syn_into_established}
export CAUSES VM_SECONDS=${VM_SECONDS:-900} VM_MEMORY=${VM_MEMORY:-1024}
[ $# -gt 0 ] || set -- 5.10 6.1 6.12 new here

logs=$B/kernels
mkdir -p "$logs"
work=$(mktemp -d /tmp/rstmon-kernels-XXXXXX) || exit 1
packages=${KERNELS_PACKAGES:-$work/packages}
fetching=
trap '[ -z "$fetching" ] || kill "$fetching" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
columns=
found=$work/found # column TAB verdict TAB table TAB item TAB why
cat ${KERNELS_FOUND:+"$KERNELS_FOUND"} /dev/null >"$found"

tell() { # COLUMN right|wrong|skip TABLE ITEM WHY
	printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$found"
}

# Where a column's kernel comes from.
origin() { # NAME[=...]
	case $1 in
	*=*) echo "${1#*=}" ;;
	*) echo "$known" | sed -n "s/^$1=//p" ;;
	esac
}

fetch() { # NAME[=...]: leaves the directory's name in $work/NAME.dir, or why not in $work/NAME.why
	local from name=${1%%=*}
	for from in $(origin "$1" | tr , ' '); do
		if "$top/tests/vm/fetch.sh" "$packages" kernel "$from" >"$work/fetch.$name" 2>&1; then
			echo "$packages/$(echo "$from" | tr / @)" >"$work/$name.dir.new"
			mv "$work/$name.dir.new" "$work/$name.dir"
			return
		fi
		cat "$work/fetch.$name" >>"$logs/$name.fetch"
	done
	echo "no package $(origin "$1" | sed 's/,/, nor /g'): $(tail -n 1 "$work/fetch.$name" | cut -c1-100)" >"$work/$name.why.new"
	mv "$work/$name.why.new" "$work/$name.why"
}

fetch_all() {
	local k
	for k; do
		[ "${k%%=*}" = here ] || fetch "$k"
	done
}

# Items of a log, and whether it came to its end.
collect() { # COLUMN LOG
	tr -d '\r' <"$2" | sed -n "s/^ITEM\t/$1\t/p" >>"$found"
	if grep -q '^END' "$2"; then
		tell "$1" right boots "it comes to its end" ''
	else
		tell "$1" wrong boots "it comes to its end" \
			"the last word was: $(grep -aE '^(BEGIN|==)' "$2" | tail -n 1 | tr -d '\r')"
	fi
}

guest() { # NAME: its directory is there
	local name=$1 dir i
	dir=$(cat "$work/$name.dir")
	"$here/initramfs.sh" modules "$dir" "$work/modules.cpio" || return 1
	cat "$work/base.cpio" "$work/modules.cpio" "$work/job.cpio" >"$work/initrd"
	# An emulated processor may stumble over the kernel's patches of its own code while it boots. Before the tests
	# begin that is no result.
	cpu=
	[ "$name" != new ] || cpu=$qemu_cpu_new
	for i in 1 2 3; do
		rm -f "$logs/$name.log" "$logs/$name.console"
		VM_CPU=${VM_CPU:-$cpu} qemu_boot "$dir/vmlinuz" "$work/initrd" loglevel=4 "$logs/$name.console" "$logs/$name.log" \
			2>"$logs/$name.qemu"
		! grep -q '^BEGIN' "$logs/$name.log" 2>/dev/null || break
		echo "$name: boot $i ended before the tests began: $(grep -aE 'panic|BUG' "$logs/$name.console" | tail -n 1)"
	done
	rm -f "$work/initrd" "$work/modules.cpio"
	[ -e "$logs/$name.log" ] || : >"$logs/$name.log"
	collect "$name" "$logs/$name.log"
}

one() { # NAME[=...]
	local name=${1%%=*}
	columns="$columns $name"
	echo "== $name ($(date +%T))"
	if [ "$name" = here ]; then
		(cd "$top" && here_tests) >"$logs/here.log" 2>&1
		collect here "$logs/here.log"
		return
	fi
	until [ -e "$work/$name.dir" ] || [ -e "$work/$name.why" ]; do
		sleep 0.2
	done
	if [ -e "$work/$name.why" ]; then
		tell "$name" skip boots "it can be had" "$(cat "$work/$name.why")"
	else
		guest "$name"
	fi
	grep -E '^(BEGIN|== .* took)' "$logs/$name.log" 2>/dev/null | sed 's/^/	/'
}

here_tests() {
	if [ "$(id -u)" != 0 ] || [ ! -e /sys/kernel/btf/vmlinux ]; then
		printf 'ITEM\tskip\tboots\there\tnot root, or no type information in this kernel\nEND\n'
		return
	fi
	# shellcheck disable=SC2086
	"$here/guest.sh" "$B" $tests
}

why=$(qemu_possible busybox modinfo depmod xz dpkg-deb) || {
	echo "check-kernels: skipped, $why"
	echo "0 passed, 0 failed, $# skipped"
	exit 0
}
fetch_all "$@" &
fetching=$!
"$here/initramfs.sh" base "$B" "$work/base.cpio" || exit 1
cat >"$work/job" <<EOF
export LIVE_SLOW=${KERNELS_SLOW:-4} LAB_SLOW=${KERNELS_SLOW:-4} LAB_POLL=0.2 LAB_JOBS=4 LIVE_MANY=${LIVE_MANY:-10000} CAUSES='$CAUSES'
bash tests/kernels/guest.sh build $tests
EOF
"$here/initramfs.sh" job "$work/job" "$work/job.cpio"
started=$(date +%s)
for kernel; do
	one "$kernel"
done
wait "$fetching"
fetching=
releases=
for name in $columns; do
	releases="$releases $name=$(sed -n 's/^BEGIN \([^ \r]*\).*/\1/p' "$logs/$name.log" 2>/dev/null | head -n 1)"
done
echo
awk -v columns="$columns" -v releases="$releases" -v seconds=$(($(date +%s) - started)) \
	-f "$here/matrix.awk" "$here/exceptions" "$found"
