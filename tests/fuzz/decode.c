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

	return memory ? tally_format(memory, size) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reasons reasons;
	static struct tally *tally;
	const struct past past = {};
	struct finding f = {};
	struct rst_event_sock_former record;
	char text[512];

	if (!tally) {
		tally = make_tally();
		reasons_add(&reasons, 1, "SK_RST_REASON_NO_SOCKET");
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
	diagnose(&f.reset, &f.owner, &past, &HOST_UNKNOWN, &f.verdict);
	tally_add(tally, &f);
	publish_text(&f, text, sizeof(text));
	json_object_put(publish_reset(&f));
	return 0;
}
