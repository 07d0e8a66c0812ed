/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract between the BPF programs and rstmond: what lies in the ring, in the mmapped arrays
 * and in the maps. This is the only header that both compilers read, so it uses nothing but the
 * kernel's fixed-width types, and every layout is asserted at the end.
 *
 * Byte order: ports, sequence numbers and flags are in host order; addresses are in network order,
 * an IPv4 address in the first four of the sixteen bytes (RST_EVENT_IPV6 tells which). Times are
 * CLOCK_MONOTONIC nanoseconds unless the name says otherwise. 0 means "unknown" for a time.
 *
 * A change of meaning or layout raises RST_EVENT_VERSION. Numbers are never reused. The head of a record
 * (struct rst_event up to 'key' and the key itself) never changes: an upgraded daemon counts what is left in
 * its predecessor's ring by this alone.
 *
 *	struct rst_event	   every reset: where, when, which row, the offending segment
 *	struct rst_event_former	   + who had the connection (or the listener) before
 *	struct rst_event_sock	   + everything a full socket and its owner tell
 *	struct rst_event_sock_former  both
 */
#ifndef RSTMON_EVENT_H
#define RSTMON_EVENT_H

#include <linux/types.h>

#define RST_EVENT_VERSION 3

/* Of the maps that only the programs read: owners of sockets, memory of the closed. An upgraded daemon takes
 * them over if this is the same, else its programs begin with empty ones. */
#define RST_STATE_VERSION 4

#define RST_COMM_LEN	  16  /* TASK_COMM_LEN */
#define RST_PATH_LEN	  256 /* cgroup path or executable, cut to this */

/* The kernel's own numbers for enum sk_rst_reason are stored as they are; this one means that the
 * running kernel gives no reason at all (before 6.10). Names come from its BTF at start. */
#define RST_REASON_NONE 255

/* A connection that failed without any reset (kind "timeout": the application got ETIMEDOUT or an ICMP
 * error) has no direction; it is counted in the same way, but beside the resets, never among them. */
enum rst_direction {
	RST_SENT,
	RST_RECEIVED,
	RST_TIMEOUT,
	RST_DIRECTION_MAX,
};

#define RST_RESET_DIRECTIONS 2 /* the first two: what is a reset */

/* The role of the local socket. */
enum rst_role {
	RST_ROLE_NONE,	 /* no socket, or nobody knows */
	RST_ROLE_SERVER, /* a listener, or accepted from one */
	RST_ROLE_CLIENT, /* connected actively */
	RST_ROLE_MAX,
};

/* How the owner is known, from weakest to strongest knowledge of who uses the socket now.
 * The order has no meaning on the wire; numbers are never reused. */
enum rst_owner_source {
	RST_OWNER_NONE,	    /* no process owns the socket, or nobody knows */
	RST_OWNER_CONNECT,  /* called connect() */
	RST_OWNER_LISTEN,   /* called listen(); the connection was accepted from that listener */
	RST_OWNER_ACCEPT,   /* took the connection: seen in accept(), else because it was the one to close it */
	RST_OWNER_READ,	    /* reads from the socket */
	RST_OWNER_WRITE,    /* writes to the socket */
	RST_OWNER_ITERATOR, /* had the socket open when rstmond started */
	RST_OWNER_CLOSED,   /* had the connection; it was closed before the reset */
	RST_OWNER_KERNEL,   /* a kernel socket */
	RST_OWNER_SOURCE_MAX,
};

/* rst_key.flags */
#define RST_KEY_SYN   1 /* the segment that provoked the reset had SYN set */
#define RST_KEY_MPTCP 2 /* a subflow of Multipath TCP */
#define RST_KEY_FORMER_LISTENER 4 /* a listener on the port was closed: "nobody listens" has a story */
#define RST_KEY_REJECT 8 /* made by netfilter's REJECT, not by TCP: no counter of the kernel moves */

/*
 * The identity of a row as the kernel can know it. User space derives its own row (process, service
 * port, role, direction, cause) from this alone, so that a reset that was only counted, without a
 * record, lands in the right row.
 *
 * The network namespace is always there, so that counts can be told per namespace; a row has it only
 * when no process owns it. An inode number is used again after a namespace is gone, the cookie is
 * not: 'netns_cookie' holds its low 32 bits (0 before 5.12).
 */
