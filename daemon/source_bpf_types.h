/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's types (BTF), from where it shows them or from a file (--btf). A file serves where the kernel has
 * types and does not show them: in a chroot, in a container, with /sys masked. The kernel itself looks
 * up what programs attach to, in its own types; a kernel without any can run none of ours.
 */
#ifndef DAEMON_SOURCE_BPF_TYPES_H
#define DAEMON_SOURCE_BPF_TYPES_H

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>

/* Where the kernel shows its types. */
#define BPF_KERNEL_TYPES "/sys/kernel/btf/vmlinux"

/*
 * 'file' NULL: the kernel's own, or what libbpf finds in the usual places. A file's numbers are held against the
 * kernel, which names each tracepoint by its own. -errno with one sentence: -ENOENT: there are none;
 * -EINVAL: no types at all; -ESTALE: those of another kernel.
 */
int bpf_types_load(const char *file, struct btf **ret, char *error, size_t size);

/* From now on objects that are opened find what to attach to in 'types', not where libbpf looks; the
 * programs are to be attached with bpf_program__attach_trace(). 'types' stays the caller's, until
 * bpf_types_unuse(). -errno. */
int bpf_types_use(const struct btf *types);
void bpf_types_unuse(void);

/* The kernel's own name of the tracepoint with that number, out of the verifier's words; "" if none. */
void bpf_types_tracepoint(unsigned int number, char *dst, size_t size);

#endif
