// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two tracepoints of TCP resets, and the one of connections that fail without any. Each program
 * counts first, then writes one record, and if the ring is full counts in a slot. Proved by
 * tests/live.
 *
 * NULL hazard (CAUSES.md 0.7, C.3): from 6.2 to early 6.12.y the verifier believes that 'sk' and
 * 'skb' of tcp_send_reset are never NULL, deletes a plain test as dead code, and loads through them
 * without fault handling. Half of a pointer is a number that it cannot reason about, so that is what
 * is tested (is_there()), and the typed pointers are touched only behind it.
 */
#include "bare.bpf.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline void facts_of_socket(struct facts *f, const struct sock *sk,
					    struct sock_state *st)
{
	unsigned long bits = sk->__sk_common.skc_flags;
	__u8 shutdown = sk->sk_shutdown;
	struct rst_key *key = &f->key;

	key->state = sk->__sk_common.skc_state;
	sock_netns(sk->__sk_common.skc_net.net, &key->netns, &key->netns_cookie);
	if (key->state == TCP_LISTEN)
		f->flags |= RST_EVENT_LISTENER;
	/* listeners take packets without the lock, so there it says nothing (CAUSES.md 0.1) */
	f->owned = key->state != TCP_LISTEN && sk->sk_lock.owned;
	if (st) {
		if (!st->role) { /* made a moment ago, of a socket that nobody had found */
			st->role = guess_role(sk);
			st->flags |= STATE_SEEDED;
		}
		key->owner_tgid = st->owner_tgid;
		key->owner_start = st->owner_start;
		key->owner_source = st->owner_source;
		key->role = st->role;
		key->previous_state = sock_previous_state(key->state, st->previous_state);
		owner_name(st, f->owner_comm);
		if (st->flags & STATE_SEEDED)
			f->flags |= RST_EVENT_SEEDED;
	} else {
		key->role = guess_role(sk);
	}
	if (state_has_fin(key->state) ||
	    (key->state == TCP_CLOSE && state_has_fin(key->previous_state)))
		f->flags |= RST_EVENT_FIN_RECEIVED;
	if (f->owned)
		f->flags |= RST_EVENT_OWNED;
	if (bits >> SOCK_DEAD & 1)
		f->flags |= RST_EVENT_DEAD;
	if (bits >> SOCK_LINGER & 1)
		f->flags |= RST_EVENT_LINGER;
	if (bits >> SOCK_KEEPOPEN & 1)
		f->flags |= RST_EVENT_KEEPALIVE;
	if (shutdown & RCV_SHUTDOWN)
		f->flags |= RST_EVENT_SHUT_READ;
	if (shutdown & SEND_SHUTDOWN)
		f->flags |= RST_EVENT_SHUT_WRITE;
	if (!sk->sk_socket)
		f->flags |= RST_EVENT_NO_SOCKET_FILE;
	/* subflows of Multipath TCP are made by the kernel for a process */
	if (!key->owner_tgid && BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock)) {
		f->flags |= RST_EVENT_KERNEL;
		key->owner_source = RST_OWNER_KERNEL;
	}
}

static __always_inline void facts_owner(struct facts *f, const struct process *p, __u8 source)
{
	f->key.owner_tgid = p->tgid;
	f->key.owner_start = p->start;
	f->key.owner_source = source;
	__builtin_memcpy(f->owner_comm, p->comm, sizeof(f->owner_comm));
}

/* The owner is known from listen() only: the connection's own user is not known to have read or
 * written yet. */
static __always_inline bool owner_is_vague(const struct facts *f)
{
	return f->key.state != TCP_LISTEN && (f->key.owner_source == RST_OWNER_LISTEN ||
					      f->key.owner_source == RST_OWNER_NONE);
}

static __always_inline void facts_waiter(struct facts *f, const struct sock *sk)
{
	const struct task_struct *task;
	struct process p;

	if (!owner_is_vague(f))
		return;
	task = owner_waiter(sk);
	if (!task)
		return;
	process_of(task, &p);
	facts_owner(f, &p, RST_OWNER_READ);
}