struct rst_key {
	__u64 owner_start; /* group leader's start_boottime, ns; with tgid the identity of a process */
	__u32 owner_tgid;  /* 0: no process */
	__u32 netns;	   /* inode of the network namespace */
	__u32 netns_cookie;
	__u16 port;	    /* service port: local for server and none, remote for client */
	__u8 direction;	    /* enum rst_direction */
	__u8 role;	    /* enum rst_role */
	__u8 reason;	    /* kernel's number, or RST_REASON_NONE */
	__u8 state;	    /* TCP state at the tracepoint, 0 without a socket */
	__u8 flags;	    /* RST_KEY_* */
	__u8 owner_source;  /* enum rst_owner_source; part of the key, so that a row can say it */
	__u8 previous_state; /* 0: unknown */
	__u8 reserved[3];
};

enum rst_event_kind {
	RST_EVENT_BARE = 1,   /* struct rst_event */
	RST_EVENT_FORMER = 2, /* struct rst_event_former */
	RST_EVENT_SOCK = 3,   /* struct rst_event_sock */
	RST_EVENT_SOCK_FORMER = 4, /* struct rst_event_sock_former */
};

/* rst_event.flags */
#define RST_EVENT_IPV6		(1 << 0) /* addresses are IPv6 (never for v4-mapped ones) */
#define RST_EVENT_SEGMENT	(1 << 1) /* seq, ack, payload, tcp_flags, ttl are valid */
#define RST_EVENT_MAYBE_FALSE	(1 << 2) /* received: may be data after close, a sent record may swallow it */
#define RST_EVENT_SWALLOWS	(1 << 3) /* sent: the last received record of this 'sk' was no reset */
#define RST_EVENT_OWNED		(1 << 4) /* sk_lock.owned was 1: current held the socket */
#define RST_EVENT_DEAD		(1 << 5) /* SOCK_DEAD: orphan, no process has it open */
#define RST_EVENT_NO_SOCKET_FILE (1 << 6) /* sk_socket was NULL */
#define RST_EVENT_LINGER	(1 << 7) /* SO_LINGER is on */
#define RST_EVENT_KEEPALIVE	(1 << 8) /* SO_KEEPALIVE is on */
#define RST_EVENT_MPTCP		(1 << 9)
#define RST_EVENT_EXITING	(1 << 10) /* the owner was exiting as it acted, or as it closed what is now an
					   * orphan: exit_code is valid */
#define RST_EVENT_FIN_RECEIVED	(1 << 11) /* the peer's FIN had arrived */
#define RST_EVENT_SHUT_READ	(1 << 12) /* sk_shutdown & RCV_SHUTDOWN */
#define RST_EVENT_SHUT_WRITE	(1 << 13) /* sk_shutdown & SEND_SHUTDOWN */
#define RST_EVENT_TIME_WAIT	(1 << 14) /* the socket was a time-wait mini-socket */
#define RST_EVENT_REQUEST	(1 << 15) /* the socket was a request mini-socket */
#define RST_EVENT_FORMER_LISTENER (1 << 16) /* rst_former is of a closed listener, not of the connection */
#define RST_EVENT_LISTENER	(1 << 17) /* the socket is the listener itself */
#define RST_EVENT_SEEDED	(1 << 18) /* the socket is older than the daemon */
#define RST_EVENT_KERNEL	(1 << 19) /* a kernel socket */
#define RST_EVENT_OOM		(1 << 20) /* with RST_EVENT_EXITING: the OOM killer chose the owner */
#define RST_EVENT_PACKET	(1 << 21) /* received: the reset itself was seen, packet_* are valid */
#define RST_EVENT_REJECT	(1 << 22) /* made by netfilter's REJECT; readers take it from the key alone */

/* Every record begins with this one. */
struct rst_event {
	__u8 version; /* RST_EVENT_VERSION */
	__u8 kind;    /* enum rst_event_kind; decides the size */
	__u16 size;   /* of the whole record */
	__u32 flags;  /* RST_EVENT_* */
	__u64 time;
	struct rst_key key;
	__u8 local[16];
	__u8 remote[16];
	__u16 local_port;
	__u16 remote_port;
	__u32 seq; /* of the offending segment, as is RST_EVENT_SEGMENT's rest */
	__u32 ack;
	__u16 payload; /* bytes of data, 65535: that many or more */
	__u8 tcp_flags; /* byte 13 of its header: FIN 1, SYN 2, RST 4, PSH 8, ACK 16 */
	__u8 ttl;	/* or hop limit */
};

/* rst_former.flags */
#define RST_FORMER_EXITING 1 /* the owner was exiting when it closed: exit_code is valid */
#define RST_FORMER_OOM	   2 /* and the OOM killer had chosen it */
#define RST_FORMER_FIN_FIRST 4 /* this host closed first: its FIN was sent before the peer's came */

