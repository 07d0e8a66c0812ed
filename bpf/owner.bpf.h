/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns a socket. 'current' is an answer only in process context and only while it holds the
 * socket's lock; softirq runs on top of whoever happened to be there, on loopback usually the peer.
 * So the owner is written down when a process surely acts on the socket (connect, listen, read,
 * write) and only read at the reset.
 */
#ifndef BPF_OWNER_BPF_H
#define BPF_OWNER_BPF_H

#include "clients.bpf.h"
#include "count.bpf.h"
#include "home.bpf.h"
#include "rest.bpf.h"
#include "sock.bpf.h"

/* A process as its thread group leader names it: threads call themselves anything. */
struct process {
	__u64 start;
	__u32 tgid;
	__u32 flags; /* PF_* of the task itself */
	char comm[RST_COMM_LEN] __attribute__((aligned(8)));
};

static __always_inline void process_of(const struct task_struct *task, struct process *ret)
{
	const struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	ret->tgid = BPF_CORE_READ(task, tgid);
	ret->flags = BPF_CORE_READ(task, flags);
	ret->start = BPF_CORE_READ(leader, start_boottime);
	BPF_CORE_READ_INTO(&ret->comm, leader, comm);
}

static __always_inline const struct task_struct *current_task(void)
{
	return (const struct task_struct *)bpf_get_current_task();
}

/* The same of the current task, whose fields can be loaded without a helper where the kernel gives it with its
 * type (5.11, 3ca1032ab7ab). */
static __always_inline void process_current(struct process *ret)
{
	if (!config.has_task_btf) {
		process_of(current_task(), ret);
		return;
	}

	const struct task_struct *task = bpf_get_current_task_btf();
	const struct task_struct *leader = task->group_leader;
	__u64 *comm = (__u64 *)ret->comm;

	ret->tgid = task->tgid;
	ret->flags = task->flags;
	ret->start = leader->start_boottime;
	comm[0] = *(const __u64 *)&leader->comm[0];
	comm[1] = *(const __u64 *)&leader->comm[8];
}

static __always_inline __u32 current_flags(void)
{
	if (config.has_task_btf)
		return bpf_get_current_task_btf()->flags;
	return BPF_CORE_READ(current_task(), flags);
}

static __always_inline void owner_store(struct sock_state *st, const struct process *p, __u8 source)
{
	st->owner_start = p->start;
	st->owner_since = bpf_ktime_get_ns();
	st->owner_tgid = p->tgid;
	st->owner_source = p->flags & PF_KTHREAD ? RST_OWNER_KERNEL : source;
	st->flags &= ~STATE_KEPT;
	__builtin_memcpy(st->comm, p->comm, sizeof(st->comm));
}

/* The current process uses the socket: it is the owner from now on. */
static __always_inline void owner_refresh(struct sock_state *st, __u8 source)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct process p;

	if (st->owner_tgid == tgid && st->owner_source != RST_OWNER_LISTEN &&
	    st->owner_source != RST_OWNER_ACCEPT && st->owner_source != RST_OWNER_ITERATOR) {
		rest_known();
		return;
	}
	rest_found();
	process_current(&p);
	/* kTLS, strparser and sockmap move data in kernel threads, on a process's behalf */
	if (p.flags & PF_KTHREAD && st->owner_tgid)
		return;
	owner_store(st, &p, source);
	home_keep(p.tgid, p.start);
}

/* The owner's name, after an execve() since it was written down where there was one. */
static __always_inline void owner_name(const struct sock_state *st, char *comm)
{
	__u32 tgid = st->owner_tgid, zero = 0;
	const struct rst_control *c = bpf_map_lookup_elem(&control, &zero);
	const struct rst_exec *e = 0;

	if (c && c->last_exec >= st->owner_since)
		e = bpf_map_lookup_elem(&execs, &tgid);
	if (e && e->start == st->owner_start && e->time > st->owner_since)
		__builtin_memcpy(comm, e->comm, RST_COMM_LEN);
	else
		__builtin_memcpy(comm, st->comm, RST_COMM_LEN);
}

static __always_inline struct sock_state *state_create(struct sock *sk)
{
	struct sock_state *st = compat_state_create(sk);

	if (!st)
		count_failure(RST_FAIL_STORAGE);
	return st;
}

static __always_inline bool state_has_owner(const struct sock_state *st)
{
	return st && st->owner_tgid;
}

/* The packet program made storage for a socket that connects: that is where its state lies from now on. */
static __always_inline void state_move(const struct sock *sk, struct sock_state *to,
				       const struct sock_state *from)
{
	__u8 ttl = to->ttl_base;

	__builtin_memcpy(to, from, offsetof(struct sock_state, packet_window));
	if (ttl)
		to->ttl_base = ttl;
	client_close(sk);
}

