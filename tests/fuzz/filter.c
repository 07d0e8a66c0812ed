/* SPDX-License-Identifier: GPL-2.0-only */
/* libFuzzer: any bytes are a filter or an error with a place, and a filter compares with anything.
 */
#include "common/util.h"

#include "common/filter.h"
#include "rstmon/interface.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct object {
	const char *text;
	int64_t number;
	uint8_t address[16];
	bool ipv6;
};

static void value(const void *object, enum filter_field field, struct filter_value *ret)
{
	const struct object *o = object;

	(void)field;
	ret->text = o->text;
	ret->number = o->number;
	ret->address = o->address;
	ret->ipv6 = o->ipv6;
	ret->port = (uint16_t)o->number;
}

static void check(const char *text, enum filter_scope scope, const struct object *o)
{
	struct filter *f = NULL;
	char error[64] = "";
	int r = filter_parse(text, scope, &f, error, sizeof(error));

	if (r < 0 && strncmp(error, "column ", 7))
		abort();
	if (r < 0 && f)
		abort();
	filter_match(f, value, o);
	filter_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object o = {.number = (int64_t)size, .ipv6 = size & 1};
	_cleanup_free_ char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	memcpy(o.address, data, MIN(size, sizeof(o.address)));
	o.text = text;
	check(text, FILTER_ROWS, &o);
	check(text, FILTER_RESETS, &o);
	return 0;
}
