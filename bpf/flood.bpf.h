/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The short way of a flood. Once the budget of records is used up and this key has had its few
 * (detail.bpf.h), the next SYN at the same closed port can only be counted in the same slot, until the window
 * ends. Each CPU remembers those slots by port, and such a SYN costs it a read of its TCP header, a
 * comparison, and the addition. What is not found here takes the long way, with the same result.
 */
#ifndef BPF_FLOOD_BPF_H
#define BPF_FLOOD_BPF_H

#include "detail.bpf.h"
#include "skb.bpf.h"

#define FLOOD_PORTS 512 /* power of two; a CPU's share of a map is at most 32 KiB */

struct flood_port {
	__u64 tag; /* of the key, and so of the slot */
	__u32 netns;
	__u32 netns_cookie;
	__u32 segment; /* flood_segment() */
	__u32 window;  /* in which it holds */
	__u32 slot;
	__u32 reserved;
};

struct flood {
	struct flood_port port[FLOOD_PORTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flood);
} floods __weak SEC(".maps");

/* What of the key the segment and its reset tell. Not 0. */
static __always_inline __u32 flood_segment(__u16 port, __u8 reason)
{
	return port | (__u32)reason << 16 | 1U << 24;
}

static __always_inline struct flood_port *flood_port(__u16 port)
{
	__u32 zero = 0;
	struct flood *flood = bpf_map_lookup_elem(&floods, &zero);

	return flood ? &flood->port[port & (FLOOD_PORTS - 1)] : 0;
}

/* A listener was closed on the port, so its key says more. */
static __always_inline bool flood_had_listener(__u16 port)
{
	__u32 word = port >> 6;
	const struct closed_ports *ports = bpf_map_lookup_elem(&closed_ports, &word);

	return !ports || ports->had_listener[port & 63];
}

/* Counts a SYN that nothing listens for, if its slot is known. Only softirq comes here, with bottom halves
 * off: nobody else touches this CPU's entries meanwhile. False: nothing was done. */
static __always_inline bool flood_count(const struct sk_buff *skb, __u8 reason)
{
	const struct net_device *dev = skb->dev;
	__u32 ticks = (__u32)bpf_jiffies64();
	struct flood_port *p;
	struct rst_slot *slot;
	__u32 index;
	__be16 dest;
	__u16 port;
	__u8 flags;

	if (!dev || !compat_tcp_header(skb->head + skb->transport_header, &dest, &flags) ||
	    !(flags & TCP_SYN))
		return false;
	port = bpf_ntohs(dest);
	p = flood_port(port);
	if (!p || p->segment != flood_segment(port, reason) || p->window != detail_window() ||
	    flood_had_listener(port))
		return false;

	const struct net *net = dev->nd_net.net;

	if (p->netns != net->ns.inum || p->netns_cookie != compat_netns_cookie(net))
		return false;
	index = p->slot;
	slot = bpf_map_lookup_elem(&slots, &index);
	if (!slot || slot->tag != p->tag)
		return false;
	slot_count(slot, ticks);
	return true;
}

/* Only such a SYN gets this key. */
static __always_inline bool flood_is(const struct rst_key *key)
{
	return key->flags == RST_KEY_SYN && !key->state && !key->owner_tgid;
}

/* This key's resets are counted in that slot for the rest of the window. */
static __always_inline void flood_remember(const struct rst_key *key, __u64 tag, __u32 slot)
{
	struct flood_port *p = flood_port(key->port);

	if (!p)
		return;
	p->tag = tag;
	p->netns = key->netns;
	p->netns_cookie = key->netns_cookie;
	p->segment = flood_segment(key->port, key->reason);
	p->window = detail_window();
	p->slot = slot;
}

#endif
