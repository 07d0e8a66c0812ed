// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps the owner and the history of every TCP socket in its socket storage, and remembers both for
 * a while after the socket is gone. Emits nothing; rstmon.bpf.c reads it when a reset happens.
 */
#include "closed.bpf.h"
#include "owner.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* The current process begins to connect or to listen. Whatever was in the state, each field that is read is set,
 * or is behind one that is. */
static __always_inline void state_begin(struct sock_state *st, __u8 source, __u8 role, __u8 flags)
{
	struct process p;

	process_current(&p);
	owner_store(st, &p, source);
	home_keep(p.tgid, p.start);
	st->role = role;
	st->flags = flags;
	st->previous_state = TCP_CLOSE;
	st->state_since = st->owner_since;
	st->established = 0;
	st->false_receive = 0;
	st->reset = 0;
	st->former_flags = 0;
	st->failed = 0;
	st->ttl_base = 0;
	st->fin_sent = 0;
	st->exit_code = 0;
	st->packet_time = 0;
}

static __always_inline void connect_begins(struct sock *sk)
{
	struct sock_state *st = compat_state(sk);

	if (!st)
		st = client_add(sk);
	if (!st)
		st = state_create(sk);
	if (st)
		state_begin(st, RST_OWNER_CONNECT, RST_ROLE_CLIENT, 0);
}

static __always_inline void remember(struct rst_former *former, const struct sock_state *st, __u8 state,
				     __u64 cgroup, __u64 now)
{
	__builtin_memset(former, 0, sizeof(*former));
	former->owner_start = st->owner_start;
	former->owner_tgid = st->owner_tgid;
	former->owner_source = st->owner_source;
	former->role = st->role;
	former->previous_state = state;
	former->reset = st->reset;
	former->flags = st->former_flags;
	former->exit_code = st->exit_code;
	former->closed = now;
	former->cgroup = cgroup;
	former->receive_idle_ms = UNKNOWN_MS;
	former->send_idle_ms = UNKNOWN_MS;
	owner_name(st, former->comm);
}

static __always_inline void listener_closed(struct sock *sk, const struct sock_state *st, __u64 now)
{
	const struct net *net = sk->__sk_common.skc_net.net;
	struct listener_key key = { .port = sock_local_port(sk) };
	__u32 word = key.port >> 6;
	struct rst_former former;
	struct closed_ports *ports;

	sock_netns(net, &key.netns, &key.netns_cookie);
	remember(&former, st, TCP_LISTEN, sock_cgroup(sk), now);
	former.established = st->state_since;
	if (bpf_map_update_elem(&closed_listeners, &key, &former, BPF_ANY))
		count_failure(RST_FAIL_MAP);
	/* behind it: who finds this looks for that */
	ports = bpf_map_lookup_elem(&closed_ports, &word);
	if (ports)
		ports->had_listener[key.port & 63] = 1;
}

static __always_inline void remember_listener(const struct sock *sk, const struct listener_key *key)
{
	__u64 address = (__u64)sk;

	if (bpf_map_update_elem(&seeded_listeners, key, &address, BPF_ANY))
		count_failure(RST_FAIL_MAP);
}

static __always_inline void listener_opened(struct sock *sk)
{
	const struct net *net = sk->__sk_common.skc_net.net;
	struct listener_key key = { .port = sock_local_port(sk) };

	sock_netns(net, &key.netns, &key.netns_cookie);
	bpf_map_delete_elem(&closed_listeners, &key);
	if (!config.has_storage)
		remember_listener(sk, &key);
}

static __always_inline void idle_times(const struct tcp_sock *tp, __u32 *ret_receive, __u32 *ret_send)
{
	__u32 jiffies = (__u32)bpf_jiffies64();

	*ret_receive = jiffies_age_ms(tp->inet_conn.icsk_ack.lrcvtime, jiffies);
	*ret_send = jiffies_age_ms(tp->lsndtime, jiffies);
}

/* close() or shutdown(): this is when the owner was done with the connection. Its end comes when the
 * peer has acknowledged, and by then the idle times say something else. */
