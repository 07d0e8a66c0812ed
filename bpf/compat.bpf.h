/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels, one function each, with the commit or version that made it.
 * Everything else may assume the newest layout.
 */
#ifndef BPF_COMPAT_BPF_H
#define BPF_COMPAT_BPF_H

#include "maps.bpf.h"

/* The reason of tcp_send_reset is its third argument since 6.10; reading an argument that is not
 * there does not load, so the read must be dead code on older kernels. (The type alone proves nothing: it is
 * carried back.) */
static __always_inline __u8 compat_reason(const __u64 *ctx)
{
	if (config.has_reason)
		return (__u8)ctx[2];
	return RST_REASON_NONE;
}

/* What is remembered of a socket: with the socket itself since 5.11 (8e4597c627fb), else in a table, in which it
 * stays when the socket is gone. */
static __always_inline struct sock_state *compat_state(struct sock *sk)
{
	__u64 address = (__u64)sk;

	if (config.has_storage)
		return bpf_sk_storage_get(&sock_states, sk, 0, 0);
	return bpf_map_lookup_elem(&sock_table, &address);
}

static const volatile struct sock_state no_state;

static __always_inline struct sock_state *compat_state_create(struct sock *sk)
{
	__u64 address = (__u64)sk;

	if (config.has_storage)
		return bpf_sk_storage_get(&sock_states, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	bpf_map_update_elem(&sock_table, &address, (const void *)&no_state, BPF_ANY);
	return bpf_map_lookup_elem(&sock_table, &address);
}

/* net_cookie is a plain, always set number since 5.12 (an atomic64_t, set on demand, before). Its low
 * half tells apart namespaces that used the same inode number one after the other. */
static __always_inline bool compat_has_netns_cookie(const struct net *net)
{
	return bpf_core_field_exists(net->net_cookie) && bpf_core_field_size(net->net_cookie) == 8;
}

static __always_inline __u32 compat_netns_cookie(const struct net *net)
{
	return compat_has_netns_cookie(net) ? (__u32)net->net_cookie : 0;
}

/* The same for an address that is only a number to the verifier. */
static __always_inline __u32 compat_netns_cookie_read(const struct net *net)
{
	return compat_has_netns_cookie(net) ? (__u32)BPF_CORE_READ(net, net_cookie) : 0;
}

/* A sysctl that is a byte since 5.13 and in newer stable kernels (4ecc1baf362c and its like), an int
 * before. Of the two reads the one that does not fit the running kernel is dead code, which need not
 * load. */
#define compat_sysctl(net, field)                                                        \
	(!bpf_core_field_exists((net)->ipv4.field)     ? 0                               \
	 : bpf_core_field_size((net)->ipv4.field) == 1 ? (net)->ipv4.field               \
						       : (__u8)((const struct net___int *)(net))->ipv4.field)

/* Since 6.2 (a35b9af4ec2c) memory can be loaded as a type, with fault handling and without the call of a
 * helper. The loader puts the kernel's function in place of this number: for a weak symbol that the kernel does not have,
 * libbpf goes on looking in its modules, which wants CAP_SYS_ADMIN. */
static void *(*const compat_cast)(const void *memory, __u32 btf_id) = (void *)RST_CALL_CAST;

/* The port and the flags of the TCP header that lies there. False if it cannot be read; with the cast, such
 * memory reads as 0. */
static __always_inline bool compat_tcp_header(const unsigned char *memory, __be16 *ret_dest, __u8 *ret_flags)
{
	if (config.has_cast) {
		const struct tcphdr *tcp =
			compat_cast(memory, bpf_core_type_id_kernel(struct tcphdr));

		*ret_dest = tcp->dest;
		*ret_flags = ((const __u8 *)tcp)[TCP_FLAGS];
		return true;
	}

	__u8 header[TCP_FLAGS + 1];

	if (bpf_probe_read_kernel(header, sizeof(header), memory))
		return false;
	*ret_dest = *(const __be16 *)(header + 2);
	*ret_flags = header[TCP_FLAGS];
	return true;
}

/* Nine bits with a sign, until the IPv6 options became lockless; then a byte. Read as a byte the nine bits
 * would be 129 for every socket: mc_loop and the lowest bit of 1. */
static __always_inline int compat_mcast_hops(const struct ipv6_pinfo *np)
{
	return (int)BPF_CORE_READ_BITFIELD_PROBED(np, mcast_hops);
}

/* Only with CONFIG_MPTCP. */
static __always_inline bool compat_is_mptcp(const struct tcp_sock *tp)
{
	return bpf_core_field_exists(tp->is_mptcp) && tp->is_mptcp;
}

/* A pointer since 5.15 (8520e224f547); before, a number whose two lowest bits tell that it is none (the
 * second since 5.8: sock_cgroup_ptr()). */
static __always_inline __u64 compat_cgroup(const struct sock *sk)
{
	__u64 value;

	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return sk->sk_cgrp_data.cgroup->kn->id;
	value = BPF_CORE_READ((const struct sock___tagged *)sk, sk_cgrp_data.val);
	return value & 3 ? 0 : BPF_CORE_READ((const struct cgroup *)value, kn, id);
}

/* The socket that a file is, NULL: none. Since 5.11 (4f19cab76136) there is a function for it; before, the file tells
 * by its inode's type that it may be one, and by the socket that it leads back to it. What comes out then is a
 * number to the verifier. */
static __always_inline struct sock *compat_file_sock(struct file *file)
{
	struct socket *socket;

	if (config.has_sock_from_file) {
		socket = bpf_sock_from_file(file);
		return socket ? socket->sk : 0;
	}
	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	if (!socket || BPF_CORE_READ(socket, file) != file)
		return 0;
	return BPF_CORE_READ(socket, sk);
}

/* Iterators can ask for a whole path since 5.12 (3d06f34aa89e). */
static __always_inline void compat_path(struct file *file, char *ret, __u32 size)
{
	if (config.has_iter_d_path)
		bpf_d_path(&file->f_path, ret, size);
	else
		bpf_probe_read_kernel_str(ret, size, BPF_CORE_READ(file, f_path.dentry, d_name.name));
}

/* One that is an int everywhere. */
#define compat_sysctl_int(net, part, field) \
	(bpf_core_field_exists((net)->part.field) ? (net)->part.field : 0)

#endif
