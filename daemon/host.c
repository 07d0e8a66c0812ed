/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps the counters of known network namespaces to see what moved, and answers what a verdict may
 * depend on. Must not ask more often than its bounds allow. Proved by tests/unit/daemon/host.c.
 */
#include "common/util.h"

#include <errno.h>

#include "common/str.h"
#include "daemon/host.h"

#define FRESH_NS  (200 * NSEC_PER_MSEC) /* a look so young is as good as a new one */
#define RETRY_NS  (1 * NSEC_PER_SEC)	/* after a look that failed */
#define NAMES_MAX 8192

enum counter {
	ATTEMPT_FAILS,
	EMBRYONIC_RSTS,
	CHALLENGE_ACKS,
	SYN_CHALLENGES,
	LISTEN_OVERFLOWS,
	LISTEN_DROPS,
	COOKIES_FAILED,
	COUNTER_MAX,
};

static const struct {
	enum host_file file;
	const char *prefix, *name;
} counters[] = {
	[ATTEMPT_FAILS] = {HOST_SNMP, "Tcp: ", "AttemptFails"},
	[EMBRYONIC_RSTS] = {HOST_NETSTAT, "TcpExt: ", "EmbryonicRsts"},
	[CHALLENGE_ACKS] = {HOST_NETSTAT, "TcpExt: ", "TCPChallengeACK"},
	[SYN_CHALLENGES] = {HOST_NETSTAT, "TcpExt: ", "TCPSYNChallenge"},
	[LISTEN_OVERFLOWS] = {HOST_NETSTAT, "TcpExt: ", "ListenOverflows"},
	[LISTEN_DROPS] = {HOST_NETSTAT, "TcpExt: ", "ListenDrops"},
	[COOKIES_FAILED] = {HOST_NETSTAT, "TcpExt: ", "SyncookiesFailed"},
};

_Static_assert(ARRAY_SIZE(counters) == COUNTER_MAX, "a counter without a name");

/* A counter of one namespace. */
struct value {
	bool known;
	uint64_t first, last;
	uint64_t since; /* when 'first' was read */
	uint64_t moved; /* when a look found that it had, 0: never seen to */
};

struct netns_watch {
	uint32_t inode, cookie;
	uint64_t id;	 /* of its files */
	uint64_t used;	 /* when a reset was in it */
	uint64_t looked; /* 0: never */
	uint64_t failed;
	struct value value[COUNTER_MAX];
};

struct host_watch {
	uint64_t since;
	uint64_t unread_ever, lost_at; /* 0: nothing was */
	bool unread_known;
	host_read_fn read;
	void *userdata;
	uint64_t second; /* the running one's start */
	unsigned int looks;
	uint64_t lines_second; /* of the lists of connections: the running second's start */
	unsigned int lines;    /* and what was read in it */
	uint64_t sibling_at;   /* the last question, its answer */
	uint32_t sibling_netns;
	struct endpoint sibling_remote;
	uint16_t sibling_port;
	int8_t sibling;
	uint64_t evicted;
	struct host_counters gone; /* of namespaces given up */
	struct netns_watch *latest;
	unsigned int n;
	struct netns_watch netns[HOST_NETNS_MAX];
};

int host_new(uint64_t since, struct host_watch **ret)
{
	struct host_watch *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->since = since;
	h->read = host_read_proc;
	h->sibling = -1;
	*ret = h;
	return 0;
}

void host_free(struct host_watch *h)
{
	free(h);
}

void host_set_reader(struct host_watch *h, host_read_fn read_fn, void *userdata)
{
	h->read = read_fn;
	h->userdata = userdata;
}

/* ---- one look ---- */

struct look {
	enum host_file file;
	char names[NAMES_MAX]; /* the line before, which names the columns */
	bool found[COUNTER_MAX];
	uint64_t value[COUNTER_MAX];
};

/* The next word at *p, ended by blanks. */
static bool next_word(const char **p, char *dst, size_t size)
{
	size_t n;

	*p += strspn(*p, " ");
	n = strcspn(*p, " ");
	if (!n || n >= size)
		return false;
	memcpy(dst, *p, n);
	dst[n] = '\0';
	*p += n;
	return true;
}

static void take_value(struct look *l, const char *prefix, const char *name, const char *text)
{
	for (unsigned int i = 0; i < COUNTER_MAX; i++)
		if (counters[i].file == l->file && !strcmp(counters[i].prefix, prefix) &&
		    !strcmp(counters[i].name, name))
			l->found[i] = !parse_u64(text, &l->value[i]);
}

/* Two lines with the same first word belong together. */
static bool on_line(const char *line, void *userdata)
{
	const char *names, *values = line;
	struct look *l = userdata;
	char prefix[16], name[64], value[64];
	size_t n = strcspn(line, " ") + 1;

	if (n < sizeof(prefix) && line[n - 1] == ' ' && !strncmp(l->names, line, n)) {
		memcpy(prefix, line, n);
		prefix[n] = '\0';
		names = l->names + n;
		values += n;
		while (next_word(&names, name, sizeof(name)) &&
		       next_word(&values, value, sizeof(value)))
			take_value(l, prefix, name, value);
		l->names[0] = '\0';
	} else {
		str_copy(l->names, sizeof(l->names), line);
	}
	return true;
}

