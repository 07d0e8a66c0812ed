#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What an operator would do with the package, on Debian 12 with its own systemd: package_guest.sh, in a machine whose
# disk outlives its reboot. package.sh BUILD DEB [KERNEL-PACKAGE[/SUITE]]; everything is kept in BUILD/vm.
#
#	VM_PARTS='alert remove'	these alone; the package is always installed, and the machine always boots twice if a
#				part of the second boot is among them
#	VM_SHORT=1		install, counts, remove: one boot
#	VM_SECONDS=500 and others: qemu.sh
set -u

B=$1 deb=$2 kernel=${3:-linux-image-cloud-amd64/bookworm}
case $B in
/*) ;;
*) B=$PWD/$B ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
vm=$B/vm
name=$(echo "$kernel" | tr / @)
log=$vm/package-$name.log
console=$vm/package-$name.console
VM_SECONDS=${VM_SECONDS:-500}
# shellcheck source=tests/vm/qemu.sh
. "$here/qemu.sh"

# A machine without a network has what the package and its tests depend on; "a | b" is a.
depends() {
	{
		dpkg-deb -f "$deb" Depends
		sed -n 's/^Depends: *//p' "$here/../../debian/tests/control" 2>/dev/null
	} | tr ',' '\n' | sed 's/^ *//; s/[ (|:].*//; /^@/d; /^rstmon/d; /^$/d' | sort -u
}

# The second disk: the package, one that is newer, the test.
payload() {
	top=$vm/payload
	rm -rf "$top"
	mkdir -p "$top/bin" "$top/source"
	cp "$deb" "$top/rstmon.deb"
	dpkg-deb -R "$deb" "$vm/newer" &&
		sed -i 's/^Version: .*/&+vm1/' "$vm/newer/DEBIAN/control" &&
		dpkg-deb --root-owner-group -Znone -b "$vm/newer" "$top/newer.deb" >/dev/null || return 1
	rm -rf "$vm/newer"
	install -m755 -t "$top/bin" "$B/labtool" "$B/load"
	install -m755 -t "$top" "$here"/package_*.sh
	install -m644 -t "$top" "$here/../survive/judge.sh"
	[ ! -d "$here/../../debian/tests" ] || cp -r "$here/../../debian" "$top/source"
	rm -f "$vm/payload.ext4"
	mke2fs -q -F -t ext4 -d "$top" "$vm/payload.ext4" 64M || return 1
	rm -rf "$top"
}

boot() { # WORDS of the kernel's command line
	rm -f "$vm/results"
	: >"$vm/results"
	VM_DISKS="$vm/package.ext4 $vm/payload.ext4" qemu_boot "$vm/$name/vmlinuz" "" \
		"root=/dev/nvme0n1 rw rootwait quiet systemd.log_level=warning systemd.show_status=no $*" \
		"$console.boot" "$vm/results"
	tr -d '\r' <"$vm/results" | tee -a "$log" | grep -v RSTMON-VM
	cat "$console.boot" >>"$console"
}

why=$(qemu_possible mmdebstrap mke2fs) || { echo "vm-package: skipped, $why"; exit 0; }
mkdir -p "$vm"
# shellcheck disable=SC2046
"$here/fetch.sh" "$vm" disk systemd-sysv dbus iproute2 jq rsyslog curl strace procps passwd $(depends) || exit 1
"$here/fetch.sh" "$vm" kernel "$kernel" || exit 1
payload || exit 1
cp --sparse=always "$vm/disk.ext4" "$vm/package.ext4"
rm -f "$log" "$console"
echo "== $(basename "$deb") on $kernel: at most $VM_SECONDS seconds a boot, $log"
for n in 1 2; do
	boot "rstmon.boot=$n${VM_SHORT:+ rstmon.parts=counts,remove}${VM_PARTS:+ rstmon.parts=$(echo "$VM_PARTS" | tr ' ' ,)}"
	grep -q 'RSTMON-VM again' "$log" || break
	sed -i 's/RSTMON-VM again/RSTMON-VM rebooted/' "$log"
done
passed=$(grep -c '^ok ' "$log")
failed=$(grep -c '^FAIL ' "$log")
skipped=$(grep -c '^skip ' "$log")
if ! grep -q 'RSTMON-VM end' "$log"; then
	echo "FAIL  it did not come to its end; $console"
	tail -n 5 "$console"
	failed=$((failed + 1))
fi
rm -f "$vm/package.ext4" "$vm/payload.ext4" "$vm/results" "$console.boot"
echo "$passed passed, $failed failed$([ "$skipped" = 0 ] || echo ", $skipped skipped")"
[ "$failed" = 0 ]
