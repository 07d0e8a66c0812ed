/* SPDX-License-Identifier: GPL-2.0-only */
/* What a received reset looks like, written down for the record of the reset: by the program that sees packets
 * (packets.bpf.c), or by the one that sees the kernel handle it (extras.bpf.c). */
#ifndef BPF_PACKET_BPF_H
#define BPF_PACKET_BPF_H

#include "maps.bpf.h"

#define IPV4_PLAIN 0x45 /* version 4, five words: no options */
#define TCP_LENGTH 20	/* without options */

static __always_inline void packet_note(struct sock_state *st, const __u8 *ip, const __u8 *tcp, __u8 ttl)
{
	st->packet_window = tcp[14] << 8 | tcp[15];
	st->packet_id = ip[0] == IPV4_PLAIN ? ip[4] << 8 | ip[5] : 0;
	st->packet_ttl = ttl;
	st->packet_flags = tcp[13];
	st->packet_header = (tcp[12] >> 4) * 4;
	st->packet_time = bpf_ktime_get_ns();
}

#endif