static void add_up(const struct netns_watch *n, struct host_counters *sum)
{
	uint64_t *const to[] = {
		[ATTEMPT_FAILS] = &sum->attempt_fails,
		[EMBRYONIC_RSTS] = &sum->embryonic_rsts,
		[CHALLENGE_ACKS] = &sum->challenge_acks,
		[SYN_CHALLENGES] = &sum->syn_challenges,
		[LISTEN_OVERFLOWS] = &sum->listen_overflows,
		[LISTEN_DROPS] = &sum->listen_drops,
		[COOKIES_FAILED] = &sum->cookies_failed,
	};

	for (unsigned int i = 0; i < COUNTER_MAX; i++)
		*to[i] += n->value[i].last - n->value[i].first;
}

static void update(struct value *v, uint64_t now_value, uint64_t now)
{
	/* it fell: another namespace's, or this kernel's counter began anew */
	if (!v->known || now_value < v->last) {
		*v = (struct value){
			.known = true,
			.first = now_value,
			.last = now_value,
			.since = now,
		};
		return;
	}
	if (now_value > v->last)
		v->moved = now;
	v->last = now_value;
}

static int read_counters(struct host_watch *h, struct netns_watch *n, uint32_t pid,
			 enum host_file file, uint64_t now)
{
	struct look l = {.file = file};
	uint64_t id;
	int r = h->read(h->userdata, pid, file, on_line, &l, &id);

	if (r < 0)
		return r;
	if (file == HOST_NETSTAT) {
		if (n->id != id) {
			add_up(n, &h->gone);
			memset(n->value, 0, sizeof(n->value));
		}
		n->id = id;
		n->looked = now;
	}
	for (unsigned int i = 0; i < COUNTER_MAX; i++)
		if (l.found[i])
			update(&n->value[i], l.value[i], now);
	return 0;
}

static int look(struct host_watch *h, struct attributor *a, struct netns_watch *n, bool all,
		uint64_t now)
{
	uint32_t pid = attributor_netns_process(a, n->inode, n->cookie);
	int r = pid ? read_counters(h, n, pid, HOST_NETSTAT, now) : -ESRCH;

	if (!r && all)
		r = read_counters(h, n, pid, HOST_SNMP, now);
	n->failed = r < 0 ? now : 0;
	return r;
}

/* True if the second has another look left; takes it. */
static bool take_look(struct host_watch *h, uint64_t now)
{
	if (now - h->second >= NSEC_PER_SEC) {
		h->second = now;
		h->looks = 0;
	}
	return h->looks++ < HOST_LOOKS_PER_S;
}

/* ---- the namespaces ---- */

static struct netns_watch *find(struct host_watch *h, uint32_t inode, uint32_t cookie)
{
	for (unsigned int i = 0; i < h->n; i++)
		if (h->netns[i].inode == inode && h->netns[i].cookie == cookie)
			return &h->netns[i];
	return NULL;
}

static struct netns_watch *make(struct host_watch *h, uint32_t inode, uint32_t cookie)
{
	struct netns_watch *n = &h->netns[0];

	if (h->n < HOST_NETNS_MAX) {
		n = &h->netns[h->n++];
	} else {
		for (unsigned int i = 1; i < h->n; i++)
			if (h->netns[i].used < n->used)
				n = &h->netns[i];
		add_up(n, &h->gone);
		h->evicted++;
	}
	*n = (struct netns_watch){.inode = inode, .cookie = cookie};
	return n;
}

static struct netns_watch *seen(struct host_watch *h, uint32_t netns, uint32_t cookie, uint64_t now)
{
	struct netns_watch *n = h->latest;

	if (!n || n->inode != netns || n->cookie != cookie)
		n = find(h, netns, cookie);
	if (!n)
		n = make(h, netns, cookie);
	h->latest = n;
	n->used = now;
	return n;
}

static bool may_look(const struct netns_watch *n, uint64_t now)
{
	return !n->failed || now - n->failed >= RETRY_NS;
}

void host_seen(struct host_watch *h, struct attributor *a, uint32_t netns, uint32_t netns_cookie,
	       uint64_t now)
{
	struct netns_watch *n;

	if (!netns)
		return;
	n = seen(h, netns, netns_cookie, now);
	if (!n->looked && may_look(n, now) && take_look(h, now))
		look(h, a, n, true, now);
}

struct scan {
	struct host_watch *h;
	uint64_t now;
};

static void scan_netns(uint32_t netns, uint32_t cookie, void *userdata)
{
	struct scan *s = userdata;

	if (netns && (s->h->n < HOST_NETNS_MAX || find(s->h, netns, cookie)))
		seen(s->h, netns, cookie, s->now);
}

