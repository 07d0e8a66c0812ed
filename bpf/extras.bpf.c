// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's own functions tell where they can be hooked: who accepted a connection, and what a reset that
 * arrives looks like. Counts and emits nothing: without these an answer is vaguer, never a count wrong. Proved
 * by tests/live in the kernels of tests/kernels.
 */
#include "owner.bpf.h"
#include "packet.bpf.h"
#include "skb.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* ---- who accepted ---- */

/* The process that takes the connection is the one that will use it, until a read says otherwise. */
static __always_inline int accepted(struct sock *sk)
{
	struct sock_state *st;
	struct process p;

	if (!is_there(sk))
		return 0;
	st = state_find(sk);
	if (!st)
		return 0;
	process_current(&p);
	/* Multipath TCP and SMC accept in kernel threads, on a process's behalf */
	if (p.flags & PF_KTHREAD && st->owner_tgid)
		return 0;
	owner_store(st, &p, RST_OWNER_ACCEPT);
	home_keep(p.tgid, p.start);
	return 0;
}

/* accept(2), on its way back: in the caller's context, the socket not locked any more. What it returns lies behind
 * its arguments, two since 6.10 (92ef0fd55ac8), four before. */
SEC("fexit/inet_csk_accept")
int on_accept(__u64 *ctx)
{
	if (config.accept_args == 2)
		return accepted((struct sock *)*(volatile __u64 *)&ctx[2]);
	if (config.accept_args == 4)
		return accepted((struct sock *)*(volatile __u64 *)&ctx[4]);
	return 0;
}

/* ---- what arrived ---- */

/* The two headers of a segment that the stack has looked at, with room for IPv6. */
struct looks {
	__u8 ip[IPV6_HEADER];
	__u8 tcp[TCP_LENGTH];
};

static __always_inline bool looks_read(const struct sk_buff *skb, struct looks *ret, __u8 *ret_ttl)
{
	if (bpf_probe_read_kernel(ret->ip, sizeof(ret->ip), skb->head + skb->network_header) ||
	    bpf_probe_read_kernel(ret->tcp, sizeof(ret->tcp), skb->head + skb->transport_header))
		return false;
	*ret_ttl = ret->ip[0] >> 4 == 6 ? ret->ip[7] : ret->ip[8];
	return true;
}

/* tcp_reset(), before its tracepoint. It is called for data that comes after the end, too: then there
 * was no reset to look at. The segment is its argument since 5.11 (049fe386d353). */
SEC("fentry/tcp_reset")
int on_tcp_reset(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	const struct sk_buff *skb;
	struct sock_state *st;
	struct looks looks;
	__u8 ttl;

	if (config.tcp_reset_args < 2)
		return 0;
	skb = (const struct sk_buff *)ctx[1];
	if (!is_there(skb) || !looks_read(skb, &looks, &ttl))
		return 0;
	st = state_find(sk);
	if (!(looks.tcp[TCP_FLAGS] & TCP_RST)) {
		if (st)
			st->packet_time = 0;
		return 0;
	}
	if (!st)
		st = state_create(sk);
	if (st)
		packet_note(st, looks.ip, looks.tcp, ttl);
	return 0;
}

/* The TTL of the peer's answer to our SYN is what its reset is held against later. An accepted socket keeps that of
 * its handshake by itself (sock_ttl_base()). Without a segment for a socket that is being repaired. */
SEC("fentry/tcp_finish_connect")
int on_connected(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	const struct sk_buff *skb = (const struct sk_buff *)ctx[1];
	struct sock_state *st;
	struct looks looks;
	__u8 ttl;

	if (!is_there(skb) || !looks_read(skb, &looks, &ttl))
		return 0;
	st = state_find(sk);
	if (st)
		st->ttl_base = ttl;
	return 0;
}
