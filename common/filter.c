/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What fields a filter knows and how it is compared with an object. Must not know what an object
 * is: the caller says what it has in a field. Proved by tests/unit/common/filter.c,
 * tests/fuzz/filter.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fnmatch.h>

#include "common/filter_tree.h"
#include "common/words.h"
#include "rstmon/cause.h"
#include "rstmon/event.h"

static const struct {
	const char *name;
	enum filter_type type;
} fields[] = {
#define X(id, name_, type_) [FILTER_##id] = {.name = name_, .type = FILTER_TYPE_##type_},
	FILTER_FIELDS(X)
#undef X
};

const char *filter_field_name(enum filter_field field)
{
	return (unsigned int)field < FILTER_FIELD_MAX ? fields[field].name : "invalid";
}

enum filter_type filter_field_type(enum filter_field field)
{
	return fields[field].type;
}

bool filter_field_in_scope(enum filter_field field, enum filter_scope scope)
{
	switch (field) {
	case FILTER_PID:
	case FILTER_COMM:
	case FILTER_EXE:
	case FILTER_UNIT:
	case FILTER_CONTAINER:
	case FILTER_POD:
	case FILTER_NETNS:
	case FILTER_PORT:
	case FILTER_ROLE:
	case FILTER_DIRECTION:
	case FILTER_CAUSE:
		return true;
	default:
		return scope == FILTER_RESETS;
	}
}

static const char *errno_word(unsigned int n)
{
	/* Linux's numbers of errors end long before this */
	for (int error = 1; error < 512; error++) {
		const char *name = socket_errno_name(error);

		if (*name && !n--)
			return name;
	}
	return NULL;
}

static const char *plain_word(const char *const *words, size_t n_words, unsigned int n)
{
	return n < n_words ? words[n] : NULL;
}

const char *filter_field_word(enum filter_field field, unsigned int n)
{
	static const char *const kinds[] = {"reset", "timeout"};
	static const char *const families[] = {"ipv4", "ipv6"};

	switch (field) {
	case FILTER_KIND:
		return plain_word(kinds, ARRAY_SIZE(kinds), n);
	case FILTER_FAMILY:
		return plain_word(families, ARRAY_SIZE(families), n);
	case FILTER_DIRECTION:
		return n < RST_RESET_DIRECTIONS ? direction_name(n) : NULL;
	case FILTER_ROLE:
		return n < RST_ROLE_MAX ? role_name(n) : NULL;
	case FILTER_CAUSE:
		return n < RST_CAUSE_MAX ? cause_name(n) : NULL;
	case FILTER_CONFIDENCE:
		return n < CONFIDENCE_MAX ? confidence_name(n) : NULL;
	case FILTER_OWNER_SOURCE:
		return n < RST_OWNER_SOURCE_MAX ? owner_source_name(n) : NULL;
	case FILTER_STATE:
	case FILTER_PREVIOUS_STATE: /* 0 is the state that has no name */
		return strcmp(tcp_state_name(n + 1), "invalid") ? tcp_state_name(n + 1) : NULL;
	case FILTER_ERRNO:
		return errno_word(n);
	default:
		return NULL;
	}
}

bool filter_text_match(const char *pattern, const char *text)
{
	/* Equal text first, since names hold brackets; and units hold backslashes: "dev-a\x2db" */
	return !strcmp(pattern, text) || !fnmatch(pattern, text, FNM_NOESCAPE);
}

static bool compare_numbers(enum comparison comparison, int64_t a, int64_t b)
{
	switch (comparison) {
	case COMPARE_EQUAL:
		return a == b;
	case COMPARE_NOT_EQUAL:
		return a != b;
	case COMPARE_LESS:
		return a < b;
	case COMPARE_LESS_EQUAL:
		return a <= b;
	case COMPARE_GREATER:
		return a > b;
	case COMPARE_GREATER_EQUAL:
		return a >= b;
	}
	return false;
}

static bool match_term(const struct node *n, filter_value_fn value, const void *object)
{
	struct filter_value v = {.type = fields[n->field].type};
	bool equal = false;

	value(object, n->field, &v);
	switch (fields[n->field].type) {
	case FILTER_TYPE_NUMBER:
	case FILTER_TYPE_TIME:
		return compare_numbers(n->comparison, v.number, n->number);
	case FILTER_TYPE_TEXT:
		equal = filter_text_match(n->text, v.text ? v.text : "");
		break;
	case FILTER_TYPE_ADDRESS:
		equal = v.address && addr_pattern_match(&n->address, v.address, v.ipv6, v.port);
		break;
	}
	return equal == (n->comparison == COMPARE_EQUAL);
}

/* As deep as there are terms, which is bounded. */
static bool match_node(const struct filter *f, uint16_t index, filter_value_fn value,
		       const void *object)
{
	const struct node *n = &f->nodes[index];
	bool match;

	if (n->kind == NODE_TERM) {
		match = match_term(n, value, object);
	} else {
		match = match_node(f, n->left, value, object);
		if (match == (n->kind == NODE_AND))
			match = match_node(f, n->right, value, object);
	}
	return match != n->negate;
}

bool filter_match(const struct filter *f, filter_value_fn value, const void *object)
{
	return !f || match_node(f, f->root, value, object);
}

bool filter_uses(const struct filter *f, enum filter_field field)
{
	for (uint16_t i = 0; f && i < f->n; i++)
		if (f->nodes[i].kind == NODE_TERM && f->nodes[i].field == field)
			return true;
	return false;
}

void filter_free(struct filter *f)
{
	free(f);
}
