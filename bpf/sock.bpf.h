/* SPDX-License-Identifier: GPL-2.0-only */
/* What a socket tells: addresses, namespace, and for a full TCP socket the state of its connection. */
#ifndef BPF_SOCK_BPF_H
#define BPF_SOCK_BPF_H

#include "compat.bpf.h"

#define UNKNOWN_MS 0xffffffffU

/* Time-wait and request sockets are smaller than struct sock: of them only sock_common may be read. */
static __always_inline bool sock_is_full(const struct sock *sk)
{
	unsigned char state = sk->__sk_common.skc_state;

	return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV;
}

static __always_inline void sock_netns(const struct net *net, __u32 *ret_inode, __u32 *ret_cookie)
{
	*ret_inode = net->ns.inum;
	*ret_cookie = compat_netns_cookie(net);
}

/* The same of one that is only a number to the verifier. */
static __always_inline void netns_read(const struct net *net, __u32 *ret_inode, __u32 *ret_cookie)
{
	*ret_inode = BPF_CORE_READ(net, ns.inum);
	*ret_cookie = compat_netns_cookie_read(net);
}

static __always_inline bool address_is_mapped(const __u32 *words)
{
	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

/* Both ends of a socket into 16-byte fields; v4-mapped IPv6 is IPv4. Returns true for IPv6.
 * skc_num is 0 once the port was given back (CAUSES.md 0.4), so 'local_port' of a full socket
 * comes from inet_sport. */
static __always_inline bool sock_addresses(const struct sock *sk, __u8 *local, __u8 *remote)
{
	__u32 words[4];

	__builtin_memset(local, 0, 16);
	__builtin_memset(remote, 0, 16);
	if (sk->__sk_common.skc_family == AF_INET6) {
		bpf_core_read(words, sizeof(words), &sk->__sk_common.skc_v6_daddr);
		bool remote_mapped = address_is_mapped(words);
		__u32 any = words[0] | words[1] | words[2] | words[3];

		__builtin_memcpy(remote, words, 16);
		bpf_core_read(words, sizeof(words), &sk->__sk_common.skc_v6_rcv_saddr);
		__builtin_memcpy(local, words, 16);
		/* a listener has no remote address; then only the local one can tell */
		if (!remote_mapped && (any || !address_is_mapped(words)))
			return true;
		__builtin_memset(local, 0, 16);
		__builtin_memset(remote, 0, 16);
	}
	*(__u32 *)local = sk->__sk_common.skc_rcv_saddr;
	*(__u32 *)remote = sk->__sk_common.skc_daddr;
	return false;
}

/* 'tp' is the socket with its type, from which it can be loaded; NULL for one that is none. */
static __always_inline __u16 tcp_local_port(const struct tcp_sock *tp)
{
	return tp ? bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport) : 0;
}

static __always_inline __u16 sock_local_port(const struct sock *sk)
{
	return bpf_ntohs(BPF_CORE_READ((const struct inet_sock *)sk, inet_sport));
}

static __always_inline __u16 sock_remote_port(const struct sock *sk)
{
	return bpf_ntohs(sk->__sk_common.skc_dport);
}

static __always_inline __u64 sock_cgroup(const struct sock *sk)
{
	return compat_cgroup(sk);
}

/* Age of a 32-bit jiffies stamp in ms. A stamp of 0 was never set; neither is one that lies in the
 * future or more than half the range back. */
static __always_inline __u32 jiffies_age_ms(__u32 stamp, __u32 now)
{
	__u32 age = now - stamp;

	if (!stamp || !config.hz || age > 0x7fffffff)
		return UNKNOWN_MS;

	__u64 ms = age * config.tick_ms >> 16;

	return ms > 0xfffffffe ? 0xfffffffe : (__u32)ms;
}

/* sysctls that are times are kept in jiffies. */
static __always_inline __u32 sysctl_seconds(int jiffies)
{
	return config.hz ? (__u32)jiffies / config.hz : 0;
}

/* Only the states after a peer's FIN; CLOSE may have been one of them (see previous_state). */
static __always_inline bool state_has_fin(__u8 state)
{
	return state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK || state == TCP_CLOSING;
}

/* The state before the present one; 'noted' is the latest that was noted (on_set_state()). */
static __always_inline __u8 sock_previous_state(__u8 state, __u8 noted)
{
	return state == TCP_FIN_WAIT2 || state == TCP_CLOSING ? TCP_FIN_WAIT1 : noted;
}

static __always_inline __u32 sock_unread(const struct tcp_sock *tp, bool fin_received)
{
	__u32 unread = tp->rcv_nxt - tp->copied_seq;

	/* the FIN takes a sequence number of its own */
	if (fin_received && unread)
		unread--;
	return unread > 0x7fffffff ? 0 : unread;
}

/* The TTL that the handshake's ACK had, which tcp_v4_syn_recv_sock() and tcp_v6_syn_recv_sock() leave
 * in the multicast TTL of an accepted socket. Connected sockets have the default there, 1. */
static __always_inline __u8 sock_ttl_base(const struct sock *sk, __u16 family)
{
	const struct inet_sock *inet = (const struct inet_sock *)sk;

	if (family == AF_INET6) {
		struct ipv6_pinfo *np = BPF_CORE_READ(inet, pinet6);
		int hops = np ? compat_mcast_hops(np) : 0;

		if (hops > 1)
			return hops;
	}
	return BPF_CORE_READ(inet, mc_ttl);
}

#endif