static __always_inline void facts_exit(struct facts *f, const struct task_struct *task)
{
	f->flags |= RST_EVENT_EXITING;
	f->exit_code = task_exit_code(task);
	if (is_oom_victim(f->actor_tgid, f->now))
		f->flags |= RST_EVENT_OOM;
}

/* An orphan answers for a process that may have been ending when it closed. */
static __always_inline void facts_closer(struct facts *f, const struct sock_state *st)
{
	if (!(f->flags & RST_EVENT_DEAD) || !(st->former_flags & RST_FORMER_EXITING))
		return;
	f->flags |= RST_EVENT_EXITING;
	f->exit_code = st->exit_code;
	if (st->former_flags & RST_FORMER_OOM)
		f->flags |= RST_EVENT_OOM;
}

/* Somebody reset a connection that is not its own: who told it to? A tool is gone in a moment. */
static __always_inline void facts_parent(struct facts *f, const struct task_struct *task)
{
	const struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	struct process p;

	process_of(parent, &p);
	f->actor_parent_tgid = p.tgid;
	__builtin_memcpy(f->actor_parent_comm, p.comm, sizeof(f->actor_parent_comm));
}

/* Who uses a socket to which something happens from outside. */
static __always_inline void facts_user(struct facts *f, const struct sock *sk)
{
	struct process p;

	if (f->owned && owner_is_vague(f)) {
		/* the process drains the backlog in a call of its own on this socket */
		process_current(&p);
		if (!(p.flags & PF_KTHREAD))
			facts_owner(f, &p, RST_OWNER_READ);
	}
	facts_waiter(f, sk);
}

/*
 * Who acts: the process that holds the socket's lock is 'current'. Children of a listener that is
 * being closed are reset without the lock, by inet_csk_listen_stop() in the closing process; they
 * have neither a struct socket nor SOCK_DEAD.
 */
static __always_inline void facts_actor(struct facts *f)
{
	bool orphaned_child = f->active && f->key.state == TCP_CLOSE && !f->owned &&
			      f->flags & RST_EVENT_NO_SOCKET_FILE && !(f->flags & RST_EVENT_DEAD);
	const struct task_struct *task;
	struct process p;

	if (!f->owned && !orphaned_child)
		return;
	task = current_task();
	process_of(task, &p);
	f->actor_tgid = p.tgid;
	__builtin_memcpy(f->actor_comm, p.comm, sizeof(f->actor_comm));
	if (p.flags & PF_KTHREAD)
		return;
	/* state CLOSE: the actor closed its own descriptor, the last one; a tool that kills from
	 * outside leaves the state as it is. It took the connection if nobody else was seen to. */
	if (f->active && f->owned && f->key.state == TCP_CLOSE && owner_is_vague(f))
		facts_owner(f, &p, RST_OWNER_ACCEPT);
	if (f->key.owner_tgid != p.tgid)
		facts_parent(f, task);
	else if (p.flags & PF_EXITING)
		facts_exit(f, task);
}

static __always_inline void event_connection(struct rst_event_sock *e, const struct sock *sk,
					     const struct tcp_sock *tp, const struct facts *f)
{
	__u32 jiffies = (__u32)bpf_jiffies64();

	e->ttl_base = sock_ttl_base(sk, sk->__sk_common.skc_family);
	e->bytes_received = tp->bytes_received;
	e->bytes_sent = tp->bytes_sent;
	e->bytes_acked = tp->bytes_acked;
	e->rcv_nxt = tp->rcv_nxt;
	e->snd_una = tp->snd_una;
	e->unread = sock_unread(tp, f->flags & RST_EVENT_FIN_RECEIVED);
	e->unacked = tp->snd_nxt - tp->snd_una;
	e->unsent = tp->write_seq - tp->snd_nxt;
	e->receive_idle_ms = jiffies_age_ms(tp->inet_conn.icsk_ack.lrcvtime, jiffies);
	e->ack_idle_ms = jiffies_age_ms(tp->rcv_tstamp, jiffies);
	e->send_idle_ms = jiffies_age_ms(tp->lsndtime, jiffies);
	e->srtt_us = tp->srtt_us >> 3;
	e->total_retrans = tp->total_retrans;
	e->keepalive_time_s = config.hz ? tp->keepalive_time / config.hz : 0;
	e->linger2 = tp->linger2;
	e->user_timeout_ms = tp->inet_conn.icsk_user_timeout;
	e->retransmits = tp->inet_conn.icsk_retransmits;
	e->backoff = tp->inet_conn.icsk_backoff;
	e->probes = tp->inet_conn.icsk_probes_out;
}

