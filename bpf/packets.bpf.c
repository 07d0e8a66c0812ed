// SPDX-License-Identifier: GPL-2.0-only
/*
 * The resets themselves, as they arrive: tcp_receive_reset has the socket but not the segment. Runs for
 * every packet that a local socket gets, so it must turn back as early as it can; only loaded if the
 * configuration asks for it. Counts and emits nothing; rstmon.bpf.c reads what it notes.
 */
#include "packet.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#define PASS	    1
#define IPV4_LENGTH 20
#define IPV6_LENGTH 40

/* The TTL of the peer's answer to our SYN is what its reset is held against later. An accepted socket
 * keeps that of its handshake by itself (sock_ttl_base()). */
static __always_inline void note_handshake(struct bpf_sock *sk, __u8 ttl)
{
	struct sock_state *st;

	if (sk->state != TCP_SYN_SENT)
		return;
	/* about to be established, it needs the storage anyway (owner.bpf.h, state_move()) */
	st = bpf_sk_storage_get(&sock_states, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (st)
		st->ttl_base = ttl;
}

static __always_inline void note_reset(struct bpf_sock *sk, const __u8 *ip, const __u8 *tcp, __u8 ttl)
{
	struct sock_state *st;

	if (sk->state == TCP_LISTEN)
		return;
	st = bpf_sk_storage_get(&sock_states, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!st)
		return;
	packet_note(st, ip, tcp, ttl);
}

/* After a socket was found for the packet and before the socket sees it, or its backlog does. Packets with
 * IP options or extension headers are left alone: what they lack is evidence, never a count. */
SEC("cgroup_skb/ingress")
int on_packet(struct __sk_buff *skb)
{
	const __u8 *ip = (const __u8 *)(long)skb->data, *end = (const __u8 *)(long)skb->data_end;
	const __u8 *tcp;
	struct bpf_sock *sk;
	__u8 ttl;

	if (ip + IPV4_LENGTH + TCP_LENGTH > end)
		return PASS;
	if (ip[0] == IPV4_PLAIN && ip[9] == IPPROTO_TCP) {
		tcp = ip + IPV4_LENGTH;
		ttl = ip[8];
	} else if (ip[0] >> 4 == 6 && ip[6] == IPPROTO_TCP) {
		tcp = ip + IPV6_LENGTH;
		ttl = ip[7];
	} else {
		return PASS;
	}
	if (tcp + TCP_LENGTH > end || !(tcp[TCP_FLAGS] & (TCP_SYN | TCP_RST)))
		return PASS;
	sk = skb->sk;
	if (!sk)
		return PASS;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return PASS;
	if (tcp[TCP_FLAGS] & TCP_RST)
		note_reset(sk, ip, tcp, ttl);
	else
		note_handshake(sk, ttl);
	return PASS;
}
