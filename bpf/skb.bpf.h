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

#define IPV4_HEADER 20 /* without options */
#define IPV6_HEADER 40

/* In every path that sends a passive reset both headers lie where the skb says, in its linear part
 * (CAUSES.md E.2). 'skb' must be known not to be NULL: its fields are loaded directly. Of IPv4 one read
 * covers both headers, unless there are IP options. -1: the memory could not be read. */
static __always_inline int skb_segment(const struct sk_buff *skb, struct segment *ret)
{
	const unsigned char *ip = skb->head + skb->network_header;
	__u32 ip_length = skb->transport_header - skb->network_header;
	__u32 len = skb->len;
	__u8 header[IPV6_HEADER];
	struct tcp_header tcp;

	if (bpf_probe_read_kernel(header, sizeof(header), ip))
		return -1;
	ret->ipv6 = header[0] >> 4 == 6;
	if (!ret->ipv6 && ip_length == IPV4_HEADER)
		__builtin_memcpy(&tcp, header + IPV4_HEADER, sizeof(tcp));
	else if (bpf_probe_read_kernel(&tcp, sizeof(tcp), ip + ip_length))
		return -1;

	__builtin_memset(ret->local, 0, 16);
	__builtin_memset(ret->remote, 0, 16);
	if (ret->ipv6) {
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

/* The namespace a segment arrived in: its device's, or its route's device's when that was cleared. */
static __always_inline void skb_netns(const struct sk_buff *skb, __u32 *ret_inode, __u32 *ret_cookie)
{
	const struct net_device *dev = skb->dev;

	if (dev) {
		sock_netns(dev->nd_net.net, ret_inode, ret_cookie);
		return;
	}

	const struct dst_entry *dst = (const void *)(skb->_skb_refdst & ~1UL);
	const struct net *net = dst ? BPF_CORE_READ(dst, dev, nd_net.net) : 0;

	if (net) {
		*ret_inode = BPF_CORE_READ(net, ns.inum);
		*ret_cookie = compat_netns_cookie_read(net);
	}
}

#endif
