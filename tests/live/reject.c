/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Resets that netfilter makes: as many as the rule's own counter says, called what they are, and in
 * no counter of TCP. The rule comes after rstmond, and with it the module. Where nothing shows
 * them, it says so and is skipped.
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>

#include "tests/live/box.h"
#include "tests/live/result.h"

#define PORT4	26001
#define PORT6	26002
#define RESETS	50
#define TOLD_MS 10000
#define TABLE	"REJECT"

static char rules_path[80], said_path[80];

/* Each connect() brings one SYN, and the rule answers it. */
static const char rules[] = "table inet wall {\n"
			    "	chain in {\n"
			    "		type filter hook input priority 0;\n"
			    "		tcp dport 26001 counter reject with tcp reset\n"
			    "		tcp dport 26002 counter reject with tcp reset\n"
			    "	}\n"
			    "}\n";

static long lay_rules(long n)
{
	_cleanup_fclose_ FILE *f = fopen(rules_path, "we");
	char command[128];

	(void)n;
	if (!f || fputs(rules, f) < 0 || fflush(f))
		return -EIO;
	snprintf(command, sizeof(command), "nft -f %s", rules_path);
	return box_run(command, -1);
}

static long be_rejected(long port)
{
	long r = 0;

	for (int i = 0; i < RESETS && r == 0; i++)
		r = port == PORT6 ? box_refused6(port) : box_refused(port);
	return r;
}

/* What the rule of that port has counted; -1: nothing of the kind is said. */
static long counted(long port)
{
	_cleanup_close_ int fd = open(said_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	_cleanup_fclose_ FILE *f = NULL;
	char line[256], start[64];
	long n = -1;

	if (fd < 0 || box_run("nft list table inet wall", fd))
		return -1;
	f = fopen(said_path, "re");
	snprintf(start, sizeof(start), "tcp dport %ld counter packets ", port);
	while (f && n < 0 && fgets(line, sizeof(line), f)) {
		const char *p = strstr(line, start);

		if (p)
			n = strtol(p + strlen(start), NULL, 10);
	}
	return n;
}

static long told(const struct live_daemon *d, uint64_t netns, long port)
{
	long n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += (uint64_t)json_int(d->line[i], "netns") == netns &&
		     json_int(d->line[i], "port") == port &&
		     !strcmp(json_str(d->line[i], "direction"), "sent") &&
		     !strcmp(json_str(d->line[i], "cause"), "firewall_reject");
	return n;
}

/* NULL if rstmond shows them, else why not. */
static const char *blind(struct json_object *status)
{
	struct json_object *hooks = json_at(status, "hooks");

	for (size_t i = 0; hooks && i < json_object_array_length(hooks); i++) {
		struct json_object *h = json_object_array_get_idx(hooks, i);

		if (strcmp(json_str(h, "name"), "fentry/nf_ct_attach") != 0)
			continue;
		if (json_object_get_boolean(json_at(h, "attached")))
			return NULL;
		return *json_str(h, "why") ? json_str(h, "why") : "its hook is not attached";
	}
	return "this rstmond has no hook for them";
}

static void judge_family(struct live_daemon *d, struct box *b, const char *family, long port)
{
	int64_t deadline = now_ms() + slow_ms(TOLD_MS);
	char why[96];
	long rule, n;

	cr_expect_eq(box_call(b, d, be_rejected, port), 0, "%s is not rejected", family);
	rule = box_call(b, d, counted, port);
	while ((n = told(d, b->netns, port)) < rule && now_ms() < deadline)
		live_pump(d, -1, 100);
	snprintf(why, sizeof(why), "%ld told, %ld by the rule's counter, %d made", n, rule, RESETS);
	fprintf(stderr, "REJECT %s: %s\n", family, why);
	result_is(n == rule && n == RESETS, TABLE, family, why);
	cr_expect(n == rule && n == RESETS, "%s: %s", family, why);
}

static void judge_rejects(struct live_daemon *d, struct box *b)
{
	struct json_object *status = live_status(d), *o;
	int64_t apart;
	char why[64];

	judge_family(d, b, "IPv4", PORT4);
	judge_family(d, b, "IPv6", PORT6);
	json_object_put(status);
	status = live_status(d);
	o = live_status_netns(status, b->netns);
	apart = json_int(json_at(o, "unexplained"), "TcpOutRsts");
	snprintf(why, sizeof(why), "%+lld apart, of %lld", (long long)apart,
		 (long long)netns_out_rsts(b->pid));
	result_is(o && apart == 0, TABLE, "TcpOutRsts", why);
	cr_expect(o && apart == 0, "TcpOutRsts: %s", why);
	json_object_put(status);
}

Test(live, firewall_rejects, .timeout = 120)
{
	const char *impossible = live_impossible(), *why;
	static struct live_daemon d;
	struct json_object *status;
	struct box b;
	char skip[128];

	if (impossible)
		cr_skip_test("live tests: %s", impossible);
	cr_assert_eq(live_start(&d, true), 0, "rstmond does not start");
	cr_assert_eq(box_start(&b, "wall"), 0);
	snprintf(rules_path, sizeof(rules_path), "%s/rules", d.dir);
	snprintf(said_path, sizeof(said_path), "%s/said", d.dir);
	/* the box was made before these had names */
	box_end(&b);
	cr_assert_eq(box_start(&b, "wall"), 0);
	status = live_status(&d);
	why = blind(status);
	if (!why && box_call(&b, &d, lay_rules, 0))
		why = "nft refused the rules: it or the modules are missing";
	snprintf(skip, sizeof(skip), "%s", why ? why : "");
	json_object_put(status);
	if (!why)
		judge_rejects(&d, &b);
	else
		result_skip(TABLE, "IPv4 and IPv6", skip);
	box_end(&b);
	cr_expect_eq(live_stop(&d), 0, "it said:\n%s", d.log);
	live_free(&d);
	if (why)
		cr_skip_test("REJECT: %s", skip);
}
