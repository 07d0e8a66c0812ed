// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that do nothing, on the two tracepoints of TCP resets and on that of changes of state, which each
 * connection passes some ten times: what any program there costs at least. Loaded by empty.c for run.sh.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/tcp_send_reset")
int empty_send_reset(void *ctx)
{
	(void)ctx;
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int empty_receive_reset(void *ctx)
{
	(void)ctx;
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int empty_set_state(void *ctx)
{
	(void)ctx;
	return 0;
}

/* The hooks on reads and writes rest on most hosts (bpf/rest.bpf.h), so these are asked for by their name. */
SEC("tp_btf/tcp_rcv_space_adjust")
int use_read(void *ctx)
{
	(void)ctx;
	return 0;
}

SEC("tp_btf/sock_send_length")
int use_write(void *ctx)
{
	(void)ctx;
	return 0;
}