/* Who had the connection, or the listener, and how it ended. Also the value of the maps of the
 * closed. */
struct rst_former {
	__u64 owner_start;
	__u64 closed; /* when the owner closed it for good, else when the state became CLOSE (of a time-wait
			* socket: when it was made) */
	__u64 cgroup;
	__u64 bytes_received;
	__u64 bytes_sent;
	__u64 established;     /* when; of a listener since when it listened; 0: unknown */
	__u64 fin_sent;	       /* when the owner closed or shut down its side; 0: unknown */
	__u32 owner_tgid;
	__u32 receive_idle_ms; /* since data had arrived, at fin_sent if that is known, else at the
				* close; ~0: never or unknown, as in the next */
	__u32 send_idle_ms;
	__u32 exit_code;     /* as in rst_event_sock */
	__u8 owner_source;   /* how the owner was known then */
	__u8 role;
	__u8 previous_state; /* the state before CLOSE */
	__u8 reset;	     /* 1: ended by a reset that this host sent, 2: received */
	__u32 flags;	     /* RST_FORMER_* */
	char comm[RST_COMM_LEN];
};

struct rst_event_former {
	struct rst_event event;
	struct rst_former former;
};

struct rst_event_sock {
	struct rst_event event;
	__u64 sk;     /* the socket's address as an opaque number: pairs records, never dereferenced */
	__u64 cgroup; /* cgroup v2 id */
	__u64 established;    /* when; 0: unknown */
	__u64 state_since;    /* when the previous state was left; of a listener: since when it listens */
	__u64 fin_sent;	      /* when the owner closed or shut down its side; 0: not, or unknown */
	__u64 bytes_received; /* tcp_sock: of payload */
	__u64 bytes_sent;     /* with retransmissions */
	__u64 bytes_acked;    /* counts the SYN */
	__u32 unread;	      /* bytes in the receive queue that nobody read */
	__u32 unacked;	      /* bytes on the wire */
	__u32 unsent;	      /* bytes written, not yet sent */
	__u32 receive_idle_ms; /* since data arrived; ~0: never or unknown, as in the next two */
	__u32 ack_idle_ms;     /* since any segment that acknowledged arrived */
	__u32 send_idle_ms;    /* since data was sent */
	__u32 srtt_us;
	__u32 user_timeout_ms; /* 0: none */
	__u32 backlog;	       /* sk_ack_backlog of a listener */
	__u32 backlog_max;     /* of a listener, or the listener's, copied to its children */
	__u32 drops;	       /* of a listener: SYNs and handshakes it dropped, ever (sk_drops) */
	__u32 requests;	       /* of a listener: handshakes under way */
	__u32 rcv_nxt;
	__u32 snd_una;
	__u32 total_retrans;
	__u32 actor_tgid; /* 0: no process acted */
	__u32 exit_code;  /* kernel form: signal in the low 7 bits, status << 8 */
	__u32 keepalive_time_s; /* the socket's own, 0: the sysctl's */
	__s32 linger2;
	__u32 linger_time_s; /* with RST_EVENT_LINGER */
	__u16 error;	     /* sk_err */
	__u16 error_soft;    /* sk_err_soft */
	__u8 retransmits;    /* of the segment in flight */
	__u8 backoff;
	__u8 probes;	  /* keep-alive or zero-window probes unanswered */
	__u8 ttl_base;	  /* TTL of the peer's handshake (of an accepted socket for free, else by the
			   * packet program), 0: unknown */

	/* the reset itself, with RST_EVENT_PACKET */
	__u16 packet_window;
	__u16 packet_id; /* IPv4's, 0 of IPv6 */
	__u8 packet_ttl;
	__u8 packet_flags;  /* byte 13 of its header */
	__u8 packet_header; /* bytes of the TCP header: 20 without options */

	/* what the namespace's sysctls say now */
	__u8 abort_on_overflow;
	__u8 syn_retries;
	__u8 synack_retries;
	__u8 retries2;
	__u8 sysctl_keepalive_probes;
	__u32 sysctl_keepalive_time_s;
	__u32 sysctl_keepalive_intvl_s;
	__u32 sysctl_fin_timeout_s;
	__u32 somaxconn;

	__u32 actor_parent_tgid; /* of an actor that is not the owner; 0: not read */
	char owner_comm[RST_COMM_LEN]; /* thread group leader's */
	char actor_comm[RST_COMM_LEN];
	char actor_parent_comm[RST_COMM_LEN];
};

