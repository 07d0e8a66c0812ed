/* SPDX-License-Identifier: GPL-2.0-only */
/* What the segment tells that provoked a reset. Every read is fault-safe. */
#ifndef BPF_SKB_BPF_H
#define BPF_SKB_BPF_H

#include "sock.bpf.h"

struct segment {
	__u8 local[16]; /* its destination: this host */
	__u8 remote[16];
	__u16 local_port;
	__u16 remote_port;
	__u32 seq;
	__u32 ack;
	__u16 payload;
	__u8 flags;
	__u8 ttl;
	bool ipv6;
};

struct tcp_header {
	__be16 source;
	__be16 dest;
	__be32 seq;
	__be32 ack;
	__u8 offset; /* in the high four bits, 32-bit words */
	__u8 flags;
};

/* In every path that sends a passive reset both headers lie where the skb says, in its linear part
 * (CAUSES.md E.2). -1: the memory could not be read. */
static __always_inline int skb_segment(const struct sk_buff *skb, struct segment *ret)
{
	const unsigned char *head = BPF_CORE_READ(skb, head);
	const unsigned char *ip = head + BPF_CORE_READ(skb, network_header);
	const unsigned char *th = head + BPF_CORE_READ(skb, transport_header);
	__u32 len = BPF_CORE_READ(skb, len);
	struct tcp_header tcp;
	__u8 header[40];

	if (bpf_probe_read_kernel(&tcp, sizeof(tcp), th) ||
	    bpf_probe_read_kernel(header, 20, ip))
		return -1;
	__builtin_memset(ret->local, 0, 16);
	__builtin_memset(ret->remote, 0, 16);
	ret->ipv6 = header[0] >> 4 == 6;
	if (ret->ipv6) {
		if (bpf_probe_read_kernel(header, 40, ip))
			return -1;
		ret->ttl = header[7];
		__builtin_memcpy(ret->remote, header + 8, 16);
		__builtin_memcpy(ret->local, header + 24, 16);
	} else {
		ret->ttl = header[8];
		__builtin_memcpy(ret->remote, header + 12, 4);
		__builtin_memcpy(ret->local, header + 16, 4);
	}
	ret->remote_port = bpf_ntohs(tcp.source);
	ret->local_port = bpf_ntohs(tcp.dest);
	ret->seq = bpf_ntohl(tcp.seq);
	ret->ack = bpf_ntohl(tcp.ack);
	ret->flags = tcp.flags;

	/* skb->data is at the TCP header here, so len counts it */
	__u32 header_len = (tcp.offset >> 4) * 4;
	__u32 payload = len > header_len ? len - header_len : 0;

	ret->payload = payload > 0xffff ? 0xffff : payload;
	return 0;
}

/* The namespace a segment arrived in: by its device, or by its route's when that was cleared. */
static __always_inline const struct net *skb_net(const struct sk_buff *skb)
{
	struct net_device *dev = BPF_CORE_READ(skb, dev);

	if (!dev) {
		unsigned long ref = BPF_CORE_READ(skb, _skb_refdst);
		struct dst_entry *dst = (struct dst_entry *)(ref & ~1UL);

		dev = dst ? BPF_CORE_READ(dst, dev) : 0;
	}
	return dev ? BPF_CORE_READ(dev, nd_net.net) : 0;
}

#endif