/* An attempt that was refused: there was no connection, and nothing happened on it. */
static __always_inline void event_refused(struct rst_event_sock *e)
{
	e->receive_idle_ms = UNKNOWN_MS;
	e->ack_idle_ms = UNKNOWN_MS;
	e->send_idle_ms = UNKNOWN_MS;
}

/* Of the namespace that the socket is in; a reader of /proc/sys sees its own. */
static __always_inline void event_sysctls(struct rst_event_sock *e, const struct net *net)
{
	e->sysctl_keepalive_time_s = sysctl_seconds(compat_sysctl_int(net, ipv4, sysctl_tcp_keepalive_time));
	e->sysctl_keepalive_intvl_s =
		sysctl_seconds(compat_sysctl_int(net, ipv4, sysctl_tcp_keepalive_intvl));
	e->sysctl_fin_timeout_s = sysctl_seconds(compat_sysctl_int(net, ipv4, sysctl_tcp_fin_timeout));
	e->somaxconn = compat_sysctl_int(net, core, sysctl_somaxconn);
	e->sysctl_keepalive_probes = compat_sysctl(net, sysctl_tcp_keepalive_probes);
	e->syn_retries = compat_sysctl(net, sysctl_tcp_syn_retries);
	e->synack_retries = compat_sysctl(net, sysctl_tcp_synack_retries);
	e->retries2 = compat_sysctl(net, sysctl_tcp_retries2);
	e->abort_on_overflow = compat_sysctl(net, sysctl_tcp_abort_on_overflow);
}

/* What the packet program saw of the reset, if it was this one: it ran moments ago, or, when a process
 * held the lock, before that process let go of it. */
#define PACKET_FRESH_NS 1000000000ULL

static __always_inline void event_packet(struct rst_event_sock *e, struct sock_state *st, __u64 now)
{
	if (now - st->packet_time < PACKET_FRESH_NS) {
		e->event.flags |= RST_EVENT_PACKET;
		e->packet_window = st->packet_window;
		e->packet_id = st->packet_id;
		e->packet_ttl = st->packet_ttl;
		e->packet_flags = st->packet_flags;
		e->packet_header = st->packet_header;
	}
	st->packet_time = 0;
}

static __always_inline void event_state(struct rst_event_sock *e, struct sock_state *st,
					const struct facts *f, __u8 direction)
{
	e->established = st->established;
	if (st->ttl_base)
		e->ttl_base = st->ttl_base;
	if (direction == RST_RECEIVED && st->packet_time)
		event_packet(e, st, f->now);
}

/* What a listener's record has, and a connection's, too. */
static __always_inline void event_socket(struct rst_event_sock *e, const struct sock *sk,
					 const struct sock_state *st, const struct facts *f)
{
	e->sk = (__u64)sk;
	e->cgroup = f->cgroup;
	e->backlog = sk->sk_ack_backlog;
	e->backlog_max = sk->sk_max_ack_backlog;
	e->drops = sk->sk_drops.counter;
	e->linger_time_s = config.hz ? sk->sk_lingertime / config.hz : 0;
	e->error = sk->sk_err;
	e->error_soft = f->queued_error ? f->queued_error : sk->sk_err_soft;
	__builtin_memcpy(e->owner_comm, f->owner_comm, sizeof(e->owner_comm));
	if (st) {
		e->state_since = st->state_since;
		e->fin_sent = st->fin_sent;
	}
}

/* A listener's record. The address it answered from is in the segment only; so is its peer's. */
static __always_inline void event_listener(struct rst_event_sock *e, const struct sock *sk,
					   const struct tcp_sock *tp, const struct sock_state *st,
					   struct facts *f, __u8 kind, __u16 size)
{
	__builtin_memset(e, 0, sizeof(*e));
	event_addresses(&e->event, &f->segment);
	if (f->segment.ipv6)
		f->flags |= RST_EVENT_IPV6;
	event_segment(&e->event, f);
	event_head(&e->event, kind, size, f);
	event_socket(e, sk, st, f);
	event_sysctls(e, sk->__sk_common.skc_net.net);
	if (tp)
		e->requests = tp->inet_conn.icsk_accept_queue.qlen.counter;
}

