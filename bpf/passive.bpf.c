// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets that no tracepoint shows. Before 6.10 tcp_send_reset is silent about those without a full socket: closed
 * ports, unknown connections, time-wait sockets; and netfilter's REJECT makes resets of its own on every kernel.
 * What is counted here must be what was sent, no more: TcpOutRsts is held against it. Proved by tests/live in
 * the kernels of tests/kernels.
 */
#include "bare.bpf.h"
#include "packet.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#define TCP_OPTIONS  40 /* at most */
#define OPTION_END   0
#define OPTION_NOP   1
#define OPTION_MD5   19 /* RFC 2385 */
#define OPTION_AO    29 /* RFC 5925 */
#define RTN_LOCAL    2  /* include/uapi/linux/rtnetlink.h */
#define RTF_LOCAL    0x80000000
#define ETH_P_IP     0x0800
#define ETH_P_IPV6   0x86dd
#define DST_NOREF    1UL  /* the lowest bit of _skb_refdst */

/* ---- what the functions ask themselves before they send ---- */

/* Is the segment's destination an address of this host? (v4: rt_type, v6: ipv6_unicast_destination()) */
static __always_inline bool route_is_local(const struct sk_buff *skb, bool ipv6)
{
	const void *route = (const void *)(skb->_skb_refdst & ~DST_NOREF);

	if (ipv6)
		return BPF_CORE_READ((const struct rt6_info *)route, rt6i_flags) & RTF_LOCAL;
	return BPF_CORE_READ((const struct rtable *)route, rt_type) == RTN_LOCAL;
}

/*
 * A segment with a signature is answered only if a listener has a key for it, of all ports on the sender's: so
 * hardly ever. Each step of the walk is at a fixed place, for the verifiers that lose track of others.
 */
static __always_inline bool has_signature(const struct sk_buff *skb, const struct headers *h)
{
	__u32 length = (h->tcp.offset >> 4) * 4, next = 0;
	__u8 option[TCP_OPTIONS + 1] = {};

	if (length <= TCP_LENGTH)
		return false;
	length -= TCP_LENGTH;
	if (bpf_probe_read_kernel(option, TCP_OPTIONS, skb->head + skb->transport_header + TCP_LENGTH))
		return false;
	for (__u32 i = 0; i < TCP_OPTIONS; i++) {
		if (i >= length)
			return false;
		if (i != next)
			continue;
		if (option[i] == OPTION_MD5 || option[i] == OPTION_AO)
			return true;
		if (option[i] == OPTION_END)
			return false;
		next = i + 1;
		if (option[i] == OPTION_NOP)
			continue;
		if (option[i + 1] < 2)
			return false;
		next = i + option[i + 1];
	}
	return false;
}

/* ---- closed ports, unknown connections, time-wait: before 6.10 ---- */

/* 'sk' is NULL or a mini-socket. */
static __always_inline void count_passive(const struct sock *sk, const struct sk_buff *skb, bool ipv6,
					  __u32 lane)
{
	struct rst_totals *totals = count_totals(lane);
	bool has_sk = is_there(sk);
	struct rst_count *count;
	struct facts *f;
	__u64 begin;

	if (!totals || !count_active())
		return;
	count = &totals->direction[RST_SENT];
	f = facts_begin(lane, RST_SENT, RST_REASON_NONE);
	if (!f)
		return;
	facts_of_headers(f, skb, count);
	if (f->headers.known &&
	    (f->headers.tcp.flags & TCP_RST || (!has_sk && !route_is_local(skb, ipv6)) ||
	     has_signature(skb, &f->headers)))
		return;
	begin = run_begin(count);
	if (!has_sk && flood_count(skb, RST_REASON_NONE)) {
		count->spilled++;
		run_end(count, begin);
		return;
	}
	if (has_sk)
		facts_of_mini_socket(f, sk);
	else
		skb_netns(skb, &f->key.netns, &f->key.netns_cookie);
	count_without_socket(count, f);
	run_end(count, begin);
}

static __always_inline int passive(__u64 *ctx, bool ipv6)
{
	const struct sock *sk = (const struct sock *)ctx[0];
	const struct sk_buff *skb = (const struct sk_buff *)ctx[1];

	/* its tracepoint follows */
	if (is_there(sk) && sock_is_full(sk))
		return 0;
	count_passive(sk, skb, ipv6, lane_enter(LANE_TRAMPOLINE, RST_SENT));
	lane_leave(LANE_TRAMPOLINE, RST_SENT);
	return 0;
}

/* On entry, which is before the transmission; softirq, or a process that drains a backlog. */
SEC("fentry/tcp_v4_send_reset")
int on_passive4(__u64 *ctx)
{
	return passive(ctx, false);
}

SEC("fentry/tcp_v6_send_reset")
int on_passive6(__u64 *ctx)
{
	return passive(ctx, true);
}

