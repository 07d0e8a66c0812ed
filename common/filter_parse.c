/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parser of filter expressions. Must take any bytes and answer with a filter or with one
 * sentence that names the place; never more memory or depth than the limits of interface.h. Proved
 * by tests/unit/common/filter.c and tests/fuzz/filter.c.
 */
#include "common/util.h"

#include <errno.h>
#include <stdarg.h>

#include "common/filter_tree.h"
#include "common/near.h"
#include "common/str.h"

enum token {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_QUOTED,
	TOKEN_COMPARISON,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_UNCLOSED, /* a quote without its end */
};

struct parser {
	const char *text, *next; /* all of it; what follows the current token */
	enum token token;
	enum comparison comparison;
	const char *at, *start; /* the current token; its text without the quotes */
	size_t len;
	enum filter_scope scope;
	unsigned int depth, terms;
	struct filter *filter;
	char *error;
	size_t error_size;
};

static const char BLANKS[] = " \t\r\n\f\v";

static int parse_or(struct parser *p, uint16_t *ret);

/* Always -EINVAL. The column counts characters, not bytes. */
static _printf_(3, 4) int fail(struct parser *p, const char *at, const char *format, ...)
{
	unsigned int column = 1;
	va_list args;
	int n;

	for (const char *s = p->text; s < at; s++)
		column += (*s & 0xc0) != 0x80;
	n = snprintf(p->error, p->error_size, "column %u: ", column);
	if (n < 0 || (size_t)n >= p->error_size)
		return -EINVAL;
	va_start(args, format);
	vsnprintf(p->error + n, p->error_size - (size_t)n, format, args);
	va_end(args);
	return -EINVAL;
}

/* The current token's text for a message, harmless and short. */
struct excerpt {
	char text[48];
};

static struct excerpt excerpt(const struct parser *p)
{
	struct excerpt e;

	str_sanitise(e.text, sizeof(e.text), p->start, p->len);
	return e;
}

static void take_comparison(struct parser *p)
{
	bool equal = p->at[1] == '=';

	p->token = TOKEN_COMPARISON;
	p->len = 1 + equal;
	switch (p->at[0]) {
	case '<':
		p->comparison = equal ? COMPARE_LESS_EQUAL : COMPARE_LESS;
		break;
	case '>':
		p->comparison = equal ? COMPARE_GREATER_EQUAL : COMPARE_GREATER;
		break;
	case '!':
		p->comparison = COMPARE_NOT_EQUAL;
		break;
	default:
		p->comparison = COMPARE_EQUAL;
		p->len = 1;
	}
	p->next = p->at + p->len;
}

static void advance(struct parser *p)
{
	p->at = p->start = p->next + strspn(p->next, BLANKS);
	p->len = 0;
	p->next = p->at + 1;
	switch (*p->at) {
	case '\0':
		p->token = TOKEN_END;
		p->next = p->at;
		return;
	case '(':
		p->token = TOKEN_OPEN;
		return;
	case ')':
		p->token = TOKEN_CLOSE;
		return;
	case '"':
	case '\'': {
		const char *end = strchr(p->at + 1, *p->at);

		p->token = end ? TOKEN_QUOTED : TOKEN_UNCLOSED;
		p->start = p->at + 1;
		p->len = end ? (size_t)(end - p->start) : strlen(p->start);
		p->next = p->start + p->len + !!end;
		return;
	}
	case '=':
	case '<':
	case '>':
		take_comparison(p);
		return;
	case '!':
		if (p->at[1] == '=') {
			take_comparison(p);
			return;
		}
	}
	/* "[!a-c]*" is a word, "port!=80" three tokens */
	p->token = TOKEN_WORD;
	while (p->at[p->len] && !strchr(" \t\r\n\f\v()\"'=<>", p->at[p->len]) &&
	       strncmp(p->at + p->len, "!=", 2))
		p->len++;
	p->next = p->at + p->len;
}

static bool is_word(const struct parser *p, const char *word)
{
	return p->token == TOKEN_WORD && p->len == strlen(word) && !memcmp(p->start, word, p->len);
}

static bool is_reserved(const struct parser *p)
{
	return is_word(p, "and") || is_word(p, "or") || is_word(p, "not");
}

/* Depth of a node costs nothing but this: the index of a free one. The bound on terms keeps it. */
static uint16_t new_node(struct parser *p, enum node_kind kind, uint16_t left, uint16_t right)
{
	uint16_t index = p->filter->n++;

	p->filter->nodes[index] = (struct node){.kind = kind, .left = left, .right = right};
	return index;
}

/* The end of a sentence: "; did you mean "port"?" */
struct guess {
	char text[NEAR_LEN_MAX + sizeof("; did you mean \"\"?")];
};