/* The reset of a listener. The connection may have been here before, and what became of it explains
 * the reset. Returns false if there was no room. */
static __always_inline bool emit_listener(struct rst_count *count, struct sock *sk,
					  const struct tcp_sock *tp, const struct sock_state *st,
					  struct facts *f)
{
	if (!(f->key.flags & RST_KEY_SYN) && find_connection(f)) {
		struct rst_event_sock_former *both = bpf_ringbuf_reserve(&ring, sizeof(*both), 0);

		if (!both)
			return false;
		event_listener(&both->sock, sk, tp, st, f, RST_EVENT_SOCK_FORMER, sizeof(*both));
		both->former = f->former;
		bpf_ringbuf_submit(both, count_wake_flag());
	} else {
		struct rst_event_sock *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

		if (!e)
			return false;
		event_listener(e, sk, tp, st, f, RST_EVENT_SOCK, sizeof(*e));
		bpf_ringbuf_submit(e, count_wake_flag());
	}
	count->records++;
	return true;
}

/* Writes the record of a full socket. Returns false if there was no room. */
static __always_inline bool emit_socket(struct rst_count *count, struct sock *sk,
					struct sock_state *st, struct facts *f, __u8 direction)
{
	const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct rst_event_sock *e;

	f->key.port = f->key.role == RST_ROLE_CLIENT ? sock_remote_port(sk) : tcp_local_port(tp);
	f->cgroup = sock_cgroup(sk);
	if (tp && compat_is_mptcp(tp)) {
		f->flags |= RST_EVENT_MPTCP;
		f->key.flags |= RST_KEY_MPTCP;
	}
	if (direction == RST_SENT && f->key.state == TCP_LISTEN && f->flags & RST_EVENT_SEGMENT)
		return emit_listener(count, sk, tp, st, f);

	e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e)
		return false;
	__builtin_memset(e, 0, sizeof(*e));
	if (sock_addresses(sk, e->event.local, e->event.remote))
		f->flags |= RST_EVENT_IPV6;
	e->event.local_port = tcp_local_port(tp);
	e->event.remote_port = sock_remote_port(sk);
	if (direction == RST_SENT && f->flags & RST_EVENT_SEGMENT)
		event_segment(&e->event, f);
	event_head(&e->event, RST_EVENT_SOCK, sizeof(*e), f);
	event_socket(e, sk, st, f);
	e->actor_tgid = f->actor_tgid;
	e->exit_code = f->exit_code;
	e->actor_parent_tgid = f->actor_parent_tgid;
	__builtin_memcpy(e->actor_comm, f->actor_comm, sizeof(e->actor_comm));
	__builtin_memcpy(e->actor_parent_comm, f->actor_parent_comm, sizeof(e->actor_parent_comm));
	if (direction == RST_RECEIVED && f->key.state == TCP_SYN_SENT) {
		event_refused(e);
	} else {
		event_sysctls(e, sk->__sk_common.skc_net.net);
		if (tp)
			event_connection(e, sk, tp, f);
	}
	if (st)
		event_state(e, st, f, direction);
	bpf_ringbuf_submit(e, count_wake_flag());
	count->records++;
	return true;
}

/* tcp_receive_reset fired for this very segment although no reset had arrived (CAUSES.md 0.2): takes
 * that event's count back wherever it went. */
static __always_inline void swallow(struct rst_totals *totals, struct sock_state *st)
{
	struct rst_count *received = &totals->direction[RST_RECEIVED];
	__u32 index = st->false_slot;

	received->swallowed++;
	if (index == ~0U) {
		received->swallowed_lost++;
	} else if (index) {
		index--;

		struct rst_slot *slot = bpf_map_lookup_elem(&slots, &index);

		if (slot)
			__sync_fetch_and_sub(&slot->count, 1);
		received->swallowed_spilled++;
	}
	st->false_receive = 0;
}