/* A listener's reset, when the connection that the segment belongs to was here before. */
struct rst_event_sock_former {
	struct rst_event_sock sock;
	struct rst_former former;
};

/*
 * A slot counts resets of one key when there is no room for their records. Slots lie in a mmapable
 * array, are open-addressed by 'tag' (a keyed hash of the whole rst_key, never 0), and are never
 * freed while the hooks live: counts only grow (but for a false receive, taken back within
 * microseconds), so that "tally + slot" can be computed at any time
 * by anyone and no crash counts twice. 'ready' is set last, after the key.
 */
struct rst_slot {
	/* what a flood needs lies in one cache line */
	__u64 tag;
	__u64 count;
	__u64 last;
	__u32 tick; /* when 'last' was read, in ticks of the kernel: it lags by one at most */
	__u32 ready;
	struct rst_key key;
	__u64 first;
	__u64 cgroup;
	char comm[RST_COMM_LEN];
	__u64 reserved[4];
};

#define RST_SLOTS	32768 /* power of two; the lower half is nobody's, the upper half has owners. Two slots may
			       * have the same key: they are counted up on different CPUs */
#define RST_SLOT_PROBES 16

/* Kernel-side failures, counted by kind per CPU. */
enum rst_failure {
	RST_FAIL_STORAGE, /* no socket storage could be made */
	RST_FAIL_MAP,	  /* an update of an LRU map failed */
	RST_FAIL_READ,	  /* a read of kernel memory failed */
	RST_FAIL_MAX,
};

/* Counters of one direction on one CPU. Who may be interrupted by another who counts the same direction has a lane
 * of his own, so an interrupt between load and store cannot lose an increment. */
struct rst_count {
	__u64 seen;	 /* the first thing the program does */
	__u64 swallowed; /* received: events that were no reset, to be taken off 'seen' */
	__u64 records;	 /* written to the ring */
	__u64 spilled;	 /* counted in a slot instead */
	__u64 lost;	 /* not even a slot was free */
	__u64 run_ns;	 /* of the sampled runs */
	__u64 run_samples;
	__u64 failures[RST_FAIL_MAX];
	__u64 swallowed_spilled; /* the part of 'swallowed' that had been spilled ... */
	__u64 swallowed_lost;	 /* ... or lost; written by the program on tcp_send_reset, as is */
	__u64 reserved[4];	 /* 'swallowed' itself */
};

/* Element cpu + cpus * lane of the totals array. */
struct rst_totals {
	struct rst_count direction[RST_DIRECTION_MAX];
	/* of the programs that keep owners, not of the resets */
	__u64 failures[RST_FAIL_MAX];
	__u64 reserved[5];
}; /* RST_TIMEOUT has its element in 'direction' like the others */

/*
 * The one element of the control array. Each of the first two words has a cache line of its own. An
 * upgraded daemon finds this map parked by the old one: what is here keeps its place for ever, new
 * members take reserved words, which are 0 in older ones.
 */
struct rst_control {
	__u32 sleeping; /* the reader sets it before it sleeps; the program that clears it wakes it */
	__u32 reserved0[15];
	__u32 generation; /* programs of another generation do not count */
	__u32 reserved1[15];
	/* set once by the daemon that made the map */
	__u32 event_version; /* RST_EVENT_VERSION of the records, slots and totals that are counted now */
	__u32 state_version; /* RST_STATE_VERSION of the maps that keep owners */
	__u32 object;	     /* checksum of the BPF object that counts */
	/* the hooks on reads and writes may rest (bpf/rest.bpf.h) */
	__u32 resting;	  /* the daemon: they are detached */
	__u32 want_rest;  /* the programs: they have nothing to find, RST_REST_*; the daemon clears it, or an
			   * accepted connection */
	__u32 want_hooks; /* the programs: there is something to find again */
	__u64 hash_seed;  /* of the maps that keep owners: who goes on with them needs it */
	__u32 reserved2[8];
	/* written by the programs */
	__u64 last_exec; /* when a process called execve(); 0: never */
	__u64 reserved3[7];
	__u32 last_accept; /* when a connection was accepted, in ticks of the kernel */
	__u32 reserved4[15];
};

#define RST_FREED_IPV4 1
#define RST_FREED_IPV6 2

/* The number of no helper: the loader puts a call of bpf_rdonly_cast() in its place. */
#define RST_CALL_CAST 0x52535401

/* rst_control.want_rest */
#define RST_REST_ALL   1
#define RST_REST_WRITE 2 /* the hook on writes alone */

