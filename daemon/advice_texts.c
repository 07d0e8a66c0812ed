/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sentences of advice by cause, as templates (advice_internal.h). Must not hold a number of a
 * host or a name of a process: those are values. A narrative begins with who did it; the first one
 * that can be filled is taken. Proved by tests/unit/daemon/advice.c.
 */
#include "common/util.h"

#include "daemon/advice_internal.h"

/* Sentences that several causes share. */
#define QUEUE_IS                                                                                   \
	"Waiting in the accept queue of {a_server}: {backlog}; it has room for {backlog_max}."
#define QUEUE_BACKLOG                                                                              \
	"{if_backlog_short}net.core.somaxconn is {somaxconn}, so the program's own backlog "       \
	"({backlog_max}) is the limit: raise it."
#define QUEUE_BACKLOG_NAME "{if_backlog_short}The program's own backlog: {server_backlog}."
#define QUEUE_SOMAXCONN                                                                            \
	"{if_somaxconn_short}net.core.somaxconn is {somaxconn} and the limit of the queue "        \
	"({backlog_max}): raise it, and the program's own backlog with it."
#define KEEPALIVE_OFF                                                                              \
	"{if_keepalive_off}SO_KEEPALIVE is off on this socket, so net.ipv4.tcp_keepalive_time "    \
	"({keepalive_time}) does nothing for it. Turn it on, and set the time below {idle}."
#define KEEPALIVE_ON                                                                               \
	"{if_keepalive_on}SO_KEEPALIVE is on; net.ipv4.tcp_keepalive_time is {keepalive_time}. "   \
	"The first probe must come before {idle} of silence."
/* Of the silence before a time-out a part is the kernel's own retransmissions. */
#define SILENT_OFF                                                                                 \
	"{if_keepalive_off}SO_KEEPALIVE is off on this socket, so net.ipv4.tcp_keepalive_time "    \
	"({keepalive_time}) does nothing for it. Turn it on, with a time well below {idle}: that " \
	"is the silence and the retransmissions together."
#define SILENT_ON                                                                                  \
	"{if_keepalive_on}SO_KEEPALIVE is on; net.ipv4.tcp_keepalive_time is {keepalive_time}. "   \
	"The first probe must come well before {idle}: that is the silence and the "               \
	"retransmissions together."
#define KEEPALIVE_OWN "{if_keepalive_on}The socket's own TCP_KEEPIDLE is {keepalive_own}."
#define KEEPALIVE_HOW "{if_keepalive_off}SO_KEEPALIVE is turned on by {so_keepalive}."
#define IDLE_TIGHT                                                                                 \
	"{if_tight}All of them had been idle for about {timeout} ({idle_range}): look for a "      \
	"device or program with a time-out of that length."
#define CLIENT_BELOW "For {client_program}: {client_keeps}; {below} is short enough here."
#define CLIENT_BELOW_ANY                                                                           \
	"{if_client_unknown}The client should drop idle connections after {below}: in nginx "      \
	"keepalive_timeout of upstream, in Java -Djdk.httpclient.keepalive.timeout or "            \
	"evictIdleConnections, in Go IdleConnTimeout, in HAProxy pool-purge-delay."
#define RACE_BOTH                                                                                  \
	"{A_server} {?}closes idle connections after {timeout} ({idle_range}), and {a_client} "    \
	"keeps them at least as long. The client's time-out must be the shorter one: {below}."
#define RACE_NAME   "That {timeout} is {timeout_name}."
#define RACE_SERVER "Or raise the time-out of {a_server} well above the client's: {server_closes}."
#define OOM                                                                                        \
	"{if_oom}The kernel's OOM killer chose {owner}: give it more memory (MemoryMax=, the "     \
	"container's limit) or let it need less; memory.events of its cgroup has the count."
#define UNREAD_LOST "Never read: {unread}{median}."