/* The memory of the closed was written when the state changed; that a reset followed is news to it. */
static __always_inline void mark_reset(const struct sock *sk, const struct rst_key *key)
{
	struct connection_key connection;

	connection_key(sk, bpf_skc_to_tcp_sock((void *)sk), key->netns, key->netns_cookie, &connection);
	closed_mark(&connection, 1);
}

/* Returns false if there was no room for the record. */
static __always_inline bool send_with_socket(struct rst_totals *totals, struct facts *f, struct sock *sk,
					     const struct sk_buff *skb)
{
	struct rst_count *count = &totals->direction[RST_SENT];
	/* a reset that leaves the socket alive for a moment, as a keep-alive time-out and ss -K do: the
	 * error that is reported next is explained by it, and the socket may be older than the daemon */
	bool explains = !skb && sk->__sk_common.skc_state != TCP_CLOSE;
	struct sock_state *st = state_find(sk);
	bool written;

	if (explains && !st)
		st = state_create(sk);
	if (explains && st)
		st->reset = 1;
	facts_of_socket(f, sk, st);
	f->active = !skb;
	if (skb) {
		facts_of_segment(f, skb, count);
		/* without reasons: only data after close leaves the socket in CLOSE here */
		f->swallows = st && st->false_receive &&
			   st->false_generation == (__u8)config.generation &&
			   f->key.state == TCP_CLOSE &&
			   (f->key.reason == config.reason_abort_on_data || !config.has_reason);
		if (f->swallows && !st->false_slot)
			f->flags |= RST_EVENT_SWALLOWS;
		if (st)
			facts_closer(f, st);
	}
	facts_actor(f);
	if (!f->actor_tgid)
		facts_waiter(f, sk);
	written = emit_socket(count, sk, st, f, RST_SENT);
	/* a receive record can only be taken back by a record; without one it stays counted, so that
	 * rows and totals agree */
	if (st && f->swallows && (st->false_slot || written))
		swallow(totals, st);
	if (f->key.state == TCP_CLOSE)
		mark_reset(sk, &f->key);
	return written;
}

static __always_inline void send_reset(__u64 *ctx, __u32 lane)
{
	struct rst_totals *totals = count_totals(lane);
	struct sock *sk = (struct sock *)ctx[0];
	const struct sk_buff *skb = (const struct sk_buff *)ctx[1];
	bool has_sk = is_there(sk), has_skb = is_there(skb);
	struct rst_count *count;
	struct facts *f;
	__u64 begin;

	if (!totals || !count_active())
		return;
	count = &totals->direction[RST_SENT];
	begin = run_begin(count);
	if (!has_sk && has_skb && skb && flood_count(skb, compat_reason(ctx))) {
		count->spilled++;
		run_end(count, begin);
		return;
	}
	f = facts_begin(lane, RST_SENT, compat_reason(ctx));
	if (!f)
		return;
	/* for the verifiers that know better; dead code for the others */
	if ((has_sk && !sk) || (has_skb && !skb))
		return;
	if (has_sk && sock_is_full(sk)) {
		f->now = bpf_ktime_get_ns();
		if (!send_with_socket(totals, f, sk, has_skb ? skb : 0))
			count_no_room(count, &f->key, f->owner_comm, f->cgroup);
		run_end(count, begin);
		return;
	}
	if (has_sk)
		facts_of_mini_socket(f, sk);
	else if (has_skb)
		skb_netns(skb, &f->key.netns, &f->key.netns_cookie);
	if (has_skb) {
		facts_of_headers(f, skb, count);
	} else {
		/* no kernel does this; without addresses then */
		count->failures[RST_FAIL_READ]++;
		f->headers.known = false;
	}
	count_without_socket(count, f);
	run_end(count, begin);
}

/*
 * tcp_send_active_reset() after the transmission, tcp_v{4,6}_send_reset() before it; softirq, timer or
 * process context. 'sk' is NULL for a segment without a socket, 'skb' for an active reset; since
 * 6.10 there is a reason, and resets without a full socket are traced too.
 */
SEC("tp_btf/tcp_send_reset")
int on_send_reset(__u64 *ctx)
{
	send_reset(ctx, lane_enter(LANE_PLAIN, RST_SENT));
	lane_leave(LANE_PLAIN, RST_SENT);
	return 0;
}

