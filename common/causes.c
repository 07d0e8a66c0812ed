/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The texts of all causes, by number; the texts themselves stand by theme in the other causes_*.c.
 * Must not know anything of this host: its numbers are daemon/advice.c's. Proved by
 * tests/unit/common/causes.c.
 */
#include "common/util.h"

#include "common/causes_internal.h"

static const struct cause_text *const texts[] = {
#define X(id, name, summary) [RST_CAUSE_##id] = &cause_text_##id,
	RST_CAUSES(X)
#undef X
};

_Static_assert(ARRAY_SIZE(texts) == RST_CAUSE_MAX, "a cause without a text");

const struct cause_text *cause_text(unsigned int cause)
{
	return cause < RST_CAUSE_MAX ? texts[cause] : NULL;
}
