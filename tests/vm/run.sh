#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Boots Debian 12 with its systemd on each kernel, in software emulation unless told otherwise, and runs
# guest.sh in it. run.sh BUILD [PACKAGE[/SUITE]...]; everything is kept in BUILD/vm.
#
#	VM_SHORT=1		no kills: does it load, attach and count?
#	VM_SECONDS=600 and others: qemu.sh
set -u

B=$1
shift
case $B in
/*) ;;
*) B=$PWD/$B ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
vm=$B/vm
[ $# -gt 0 ] || set -- linux-image-cloud-amd64/trixie
passed=0 failed=0
# shellcheck source=tests/vm/qemu.sh
. "$here/qemu.sh"

# What is laid over the root: rstmond as a package would install it, and the test.
overlay() {
	top=$vm/overlay
	units=/usr/lib/systemd/system
	rm -rf "$top"
	make --no-print-directory -s install B="$B" DESTDIR="$top" PREFIX=/usr >"$vm/install.log" 2>&1 ||
		{ cat "$vm/install.log" >&2; return 1; }
	install -Dm755 -t "$top/usr/lib/rstmon-test" "$B/load" "$here/guest.sh"
	install -m644 -t "$top/usr/lib/rstmon-test" "$here/../survive/judge.sh"
	# for a kernel that refuses
	"${CC:-cc}" -O2 -Wall -D_GNU_SOURCE -I"$here/../.." -shared -fPIC -o "$top/usr/lib/rstmon-test/loud.so" \
		"$here/loud.c" || return 1
	install -Dm644 -t "$top$units" "$here/rstmon-test.service"
	mkdir -p "$top/etc/systemd/system/multi-user.target.wants" "$top/etc/systemd/system/sockets.target.wants"
	ln -s $units/rstmond.service $units/rstmon-test.service "$top/etc/systemd/system/multi-user.target.wants"
	ln -s $units/rstmond.socket "$top/etc/systemd/system/sockets.target.wants"
	# nothing that a test waits for in vain
	for unit in getty@tty1 serial-getty@ttyS0 systemd-udevd systemd-udev-trigger systemd-hwdb-update \
		systemd-timesyncd systemd-networkd systemd-resolved systemd-logind ldconfig; do
		ln -s /dev/null "$top/etc/systemd/system/$unit.service"
	done
	ln -s sbin/init "$top/init"
	(cd "$top" && find . -print0 | cpio --quiet -0 -o -H newc -R 0:0) >"$vm/overlay.cpio"
	rm -rf "$top"
}

one() { # PACKAGE
	name=$(echo "$1" | tr / @)
	log=$vm/$name.log
	if ! "$here/fetch.sh" "$vm" kernel "$1"; then
		echo "FAIL  $1: no such kernel"
		failed=$((failed + 1))
		return
	fi
	rm -f "$log"
	echo "== $1: at most ${VM_SECONDS:-600} seconds, $log"
	qemu_boot "$vm/$name/vmlinuz" "$vm/initrd.cpio" \
		"quiet systemd.log_level=warning systemd.show_status=no${VM_SHORT:+ rstmon.short}" "$log"
	tr -d '\r' <"$log" | sed -n '/RSTMON-VM begin/,/RSTMON-VM end/p' >"$log.part"
	echo "kernel $(sed -n 's/.*RSTMON-VM begin //p' "$log.part")"
	grep -vE 'RSTMON-VM|^[0-9]+ passed' "$log.part"
	p=$(grep -c '^ok ' "$log.part")
	f=$(grep -c '^FAIL ' "$log.part")
	if ! grep -q 'RSTMON-VM end' "$log.part"; then
		echo "FAIL  $1: it did not come to its end; $log"
		tail -n 5 "$log"
		f=$((f + 1))
	fi
	passed=$((passed + p)) failed=$((failed + f))
}

why=$(qemu_possible mmdebstrap) || { echo "vm: skipped, $why"; exit 0; }
mkdir -p "$vm"
"$here/fetch.sh" "$vm" root || exit 1
overlay || exit 1
cat "$vm/root.cpio" "$vm/overlay.cpio" >"$vm/initrd.cpio"
for kernel; do
	one "$kernel"
done
rm -f "$vm/initrd.cpio"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