static struct guess guess(const char *nearest)
{
	struct guess g = {};

	if (nearest)
		snprintf(g.text, sizeof(g.text), "; did you mean \"%s\"?", nearest);
	return g;
}

static const char *word_of_field(unsigned int n, const void *userdata)
{
	return filter_field_word(*(const enum filter_field *)userdata, n);
}

static int check_word(struct parser *p, enum filter_field field, const char *text)
{
	const char *nearest;
	char words[160] = "";
	size_t len = 0;
	const char *word;

	/* some have a state or an error that has no name */
	if (!*text || !filter_field_word(field, 0))
		return 0;
	for (unsigned int i = 0; (word = filter_field_word(field, i)); i++) {
		if (filter_text_match(text, word))
			return 0;
		if (len < sizeof(words) - strlen(word) - sizeof(", ..."))
			len += (size_t)snprintf(words + len, sizeof(words) - len, "%s%s",
						i ? ", " : "", word);
		else if (!strstr(words, "..."))
			snprintf(words + len, sizeof(words) - len, ", ...");
	}
	nearest = field == FILTER_CAUSE ? near_cause(text) : near_word(text, word_of_field, &field);
	return fail(p, p->at, "no %s is called \"%s\", only %s%s", filter_field_name(field),
		    excerpt(p).text, words, guess(nearest).text);
}

static int parse_number(struct parser *p, struct node *n, const char *text)
{
	bool negative = *text == '-';
	uint64_t number;
	int r = parse_u64(text + negative, &number);

	if (r == -ERANGE || (!r && number > INT64_MAX))
		return fail(p, p->at, "%s is no number that %s can have", excerpt(p).text,
			    filter_field_name(n->field));
	if (r < 0)
		return fail(p, p->at, "%s is a number, \"%s\" is none", filter_field_name(n->field),
			    excerpt(p).text);
	if (n->field == FILTER_PORT && (negative || number > UINT16_MAX))
		return fail(p, p->at, "port is at most 65535, not %s", excerpt(p).text);
	n->number = negative ? -(int64_t)number : (int64_t)number;
	return 0;
}

static int parse_value(struct parser *p, struct node *n)
{
	struct filter *f = p->filter;
	char *text = f->pool + f->pooled;
	uint64_t time;

	/* the pool has room for all bytes of the expression and the ends of all terms */
	memcpy(text, p->start, p->len);
	text[p->len] = '\0';
	f->pooled += p->len + 1;
	n->text = text;

	switch (filter_field_type(n->field)) {
	case FILTER_TYPE_NUMBER:
		return parse_number(p, n, text);
	case FILTER_TYPE_TIME:
		if (parse_time(text, &time) < 0 || time > INT64_MAX)
			return fail(p, p->at,
				    "\"%s\" is no time like 2026-01-31T14:05:00Z (RFC 3339)",
				    excerpt(p).text);
		n->number = (int64_t)time;
		return 0;
	case FILTER_TYPE_ADDRESS:
		if (addr_pattern_parse(text, &n->address) < 0)
			return fail(
				p, p->at,
				"\"%s\" is no address (192.0.2.1, 10.0.0.0/8, [2001:db8::1]:443)",
				excerpt(p).text);
		return 0;
	case FILTER_TYPE_TEXT:
		return check_word(p, n->field, text);
	}
	return -EINVAL;
}

/* The n-th field that the scope has. */
static const char *field_of_scope(unsigned int n, const void *userdata)
{
	enum filter_scope scope = *(const enum filter_scope *)userdata;

	for (enum filter_field f = 0; f < FILTER_FIELD_MAX; f++)
		if (filter_field_in_scope(f, scope) && !n--)
			return filter_field_name(f);
	return NULL;
}

static int no_such_field(struct parser *p)
{
	/* whole, as what is shown may be cut and changed */
	_cleanup_free_ char *word = strndup(p->start, p->len);
	const char *nearest = word ? near_word(word, field_of_scope, &p->scope) : NULL;

	return fail(p, p->at, "there is no field \"%s\"%s", excerpt(p).text,
		    nearest ? guess(nearest).text : "; try 'port 8080' or 'comm nginx'");
}

