/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every program that counts a reset needs, and the whole of a reset without a full socket: the facts of one
 * run, the segment, who was here before, the record. Shared by the tracepoints' programs (rstmon.bpf.c) and
 * those that see what they do not show (passive.bpf.c).
 */
#ifndef BPF_BARE_BPF_H
#define BPF_BARE_BPF_H

#include "closed.bpf.h"
#include "flood.bpf.h"
#include "owner.bpf.h"

/*
 * What is learnt before the record is made. It lies in a map instead of the stack: the verifier does
 * not follow values in map memory, so the many small decisions below do not multiply the paths that it
 * has to walk (700,000 instructions with this on the stack). One element per direction and lane of a CPU.
 */
struct facts {
	struct rst_key key;
	__u32 flags;
	__u32 actor_tgid;
	__u32 exit_code;
	__u16 queued_error; /* of queued_error() */
	__u8 owned;
	__u8 active;   /* no segment provoked it */
	__u8 swallows; /* the receive event before was no reset */
	__u8 has_former;
	__u64 now;
	__u64 cgroup;
	char owner_comm[RST_COMM_LEN];
	char actor_comm[RST_COMM_LEN];
	__u32 actor_parent_tgid;
	char actor_parent_comm[RST_COMM_LEN];
	/* from here on nothing is cleared */
	struct headers headers;
	struct segment segment;
	struct rst_former former; /* with has_former */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LANE_MAX * RST_DIRECTION_MAX);
	__type(key, __u32);
	__type(value, struct facts);
} scratch __weak SEC(".maps");

static __always_inline struct facts *facts_begin(__u32 lane, __u32 direction, __u8 reason)
{
	__u32 index = lane * RST_DIRECTION_MAX + direction;
	struct facts *f = bpf_map_lookup_elem(&scratch, &index);

	if (!f)
		return 0;
	__builtin_memset(f, 0, offsetof(struct facts, headers));
	f->key.direction = direction;
	f->key.reason = reason;
	return f;
}

/* Times every run whose number & mask is 0, so not the first, with its cold caches; for status,
 * "cpu_ns_per_reset". */
static __always_inline __u64 run_begin(struct rst_count *count)
{
	return ++count->seen & config.sample_mask ? 0 : bpf_ktime_get_ns();
}

static __always_inline void run_end(struct rst_count *count, __u64 begin)
{
	if (begin) {
		count->run_ns += bpf_ktime_get_ns() - begin;
		count->run_samples++;
	}
}

static __always_inline void event_head(struct rst_event *e, __u8 kind, __u16 size,
				       const struct facts *f)
{
	e->version = RST_EVENT_VERSION;
	e->kind = kind;
	e->size = size;
	e->flags = f->flags;
	e->time = f->now;
	e->key = f->key;
}

static __always_inline void event_segment(struct rst_event *e, const struct facts *f)
{
	e->seq = f->segment.seq;
	e->ack = f->segment.ack;
	e->payload = f->segment.payload;
	e->tcp_flags = f->segment.flags;
	e->ttl = f->segment.ttl;
}

static __always_inline void event_addresses(struct rst_event *e, const struct segment *s)
{
	__builtin_memcpy(e->local, s->local, 16);
	__builtin_memcpy(e->remote, s->remote, 16);
	e->local_port = s->local_port;
	e->remote_port = s->remote_port;
}

/* Reads the segment that provoked the reset; what the key needs of it. */
static __always_inline void facts_of_headers(struct facts *f, const struct sk_buff *skb,
					     struct rst_count *count)
{
	if (skb_headers(skb, &f->headers)) {
		count->failures[RST_FAIL_READ]++;
		return;
	}
	f->flags |= RST_EVENT_SEGMENT;
	f->key.flags |= f->headers.tcp.flags >> 1 & RST_KEY_SYN;
}

static __always_inline void facts_of_segment(struct facts *f, const struct sk_buff *skb,
					     struct rst_count *count)
{
	facts_of_headers(f, skb, count);
	segment_of(&f->headers, &f->segment);
}

/* Of a time-wait or request socket only this may be read. */
static __always_inline void facts_of_mini_socket(struct facts *f, const struct sock *sk)
{
	f->key.state = sk->__sk_common.skc_state;
	sock_netns(sk->__sk_common.skc_net.net, &f->key.netns, &f->key.netns_cookie);
	f->flags |= f->key.state == TCP_TIME_WAIT ? RST_EVENT_TIME_WAIT : RST_EVENT_REQUEST;
}

enum former {
	FORMER_NONE,
	FORMER_CONNECTION, /* in facts.former */
	FORMER_LISTENER,   /* in closed_listeners, until a record is made of it */
};

/* Was the connection that the segment belongs to closed here not long ago? */
static __always_inline bool find_connection(struct facts *f)
{
	const struct segment *s = &f->segment;
	struct connection_key connection;

	__builtin_memcpy(connection.local, s->local, 16);
	__builtin_memcpy(connection.remote, s->remote, 16);
	connection.netns = f->key.netns;
	connection.netns_cookie = f->key.netns_cookie;
	connection.local_port = s->local_port;
	connection.remote_port = s->remote_port;
	return closed_read(&connection, &f->former);
}

static __always_inline struct listener_key former_listener(const struct facts *f)
{
	return (struct listener_key){
		.netns = f->key.netns,
		.netns_cookie = f->key.netns_cookie,
		.port = f->key.port,
	};
}

