/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sentences of advice by cause, as templates (advice_internal.h). Must not hold a number of a
 * host or a name of a process: those are values. A narrative begins with who did it; the first one
 * that can be filled is taken. Proved by tests/unit/daemon/advice.c.
 */
#include "common/util.h"

#include "daemon/advice_internal.h"

/* Sentences that several causes share. */
#define QUEUE_BACKLOG                                                                              \
	"{if_backlog_short}net.core.somaxconn is {somaxconn}, so the program's own backlog "       \
	"({backlog_max}) is the limit: raise it."
#define QUEUE_BACKLOG_NAME "{if_backlog_short}Where to raise it: {server_backlog}."
#define QUEUE_SOMAXCONN                                                                            \
	"{if_somaxconn_short}net.core.somaxconn is {somaxconn} and the limit of the queue "        \
	"({backlog_max}): raise it, and the program's own backlog with it."
#define KEEPALIVE_OFF                                                                              \
	"{if_keepalive_off}SO_KEEPALIVE is off on this socket, so net.ipv4.tcp_keepalive_time "    \
	"({keepalive_time}) does nothing for it. Turn it on, and set the time below {idle}."
#define KEEPALIVE_ON                                                                               \
	"{if_keepalive_on}SO_KEEPALIVE is on, but the first probe comes only after "               \
	"{keepalive_first}: it must come before {idle} of silence."
#define KEEPALIVE_HOW "{if_keepalive_off}SO_KEEPALIVE is turned on by {so_keepalive}."
#define IDLE_TIGHT                                                                                 \
	"{if_tight}Look for a device or program with a time-out of about {timeout}: all of them "  \
	"had been idle for {idle_range}."
