/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of a filter, between its parser and its comparison. Nobody else includes this. */
#ifndef COMMON_FILTER_TREE_H
#define COMMON_FILTER_TREE_H

#include "common/addr.h"
#include "common/filter.h"
#include "rstmon/interface.h"

enum comparison {
	COMPARE_EQUAL,
	COMPARE_NOT_EQUAL,
	COMPARE_LESS,
	COMPARE_LESS_EQUAL,
	COMPARE_GREATER,
	COMPARE_GREATER_EQUAL,
};

enum node_kind {
	NODE_TERM,
	NODE_AND,
	NODE_OR,
};

struct node {
	enum node_kind kind;
	bool negate;	      /* "not" costs no node of its own */
	uint16_t left, right; /* of "and" and "or" */
	/* of a term */
	enum filter_field field;
	enum comparison comparison;
	const char *text; /* in the filter's pool */
	int64_t number;
	struct addr_pattern address;
};

/* n terms need n - 1 nodes to join them */
#define FILTER_NODES_MAX (2 * RSTMON_FILTER_TERMS)

struct filter {
	uint16_t root, n;
	size_t pooled;
	struct node nodes[FILTER_NODES_MAX];
	char pool[RSTMON_FILTER_MAX + RSTMON_FILTER_TERMS]; /* values, each with its end */
};

enum filter_type filter_field_type(enum filter_field field);

/* The comparison of text: as it is, or as a pattern of fnmatch(3). */
bool filter_text_match(const char *pattern, const char *text);

#endif