void host_seen_all(struct host_watch *h, struct attributor *a, uint64_t now)
{
	struct scan s = {h, now};

	attributor_netns_each(a, scan_netns, &s);
	host_minute(h, a, now);
}

void host_minute(struct host_watch *h, struct attributor *a, uint64_t now)
{
	for (unsigned int i = 0; i < h->n; i++)
		look(h, a, &h->netns[i], true, now);
}

/* ---- answers ---- */

void host_losses(struct host_watch *h, uint64_t unread_ever, uint64_t now)
{
	if (h->unread_known && unread_ever != h->unread_ever)
		h->lost_at = now;
	h->unread_known = true;
	h->unread_ever = unread_ever;
}

void host_look(const struct host_watch *h, const struct reset *r, uint64_t now, struct host *ret)
{
	*ret = HOST_UNKNOWN;
	if (r->monotonic >= h->since)
		ret->watched_ms = (int64_t)((r->monotonic - h->since) / NSEC_PER_MSEC);
	ret->lossy = h->lost_at && now - h->lost_at < HOST_LOSSY_NS;
}

/* A counter that is 0 never moved; of the time before the first look nothing is known. */
static int8_t moved(const struct value *v, uint64_t within, uint64_t now)
{
	if (!v->known)
		return -1;
	if (v->moved && now - v->moved < within)
		return 1;
	return v->last == 0 || now - v->since >= within ? 0 : -1;
}

struct search {
	const struct reset *reset;
	unsigned int lines;
	bool tcp6, found;
};

static bool search_line(const char *line, void *userdata)
{
	struct search *s = userdata;

	s->lines++;
	s->found = host_is_sibling(line, s->tcp6, s->reset);
	return !s->found;
}

static int8_t search(struct host_watch *h, uint32_t pid, struct search *s)
{
	uint64_t id;

	/* v4-mapped ones are listed with IPv6 */
	if (!s->reset->remote.ipv6 && h->read(h->userdata, pid, HOST_TCP, search_line, s, &id) < 0)
		return -1;
	if (s->found)
		return 1;
	s->tcp6 = true;
	if (h->read(h->userdata, pid, HOST_TCP6, search_line, s, &id) < 0)
		return s->reset->remote.ipv6 ? -1 : 0;
	return s->found;
}

static int8_t ask_sibling(struct host_watch *h, struct attributor *a, const struct reset *r)
{
	uint32_t pid = attributor_netns_process(a, r->netns, r->netns_cookie);
	struct search s = {.reset = r};
	int8_t answer = pid ? search(h, pid, &s) : -1;

	/* of an empty list, too, the kernel walks the whole hash table: some milliseconds; and
	 * where no process lives all were looked at */
	h->lines += s.lines + HOST_LINES_PER_S / HOST_LISTS_PER_S;
	return answer;
}

/* A question is asked while the second has lines left; its answer holds for a second, for all that
 * would ask the same. */
static int8_t sibling(struct host_watch *h, struct attributor *a, const struct reset *r,
		      uint64_t now)
{
	bool same = h->sibling_netns == r->netns && h->sibling_port == r->local.port &&
		    h->sibling_remote.ipv6 == r->remote.ipv6 &&
		    !memcmp(h->sibling_remote.address, r->remote.address, r->remote.ipv6 ? 16 : 4);

	if (same && h->sibling_at && now - h->sibling_at < NSEC_PER_SEC)
		return h->sibling;
	if (!h->lines_second || now - h->lines_second >= NSEC_PER_SEC) {
		h->lines_second = now;
		h->lines = 0;
	}
	if (h->lines >= HOST_LINES_PER_S)
		return -1;
	h->sibling_at = now;
	h->sibling_netns = r->netns;
	h->sibling_port = r->local.port;
	h->sibling_remote = r->remote;
	h->sibling = ask_sibling(h, a, r);
	return h->sibling;
}

void host_ask(struct host_watch *h, struct attributor *a, const struct reset *r, uint64_t now,
	      struct host *ret)
{
	struct netns_watch *n;

	if (!r->netns)
		return;
	n = seen(h, r->netns, r->netns_cookie, now);
	if ((!n->looked || now - n->looked >= FRESH_NS) && may_look(n, now) && take_look(h, now))
		look(h, a, n, false, now);
	ret->overflowed = moved(&n->value[LISTEN_OVERFLOWS], HOST_OVERFLOW_NS, now);
	ret->cookies_failed = moved(&n->value[COOKIES_FAILED], HOST_COOKIE_NS, now);
	/* no rule about a segment without data asks for it */
	if (r->payload)
		ret->sibling = sibling(h, a, r, now);
}

int host_counters(struct host_watch *h, struct attributor *a, uint64_t now,
		  struct host_counters *ret)
{
	int covered = 0;

	*ret = h->gone;
	for (unsigned int i = 0; i < h->n; i++) {
		covered += look(h, a, &h->netns[i], true, now) == 0;
		add_up(&h->netns[i], ret);
	}
	return covered;
}

uint64_t host_evicted(const struct host_watch *h)
{
	return h->evicted;
}