static const struct advice_entry entries[RST_CAUSE_MAX] = {
	[RST_CAUSE_KEEPALIVE_RACE_SERVER] =
		{{"{A_server} {?}closed an idle keep-alive connection after {idle} just as {client} "
		  "sent the next request on it; {client} got {client_errno}.",
		  "{A_server} {?}closed an idle keep-alive connection after {idle} just as the next "
		  "request came from {a_client}, which got a reset instead of an answer.",
		  "{A_server} {?}closed an idle keep-alive connection just as the next request came "
		  "from {a_client}, which got a reset instead of an answer."},
		 {RACE_BOTH, CLIENT_BELOW, CLIENT_BELOW_ANY, RACE_NAME, RACE_SERVER}},
	[RST_CAUSE_KEEPALIVE_RACE_CLIENT] =
		{{"{A_client} sent a request on a connection that had been idle for {idle}, while "
		  "{server} was {?}closing it; {client} got {errno}.",
		  "{A_client} sent a request on a connection that had been idle for {idle}, while "
		  "{a_server} was {?}closing it, and got {errno}.",
		  "{A_client} sent a request on an idle connection while {a_server} was "
		  "{?}closing it, and was reset."},
		 {RACE_BOTH, CLIENT_BELOW, CLIENT_BELOW_ANY, RACE_NAME, RACE_SERVER}},
	[RST_CAUSE_WRITE_AFTER_PEER_CLOSE] =
		{{"{Owner} wrote to a connection that {a_peer} had {?}closed {fin_age} before, "
		  "and got {errno}.",
		  "{Owner} wrote to a connection that {a_peer} had {?}closed before, and was "
		  "reset."},
		 {"{if_server}The client left before the answer was ready; connections had lived "
		  "for {age}{median}. Compare that with the clients' time-outs.",
		  "{if_client}The kept connection was used again after {idle} of silence "
		  "({idle_range}): drop idle ones earlier, e.g. after {below}.",
		  "{if_client}For {client_program}: {client_keeps}."}},
	[RST_CAUSE_DATA_AFTER_LOCAL_CLOSE] =
		{{"{Owner} {?}closed the connection {closed} before more data came from {a_peer}; "
		  "the kernel answered that with a reset.",
		  "{Owner} {?}closed the connection while {a_peer} was still sending; the kernel "
		  "answered with a reset."},
		 {"{former} {former_end}, and its connections with it: its log tells why; a server "
		  "should finish what is open before it ends.",
		  "{if_client}{Owner} did not wait for the answer: connections had lived for "
		  "{age}{median}, so look for a time limit of about that length.",
		  "{if_server}{Owner} closed too early: it should read to the end of file first."}},
	[RST_CAUSE_UPLOAD_NOT_DRAINED] =
		{{"{A_server} {?}answered {a_client} before it had read the whole request, and "
		  "closed with {unread} unread; the reset may have erased the answer.",
		  "{A_server} {?}answered {a_client} before it had read the whole request, and "
		  "closed."},
		 {"The client had sent {received} ({unread} unread), and {sent} of an answer had "
		  "gone out{median}. The access log has its status.",
		  "What limits or drains it: {server_body}."}},
	[RST_CAUSE_CLIENT_ABORT_UNREAD_DATA] =
		{{"{A_client} {?}closed the connection with {unread} of the answer of {a_server} "
		  "unread.",
		  "{A_client} {?}closed the connection before it had read the answer of "
		  "{a_server}."},
		 {"It gave up after {age}{median}, with {received} received: if that is always "
		  "the same time, it is a time limit of the client.",
		  UNREAD_LOST}},
	[RST_CAUSE_SERVER_ABORT_UNREAD_REQUEST] =
		{{"{A_server} {?}closed a connection of {a_client} with {unread} of a request "
		  "unread.",
		  "{A_server} {?}closed a connection of {a_client} without reading the request."},
		 {"Connections had lived for {age}{median}; {sent} had been answered on them."}},
	[RST_CAUSE_PROC_KILLED_UNREAD] =
		{{"{Owner} was {?}killed by {signal} while {unread} from {a_peer} waited for it "
		  "unread.",
		  "{Owner} was {?}killed while data from {a_peer} waited for it unread."},
		 {OOM,
		  "{if_not_oom}The kernel's OOM killer was not it: somebody sent {signal}, mostly "
		  "a stop that took too long (TimeoutStopSec=), an orchestrator, or an "
		  "administrator.",
		  UNREAD_LOST}},
	[RST_CAUSE_PROC_CRASH_UNREAD] =
		{{"{Owner} {?}crashed with {signal} while {unread} from {a_peer} waited for it "
		  "unread.",
		  "{Owner} {?}crashed while data from {a_peer} waited for it unread."},
		 {"{signal} ended {owner}: 'coredumpctl list' and the log of its unit have the "
		  "crash."}},
	[RST_CAUSE_PROC_EXIT_UNREAD] =
		{{"{Owner} {?}ended with exit status {status} while {unread} from {a_peer} waited "
		  "for it unread.",
		  "{Owner} was {?}ended by {signal} while {unread} from {a_peer} waited for it "
		  "unread.",
		  "{Owner} {?}ended while data from {a_peer} waited for it unread."},
		 {OOM, UNREAD_LOST}},
	[RST_CAUSE_LINGER_ZERO] =
		{{"{Owner} {?}closed its connection with {a_peer} by a reset on purpose "
		  "(SO_LINGER with time 0)."},
		 {"Thrown away by the close: {unsent} that had been written."}},
	[RST_CAUSE_APP_DISCONNECT] = {{"{Owner} {?}dissolved its connection with {a_peer} by "
				       "connect(AF_UNSPEC)."},
				      {NULL}},
	[RST_CAUSE_ADMIN_ABORT] =
		{{"{actor}, started by {actor_parent}, {?}killed the connection between {owner} "
		  "and {a_peer}.",
		  "{actor} {?}killed the connection between {owner} and {a_peer}.",
		  "{Owner} lost its connection with {a_peer}: somebody {?}killed it from outside."},
		 {"Ask who runs {actor_parent}: it started {actor}."}},
	[RST_CAUSE_HEALTH_CHECK_RESET] =
		{{"{Owner} {?}checked whether {a_peer} answers, and hung up at once; nothing is "
		  "wrong."},
		 {NULL}},
	[RST_CAUSE_ORPHAN_MEMORY] =
		{{"The kernel {?}had no room for the closed connection of {owner} with {a_peer}, "
		  "and dropped it with {unacked} unacknowledged."},
		 {NULL}},
	[RST_CAUSE_LINGER2_ABORT] =
		{{"{Owner} {?}closed its connection with {a_peer} and had told the kernel not to "
		  "wait for the peer (TCP_LINGER2)."},
		 {"TCP_LINGER2 is -{linger2} on this socket; net.ipv4.tcp_fin_timeout "
		  "({fin_timeout}) would hold without it."}},
	[RST_CAUSE_FIN_WAIT2_TIMEOUT] =
		{{"{Owner} had closed, but {a_peer} {?}never closed its half."},
		 {"net.ipv4.tcp_fin_timeout is {fin_timeout} here."}},
	[RST_CAUSE_LATE_RST_AFTER_CLOSE] =
		{{"{Owner} had already closed when the reset of {a_peer} came."},
		 {"{if_all_acked}Everything had been acknowledged: nothing was lost.",
		  "{if_unacked}Not acknowledged: {unacked}{median}, so {a_peer} may miss the "
		  "end of what was sent."}},
	[RST_CAUSE_MPTCP_SUBFLOW_RESET] =
		{{"One path (subflow) of a Multipath TCP connection of {owner} with {a_peer} was "
		  "{?}given up."},
		 {NULL}},
	[RST_CAUSE_PEER_APP_ABORT_SENDING] =
		{{"{A_peer} {?}aborted the connection while {owner} was sending to it, and "
		  "{owner} got {errno}.",
		  "{A_peer} {?}aborted the connection while {owner} was sending to it."},
		 {"On their way when the reset came: {unacked}; not yet sent: {unsent}.",
		  "{if_server}Connections had lived for {age} and {sent} had been sent{median}: "
		  "compare that with the clients' time limits."}},
	[RST_CAUSE_PEER_APP_ABORT_IDLE] =
		{{"{A_peer} {?}aborted its connection with {owner}, which got {errno}.",
		  "{A_peer} {?}aborted its connection with {owner}."},
		 {"Nothing had been heard for {idle} before ({idle_range})."}},
	[RST_CAUSE_PEER_LOST_CONNECTION] =
		{{"{Owner} wrote to {a_peer} after {idle} of silence, and the other end {?}did "
		  "not know the connection any more.",
		  "{Owner} wrote to {a_peer}, and the other end {?}did not know the connection "
		  "any more."},
		 {IDLE_TIGHT, "{if_idle_long}" KEEPALIVE_OFF, "{if_idle_long}" KEEPALIVE_ON,
		  "{if_idle_long}" KEEPALIVE_OWN, "{if_idle_long}" KEEPALIVE_HOW}},
	[RST_CAUSE_PEER_ABORT_HANDSHAKE] =
		{{"{A_peer} {?}gave up while it was connecting to {owner}."}, {NULL}},
	[RST_CAUSE_RST_INJECTED] =
		{{"Somebody between {owner} and {a_peer} {?}forged a reset and cut their "
		  "connection."},
		 {"The reset came with a TTL of {ttl_reset}, the peer's packets with {ttl_base}.",
		  "Tell the network's owner the addresses and times: 'rstmon last' has them."}},
	[RST_CAUSE_MIDDLEBOX_IDLE_REJECT] =
		{{"{Owner} used a connection with {a_peer} after {idle} of silence; a device on "
		  "the path had {?}forgotten it and answered with a reset.",
		  "{Owner} used a connection with {a_peer} after a pause; a device on the path "
		  "had {?}forgotten it and answered with a reset."},
		 {IDLE_TIGHT, KEEPALIVE_OFF, KEEPALIVE_ON, KEEPALIVE_OWN, KEEPALIVE_HOW,
		  "The reset came with a TTL of {ttl_reset}, the peer's packets with {ttl_base}."}},
	[RST_CAUSE_SILENT_DROP_TIMEOUT] =
		{{"{A_peer} {?}did not answer any more; after {retransmits} {owner} got {errno}.",
		  "{A_peer} {?}did not answer any more, until the kernel gave the connection of "
		  "{owner} up."},
		 {"Nothing had been heard for {idle} ({idle_range}).", SILENT_OFF, SILENT_ON,
		  "{if_no_user_timeout}TCP_USER_TIMEOUT is not set: net.ipv4.tcp_retries2 "
		  "({retries2}) lets it take {retries2_wait} at least. Set it, e.g. to 30000 ms, "
		  "to fail sooner.",
		  "TCP_USER_TIMEOUT ({user_timeout}) ended it.", KEEPALIVE_HOW}},
	[RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT] =
		{{"{A_peer} {?}left {probes} unanswered; nothing had been heard for {idle}, and "
		  "{owner} was given up.",
		  "{A_peer} {?}answered none of the keep-alive probes of {owner}."},
		 {"Keep-alive of this socket takes {keepalive_wait} to notice a dead peer "
		  "(net.ipv4.tcp_keepalive_time is {keepalive_time}).",
		  KEEPALIVE_OWN}},
	[RST_CAUSE_NAT_STATE_LOST] =
		{{"A NAT or firewall between {a_peer} and this host {?}forgot an idle connection "
		  "to {owner}, and its packets arrived as strangers'.",
		  "A NAT or firewall between {a_peer} and this host {?}forgot an idle connection "
		  "to port {port}."},
		 {IDLE_TIGHT}},
	[RST_CAUSE_HALF_OPEN_TO_LISTENER] =
		{{"{A_peer} {?}went on talking on a connection that {owner} does not know; it has "
		  "listened for {listener_age}.",
		  "{A_peer} {?}went on talking on a connection to port {port} that is not known "
		  "here."},
		 {"{owner} has listened for {listener_age}: connections that are older are of "
		  "an earlier instance, younger ones were forgotten on the way."}},
	[RST_CAUSE_HALF_OPEN_UNKNOWN] =
		{{"{A_peer} {?}went on talking on a connection to port {port} that this host "
		  "does not know."},
		 {"It concerns {peers}."}},
	[RST_CAUSE_CLOSED_PORT] =
		{{"{A_peer} asked for port {port}, and nobody listens on it at that address.",
		  "{ports} ports were asked for on which nobody listens."},
		 {"{ports} different ports were asked for: a port scan, if they come from few "
		  "addresses.",
		  "They came from {peers}."}},
	[RST_CAUSE_SERVICE_DOWN] =
		{{"{A_peer} asked for port {port}, where {former} {?}stopped listening {stopped} "
		  "before ({former_end}).",
		  "{A_peer} asked for port {port}, where {former} {?}stopped listening {stopped} "
		  "before.",
		  "{A_peer} asked for port {port}, whose service has {?}stopped."},
		 {"{former} {former_end}: its unit's log tells why.",
		  "Clients have been refused for {stopped} at least: start the service on port "
		  "{port} again."}},
	[RST_CAUSE_REFUSED_SYN] =
		{{"{Owner} wanted to connect to port {port} of {a_peer} and was refused.",
		  "{Owner} wanted to connect to {a_peer} and was refused."},
		 {"Check on {remote} what listens on port {port}: 'ss -ltn sport = {port}'."}},
	[RST_CAUSE_LISTENER_CLOSED_PENDING] =
		{{"{Owner} {?}closed its listener on port {port} while {a_peer} waited to be "
		  "accepted.",
		  "{Owner} {?}closed its listener while connections waited to be accepted."},
		 {"{if_exiting}It was ended by {signal}.",
		  "The accept queue has room for {backlog_max}; net.core.somaxconn is "
		  "{somaxconn}."}},
	[RST_CAUSE_ACCEPT_OVERFLOW_ABORT] =
		{{"{A_server} {?}accepted too slowly: its accept queue was full ({backlog} of "
		  "{backlog_max}), and {a_client} was reset at once.",
		  "{A_server} {?}accepted too slowly: its accept queue was full, and {a_client} "
		  "was reset at once."},
		 {QUEUE_IS, QUEUE_BACKLOG, QUEUE_BACKLOG_NAME, QUEUE_SOMAXCONN,
		  "{if_overflow_on}net.ipv4.tcp_abort_on_overflow is 1 here: with 0 short "
		  "bursts are waited out instead of reset."}},
	[RST_CAUSE_ACCEPT_OVERFLOW_EXPIRED] =
		{{"{A_server} {?}accepted too slowly: {a_client} waited for a place in its accept "
		  "queue ({backlog} of {backlog_max}) until the handshake had expired.",
		  "{A_server} {?}accepted too slowly: {a_client} waited for a place in its "
		  "accept queue until the handshake had expired."},
		 {QUEUE_IS, QUEUE_BACKLOG, QUEUE_BACKLOG_NAME, QUEUE_SOMAXCONN,
		  "Clients hang for {synack_wait} before they are reset "
		  "(net.ipv4.tcp_synack_retries is {synack_retries})."}},
	[RST_CAUSE_ACCEPT_OVERFLOW_PEER] =
		{{"{A_server} {?}never took the connection of {client}, although it had repeated "
		  "its request ({retransmits}).",
		  "{A_server} {?}never took the connection of {a_client}."},
		 {"{client} waited for {age}{median}: a shorter time-out for the first byte "
		  "fails sooner."}},
	[RST_CAUSE_SYNCOOKIE_FAILED] =
		{{"{A_peer} {?}answered with a SYN cookie that is not valid, on port {port}."},
		 {"{peers} took part.", QUEUE_BACKLOG, QUEUE_SOMAXCONN}},
	[RST_CAUSE_HANDSHAKE_BAD_ACK] = {{"{A_peer} {?}ended its handshake on port {port} with an "
					  "acknowledgement that does not fit."},
					 {"{peers} did so."}},
	[RST_CAUSE_BAD_SYN] = {{"{A_peer} {?}sent a SYN to port {port} where a connection with the "
				"same ports already was."},
			       {"{peers} did so."}},
	[RST_CAUSE_STALE_PEER_CONNECTION] =
		{{"{Owner} connected to {a_peer}, which {?}answered from an older connection "
		  "with the same ports."},
		 {NULL}},
	[RST_CAUSE_CONNECT_TIMEOUT] =
		{{"{Owner} wanted to connect to port {port} of {a_peer}, and nothing answered.",
		  "{Owner} wanted to connect to {a_peer}, and nothing answered."},
		 {"net.ipv4.tcp_syn_retries is {syn_retries}: connect() takes up to {syn_wait} "
		  "to fail, unless the program has a time-out of its own."}},
	[RST_CAUSE_ICMP_REFUSED] =
		{{"{Owner} wanted to connect to port {port} of {a_peer}, and an ICMP error "
		  "refused it ({errno}).",
		  "{Owner} wanted to connect to {a_peer}, and an ICMP error refused it."},
		 {"'ip route get {remote}' shows the way that the packets take."}},
};

const struct advice_entry *advice_entry(unsigned int cause)
{
	return &entries[cause < RST_CAUSE_MAX ? cause : RST_CAUSE_UNKNOWN];
}