/*
 * Where functions cannot be hooked: what nobody has a socket for is dropped with a reason (5.17, c504e5c2f964),
 * right after it was answered. Time-wait sockets drop without one. Runs for every packet that the host drops.
 */
SEC("tp_btf/kfree_skb")
int on_freed(__u64 *ctx)
{
	const struct sk_buff *skb = (const struct sk_buff *)ctx[0];
	__u8 ip[IPV4_HEADER];
	bool ipv6;

	if (config.kfree_skb_args < 3 || (__u32)ctx[2] != config.no_socket_reason)
		return 0;
	ipv6 = skb->protocol == bpf_htons(ETH_P_IPV6);
	if ((!ipv6 && skb->protocol != bpf_htons(ETH_P_IP)) ||
	    bpf_probe_read_kernel(ip, sizeof(ip), skb->head + skb->network_header))
		return 0;
	if (ip[ipv6 ? 6 : 9] != IPPROTO_TCP ||
	    !(config.freed_families & (ipv6 ? RST_FREED_IPV6 : RST_FREED_IPV4)))
		return 0;
	count_passive(0, skb, ipv6, lane_enter(LANE_TRAMPOLINE, RST_SENT));
	lane_leave(LANE_TRAMPOLINE, RST_SENT);
	return 0;
}

/* ---- netfilter's REJECT ---- */

/*
 * nf_send_reset() and nf_send_reset6() make exactly an IP and a TCP header, and give the finished reset the
 * connection of the packet that it answers. ICMP errors, which get here too, are longer.
 */
static __always_inline bool is_reject(const struct sk_buff *reset)
{
	__u32 length = reset->len;
	__u8 made[IPV6_HEADER + TCP_LENGTH];
	const __u8 *tcp = made + IPV4_HEADER;

	if ((length != IPV4_HEADER + TCP_LENGTH && length != IPV6_HEADER + TCP_LENGTH) ||
	    !(reset->_skb_refdst & ~DST_NOREF) ||
	    bpf_probe_read_kernel(made, sizeof(made), reset->head + reset->network_header))
		return false;
	if (length == IPV4_HEADER + TCP_LENGTH) {
		if (made[0] != IPV4_PLAIN || made[9] != IPPROTO_TCP)
			return false;
	} else {
		if (made[0] >> 4 != 6 || made[6] != IPPROTO_TCP)
			return false;
		tcp = made + IPV6_HEADER;
	}
	return tcp[12] >> 4 == TCP_LENGTH / 4 && tcp[TCP_FLAGS] & TCP_RST;
}

/* What the rule rejected. Its TCP header may lie elsewhere than the skb says (a fragment of memory that nobody
 * pulled in): then the ports are those of the reset, the other way round. */
static __always_inline void facts_of_rejected(struct facts *f, const struct sk_buff *reset,
					      const struct sk_buff *skb, struct rst_count *count)
{
	__u32 ip_length = skb->transport_header - skb->network_header;
	struct headers *h = &f->headers;
	__be16 port[2] = {};

	facts_of_headers(f, skb, count);
	if (!h->known)
		return;
	/* skb->data is at the IP header here */
	h->length = h->length > ip_length ? h->length - ip_length : 0;
	/* its transport_header is where its IP header begins */
	bpf_probe_read_kernel(port, sizeof(port),
			      reset->head + reset->network_header + reset->len - TCP_LENGTH);
	if (h->tcp.source == port[1] && h->tcp.dest == port[0])
		return;
	__builtin_memset(&h->tcp, 0, sizeof(h->tcp));
	h->tcp.source = port[1];
	h->tcp.dest = port[0];
	f->flags &= ~RST_EVENT_SEGMENT;
	f->key.flags &= ~RST_KEY_SYN;
}

static __always_inline void count_reject(const struct sk_buff *reset, const struct sk_buff *skb, __u32 lane)
{
	struct rst_totals *totals = count_totals(lane);
	struct rst_count *count;
	struct facts *f;
	__u64 begin;

	if (!totals || !count_active())
		return;
	count = &totals->direction[RST_SENT];
	begin = run_begin(count);
	f = facts_begin(lane, RST_SENT, RST_REASON_NONE);
	if (!f)
		return;
	f->key.flags = RST_KEY_REJECT;
	skb_netns(skb, &f->key.netns, &f->key.netns_cookie);
	facts_of_rejected(f, reset, skb, count);
	count_without_socket(count, f);
	run_end(count, begin);
}

/* In vmlinux, while the functions that make these resets are in modules, which come and go and want
 * CAP_SYS_ADMIN to be hooked. Softirq, or the process whose packet was rejected. */
SEC("fentry/nf_ct_attach")
int on_reject(__u64 *ctx)
{
	const struct sk_buff *reset = (const struct sk_buff *)ctx[0];

	if (!is_reject(reset))
		return 0;
	count_reject(reset, (const struct sk_buff *)ctx[1], lane_enter(LANE_TRAMPOLINE, RST_SENT));
	lane_leave(LANE_TRAMPOLINE, RST_SENT);
	return 0;
}