static __always_inline bool receive_is_doubtful(const struct sock *sk)
{
	return sk->sk_shutdown & RCV_SHUTDOWN && sk->__sk_common.skc_state != TCP_SYN_SENT;
}

/*
 * A refused connect(): who called it is known, and the key says the rest. True: it is counted, and
 * that is all. The key is that of the record.
 */
static __always_inline bool count_refused(struct rst_count *count, struct facts *f, const struct sock *sk,
					  const struct sock_state *st)
{
	const struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)sk);
	struct rst_key *key = &f->key;

	if (!st->owner_tgid || !tp || compat_is_mptcp(tp))
		return false;
	key->owner_start = st->owner_start;
	key->owner_tgid = st->owner_tgid;
	key->owner_source = st->owner_source;
	key->role = RST_ROLE_CLIENT;
	key->state = TCP_SYN_SENT;
	key->previous_state = st->previous_state;
	key->port = sock_remote_port(sk);
	sock_netns(sk->__sk_common.skc_net.net, &key->netns, &key->netns_cookie);
	f->cgroup = sock_cgroup(sk);
	owner_name(st, f->owner_comm);
	return count_without_detail(count, RST_RECEIVED, f);
}

static __always_inline void receive_reset(__u64 *ctx, __u32 lane)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct rst_totals *totals = count_totals(lane);
	struct rst_count *count;
	struct sock_state *st;
	struct facts *f;
	__u64 begin;
	__u32 slot = 0;

	if (!totals || !count_active())
		return;
	count = &totals->direction[RST_RECEIVED];
	begin = run_begin(count);
	f = facts_begin(lane, RST_RECEIVED, RST_REASON_NONE);
	if (!f)
		return;

	st = state_find(sk);
	if (st) {
		st->reset = 2; /* for on_error_report() too */
		if (sk->__sk_common.skc_state == TCP_SYN_SENT && count_refused(count, f, sk, st)) {
			run_end(count, begin);
			return;
		}
	}
	/* to take the event back; and a refused connect is about to report an error that an ICMP message
	 * could have made, too */
	if (!st && (sk->sk_shutdown & RCV_SHUTDOWN || sk->__sk_common.skc_state == TCP_SYN_SENT))
		st = state_create(sk);
	f->now = bpf_ktime_get_ns();
	if (st) {
		st->reset = 2;
		if (receive_is_doubtful(sk))
			f->flags |= RST_EVENT_MAYBE_FALSE;
	}
	facts_of_socket(f, sk, st);
	facts_user(f, sk);
	if (!emit_socket(count, sk, st, f, RST_RECEIVED))
		slot = count_no_room(count, &f->key, f->owner_comm, f->cgroup);
	if (st && f->flags & RST_EVENT_MAYBE_FALSE) {
		st->false_receive = f->now;
		st->false_slot = slot;
		st->false_generation = (__u8)config.generation;
	}
	run_end(count, begin);
}

/*
 * At the top of tcp_reset(), with the socket's state still as it was; softirq, or the process that
 * drains its backlog. Also called when data arrives after close: see swallow().
 */
SEC("tp_btf/tcp_receive_reset")
int on_receive_reset(__u64 *ctx)
{
	receive_reset(ctx, lane_enter(LANE_PLAIN, RST_RECEIVED));
	lane_leave(LANE_PLAIN, RST_RECEIVED);
	return 0;
}

/* Errors with which a connection ends without any reset: its time ran out, or ICMP told. */
static __always_inline bool error_is_failure(int error)
{
	switch (error) {
	case ETIMEDOUT:
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case EACCES:
	case ENONET:
	case EPROTO:
		return true;
	}
	return false;
}

/*
 * With IP_RECVERR an ICMP message is reported as an error of a connection that lives on. That one ended
 * is known by its state; before 6.10 the error was reported first, and then only a time-out, which
 * ICMP cannot fake, and an attempt to connect are sure to have ended. tcp_write_err() gives the error that
 * ICMP had told before, if it did.
 */