/* What is known of the socket, wherever it lies; NULL: nothing. */
static __always_inline struct sock_state *state_find(struct sock *sk)
{
	struct sock_state *st = compat_state(sk);
	struct sock_state *client;

	if (!config.has_storage && st && st->flags & STATE_OVER &&
	    sk->__sk_common.skc_state != TCP_CLOSE)
		return 0; /* of the socket that had this address before */
	if (state_has_owner(st))
		return st;
	client = client_find(sk);
	if (!client)
		return st;
	if (!st)
		return client;
	state_move(sk, st, client);
	return st;
}

/* How the current process ends, which closes its sockets on the way. */
static __always_inline __u32 task_exit_code(const struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	int code = signal ? BPF_CORE_READ(signal, group_exit_code) : 0;

	/* threads that a group exit kills carry its code only there */
	return code ? code : BPF_CORE_READ(task, exit_code);
}

/* Whom the OOM killer chooses is gone soon; later the number is somebody else's. */
#define VICTIM_NS (60 * 1000000000ULL)

static __always_inline bool is_oom_victim(__u32 tgid, __u64 now)
{
	const __u64 *chosen = bpf_map_lookup_elem(&victims, &tgid);

	return chosen && now - *chosen < VICTIM_NS;
}

/* A task_struct is recognised by what holds for every task and for nothing else: its leader leads
 * itself and has its thread group's id as its own. */
static __always_inline bool is_task(const struct task_struct *task)
{
	const struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	int tgid = BPF_CORE_READ(task, tgid);

	return leader && tgid > 0 && BPF_CORE_READ(leader, group_leader) == leader &&
	       BPF_CORE_READ(leader, pid) == tgid && BPF_CORE_READ(leader, tgid) == tgid;
}

static __always_inline const struct wait_queue_entry *first_waiter(const struct wait_queue_head *queue)
{
	const struct list_head *head = __builtin_preserve_access_index(&queue->head);
	const struct list_head *first = BPF_CORE_READ(head, next);

	if (!first || first == head)
		return 0;
	return (const void *)first - bpf_core_field_offset(struct wait_queue_entry, entry);
}

/*
 * A process that waits for this socket in read(2) or poll(2), or in epoll_wait(2) on an epoll set that
 * holds it, has it open and means to use it: a better answer than the process that called listen() long
 * ago. A blocking read queues its own task (sk_wait_data(), 'private' is the task); poll() and select()
 * queue an entry whose 'private' is their poll_wqueues (__pollwait()); epoll queues an entry
 * inside struct eppoll_entry with 'private' NULL (ep_ptable_queue_proc()), whose set has the waiting
 * tasks in its own queue. NULL: nobody waits, or in a way that is not one of these.
 */
static __always_inline const struct task_struct *owner_waiter(const struct sock *sk)
{
	const struct socket_wq *wq = BPF_CORE_READ(sk, sk_wq);
	const struct wait_queue_entry *entry;
	const struct task_struct *task;

	if (!wq)
		return 0;
	entry = first_waiter(__builtin_preserve_access_index(&wq->wait));
	if (!entry)
		return 0;
	task = BPF_CORE_READ(entry, private);
	if (task && is_task(task))
		return task;
	if (task) {
		task = BPF_CORE_READ((const struct poll_wqueues *)task, polling_task);
		return task && is_task(task) ? task : 0;
	}

	const struct eppoll_entry *poll =
		(const void *)entry - bpf_core_field_offset(struct eppoll_entry, wait);
	const struct eventpoll *ep = BPF_CORE_READ(poll, base, ep);

	if (!ep)
		return 0;
	entry = first_waiter(__builtin_preserve_access_index(&ep->wq));
	if (!entry)
		return 0;
	task = BPF_CORE_READ(entry, private);
	return task && is_task(task) ? task : 0;
}

/* The role of a socket whose beginning nobody saw; it may be a mere number to the verifier. An accepted one keeps the TTL of its handshake (1 is
 * the default and says nothing); else it is a server's if somebody listened on its port. */
static __always_inline __u8 guess_role(const struct sock *sk)
{
	struct listener_key key = { .port = sock_local_port(sk) };
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	if (state == TCP_SYN_SENT)
		return RST_ROLE_CLIENT;
	if (state == TCP_LISTEN || sock_ttl_base(sk, BPF_CORE_READ(sk, __sk_common.skc_family)) > 1)
		return RST_ROLE_SERVER;
	netns_read(BPF_CORE_READ(sk, __sk_common.skc_net.net), &key.netns, &key.netns_cookie);
	return bpf_map_lookup_elem(&seeded_listeners, &key) ? RST_ROLE_SERVER : RST_ROLE_CLIENT;
}

static __always_inline void connection_key(const struct sock *sk, const struct tcp_sock *tp, __u32 netns,
					   __u32 cookie, struct connection_key *ret)
{
	sock_addresses(sk, ret->local, ret->remote);
	ret->netns = netns;
	ret->netns_cookie = cookie;
	ret->local_port = tcp_local_port(tp);
	ret->remote_port = sock_remote_port(sk);
}

#endif
