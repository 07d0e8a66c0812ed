/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's types, by hand: only the fields that rstmon reads. Their offsets here mean nothing;
 * CO-RE relocates every access against the running kernel's BTF. A field that some kernel lacks is
 * read only under bpf_core_field_exists() (compat.bpf.h).
 */
#ifndef BPF_CORE_BPF_H
#define BPF_CORE_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#include "rstmon/event.h"

#define AF_INET	    2
#define AF_INET6    10
#define IPPROTO_TCP 6

#define TCP_FLAGS 13 /* where in the TCP header; RFC 9293, 3.1 */
#define TCP_SYN	  0x02
#define TCP_RST	  0x04

#define PF_EXITING 0x00000004 /* include/linux/sched.h */
#define PF_KTHREAD 0x00200000

#define SOCK_DEAD     0 /* bits of sk_flags, enum sock_flags of include/net/sock.h */
#define SOCK_KEEPOPEN 3
#define SOCK_LINGER   4

/* include/uapi/asm-generic/errno*.h; x86 and arm have these */
#define EACCES	     13
#define ENONET	     64
#define EPROTO	     71
#define ENOPROTOOPT  92
#define EOPNOTSUPP   95
#define ENETUNREACH  101
#define ETIMEDOUT    110
#define ECONNREFUSED 111
#define EHOSTDOWN    112
#define EHOSTUNREACH 113

#define SO_EE_ORIGIN_ICMP  2 /* include/uapi/linux/errqueue.h */
#define SO_EE_ORIGIN_ICMP6 3

#define O_NONBLOCK 04000 /* include/uapi/asm-generic/fcntl.h; of x86 and arm64 too */

#define S_IFMT	 0170000 /* include/uapi/linux/stat.h */
#define S_IFSOCK 0140000

#define RCV_SHUTDOWN  1
#define SEND_SHUTDOWN 2
#define SHUTDOWN_MASK 3

/* include/net/tcp_states.h; part of the user API, so the numbers are fixed */
enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__u32 u6_addr32[4];
	} in6_u;
};

struct ns_common {
	unsigned int inum;
};

/* Most of the sysctls became bytes in 5.13 (compat_sysctl()). */
struct netns_ipv4 {
	int sysctl_tcp_keepalive_time;
	int sysctl_tcp_keepalive_intvl;
	int sysctl_tcp_fin_timeout;
	__u8 sysctl_tcp_keepalive_probes;
	__u8 sysctl_tcp_syn_retries;
	__u8 sysctl_tcp_synack_retries;
	__u8 sysctl_tcp_retries2;
	__u8 sysctl_tcp_abort_on_overflow;
};

struct netns_core {
	int sysctl_somaxconn;
};

struct net {
	struct ns_common ns;
	__u64 net_cookie;
	struct netns_core core;
	struct netns_ipv4 ipv4;
};

struct netns_ipv4___int {
	int sysctl_tcp_keepalive_probes;
	int sysctl_tcp_syn_retries;
	int sysctl_tcp_synack_retries;
	int sysctl_tcp_retries2;
	int sysctl_tcp_abort_on_overflow;
};

struct net___int {
	struct netns_ipv4___int ipv4;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	possible_net_t nd_net;
};

struct dst_entry {
	struct net_device *dev;
};

struct rtable {
	struct dst_entry dst;
	__u16 rt_type;
};

struct rt6_info {
	struct dst_entry dst;
	__u32 rt6i_flags;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	unsigned long skc_flags;
};

typedef struct {
	int owned;
} socket_lock_t;

typedef struct {
	int counter;
} atomic_t;

struct list_head {
	struct list_head *next;
};

struct wait_queue_head {
	struct list_head head;
};

struct wait_queue_entry {
	void *private;
	struct list_head entry;
};

struct socket_wq {
	struct wait_queue_head wait;
};

struct task_struct;

struct poll_wqueues {
	struct task_struct *polling_task;
};

struct eventpoll {
	struct wait_queue_head wq;
};

struct epitem {
	struct eventpoll *ep;
};

struct eppoll_entry {
	struct epitem *base;
	struct wait_queue_entry wait;
};

struct sk_buff;