#define TTL_KNOWN "(TTL {ttl_reset} of the reset, {ttl_base} of the peer's packets)"
static const struct advice_entry entries[RST_CAUSE_MAX] = {
	[RST_CAUSE_KEEPALIVE_RACE_SERVER] =
		{{"{A_server} {?}closed an idle keep-alive connection after {idle} just as {client} "
		  "sent the next request on it; {client} got {client_errno}.",
		  "{A_server} {?}closed an idle keep-alive connection after {idle} just as the next "
		  "request came from {a_client}, which got a reset instead of an answer.",
		  "{A_server} {?}closed an idle keep-alive connection just as the next request came "
		  "from {a_client}, which got a reset instead of an answer."},
		 {ADVICE_RACE_BOTH, ADVICE_CLIENT_BELOW, ADVICE_CLIENT_ANY, ADVICE_RACE_NAME,
		  ADVICE_RACE_SERVER},
		 .without = 1 << 0 | 1 << 1},
	[RST_CAUSE_KEEPALIVE_RACE_CLIENT] =
		{{"{A_client} sent a request on a connection that had been idle for {idle}, while "
		  "{server} was {?}closing it; {client} got {errno}.",
		  "{A_client} sent a request on a connection that had been idle for {idle}, while "
		  "{a_server} was {?}closing it, and got {errno}.",
		  "{A_client} sent a request on an idle connection while {a_server} was "
		  "{?}closing it, and was reset."},
		 {ADVICE_RACE_BOTH, ADVICE_CLIENT_BELOW, ADVICE_CLIENT_ANY, ADVICE_RACE_NAME,
		  ADVICE_RACE_SERVER},
		 .without = 1 << 0 | 1 << 2},
	[RST_CAUSE_WRITE_AFTER_PEER_CLOSE] =
		{{"{Owner} wrote to a connection that {a_peer} had {?}closed {fin_age} before, "
		  "and got {errno}.",
		  "{Owner} wrote to a connection that {a_peer} had {?}closed before, and was "
		  "reset."},
		 {"{if_server}Compare the clients' time-outs with {age}{median}: so long the "
		  "connections had lived when the answer was written, and the clients had left.",
		  "{if_client}For {client_program}: {client_keeps}."},
		 .not_server = 1 << 1,
		 .not_client = 1 << 0 | 1 << 2},
	[RST_CAUSE_DATA_AFTER_LOCAL_CLOSE] =
		{{"{Owner} {?}closed the connection {closed} before more data came from {a_peer}; "
		  "the kernel answered that with a reset.",
		  "{Owner} {?}closed the connection while {a_peer} was still sending; the kernel "
		  "answered with a reset."},
		 {"Nothing, if that was meant: {former} {former_end}, and its connections with it.",
		  "{if_client}Look for a time limit of about {age}{median} in {owner}: so long the "
		  "connections had lived when it stopped waiting for the answer."},
		 "If a client gave up, its request may have been carried out: repeat it only if it "
		 "may run twice.",
		 .without = 1 << 0,
		 .not_server = 1 << 0,
		 .not_client = 1 << 1 | 1 << 2},
	[RST_CAUSE_UPLOAD_NOT_DRAINED] =
		{{"{A_server} {?}answered {a_client} before it had read the whole request, and "
		  "closed with {unread} unread; the reset may have erased the answer.",
		  "{A_server} {?}answered {a_client} before it had read the whole request, and "
		  "closed."},
		 {"Look into the access log of {a_server} for the status of these requests: it had "
		  "got {received} of them and sent {sent} of an answer{median}. If the upload is "
		  "legitimate, raise the limit that refused it.",
		  "Settings that limit the upload, or drain it: {server_body}."},
		 .without = 1 << 0},
	[RST_CAUSE_CLIENT_ABORT_UNREAD_DATA] =
		{{"{A_client} {?}closed the connection with {unread} of the answer of {a_server} "
		  "unread.",
		  "{A_client} {?}closed the connection before it had read the answer of "
		  "{a_server}."},
		 {"Look for a time limit of the client of about {age}{median}: that is when it "
		  "gave up, with {received} received. If a person stopped it: harmless."},
		 .without = 1 << 0},
	[RST_CAUSE_SERVER_ABORT_UNREAD_REQUEST] =
		{{"{A_server} {?}closed a connection of {a_client} with {unread} of a request "
		  "unread, {age} after it was made{median}.",
		  "{A_server} {?}closed a connection of {a_client} with {unread} of a request "
		  "unread.",
		  "{A_server} {?}closed a connection of {a_client} without reading the request."},
		 {NULL}},
	[RST_CAUSE_PROC_KILLED_UNREAD] =
		{{"{Owner} was {?}killed by {signal} while {unread} from {a_peer} waited for it "
		  "unread.",
		  "{Owner} was {?}killed while data from {a_peer} waited for it unread."},
		 {"{if_not_oom}Find out who sent {signal} (the kernel's OOM killer was not it): "
		  "mostly a stop that took longer than TimeoutStopSec=, an orchestrator, or an "
		  "administrator."},
		 .without = 1 << 0 | 1 << 1},
	[RST_CAUSE_PROC_CRASH_UNREAD] =
		{{"{Owner} {?}crashed with {signal} while {unread} from {a_peer} waited for it "
		  "unread.",
		  "{Owner} {?}crashed while data from {a_peer} waited for it unread."},
		 {"Look at the crash of {owner} ({signal}): 'coredumpctl list', the log of its "
		  "unit, and of a Java VM hs_err_pid*.log."},
		 .without = 1 << 0},
	[RST_CAUSE_PROC_EXIT_UNREAD] =
		{{"{Owner} {?}ended with exit status {status} while {unread} from {a_peer} waited "
		  "for it unread.",
		  "{Owner} was {?}ended by {signal} while {unread} from {a_peer} waited for it "
		  "unread.",
		  "{Owner} {?}ended while data from {a_peer} waited for it unread."},
		 {NULL}},
	[RST_CAUSE_LINGER_ZERO] =
		{{"{Owner} {?}closed its connection with {a_peer} by a reset on purpose "
		  "(SO_LINGER with time 0), which threw {unsent} away that had been written.",
		  "{Owner} {?}closed its connection with {a_peer} by a reset on purpose "
		  "(SO_LINGER with time 0)."},
		 {NULL}},
	[RST_CAUSE_APP_DISCONNECT] = {{"{Owner} {?}dissolved its connection with {a_peer} by "
				       "connect(AF_UNSPEC)."},
				      {NULL}},
	[RST_CAUSE_ADMIN_ABORT] =
		{{"{actor}, started by {actor_parent}, {?}killed the connection between {owner} "
		  "and {a_peer}.",
		  "{actor} {?}killed the connection between {owner} and {a_peer}.",
		  "{Owner} lost its connection with {a_peer}: somebody {?}killed it from outside."},
		 {"Ask who runs {actor_parent}: it started {actor}, which killed the connection."},
		 .without = 1 << 0},
	[RST_CAUSE_HEALTH_CHECK_RESET] =
		{{"{Owner} {?}checked whether {a_peer} answers, and hung up at once."}, {NULL}},
	[RST_CAUSE_ORPHAN_MEMORY] =
		{{"The kernel {?}had no room for the closed connection of {owner} with {a_peer}, "
		  "and dropped it with {unacked} unacknowledged."},
		 {NULL}},
	[RST_CAUSE_LINGER2_ABORT] =
		{{"{Owner} {?}closed its connection with {a_peer} and had told the kernel not to "
		  "wait for the peer (TCP_LINGER2)."},
		 {"Take TCP_LINGER2 (-{linger2} on this socket) out of the program, unless the "
		  "reset is meant: without it net.ipv4.tcp_fin_timeout ({fin_timeout}) holds."},
		 .without = ADVICE_ALL},
	[RST_CAUSE_FIN_WAIT2_TIMEOUT] =
		{{"{Owner} had closed, but {a_peer} {?}never closed its half; "
		  "net.ipv4.tcp_fin_timeout is {fin_timeout} here.",
		  "{Owner} had closed, but {a_peer} {?}never closed its half."},
		 {NULL}},
	[RST_CAUSE_LATE_RST_AFTER_CLOSE] =
		{{"{Owner} had already closed when the reset of {a_peer} came."},
		 {"{if_all_acked}Nothing: all that was sent had been acknowledged.",
		  "{if_unacked}Look at {a_peer}: it closed with {unacked} not acknowledged, so it "
		  "may miss the end of what was sent."},
		 .without = ADVICE_ALL},
	[RST_CAUSE_MPTCP_SUBFLOW_RESET] =
		{{"One path (subflow) of a Multipath TCP connection of {owner} with {a_peer} was "
		  "{?}given up."},
		 {NULL}},
	[RST_CAUSE_PEER_APP_ABORT_SENDING] =
		{{"{A_peer} {?}aborted the connection while {owner} was sending to it, with "
		  "{unacked}{median} on their way, and {owner} got {errno}.",
		  "{A_peer} {?}aborted the connection while {owner} was sending to it, and "
		  "{owner} got {errno}.",
		  "{A_peer} {?}aborted the connection while {owner} was sending to it."},
		 {"{if_server}Compare the clients' time limits with {age}{median}: so long the "
		  "connections had lived, with {sent} sent."},
		 .not_server = 1 << 1,
		 .not_client = 1 << 0},
	[RST_CAUSE_PEER_APP_ABORT_IDLE] =
		{{"{if_paused}{A_peer} {?}aborted its connection with {owner} after {idle} of silence, and "
		  "{owner} got {errno}.",
		  "{A_peer} {?}aborted its connection with {owner}, which got {errno}.",
		  "{A_peer} {?}aborted its connection with {owner}."},
		 {NULL}},
	[RST_CAUSE_PEER_LOST_CONNECTION] =
		{{"{Owner} wrote to {a_peer} after {idle} of silence, and the other end {?}did "
		  "not know the connection any more.",
		  "{Owner} wrote to {a_peer}, and the other end {?}did not know the connection "
		  "any more."},
		 {IDLE_TIGHT, "{if_idle_long}" KEEPALIVE_OFF, "{if_idle_long}" KEEPALIVE_ON,
		  "{if_idle_long}" KEEPALIVE_HOW}},
	[RST_CAUSE_PEER_ABORT_HANDSHAKE] =
		{{"{A_peer} {?}gave up while it was connecting to {owner}."}, {NULL}},
	[RST_CAUSE_RST_INJECTED] =
		{{"Somebody between {owner} and {a_peer} {?}forged a reset and cut their "
		  "connection."},
		 {"Show the network's owner the addresses and times ('rstmon last' has them) and "
		  "the distance " TTL_KNOWN ": firewalls log what they cut.",
		  "|Show the network's owner the addresses and times: 'rstmon last' has them, and "
		  "firewalls log what they cut."},
		 .without = 1 << 1},
	[RST_CAUSE_MIDDLEBOX_IDLE_REJECT] =
		{{"{Owner} used a connection with {a_peer} after {idle} of silence; a device on "
		  "the path had {?}forgotten it and answered with a reset " TTL_KNOWN ".",
		  "{Owner} used a connection with {a_peer} after {idle} of silence; a device on "
		  "the path had {?}forgotten it and answered with a reset.",
		  "{Owner} used a connection with {a_peer} after a pause; a device on the path "
		  "had {?}forgotten it and answered with a reset."},
		 {IDLE_TIGHT, KEEPALIVE_OFF, KEEPALIVE_ON, KEEPALIVE_HOW},
		 .without = 1 << 0},
	[RST_CAUSE_SILENT_DROP_TIMEOUT] =
		{{"{A_peer} {?}did not answer any more; after {retransmits} and {user_timeout} "
		  "(its TCP_USER_TIMEOUT) {owner} got {errno}.",
		  "{A_peer} {?}did not answer any more; after {retransmits} {owner} got {errno}.",
		  "{A_peer} {?}did not answer any more, until the kernel gave the connection of "
		  "{owner} up."},
		 {"Look first on the way to {a_peer}: for a firewall rule that drops the packets "
		  "('nft list ruleset', 'iptables-save | grep -i drop'), a route that was lost "
		  "('ip route get {remote}'), or a host that is down.",
		  "|Look first on the way to {a_peer}: for a firewall rule that drops the packets "
		  "('nft list ruleset', 'iptables-save | grep -i drop'), a route that was lost, or "
		  "a host that is down.",
		  "{if_keepalive_off}Turn SO_KEEPALIVE on (it is off on this socket): then the "
		  "kernel notices a peer that is gone while nothing is sent.",
		  KEEPALIVE_HOW,
		  "{if_no_user_timeout}TCP_USER_TIMEOUT is not set: net.ipv4.tcp_retries2 "
		  "({retries2}) lets it take {retries2_wait} at least. Set it, e.g. to 30000 ms, "
		  "to fail sooner."},
		 .without = ADVICE_ALL},
	[RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT] =
		{{"{A_peer} {?}left {probes} unanswered; nothing had been heard for {idle}, and "
		  "{owner} was given up.",
		  "{A_peer} {?}answered none of the keep-alive probes of {owner}."},
		 {"Is {a_peer} up and reachable from here now? If not, that is the story: "
		  "keep-alive did its work, {keepalive_wait} after the last word.",
		  "|Is {a_peer} up and reachable from here now? If not, that is the story: "
		  "keep-alive did its work.",
		  "If it is up, a device on the way forgot the connection: let the first probe come "
		  "sooner than after {keepalive_first}.",
		  "|If it is up, a device on the way forgot the connection: lower TCP_KEEPIDLE of "
		  "the socket, or net.ipv4.tcp_keepalive_time."},
		 .without = ADVICE_ALL},
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
		 {"Compare with the age of {owner}, which has listened for {listener_age}: older "
		  "connections are of an earlier instance (let clients connect again), younger "
		  "ones were forgotten on the way by a NAT or firewall."},
		 .without = 1 << 0 | 1 << 1},
	[RST_CAUSE_HALF_OPEN_UNKNOWN] =
		{{"{A_peer} {?}went on talking on a connection to port {port} that this host "
		  "does not know."},
		 {NULL}},
	[RST_CAUSE_CLOSED_PORT] =
		{{"{A_peer} asked for port {port}, and nobody listens on it at that address.",
		  "{ports} ports were asked for on which nobody listens."},
		 {"See in 'rstmon list --by peer' whether few addresses ask for the {ports} ports: "
		  "then it is a port scan, harmless where the firewall is right."},
		 .without = 1 << 1},
	[RST_CAUSE_SERVICE_DOWN] =
		{{"{A_peer} asked for port {port}, where {former} {?}stopped listening {stopped} "
		  "before ({former_end}).",
		  "{A_peer} asked for port {port}, where {former} {?}stopped listening {stopped} "
		  "before.",
		  "{A_peer} asked for port {port}, whose service has {?}stopped."},
		 {"Start the service on port {port} again, it has been down for {stopped} at "
		  "least; the log of its unit tells why ({former} {former_end}).",
		  "|Start the service on port {port} again, it has been down for {stopped} at "
		  "least; the log of its unit tells why."},
		 .without = 1 << 0},
	[RST_CAUSE_REFUSED_SYN] =
		{{"{Owner} wanted to connect to port {port} of {a_peer} and was refused.",
		  "{Owner} wanted to connect to {a_peer} and was refused."},
		 {"Check on {remote} whether the service runs and listens on port {port} of that "
		  "address: 'ss -ltn sport = :{port}'."},
		 .without = 1 << 0},
	[RST_CAUSE_LISTENER_CLOSED_PENDING] =
		{{"{if_exiting}{Owner} was {?}ended by {signal} while {a_peer} waited on port "
		  "{port} to be accepted.",
		  "{Owner} {?}closed its listener on port {port} while {a_peer} waited to be "
		  "accepted.",
		  "{Owner} {?}closed its listener while connections waited to be accepted."},
		 {NULL}},
	[RST_CAUSE_ACCEPT_OVERFLOW_ABORT] =
		{{"{A_server} {?}accepted too slowly: its accept queue was full ({backlog} of "
		  "{backlog_max}), and {a_client} was reset at once.",
		  "{A_server} {?}accepted too slowly: its accept queue was full, and {a_client} "
		  "was reset at once."},
		 {QUEUE_BACKLOG, QUEUE_BACKLOG_NAME, QUEUE_SOMAXCONN,
		  "{if_overflow_on}Set net.ipv4.tcp_abort_on_overflow to 0 (it is 1 here), unless "
		  "it is meant: then short bursts are waited out instead of reset."},
		 .without = 1 << 1 | 1 << 2},
	[RST_CAUSE_ACCEPT_OVERFLOW_EXPIRED] =
		{{"{A_server} {?}accepted too slowly: {a_client} waited for a place in its accept "
		  "queue ({backlog} of {backlog_max}) until the handshake had expired, which takes "
		  "{synack_wait} (net.ipv4.tcp_synack_retries is {synack_retries}).",
		  "{A_server} {?}accepted too slowly: {a_client} waited for a place in its accept "
		  "queue ({backlog} of {backlog_max}) until the handshake had expired.",
		  "{A_server} {?}accepted too slowly: {a_client} waited for a place in its "
		  "accept queue until the handshake had expired."},
		 {QUEUE_BACKLOG, QUEUE_BACKLOG_NAME, QUEUE_SOMAXCONN},
		 .without = 1 << 1},
	[RST_CAUSE_ACCEPT_OVERFLOW_PEER] =
		{{"{A_server} {?}never took the connection of {client}, although it had repeated "
		  "its request ({retransmits}).",
		  "{A_server} {?}never took the connection of {a_client}."},
		 {"Give {client} a time-out for the first byte, well below the {age}{median} that "
		  "it waited, and another server where there is one."},
		 .without = 1 << 1},
	[RST_CAUSE_SYNCOOKIE_FAILED] =
		{{"{A_peer} {?}answered with a SYN cookie that is not valid, on port {port}."},
		 {QUEUE_BACKLOG, QUEUE_SOMAXCONN},
		 .without = 1 << 1},
	[RST_CAUSE_HANDSHAKE_BAD_ACK] = {{"{A_peer} {?}ended its handshake on port {port} with an "
					  "acknowledgement that does not fit."},
					 {NULL}},
	[RST_CAUSE_BAD_SYN] = {{"{A_peer} {?}sent a SYN to port {port} where a connection with the "
				"same ports already was."},
			       {NULL}},
	[RST_CAUSE_STALE_PEER_CONNECTION] =
		{{"{Owner} connected to {a_peer}, which {?}answered from an older connection "
		  "with the same ports."},
		 {NULL}},
	[RST_CAUSE_CONNECT_TIMEOUT] =
		{{"{Owner} wanted to connect to port {port} of {a_peer}, and nothing answered.",
		  "{Owner} wanted to connect to {a_peer}, and nothing answered."},
		 {"Does {a_peer} answer from another host, or on another port? If from nowhere, "
		  "look at the host and its address; if only from here, at firewalls and security "
		  "groups.",
		  "Set a connect time-out of some seconds in {owner}: without one connect() takes "
		  "up to {syn_wait} to fail (net.ipv4.tcp_syn_retries is {syn_retries}).",
		  "|Set a connect time-out of some seconds in the program."},
		 .without = 1 << 0 | 1 << 2},
	[RST_CAUSE_ICMP_REFUSED] =
		{{"{Owner} wanted to connect to port {port} of {a_peer}, and an ICMP error "
		  "refused it ({errno}).",
		  "{Owner} wanted to connect to {a_peer}, and an ICMP error refused it."},
		 {"See the way that the packets take: 'ip route get {remote}'."}},
	[RST_CAUSE_FIREWALL_REJECT] =
		{{"{A_peer} sent something for port {port}, and a firewall rule of this host "
		  "refused it with a reset.",
		  "Something was sent to {ports} ports, and firewall rules of this host refused it "
		  "with a reset."},
		 {"See which rule counts up: 'nft list ruleset' (give it a 'counter'), or "
		  "'iptables -nvL' and 'ip6tables -nvL'; if port {port} is to be open, mend that "
		  "rule.",
		  "|See which rules count up: 'nft list ruleset' (give them a 'counter'), or "
		  "'iptables -nvL' and 'ip6tables -nvL'; if one of the {ports} ports is to be open, "
		  "mend its rule.",
		  "See in 'rstmon list --by peer' whether few addresses ask for the {ports} ports: "
		  "then it is a port scan, and the rules do what they are for."},
		 .without = 1 << 0},
};

const struct advice_entry *advice_entry(unsigned int cause)
{
	return &entries[cause < RST_CAUSE_MAX ? cause : RST_CAUSE_UNKNOWN];
}
