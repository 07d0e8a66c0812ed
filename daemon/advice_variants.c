/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Causes that are told otherwise under a condition: an idle server that had closed, a process that
 * was the client, a sender that can only be a rule of this host. Must not hold what fits both: that
 * is in advice_texts.c. Proved by tests/unit/daemon/advice.c.
 */
#include "common/util.h"

#include "daemon/advice_internal.h"

#define IDLE_CLIENT                                                                                \
	"Let {a_client} drop idle connections sooner than {a_server} does, which {?}closed after " \
	"{idle} here: after {below}, for example."
#define IDLE_TEST                                                                                  \
	"Let the client's pool test a connection before it is used again, and drop those that "    \
	"are closed."
#define IDLE_WHAT                                                                                  \
	IDLE_CLIENT, "For {client_program}: {client_keeps}.", ADVICE_RACE_NAME,                    \
		ADVICE_RACE_SERVER, IDLE_TEST
#define IDLE_RETRY "Safe: the request came after the server's close, so it was not read."

#define OOM                                                                                        \
	"{if_oom}Give {owner} more memory (MemoryMax=, the container's limit), or let it need "    \
	"less: the kernel's OOM killer chose it; memory.events of its cgroup has the count."
#define CLIENT_RETRY                                                                               \
	"The server may have read the request and was answering: send it again only if it may "    \
	"run twice."
#define CLIENT_ENDED                                                                               \
	"Nothing, if that was meant: {stopped_by}. It is harmless, but the answer was not read "   \
	"to its end."

#define REJECT                                                                                     \
	"Look for a netfilter rule on this host that rejects with a TCP reset: 'nft list "         \
	"ruleset' or 'iptables-save | grep -i reject', in the network namespace of {owner}."
#define REJECT_ANY                                                                                 \
	"|Look for a netfilter rule on this host that rejects with a TCP reset: 'nft list "        \
	"ruleset' or 'iptables-save | grep -i reject', in that network namespace."
#define REJECTED(cause_)                                                                                       \
	{                                                                                                      \
		cause_, "if_own_host",                                                                         \
		{                                                                                              \
			{"{Owner} was reset on a connection with {a_peer}, which is this host, and no socket " \
			 "here was seen to send that: it was {?}a netfilter rule."},                           \
				{REJECT, REJECT_ANY}, .without = ADVICE_ALL                                    \
		}                                                                                              \
	}

static const struct advice_variant variants[] = {
	{RST_CAUSE_DATA_AFTER_LOCAL_CLOSE,
	 "if_idle_closed",
	 {{"{A_server} had {?}closed the connection after {idle} of silence; {a_client} used it "
	   "again {closed_ago} later.",
	   "{A_server} had {?}closed the connection after {idle} of silence; {a_client} used it "
	   "again later."},
	  {IDLE_WHAT},
	  IDLE_RETRY,
	  .without = ADVICE_ALL}},
	{RST_CAUSE_DATA_AFTER_LOCAL_CLOSE,
	 "if_server",
	 {{"{Owner} {?}closed the connection {closed} before more data came from {a_peer}; "
	   "the kernel answered that with a reset.",
	   "{Owner} {?}closed the connection while {a_peer} was still sending; the kernel "
	   "answered with a reset."},
	  {"Look for the reason in its log: {former} {former_end}, and its connections with it. A "
	   "server should finish what is open before it ends.",
	   "|Let {owner} read to the end of file before it closes, so that the peer's data is "
	   "taken.",
	   "|Let the server read to the end of file before it closes, so that the peer's data is "
	   "taken."},
	  "What came after the close was not read, but what came before may have been: only if "
	  "the request may run twice.",
	  .without = ADVICE_ALL,
	  .not_server = 1 << 0}},
	{RST_CAUSE_WRITE_AFTER_PEER_CLOSE,
	 "if_idle_closed",
	 {{"{A_server} had {?}closed the connection after {idle} of silence; {a_client} used it "
	   "again {closed_ago} later, and got {errno}.",
	   "{A_server} had {?}closed the connection after {idle} of silence; {a_client} used it "
	   "again later."},
	  {IDLE_WHAT},
	  IDLE_RETRY,
	  .without = ADVICE_ALL}},

	{RST_CAUSE_PROC_KILLED_UNREAD,
	 "if_client",
	 {{"{Owner} was {?}killed by {signal} before it had read the answer of {a_peer} to its "
	   "end ({unread} unread).",
	   "{Owner} was {?}killed before it had read the answer of {a_peer} to its end."},
	  {OOM,
	   "{if_not_oom}Find out who sent {signal} to this client (the kernel's OOM killer was "
	   "not it): a user, a time limit such as 'timeout -s KILL', or a stop of its unit.",
	   "|Find out who killed this client: a user, a time limit, or a stop of its unit."},
	  CLIENT_RETRY,
	  .without = ADVICE_ALL}},
	{RST_CAUSE_PROC_KILLED_UNREAD,
	 "if_oom",
	 {{"{Owner} was {?}killed by {signal} for want of memory, while {unread} from {a_peer} "
	   "waited for it unread.",
	   "{Owner} was {?}killed for want of memory, while data from {a_peer} waited for it "
	   "unread."},
	  {OOM},
	  .without = ADVICE_ALL}},
	{RST_CAUSE_PROC_CRASH_UNREAD,
	 "if_client",
	 {{"{Owner} {?}crashed with {signal} before it had read the answer of {a_peer} to its "
	   "end ({unread} unread).",
	   "{Owner} {?}crashed before it had read the answer of {a_peer} to its end."},
	  {"Look at the crash of {owner} ({signal}), not at the server: 'coredumpctl list' has it.",
	   "|Look at the crash of this client, not at the server: 'coredumpctl list' has it."},
	  "The server may have read the request and was answering: only if it may run twice, and "
	  "the same answer may crash the client again.",
	  .without = ADVICE_ALL}},
	{RST_CAUSE_PROC_EXIT_UNREAD,
	 "if_client",
	 {{"{Owner} {?}ended with exit status {status} before it had read the answer of {a_peer} "
	   "to its end ({unread} unread).",
	   "{Owner} was {?}ended by {signal} before it had read the answer of {a_peer} to its "
	   "end ({unread} unread).",
	   "{Owner} {?}ended before it had read the answer of {a_peer} to its end."},
	  {CLIENT_ENDED,
	   "|Nothing, if it had what it needed; if not, its own output and exit status ({status}) "
	   "tell why it ended so early.",
	   "|Nothing, if it had what it needed; if not, its own output tells why it ended so "
	   "early."},
	  CLIENT_RETRY,
	  .without = ADVICE_ALL}},

	{RST_CAUSE_REFUSED_SYN,
	 "if_own_host",
	 {{"{Owner} wanted to connect to port {port} of {a_peer}, which is this host, and was "
	   "refused; no socket here was seen to do that."},
	  {REJECT, REJECT_ANY,
	   "If there is no such rule, see whether the service listens: 'ss -ltnp sport = "
	   ":{port}'."},
	  .without = ADVICE_ALL}},
	REJECTED(RST_CAUSE_RST_INJECTED),
	REJECTED(RST_CAUSE_PEER_APP_ABORT_SENDING),
	REJECTED(RST_CAUSE_PEER_APP_ABORT_IDLE),
	REJECTED(RST_CAUSE_PEER_LOST_CONNECTION),
	REJECTED(RST_CAUSE_MIDDLEBOX_IDLE_REJECT),
};

const struct advice_variant *advice_variant(size_t i)
{
	return i < ARRAY_SIZE(variants) ? &variants[i] : NULL;
}