struct sk_buff_head {
	struct sk_buff *prev;
};

struct socket;

struct kernfs_node {
	__u64 id;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgrp_cset_link {
	struct cgroup *cgrp;
	struct list_head cgrp_link;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
	struct socket *sk_socket;
	struct socket_wq *sk_wq;
	struct sk_buff_head sk_error_queue;
	struct sock_cgroup_data sk_cgrp_data;
	unsigned long sk_lingertime;
	atomic_t sk_drops;
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
	int sk_err;
	int sk_err_soft;
	__u16 sk_protocol;
	__u8 sk_shutdown;
	__u8 sk_kern_sock : 1;
};

struct sock_cgroup_data___tagged {
	__u64 val;
};

struct sock___tagged {
	struct sock_cgroup_data___tagged sk_cgrp_data;
};

struct file;

struct socket {
	struct sock *sk;
	struct file *file;
};

struct ipv6_pinfo {
	__u8 mcast_hops;
};

struct inet_sock {
	struct sock sk;
	struct ipv6_pinfo *pinet6;
	__be32 inet_saddr;
	__be16 inet_sport;
	__u8 mc_ttl;
};

struct request_sock_queue {
	atomic_t qlen;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct request_sock_queue icsk_accept_queue;
	__u8 icsk_retransmits;
	__u8 icsk_backoff;
	__u8 icsk_probes_out;
	struct {
		__u32 lrcvtime;
	} icsk_ack;
	__u32 icsk_user_timeout;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 copied_seq;
	__u32 rcv_nxt;
	__u32 snd_nxt;
	__u32 snd_una;
	__u32 write_seq;
	__u32 lsndtime;
	__u32 rcv_tstamp;
	__u32 srtt_us;
	__u32 total_retrans;
	__u64 bytes_received;
	__u64 bytes_sent;
	__u64 bytes_acked;
	unsigned int keepalive_time;
	int linger2;
	bool is_mptcp;
};

struct sock_extended_err {
	__u32 ee_errno;
	__u8 ee_origin;
};

struct sock_exterr_skb {
	struct sock_extended_err ee;
};

struct sk_buff {
	char cb[48];
	struct net_device *dev;
	unsigned long _skb_refdst;
	unsigned int len;
	__be16 protocol;
	__u16 transport_header;
	__u16 network_header;
	unsigned char *head;
};

struct tcphdr {
	__be16 source;
	__be16 dest;
	__be32 seq;
};

struct signal_struct {
	int group_exit_code;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct inode {
	unsigned short i_mode;
};

struct file {
	unsigned int f_flags;
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};

struct mm_struct {
	struct file *exe_file;
};

struct nsproxy {
	struct net *net_ns;
};

struct css_set {
	struct cgroup *dfl_cgrp;
	struct list_head cgrp_links;
};

struct task_struct {
	unsigned int flags;
	int pid;
	int tgid;
	int exit_code;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	__u64 start_boottime;
	char comm[RST_COMM_LEN];
	struct signal_struct *signal;
	struct mm_struct *mm;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
};

struct linux_binprm {
	const char *filename;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

/* Half of a pointer, which to the verifier is any number: it believes to know whether a pointer can be NULL,
 * and allows no calculation with one. The instruction is written out, or the compiler uses the pointer
 * after all. */
static __always_inline __u32 pointer_half(const void *pointer)
{
	__u32 half;

	asm volatile("%0 = %1" : "=w"(half) : "w"((__u32)(unsigned long)pointer));
	return half;
}

/* False for NULL, and for nothing else: no object begins at a multiple of 4 GiB. */
static __always_inline bool is_there(const void *pointer)
{
	return pointer_half(pointer);
}

/* 1 or 0, without a branch: of a search through a set the verifier would walk every outcome. */
static __always_inline __u64 is_same(__u64 a, __u64 b)
{
	__u64 differ = a ^ b;

	differ |= -differ;
	barrier_var(differ); /* or the compiler makes a branch of it */
	return differ >> 63 ^ 1;
}

/* The value does not matter: the type's presence tells that tcp_send_reset has a reason argument. */
enum sk_rst_reason {
	SK_RST_REASON_UNUSED,
};

#endif