static __always_inline bool find_listener(const struct facts *f)
{
	struct listener_key listener = former_listener(f);

	return flood_had_listener(f->key.port) && bpf_map_lookup_elem(&closed_listeners, &listener);
}

/* False: it is not remembered any more. Its memory may be used anew while it is copied, and for another port. */
static __always_inline bool copy_listener(struct facts *f)
{
	struct listener_key listener = former_listener(f);
	const struct rst_former *former = bpf_map_lookup_elem(&closed_listeners, &listener);

	if (!former)
		return false;
	__builtin_memcpy(&f->former, former, sizeof(f->former));
	return bpf_map_lookup_elem(&closed_listeners, &listener) == former;
}

/* Who was here before: a listener on the port, for a segment that asks for one, else the connection. The segment
 * is spelled out only where that is needed. */
static __always_inline bool find_former(struct facts *f)
{
	if (f->key.flags & RST_KEY_REJECT)
		return false; /* a rule answered, whoever was here */
	if (f->key.flags & RST_KEY_SYN && !(f->flags & RST_EVENT_TIME_WAIT)) {
		if (find_listener(f)) {
			f->has_former = FORMER_LISTENER;
			f->flags |= RST_EVENT_FORMER_LISTENER;
			f->key.flags |= RST_KEY_FORMER_LISTENER;
		}
		return false;
	}
	segment_of(&f->headers, &f->segment);
	if (find_connection(f))
		f->has_former = FORMER_CONNECTION;
	return true;
}

/* What a peer sends belatedly comes within two minutes (RFC 9293, MSL). Later, another connection may have had the
 * same addresses and left nothing behind: how the former one ended is still told, but the reset is nobody's. A time-wait
 * socket is of the connection itself. */
#define FORMER_NS (120 * 1000000000ULL)

/* The connection is gone, but who had it is known: the reset is that process's. */
static __always_inline void facts_of_former(struct facts *f)
{
	const struct rst_former *former = &f->former;

	f->key.role = former->role;
	f->key.previous_state = former->previous_state;
	if (former->role == RST_ROLE_CLIENT)
		f->key.port = f->segment.remote_port;
	f->now = bpf_ktime_get_ns();
	if (!former->owner_tgid ||
	    (!(f->flags & RST_EVENT_TIME_WAIT) && f->now - former->closed > FORMER_NS))
		return;
	f->key.owner_start = former->owner_start;
	f->key.owner_tgid = former->owner_tgid;
	f->key.owner_source = RST_OWNER_CLOSED;
	f->cgroup = former->cgroup;
	__builtin_memcpy(f->owner_comm, former->comm, sizeof(f->owner_comm));
}

/* Counts at once in its slot what the budget has no record for. True: it is counted. */
static __always_inline bool count_without_detail(struct rst_count *count, __u32 direction, struct facts *f)
{
	__u64 tag = count_tag(&f->key);
	__u32 slot;

	if (detail_wanted(direction, tag))
		return false;
	slot = count_spill(&f->key, tag, f->owner_comm, f->cgroup);
	if (!slot)
		return false;
	count->spilled++;
	if (direction == RST_SENT && flood_is(&f->key))
		flood_remember(&f->key, tag, slot - 1);
	return true;
}

static __always_inline void event_of_segment(struct rst_event *e, __u8 kind, __u16 size, struct facts *f)
{
	event_head(e, kind, size, f);
	event_addresses(e, &f->segment);
	event_segment(e, f);
}

/* A reset without a full socket: closed port, unknown connection, time-wait or request mini-socket.
 * Only what the segment and the memory of the closed tell. Returns false if there was no room. */
static __always_inline bool emit_without_socket(struct rst_count *count, struct facts *f)
{
	bool spelled;

	if (f->headers.known)
		f->key.port = bpf_ntohs(f->headers.tcp.dest);
	spelled = find_former(f);
	if (f->has_former == FORMER_CONNECTION)
		facts_of_former(f);
	else if (!f->key.state && count_without_detail(count, RST_SENT, f))
		return true;
	if (!spelled)
		segment_of(&f->headers, &f->segment);
	if (f->segment.ipv6)
		f->flags |= RST_EVENT_IPV6;
	if (!f->now)
		f->now = bpf_ktime_get_ns();
	if (f->has_former == FORMER_LISTENER && !copy_listener(f)) {
		f->has_former = FORMER_NONE;
		f->flags &= ~RST_EVENT_FORMER_LISTENER;
		f->key.flags &= ~RST_KEY_FORMER_LISTENER;
	}
	if (!f->has_former) {
		struct rst_event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

		if (!e)
			return false;
		event_of_segment(e, RST_EVENT_BARE, sizeof(*e), f);
		bpf_ringbuf_submit(e, count_wake_flag());
	} else {
		struct rst_event_former *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

		if (!e)
			return false;
		event_of_segment(&e->event, RST_EVENT_FORMER, sizeof(*e), f);
		e->former = f->former;
		bpf_ringbuf_submit(e, count_wake_flag());
	}
	count->records++;
	return true;
}

/* The same, wherever there is room. */
static __always_inline void count_without_socket(struct rst_count *count, struct facts *f)
{
	if (!emit_without_socket(count, f))
		count_no_room(count, &f->key, f->owner_comm, f->cgroup);
}

#endif
