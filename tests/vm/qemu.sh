# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by those who boot a kernel. Emulated unless VM_ACCEL says otherwise: a machine that is one itself
# seldom has another way, and the result is the same, later.
#
#	VM_LOCK=FILE		one at a time among those who name it
#	VM_ARCH=arm64		a virtual machine of that architecture; otherwise this one's, amd64
#	VM_DISKS='FILE FILE'	raw images, /dev/nvme0n1 and so on: Debian's kernels have no other disk built in
#	VM_ACCEL=tcg,thread=multi VM_CPU= VM_CPUS=2 VM_MEMORY= VM_SECONDS=	may be set

case ${VM_ARCH:-amd64} in
arm64) qemu="qemu-system-aarch64" ;;
*) qemu="qemu-system-x86_64" ;;
esac

# root, as everything here has to write devices' and others' files
qemu_possible() { # TOOL...: prints why not
	for tool in $qemu cpio "$@"; do
		command -v "$tool" >/dev/null || { echo "there is no $tool"; return 1; }
	done
	[ "$(id -u)" = 0 ] || { echo "not root"; return 1; }
	[ "$(uname -m)" = x86_64 ] || { echo "not an amd64 machine"; return 1; }
}

# The emulated processor can do all that it may and boot all these kernels (without la57). cmpxchg16b of some emulators
# spoils the flags, and 6.12 dies of it in its allocator; without it the newest kernels make no socket storage
# (kmalloc_nolock()): VM_CPU=$qemu_cpu_new for those. Signing pointers in the architecture's own way would take most of
# an arm64's time.
# shellcheck disable=SC2034
qemu_cpu_new=max,-la57
qemu_boot() { # KERNEL INITRD|'' APPEND CONSOLE [RESULTS]: until it ends by itself, or its time is over
	append="panic=-1 oops=panic mitigations=off $3"
	case ${VM_ARCH:-amd64} in
	arm64)
		set -- "$1" "$2" -machine virt -cpu "${VM_CPU:-max,pauth-impdef=on}" -serial "file:$4" \
			${5:+-chardev "file,id=results,path=$5" -device pci-serial,chardev=results}
		append="console=ttyAMA0 rstmon.results=ttyS0 $append"
		;;
	*)
		set -- "$1" "$2" -cpu "${VM_CPU:-max,-la57,-cx16}" -serial "file:$4" ${5:+-serial "file:$5"}
		append="console=ttyS0 rstmon.results=ttyS1 $append"
		;;
	esac
	kernel=$1 initrd=$2
	shift 2
	for disk in ${VM_DISKS:-}; do
		set -- "$@" -drive "file=$disk,format=raw,if=none,id=d$#,cache=unsafe" -device "nvme,serial=d$#,drive=d$#"
	done
	${VM_LOCK:+flock "$VM_LOCK"} timeout "${VM_SECONDS:-600}" $qemu -accel "${VM_ACCEL:-tcg,thread=multi}" \
		-smp "${VM_CPUS:-2}" -m "${VM_MEMORY:-1536}" -nodefaults -no-reboot -display none \
		-kernel "$kernel" ${initrd:+-initrd "$initrd"} -append "$append" "$@"
}