static int parse_field(struct parser *p, struct node *n)
{
	if (p->token == TOKEN_END)
		return fail(p, p->at, "the expression ends where a field was expected");
	if (p->token == TOKEN_CLOSE)
		return fail(p, p->at, "a field was expected before \")\"");
	if (p->token == TOKEN_COMPARISON)
		return fail(p, p->at, "a field was expected before \"%s\"", excerpt(p).text);
	if (p->token != TOKEN_WORD || is_reserved(p))
		return fail(p, p->at, "a field was expected, not \"%s\"", excerpt(p).text);

	for (n->field = 0; n->field < FILTER_FIELD_MAX; n->field++)
		if (is_word(p, filter_field_name(n->field)))
			break;
	if (n->field == FILTER_FIELD_MAX)
		return no_such_field(p);
	if (!filter_field_in_scope(n->field, p->scope))
		return fail(
			p, p->at,
			"the counters of list, why and check have no field \"%s\", single resets do: "
			"use watch or last",
			filter_field_name(n->field));
	return 0;
}

static int parse_term(struct parser *p, uint16_t *ret)
{
	struct node n = {.kind = NODE_TERM};
	const char *comparison;
	enum filter_type type;
	int r;

	r = parse_field(p, &n);
	if (r < 0)
		return r;
	if (++p->terms > RSTMON_FILTER_TERMS)
		return fail(p, p->at,
			    "more than %d terms; a pattern such as 'comm http*' stands for many",
			    RSTMON_FILTER_TERMS);

	type = filter_field_type(n.field);
	advance(p);
	comparison = p->at;
	if (p->token == TOKEN_COMPARISON) {
		n.comparison = p->comparison;
		advance(p);
	}
	if (n.comparison > COMPARE_NOT_EQUAL &&
	    (type == FILTER_TYPE_TEXT || type == FILTER_TYPE_ADDRESS))
		return fail(p, comparison, "%s is compared with = and != only",
			    filter_field_name(n.field));
	if (p->token == TOKEN_UNCLOSED)
		return fail(p, p->at, "the quote has no end");
	if (p->token != TOKEN_QUOTED && (p->token != TOKEN_WORD || is_reserved(p)))
		return fail(p, p->at, "the value of %s is missing", filter_field_name(n.field));

	r = parse_value(p, &n);
	if (r < 0)
		return r;
	advance(p);
	*ret = new_node(p, NODE_TERM, 0, 0);
	p->filter->nodes[*ret] = n;
	return 0;
}

static int parse_not(struct parser *p, uint16_t *ret)
{
	const char *at = p->at;
	bool open = p->token == TOKEN_OPEN;
	int r;

	if (!open && !is_word(p, "not"))
		return parse_term(p, ret);
	if (++p->depth > RSTMON_FILTER_DEPTH)
		return fail(p, at, "more than %d levels of \"(\" and \"not\"", RSTMON_FILTER_DEPTH);
	advance(p);
	if (open) {
		r = parse_or(p, ret);
		if (r < 0)
			return r;
		if (p->token != TOKEN_CLOSE)
			return fail(p, at, "\"(\" has no \")\"");
		advance(p);
	} else {
		r = parse_not(p, ret);
		if (r < 0)
			return r;
		p->filter->nodes[*ret].negate = !p->filter->nodes[*ret].negate;
	}
	p->depth--;
	return 0;
}

static int parse_and(struct parser *p, uint16_t *ret)
{
	uint16_t left, right;
	int r = parse_not(p, &left);

	while (!r && is_word(p, "and")) {
		advance(p);
		r = parse_not(p, &right);
		if (!r)
			left = new_node(p, NODE_AND, left, right);
	}
	if (!r)
		*ret = left;
	return r;
}

static int parse_or(struct parser *p, uint16_t *ret)
{
	uint16_t left, right;
	int r = parse_and(p, &left);

	while (!r && is_word(p, "or")) {
		advance(p);
		r = parse_and(p, &right);
		if (!r)
			left = new_node(p, NODE_OR, left, right);
	}
	if (!r)
		*ret = left;
	return r;
}

static int parse_all(struct parser *p)
{
	int r = parse_or(p, &p->filter->root);

	if (r < 0 || p->token == TOKEN_END)
		return r;
	if (p->token == TOKEN_CLOSE)
		return fail(p, p->at, "\")\" has no \"(\"");
	return fail(p, p->at, "\"and\" or \"or\" was expected before \"%s\"", excerpt(p).text);
}

int filter_parse(const char *text, enum filter_scope scope, struct filter **ret, char *error,
		 size_t error_size)
{
	_cleanup_free_ struct filter *f = NULL;
	struct parser p = {.text = text,
			   .next = text,
			   .scope = scope,
			   .error = error,
			   .error_size = error_size};
	int r;

	if (strnlen(text, RSTMON_FILTER_MAX + 1) > RSTMON_FILTER_MAX)
		return fail(&p, text, "the expression is longer than %d bytes", RSTMON_FILTER_MAX);
	if (!text[strspn(text, BLANKS)]) {
		*ret = NULL;
		return 0;
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	p.filter = f;
	advance(&p);
	r = parse_all(&p);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}