/* Hierarchies of cgroup v1 that name processes: systemd's, and one of a controller. Ids of cgroups are unique in their
 * hierarchy only; one of these has the bit of its hierarchy. */
#define RST_HIERARCHIES 2
#define RST_CGROUP_HIERARCHY(i) (1ULL << (63 - (i)))

/* Read-only configuration, set between open and load. */
struct rst_config {
	__u64 hash_seed;
	__u64 tick_ms;	 /* 1000 / hz, with 16 bits of fraction: no program divides */
	__u32 generation;
	__u32 hz;	 /* CONFIG_HZ, 0: idle times unknown */
	__u32 sample_mask; /* a run is timed when its number & mask is 0 */
	__u32 cpus;	   /* elements of a lane of the totals array */
	__u8 has_reason;   /* tcp_send_reset has the reason argument (6.10) */
	__u8 reason_abort_on_data; /* this kernel's number of it, or RST_REASON_NONE */
	__u8 victim_is_task;	   /* mark_victim's argument is a task, not a pid (6.9) */
	__u8 error_after_close;	   /* a failed connection is CLOSE when its error is reported (6.10) */
	/* what struct bpf_features found (daemon/source_bpf_features.h), for bpf/compat.bpf.h alone */
	__u8 has_cast;		 /* bpf_rdonly_cast() (6.2) */
	__u8 has_fetch_atomics;	 /* xchg and cmpxchg (5.12; arm64 5.18) */
	__u8 has_storage;	 /* socket storage in tracing programs (5.11) */
	__u8 has_sock_from_file; /* bpf_sock_from_file() (5.11) */
	__u8 has_iter_d_path;	 /* bpf_d_path() in iterators (5.12) */
	__u8 has_task_btf;	 /* bpf_get_current_task_btf() (5.11) */
	__u8 has_guard;		 /* no program of a tracepoint runs inside itself (6.1) */
	__u8 accept_args;	 /* of inet_csk_accept(): 4 before 6.10, then 2 */
	__u8 tcp_reset_args;	 /* of tcp_reset(): 1 before 5.11, then 2 */
	__u8 kfree_skb_args;	 /* of the tracepoint: 2 before 5.17, then 3 or more */
	__u8 keeps_order;	 /* of loads among loads, and of stores among stores, this processor: x86 */
	__u8 freed_families;	 /* RST_FREED_*: whose resets only the dropping of their segment shows */
	__u32 no_socket_reason;	 /* SKB_DROP_REASON_NO_SOCKET, or ~0 */
	__u32 hierarchy[RST_HIERARCHIES]; /* of cgroup v1, that name processes; 0: none */
};

/* What iter/task writes for every process, with bpf_seq_write. */
struct rst_process {
	__u64 start; /* group leader's start_boottime, ns */
	__u64 cgroup;
	__u32 tgid;
	__u32 netns;
	__u32 netns_cookie;
	__u32 flags; /* RST_PROCESS_* */
	char comm[RST_COMM_LEN];
	char exe[RST_PATH_LEN]; /* "" for a kernel thread */
	__u64 home[RST_HIERARCHIES]; /* its cgroups there, with RST_CGROUP_HIERARCHY; 0: unknown, or no such hierarchy */
};

#define RST_PROCESS_KERNEL 1

/* Value of the map of processes that called execve() since start; key: tgid. */
struct rst_exec {
	__u64 start;
	__u64 time; /* of the execve() */
	char comm[RST_COMM_LEN];
	char exe[RST_PATH_LEN]; /* as given to execve() */
};

/* Value of the map of processes that owned a socket, where there are such hierarchies; key: tgid. */
struct rst_home {
	__u64 start;
	__u64 set; /* opaque: another one, and the process may have moved */
	__u64 cgroup[RST_HIERARCHIES];
};

#define RST_ASSERT_SIZE(type, bytes) \
	_Static_assert(sizeof(struct type) == (bytes), #type " changed its size")

RST_ASSERT_SIZE(rst_key, 32);
RST_ASSERT_SIZE(rst_event, 96);
RST_ASSERT_SIZE(rst_former, 96);
RST_ASSERT_SIZE(rst_event_former, 192);
RST_ASSERT_SIZE(rst_event_sock, 328);
RST_ASSERT_SIZE(rst_event_sock_former, 424);
RST_ASSERT_SIZE(rst_slot, 128);
RST_ASSERT_SIZE(rst_count, 128);
RST_ASSERT_SIZE(rst_totals, 448);
RST_ASSERT_SIZE(rst_control, 320);
RST_ASSERT_SIZE(rst_process, 320);

#undef RST_ASSERT_SIZE

#endif