static __always_inline void side_closed(struct sock *sk, struct sock_state *st, int state, __u64 now)
{
	const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	st->fin_sent = now;
	st->receive_idle_ms = UNKNOWN_MS;
	st->send_idle_ms = UNKNOWN_MS;
	if (tp)
		idle_times(tp, &st->receive_idle_ms, &st->send_idle_ms);
	if (state == TCP_FIN_WAIT1)
		st->former_flags |= RST_FORMER_FIN_FIRST;
}

/* Does the owner close because it ends? A process that holds the lock is 'current'. */
static __always_inline void note_exit(const struct sock *sk, struct sock_state *st)
{
	const struct task_struct *task;
	__u32 tgid;

	if (!sk->sk_lock.owned || st->former_flags & RST_FORMER_EXITING)
		return;
	tgid = bpf_get_current_pid_tgid() >> 32;
	if (tgid != st->owner_tgid)
		return;
	if (!(current_flags() & PF_EXITING))
		return;
	task = current_task();
	st->exit_code = task_exit_code(task);
	st->former_flags |= RST_FORMER_EXITING;
	st->flags &= ~STATE_KEPT;
	if (is_oom_victim(tgid, bpf_ktime_get_ns()))
		st->former_flags |= RST_FORMER_OOM;
}

static __always_inline void connection_former(struct rst_former *former, struct sock *sk,
					      const struct tcp_sock *tp, const struct sock_state *st,
					      __u8 state, __u64 now)
{
	remember(former, st, state, sock_cgroup(sk), now);
	former->established = st->established;
	former->fin_sent = st->fin_sent;
	if (tp) {
		former->bytes_received = tp->bytes_received;
		former->bytes_sent = tp->bytes_sent;
		if (!st->fin_sent)
			idle_times(tp, &former->receive_idle_ms, &former->send_idle_ms);
	}
	if (st->fin_sent) {
		former->receive_idle_ms = st->receive_idle_ms;
		former->send_idle_ms = st->send_idle_ms;
	}
}

static __always_inline void connection_closed_table(struct sock *sk, const struct tcp_sock *tp,
						    const struct sock_state *st, __u8 state, __u64 now)
{
	struct connection_key key;
	struct rst_former former;
	__u32 netns, cookie;

	sock_netns(sk->__sk_common.skc_net.net, &netns, &cookie);
	connection_key(sk, tp, netns, cookie, &key);
	connection_former(&former, sk, tp, st, state, now);
	if (bpf_map_update_elem(&closed_table, &key, &former, BPF_ANY))
		count_failure(RST_FAIL_MAP);
}

/* Remembers a connection that this side closed. 'state' is the one that it ends in. */
static __always_inline void connection_closed(struct sock *sk, struct sock_state *st, __u8 state, __u64 now)
{
	const struct net *net = sk->__sk_common.skc_net.net;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct connection_key key;
	struct closed_set *set;
	__u32 netns, cookie, tag;
	__u64 hash;
	int way;

	if (!config.has_fetch_atomics) {
		connection_closed_table(sk, tp, st, state, now);
		return;
	}
	sock_netns(net, &netns, &cookie);
	connection_key(sk, tp, netns, cookie, &key);
	hash = closed_hash(&key);
	tag = closed_tag(hash);
	set = closed_set(hash);
	way = set ? closed_begin(set, tag) : -1;
	if (!set || way < 0) {
		count_failure(RST_FAIL_MAP);
		return;
	}
	way &= CLOSED_WAYS - 1;
	connection_former(&set->way[way].former, sk, tp, st, state, now);
	set->way[way].key = key;
	closed_commit(set, way, tag);
	/* all that was written is sent, so these numbers stay */
	if (tp && tp->write_seq == tp->snd_nxt)
		st->flags |= STATE_KEPT;
}

/* A child was made of its listener, with a copy of its storage. */
static __always_inline void child_begins(struct sock_state *st)
{
	st->flags = 0;
	st->role = RST_ROLE_SERVER;
	/* found by the iterator was the listener; this one is new, and who takes it is open */
	if (st->owner_source == RST_OWNER_ITERATOR)
		st->owner_source = RST_OWNER_LISTEN;
}

