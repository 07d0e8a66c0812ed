/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An answer of the daemon for whoever asks within the next moment: scrapers that come together cost
 * it one call, and one that does not answer holds each of them up once, not one after the other.
 * Must not ask in the background. Proved by tests/unit/cli/exporter.c.
 */
#include "common/util.h"

#include "cli/exporter.h"
#include "common/str.h"

static void forget(struct exporter_cache *c)
{
	for (unsigned int i = 0; i < EXPORTER_FORMAT_MAX; i++) {
		free(c->text[i]);
		c->text[i] = NULL;
	}
	c->sentence[0] = '\0';
}

void exporter_cache_done(struct exporter_cache *c)
{
	forget(c);
	c->asked = false;
}

const char *exporter_cache_get(struct exporter_cache *c, enum exporter_format format)
{
	if (!c->asked || c->clock() - c->answered >= EXPORTER_FRESH_NS) {
		forget(c);
		c->asked = true;
		if (c->ask(c->userdata, &c->text[EXPORTER_OPENMETRICS], c->sentence,
			   sizeof(c->sentence)))
			c->text[EXPORTER_OPENMETRICS] = NULL;
		/* from the end of the call: what waited for it finds it fresh */
		c->answered = c->clock();
	}
	if (!c->text[EXPORTER_OPENMETRICS])
		return NULL;
	if (!c->text[format])
		c->text[format] = exporter_classic(c->text[EXPORTER_OPENMETRICS]);
	if (!c->text[format])
		str_copy(c->sentence, sizeof(c->sentence), "no memory for the metrics");
	return c->text[format];
}
