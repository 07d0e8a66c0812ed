/* SPDX-License-Identifier: GPL-2.0-only */
/* What the segment tells that provoked a reset. Every read is fault-safe. */
#ifndef BPF_SKB_BPF_H
#define BPF_SKB_BPF_H

#include "sock.bpf.h"

#define IPV4_HEADER 20 /* without options */
#define IPV6_HEADER 40

struct tcp_header {
	__be16 source;
	__be16 dest;
	__be32 seq;
	__be32 ack;
	__u8 offset; /* in the high four bits, 32-bit words */
	__u8 flags;
};

/* What was read of a segment ... */
struct headers {
	__u8 ip[IPV6_HEADER]; /* of IPv4 without options the TCP header is in it, too */
	struct tcp_header tcp;
	__u32 length; /* of the TCP header and the data */
	bool ipv6;
	bool known;
};

/* ... and what it says. */
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

/* In every path that sends a passive reset both headers lie where the skb says, in its linear part
 * (CAUSES.md E.2). 'skb' must be known not to be NULL: its fields are loaded directly. -1: the memory could not
 * be read. */
static __always_inline int skb_headers(const struct sk_buff *skb, struct headers *ret)
{
	const unsigned char *ip = skb->head + skb->network_header;
	__u32 ip_length = skb->transport_header - skb->network_header;

	ret->known = false;
	if (bpf_probe_read_kernel(ret->ip, sizeof(ret->ip), ip))
		return -1;
	ret->ipv6 = ret->ip[0] >> 4 == 6;
	if (!ret->ipv6 && ip_length == IPV4_HEADER)
		__builtin_memcpy(&ret->tcp, ret->ip + IPV4_HEADER, sizeof(ret->tcp));
	else if (bpf_probe_read_kernel(&ret->tcp, sizeof(ret->tcp), ip + ip_length))
		return -1;
	ret->length = skb->len; /* skb->data is at the TCP header here */
	ret->known = true;
	return 0;
}

static __always_inline void segment_of(const struct headers *h, struct segment *ret)
{
	__u32 header_len = (h->tcp.offset >> 4) * 4;
	__u32 payload = h->length > header_len ? h->length - header_len : 0;

	__builtin_memset(ret, 0, sizeof(*ret));
	if (!h->known)
		return;
	ret->ipv6 = h->ipv6;
	if (h->ipv6) {
		ret->ttl = h->ip[7];
		__builtin_memcpy(ret->remote, h->ip + 8, 16);
		__builtin_memcpy(ret->local, h->ip + 24, 16);
	} else {
		ret->ttl = h->ip[8];
		__builtin_memcpy(ret->remote, h->ip + 12, 4);
		__builtin_memcpy(ret->local, h->ip + 16, 4);
	}
	ret->remote_port = bpf_ntohs(h->tcp.source);
	ret->local_port = bpf_ntohs(h->tcp.dest);
	ret->seq = bpf_ntohl(h->tcp.seq);
	ret->ack = bpf_ntohl(h->tcp.ack);
	ret->flags = h->tcp.flags;
	ret->payload = payload > 0xffff ? 0xffff : payload;
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

	if (net)
		netns_read(net, ret_inode, ret_cookie);
}

#endif