/* The peer closed first and has acknowledged our FIN: nothing can come any more that would ask for it. */
static __always_inline bool is_over(const struct sock *sk, const struct sock_state *st, int old)
{
	return old == TCP_LAST_ACK && !st->reset && !sk->sk_err;
}

/* All that is to be remembered of it was written when this side closed. */
static __always_inline bool is_kept(const struct sock *sk, const struct sock_state *st, int old)
{
	return st->flags & STATE_KEPT && old == TCP_FIN_WAIT2 && !st->reset && !sk->sk_err;
}

static __always_inline void socket_closed(struct sock *sk, struct sock_state *st, int old)
{
	__u64 now;

	if (old == TCP_SYN_SENT && st->reset) {
		/* refused: it is told already, and nothing asks when */
		st->previous_state = old;
	} else if (!is_over(sk, st, old)) {
		now = bpf_ktime_get_ns();
		if (old != TCP_SYN_SENT)
			note_exit(sk, st);
		if (st->flags & STATE_LISTENER && old == TCP_LISTEN)
			listener_closed(sk, st, now);
		else if (old != TCP_SYN_SENT && old != TCP_CLOSE && !is_kept(sk, st, old))
			connection_closed(sk, st, old, now);
		/* a reset may follow, of a connection that was remembered, too: TCP_LINGER2 */
		st->previous_state = old;
		st->state_since = now;
	}
	if (!config.has_storage)
		st->flags |= STATE_OVER;
	if (st->role == RST_ROLE_CLIENT)
		client_close(sk);
}

/* Where a listener's state is not copied with it, the port leads to it. Of those that share a port the last one
 * answers for all, until somebody reads. NULL: none is known. */
static __always_inline struct sock_state *child_state(struct sock *sk)
{
	struct listener_key key = { .port = sock_local_port(sk) };
	const struct sock_state *from;
	struct sock_state *st;
	__u64 *listener;

	sock_netns(sk->__sk_common.skc_net.net, &key.netns, &key.netns_cookie);
	listener = bpf_map_lookup_elem(&seeded_listeners, &key);
	from = listener ? bpf_map_lookup_elem(&sock_table, listener) : 0;
	if (!from || !(from->flags & STATE_LISTENER) || from->flags & STATE_OVER)
		return 0;
	st = state_create(sk);
	if (st)
		*st = *from;
	return st;
}

/* An accepted socket has its listener's storage; without it, the table has at most what another socket left at its
 * address. Those that open at the same time come this way from SYN_SENT. */
static __always_inline bool is_of_accepted(const struct sock_state *st)
{
	return st && (st->role != RST_ROLE_CLIENT || st->previous_state == TCP_SYN_SENT);
}

/*
 * inet_sk_state_store() and inet_sk_set_state(), every change of state of every TCP socket: connect()
 * and listen() in the caller's context, all others wherever they happen. At a change to CLOSE it runs
 * before the socket's reset is sent (CAUSES.md 0.3), which is how the state before is known then.
 * A dozen times for each connection, so that each change costs only what it has to say: FIN_WAIT2 and
 * CLOSING come after FIN_WAIT1, as sock_previous_state() knows, and SYN_RECV passes at once.
 */
