/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes as a record: decode, diagnose, count and publish, as the daemon does with each. */
#include "common/util.h"

#include <json-c/json.h>

#include "daemon/decode.h"
#include "daemon/diagnose.h"
#include "daemon/publish.h"
#include "daemon/tally.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tally *make_tally(void)
{
	size_t size = (tally_size() + 63) / 64 * 64;
	void *memory = aligned_alloc(64, size);

	return memory ? tally_format(memset(memory, 0, size), size) : NULL;
}

/* The reasons decide the path: without their names most of diagnose is never reached. */
static void name_reasons(struct reasons *reasons)
{
	static const char *const names[] = {
		"NOT_SPECIFIED",       "NO_SOCKET",	      "TCP_FLAGS",
		"TCP_TIMEWAIT_SOCKET", "INVALID_SYN",	      "TCP_INVALID_ACK_SEQUENCE",
		"TCP_OLD_ACK",	       "TCP_ABORT_ON_DATA",   "TCP_ABORT_ON_CLOSE",
		"TCP_ABORT_ON_LINGER", "TCP_ABORT_ON_MEMORY", "TCP_KEEPALIVE_TIMEOUT",
		"TCP_STATE",	       "MPTCP_RST_EMPTCP",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		reasons_add(reasons, i, names[i]);
}

/* What happened before, and what the host says, out of the record's own bytes. */
static void surroundings(const struct reset *r, struct past *past, struct host *host)
{
	past->second = r->ack & 1;
	past->second_cause = r->ack >> 8 & 63;
	past->second_confidence = (r->ack >> 16) % CONFIDENCE_MAX;
	past->aftermath = r->ack & 2;
	past->other.known = r->ack & 4;
	past->other.pid = r->ack;
	past->other.direction = r->ack & 8 ? RST_RECEIVED : RST_SENT;
	past->other_cause = r->ack >> 24 & 63;
	past->other_confidence = (r->ack >> 4) % CONFIDENCE_MAX;
	past->burst = r->seq & 31;
	past->repeats = past->idle_alike = r->seq & 3;
	host->overflowed = r->seq >> 8 & 1;
	host->cookies_failed = r->seq >> 9 & 1;
	host->sibling = r->seq >> 10 & 1;
	host->lossy = r->seq >> 11 & 1;
	host->watched_ms = r->seq;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reasons reasons;
	static struct tally *tally;
	struct host host = HOST_UNKNOWN;
	struct past past = {};
	struct finding f = {};
	struct rst_event_sock_former record;
	char text[512];

	if (!tally) {
		tally = make_tally();
		name_reasons(&reasons);
	}
	if (!tally || size > sizeof(record))
		return 0;
	/* the ring's records are aligned */
	memset(&record, 0, sizeof(record));
	memcpy(&record, data, size);
	if (decode(&record, size, &reasons, 0, &f.reset))
		return 0;
	f.owner.pid = f.reset.owner_tgid;
	f.owner.start = f.reset.owner_start;
	surroundings(&f.reset, &past, &host);
	diagnose(&f.reset, &f.owner, &past, &host, &f.verdict);
	diagnose_wants_host(&f.reset);
	tally_add(tally, &f);
	publish_text(&f, text, sizeof(text));
	json_object_put(publish_reset(&f));
	return 0;
}