static __always_inline bool error_is_final(const struct sock *sk, int error)
{
	__u8 state = sk->__sk_common.skc_state;

	if (state == TCP_CLOSE)
		return true;
	if (config.error_after_close)
		return false;
	return error == ETIMEDOUT || state == TCP_SYN_SENT || error == sk->sk_err_soft;
}

/*
 * An ICMP error that arrives while connect() still holds the socket lies in its error queue only
 * (tcp_v4_err(), tcp_v6_err(); sock_queue_err_skb() reports it). Who does not wait in connect() is woken by
 * it, and finds it with SO_ERROR; who waits gets the next one, or a connection. 0: none such.
 */
static __always_inline int queued_error(const struct sock *sk)
{
	const struct sock_exterr_skb *queued;
	const struct sk_buff *skb;
	const struct file *file;

	if (sk->__sk_common.skc_state != TCP_SYN_SENT)
		return 0;
	file = BPF_CORE_READ(sk, sk_socket, file);
	if (!file || !(BPF_CORE_READ(file, f_flags) & O_NONBLOCK))
		return 0;
	skb = BPF_CORE_READ(sk, sk_error_queue.prev);
	if (!skb || (const void *)skb == __builtin_preserve_access_index(&sk->sk_error_queue))
		return 0;
	queued = (const void *)__builtin_preserve_access_index(&skb->cb);
	if (BPF_CORE_READ(queued, ee.ee_origin) != SO_EE_ORIGIN_ICMP &&
	    BPF_CORE_READ(queued, ee.ee_origin) != SO_EE_ORIGIN_ICMP6)
		return 0;
	return BPF_CORE_READ(queued, ee.ee_errno);
}

static __always_inline void error_report(__u64 *ctx, __u32 lane)
{
	struct sock *sk = (struct sock *)ctx[0];
	int error = sk->sk_err, queued = 0;
	struct rst_totals *totals;
	struct rst_count *count;
	struct sock_state *st;
	struct facts *f;
	__u64 begin;

	if (sk->sk_protocol != IPPROTO_TCP)
		return;
	if (!error)
		queued = queued_error(sk);
	if (queued ? !error_is_failure(queued)
		   : !error_is_failure(error) || !error_is_final(sk, error))
		return;
	/* before anything is changed: while an upgrade is under way the program of the other generation runs, too,
	 * and what explains an error is taken once */
	totals = count_totals(lane);
	if (!totals || !count_active())
		return;
	st = state_find(sk);
	if (!st)
		st = state_create(sk);
	if (st && (st->reset || st->failed))
		return;
	count = &totals->direction[RST_TIMEOUT];
	begin = run_begin(count);
	if (st)
		st->failed = 1;
	f = facts_begin(lane, RST_TIMEOUT, RST_REASON_NONE);
	if (!f)
		return;
	f->now = bpf_ktime_get_ns();
	facts_of_socket(f, sk, st);
	f->queued_error = queued;
	facts_user(f, sk);
	if (!emit_socket(count, sk, st, f, RST_TIMEOUT))
		count_no_room(count, &f->key, f->owner_comm, f->cgroup);
	run_end(count, begin);
}

/*
 * sk_error_report(), when the application is told of an error; any context. Here it is about those errors
 * alone that no reset explains: the programs above have marked the sockets of theirs. A socket can be
 * told of the same error again (IP_RECVERR, connect(AF_UNSPEC)): the first time counts.
 */
SEC("tp_btf/inet_sk_error_report")
int on_error_report(__u64 *ctx)
{
	error_report(ctx, lane_enter(LANE_PLAIN, RST_TIMEOUT));
	lane_leave(LANE_PLAIN, RST_TIMEOUT);
	return 0;
}

/* The OOM killer chose a process. The argument is a number before 6.9 and in early stable kernels
 * (72ba14deb40a), of the thread whose memory it is: nearly always the first one, which has the process's
 * number. */
SEC("tp_btf/mark_victim")
int on_mark_victim(__u64 *ctx)
{
	__u32 tgid = config.victim_is_task ? BPF_CORE_READ((struct task_struct *)ctx[0], tgid) : ctx[0];
	__u64 now = bpf_ktime_get_ns();

	if (bpf_map_update_elem(&victims, &tgid, &now, BPF_ANY))
		count_failure(RST_FAIL_MAP);
	return 0;
}