SEC("tp_btf/inet_sock_set_state")
int on_set_state(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	int old = (int)ctx[1], new = (int)ctx[2];
	struct sock_state *st;

	if (sk->sk_protocol != IPPROTO_TCP || new == TCP_FIN_WAIT2 || new == TCP_CLOSING ||
	    (new == TCP_SYN_RECV && old != TCP_SYN_SENT))
		return 0;
	if (new == TCP_SYN_SENT) {
		connect_begins(sk);
		return 0;
	}
	if (new == TCP_LISTEN) {
		st = state_create(sk);
		if (st)
			state_begin(st, RST_OWNER_LISTEN, RST_ROLE_SERVER, STATE_LISTENER);
		listener_opened(sk);
		return 0;
	}
	st = state_find(sk);
	if (!st && !config.has_storage && new == TCP_ESTABLISHED && old == TCP_SYN_RECV)
		st = child_state(sk);
	if (new == TCP_ESTABLISHED && old == TCP_SYN_RECV && !is_of_accepted(st)) {
		client_forget(sk);
		return 0;
	}
	if (!st)
		return 0;
	if (new == TCP_CLOSE) {
		socket_closed(sk, st, old);
		return 0;
	}
	if (new == TCP_ESTABLISHED) {
		if (st->flags & STATE_LISTENER) {
			child_begins(st);
			rest_accepted();
		}
		st->established = st->state_since = bpf_ktime_get_ns();
	} else {
		st->state_since = bpf_ktime_get_ns();
	}
	if (new == TCP_FIN_WAIT1 || new == TCP_LAST_ACK) {
		side_closed(sk, st, new, st->state_since);
		note_exit(sk, st);
	}
	/* Closed for good, by the process that is current, and before its FIN is on its way. The end itself comes in a
	 * softirq on top of anybody: on top of another run of this program, or of PID 1 on some machines, no program
	 * runs. It is told now how it usually ends; after a mere shutdown() there is more to come. */
	if (new == TCP_FIN_WAIT1 && (sk->sk_shutdown & SHUTDOWN_MASK) == SHUTDOWN_MASK)
		connection_closed(sk, st, TCP_FIN_WAIT2, st->state_since);
	st->previous_state = old;
	return 0;
}

/* A socket older than the hooks that the iterator did not find, or was not sent to find. */
static __always_inline struct sock_state *adopt(struct sock *sk)
{
	struct sock_state *st = state_create(sk);

	if (st) {
		st->flags = STATE_SEEDED;
		st->role = guess_role(sk);
	}
	return st;
}

/*
 * tcp_recvmsg() after bytes were copied: the reader is the process that really uses an accepted,
 * passed or inherited socket. tcp_read_sock() calls it too, from softirq for sockmap and kTLS; then
 * nobody owns the lock and 'current' means nothing.
 */
SEC("tp_btf/tcp_rcv_space_adjust")
int on_read(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct sock_state *st;

	if (!sk->sk_lock.owned)
		return 0;
	st = state_find(sk);
	if (!st)
		st = adopt(sk);
	if (st)
		owner_refresh(st, RST_OWNER_READ);
	return 0;
}

/* sock_sendmsg() of any protocol, in the caller's context; since 6.3 (6e6eda44b939). */
SEC("tp_btf/sock_send_length")
int on_write(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	int sent = (int)ctx[1];
	struct sock_state *st;

	if (sk->sk_protocol != IPPROTO_TCP) {
		rest_datagram();
		return 0;
	}
	if (sent <= 0)
		return 0;
	st = state_find(sk);
	if (!st)
		st = adopt(sk);
	if (st)
		owner_refresh(st, RST_OWNER_WRITE);
	return 0;
}

static __always_inline void seed_listener(const struct sock *sk)
{
	struct listener_key key = { .port = sock_local_port(sk) };

	netns_read(BPF_CORE_READ(sk, __sk_common.skc_net.net), &key.netns, &key.netns_cookie);
	remember_listener(sk, &key);
}

/*
 * Run at start, twice, after the programs above are attached: gives every open TCP socket an owner.
 * The first run collects the listeners, the second tells servers from clients with them. What a live
 * event has written in between is newer and stays.
 */
SEC("iter/task_file")
int seed_sockets(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct sock_state *st;
	struct sock *sk;
	__u16 family;
	__u8 state;

	/* no kernel has the one without the other */
	if (!task || !file || (config.has_storage && !config.has_sock_from_file))
		return 0;
	sk = compat_file_sock(file);
	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != AF_INET && family != AF_INET6)
		return 0;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (state == TCP_CLOSE)
		return 0;

	if (state == TCP_LISTEN)
		seed_listener(sk);
	st = config.has_storage ? state_find(sk) : compat_state(sk);
	if (!st || st->flags & STATE_OVER)
		st = state_create(sk);
	if (!st)
		return 0;
	if (!st->owner_tgid) {
		struct process p;

		process_of(task, &p);
		owner_store(st, &p, RST_OWNER_ITERATOR);
		st->flags = STATE_SEEDED | (state == TCP_LISTEN ? STATE_LISTENER : 0);
	}
	if (st->flags & STATE_SEEDED)
		st->role = guess_role(sk);
	return 0;
}
