# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by those who boot a kernel. Emulated unless VM_ACCEL says otherwise: a machine that is one itself
# seldom has another way, and the result is the same, later.
#
#	VM_LOCK=FILE		one at a time among those who name it
#	VM_ACCEL=tcg,thread=multi VM_CPU= VM_CPUS=2 VM_MEMORY= VM_SECONDS=	may be set

# amd64 only, and root, as everything here has to write devices' and others' files
qemu_possible() { # TOOL...: prints why not
	for tool in qemu-system-x86_64 cpio "$@"; do
		command -v "$tool" >/dev/null || { echo "there is no $tool"; return 1; }
	done
	[ "$(id -u)" = 0 ] || { echo "not root"; return 1; }
	[ "$(uname -m)" = x86_64 ] || { echo "not an amd64 machine"; return 1; }
}

# Without la57 and cx16 the emulated processor can boot all these kernels.
qemu_boot() { # KERNEL INITRD APPEND [OPTION...]: until it ends by itself, or its time is over
	kernel=$1 initrd=$2 append=$3
	shift 3
	${VM_LOCK:+flock "$VM_LOCK"} timeout "${VM_SECONDS:-600}" qemu-system-x86_64 -accel "${VM_ACCEL:-tcg,thread=multi}" \
		-cpu "${VM_CPU:-max,-la57,-cx16}" -smp "${VM_CPUS:-2}" -m "${VM_MEMORY:-1536}" -nodefaults -no-reboot \
		-display none -kernel "$kernel" -initrd "$initrd" \
		-append "console=ttyS0 panic=-1 oops=panic mitigations=off $append" "$@"
}
