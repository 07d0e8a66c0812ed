/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every map of the object. The three programs' files are linked into one object, so each definition
 * is weak: the linker keeps one and checks that all agree.
 *
 * What the daemon reads after start lies in mmapable arrays, because mmap needs no capability on any
 * kernel; the others are read by bpf(2) to enrich names, and their loss costs a name, never a count.
 */
#ifndef BPF_MAPS_BPF_H
#define BPF_MAPS_BPF_H

#include "core.bpf.h"

const volatile struct rst_config config __weak = {};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20); /* set from the configuration before load */
} ring __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rst_control);
} control __weak SEC(".maps");

/* One element per possible CPU: resized before load. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rst_totals);
} totals __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, RST_SLOTS);
	__type(key, __u32);
	__type(value, struct rst_slot);
} slots __weak SEC(".maps");

/* Who took which slot, where the processor's own way is not to be had (count.bpf.h, slot_claim()). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RST_SLOTS);
	__type(key, __u32);
	__type(value, __u64); /* tag */
} claims __weak SEC(".maps");

/* What is remembered of a socket while it lives. Copied from a listener to the connections that it
 * accepts (BPF_F_CLONE), so a child knows whose listener it came from. */
struct sock_state {
	__u64 owner_start;
	__u64 owner_since; /* when 'comm' was read */
	__u32 owner_tgid;  /* 0: not known yet */
	__u8 owner_source;
	__u8 role;
	__u8 previous_state;
	__u8 flags; /* STATE_* */
	__u64 established;
	__u64 state_since;
	__u64 false_receive; /* when a receive event was counted that may be none */
	__u32 false_slot;    /* where it was counted: 0 in a record, index + 1 of a slot, ~0 lost */
	__u8 reset;	     /* rst_former.reset */
	__u8 former_flags;   /* rst_former.flags */
	__u8 failed;	     /* its failure without a reset was reported: once is enough */
	__u8 ttl_base;	     /* of the peer's SYN-ACK, by the packet program; 0: unknown */
	char comm[RST_COMM_LEN];

	/* rst_former: how this side closed */
	__u64 fin_sent;
	__u32 receive_idle_ms; /* at fin_sent */
	__u32 send_idle_ms;
	__u32 exit_code;

	/* the last reset that arrived, by the packet program; packet_time 0: none */
	__u16 packet_window;
	__u16 packet_id;
	__u64 packet_time;
	__u8 packet_ttl;
	__u8 packet_flags;
	__u8 packet_header;
	__u8 false_generation; /* whose slots false_slot is of: its low bits */
	__u8 reserved[4];
};

#define STATE_SEEDED   1 /* older than the daemon */
#define STATE_LISTENER 2 /* the socket itself listens */
#define STATE_KEPT     4 /* what is remembered of it is written, and complete if nothing more happens */
#define STATE_OVER     8 /* it was closed; set only where the address alone tells whose the state is */

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct sock_state);
} sock_states __weak SEC(".maps");

/* The same where programs on tracepoints cannot have it with the socket (compat_state()): by its address. What is
 * pushed out is the owner of a socket that was idle for long. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, __u64); /* never followed */
	__type(value, struct sock_state);
} sock_table __weak SEC(".maps");

/* The same of sockets that connect: in a table as long as there is room, for storage costs an allocation
 * (clients.bpf.h). */
#define CLIENT_SETS 4096
#define CLIENT_WAYS 4

enum client_use {
	CLIENT_FREE,
	CLIENT_USED,
	CLIENT_CLOSED, /* the state is CLOSE: may be taken, is there until then */
	CLIENT_USES,   /* the bits of a use */
};

/* Looking for a socket touches one cache line. */
struct client_set {
	__u64 word[CLIENT_WAYS]; /* whose, an address, and in its lowest bits the use; 0: nobody's */
	__u32 tick[CLIENT_WAYS]; /* when it was taken or, of a closed one, left */
	__u32 reserved[4];
	struct sock_state state[CLIENT_WAYS];
};

_Static_assert(sizeof(struct client_set) % 64 == 0 && CLIENT_USES == CLIENT_WAYS - 1,
	       "a set begins with a cache line; two bits tell the use, and the way");

/* Mmapable, although nobody maps it: such an array begins on a page, any other at some odd place. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, CLIENT_SETS);
	__type(key, __u32);
	__type(value, struct client_set);
} client_states __weak SEC(".maps");

/* Connections that were closed here (closed.bpf.h). */
#define CLOSED_SETS 2048
#define CLOSED_WAYS 8

struct connection_key {
	__u8 local[16];
	__u8 remote[16];
	__u32 netns;
	__u32 netns_cookie;
	__u16 local_port;
	__u16 remote_port;
};

struct closed_connection {
	struct rst_former former;
	struct connection_key key;
	__u32 reserved;
};

/* Looking for a connection, and choosing the place of another, touches one cache line. */
struct closed_set {
	__u32 tag[CLOSED_WAYS]; /* of a hash of the key; 0: empty */
	__u32 next;		/* the oldest, to be overwritten next */
	__u32 reserved[7];
	struct closed_connection way[CLOSED_WAYS];
};

_Static_assert(sizeof(struct closed_set) % 64 == 0, "a set begins with a cache line");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* as above */
	__uint(max_entries, CLOSED_SETS);
	__type(key, __u32);
	__type(value, struct closed_set);
} closed_connections __weak SEC(".maps");

/* The same where that table's atomics are not to be had (before 5.12). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLOSED_SETS * CLOSED_WAYS);
	__type(key, struct connection_key);
	__type(value, struct rst_former);
} closed_table __weak SEC(".maps");

struct listener_key {
	__u32 netns;
	__u32 netns_cookie;
	__u32 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener_key);
	__type(value, struct rst_former);
} closed_listeners __weak SEC(".maps");

/* Whether a listener was ever closed on a port, in any namespace: a flood at ports that never had one does not pay
 * for a look-up in closed_listeners. A byte each, so that no two ports share what is written; 64 to a cache line. */
struct closed_ports {
	__u8 had_listener[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* as above */
	__uint(max_entries, 65536 / 64);
	__type(key, __u32);
	__type(value, struct closed_ports);
} closed_ports __weak SEC(".maps");

/* Ports that had a listener when the daemon started: gives sockets older than it their role. And where a listener's
 * state is not copied to what it accepts: the addresses of all listeners, keys of sock_table. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct listener_key);
	__type(value, __u64);
} seeded_listeners __weak SEC(".maps");

/* Processes that called execve() since start; their sockets may carry an older name. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32); /* tgid */
	__type(value, struct rst_exec);
} execs __weak SEC(".maps");

/* Processes that the OOM killer chose, and when. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u32); /* tgid */
	__type(value, __u64);
} victims __weak SEC(".maps");

struct rst_cgroup_path {
	char path[RST_PATH_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64); /* cgroup id */
	__type(value, struct rst_cgroup_path);
} cgroups __weak SEC(".maps");

/* Where processes live in hierarchies of cgroup v1 (home.bpf.h); not made where there are none. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32); /* tgid */
	__type(value, struct rst_home);
} homes __weak SEC(".maps");

#endif
