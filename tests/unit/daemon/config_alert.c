/* SPDX-License-Identifier: GPL-2.0-only */
/* Sections [alert NAME]: what a rule is, where it is wrong, and that it is written as it is read.
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>
#include <syslog.h>

#include "common/filter.h"
#include "daemon/alert_defaults.h"
#include "daemon/config_internal.h"

static struct config config;
static char error[512];
static char file_name[64];

static void setup(void)
{
	config_default(&config);
}

TestSuite(config_alert, .init = setup);

static int load(const char *text)
{
	_cleanup_close_ int fd = memfd_create("config", MFD_CLOEXEC);
	size_t n = strlen(text);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, n), (ssize_t)n);
	snprintf(file_name, sizeof(file_name), "/proc/self/fd/%d", fd);
	return config_load(&config, file_name, error, sizeof(error));
}

static const struct alert_rule *rule(const char *name)
{
	for (unsigned int i = 0; i < config.alerts; i++)
		if (!strcmp(config.alert[i].name, name))
			return &config.alert[i];
	cr_assert_fail("no rule %s", name);
	return NULL;
}

/* The sentence with its line, without the file. */
static void fails(const char *text, const char *want)
{
	struct config before = config;
	size_t n;

	cr_assert_lt(load(text), 0, "%s", text);
	n = strlen(file_name);
	cr_assert_eq(strncmp(error, file_name, n), 0, "%s", error);
	cr_assert_eq(strncmp(error + n, want, strlen(want)), 0, "%s gave %s", text, error + n);
	cr_assert_null(strchr(error, '\n'));
	cr_assert_eq(memcmp(&before, &config, sizeof(config)), 0);
}

static bool same_double(double a, double b)
{
	return a >= b && a <= b;
}

Test(config_alert, built_in_rules_are_there_and_in_bounds)
{
	cr_assert_gt(alert_defaults_n, 0);
	cr_assert_leq(alert_defaults_n, RSTMON_ALERT_RULES_MAX / 2);
	cr_assert_eq(config.alerts, alert_defaults_n);
	for (unsigned int i = 0; i < alert_defaults_n; i++) {
		const struct alert_rule *want = &alert_defaults[i].rule, *got = &config.alert[i];
		struct filter *filter = NULL;

		cr_assert_str_eq(got->name, want->name);
		cr_assert_str_eq(got->filter, want->filter);
		cr_assert_eq(got->enabled, want->enabled);
		cr_assert_eq(got->by, want->by);
		cr_assert(same_double(got->rate, want->rate));
		cr_assert(same_double(got->clear, want->clear));
		cr_assert_eq(got->window_ns, want->window_ns);
		cr_assert_eq(got->cooldown_ns, want->cooldown_ns);
		cr_assert_eq(got->severity, want->severity);

		cr_assert_leq(want->clear, want->rate);
		cr_assert_gt(want->clear, 0);
		cr_assert_eq(filter_parse(want->filter, FILTER_ROWS, &filter, error, sizeof(error)),
			     0, "%s: %s", want->name, error);
		filter_free(filter);
		cr_assert(alert_defaults[i].help && alert_defaults[i].help[0]);
		for (unsigned int k = 0; k < i; k++)
			cr_assert_str_neq(alert_defaults[k].rule.name, want->name);
	}
}

Test(config_alert, a_built_in_rule_is_changed_key_by_key)
{
	const struct alert_rule before = config.alert[0];
	char text[128];

	snprintf(text, sizeof(text), "[alert %s]\nseverity = crit\nenabled = no\n", before.name);
	cr_assert_eq(load(text), 0, "%s", error);
	cr_assert_eq(config.alerts, alert_defaults_n);
	cr_assert_eq(config.alert[0].severity, LOG_CRIT);
	cr_assert_not(config.alert[0].enabled);
	cr_assert_str_eq(config.alert[0].filter, before.filter);
	cr_assert(same_double(config.alert[0].clear, before.clear));
	cr_assert_eq(config.alert_origin[0][7].from, CONFIG_FROM_FILE);
	cr_assert_eq(config.alert_origin[0][7].line, 2);
	cr_assert_eq(config.alert_origin[0][1].from, CONFIG_FROM_DEFAULT);
}

Test(config_alert, another_rate_moves_the_clear_with_it)
{
	char text[128];

	snprintf(text, sizeof(text), "[alert %s]\nrate = 7/h\n", config.alert[0].name);
	cr_assert_eq(load(text), 0, "%s", error);
	cr_assert(same_double(config.alert[0].rate, 7 * (1.0 / 60)));
	cr_assert(same_double(config.alert[0].clear, config.alert[0].rate / 2));

	snprintf(text, sizeof(text), "[alert %s]\nclear = 7/h\n", config.alert[0].name);
	cr_assert_eq(load(text), 0, "%s", error);
	cr_assert(same_double(config.alert[0].clear, config.alert[0].rate));
}

Test(config_alert, a_new_rule_is_made_of_the_general_defaults)
{
	const struct alert_rule *r;

	cr_assert_eq(load("[alert web-5xx_A]\nfilter = port 443\n"), 0, "%s", error);
	r = rule("web-5xx_A");
	cr_assert_eq(r - config.alert, (ptrdiff_t)alert_defaults_n);
	cr_assert(r->enabled);
	cr_assert_str_eq(r->filter, "port 443");
	cr_assert_eq(r->by, ALERT_BY_SERVICE);
	cr_assert(same_double(r->rate, 10));
	cr_assert(same_double(r->clear, 5));
	cr_assert_eq(r->window_ns, 60 * NSEC_PER_SEC);
	cr_assert_eq(r->cooldown_ns, 300 * NSEC_PER_SEC);
	cr_assert_eq(r->severity, LOG_WARNING);
}

Test(config_alert, every_key_is_read)
{
	const struct alert_rule *r;

	cr_assert_eq(load("[alert a]\n"
			  "enabled = no\n"
			  "filter = comm nginx ; a comment\n"
			  "by = port\n"
			  "rate = 5/s\n"
			  "clear = 60/h\n"
			  "window = 5m\n"
			  "cooldown = 0\n"
			  "severity = info\n"
			  "[log]\n"
			  "alerts_per_minute = 7\n"
			  "[alert b]\n"
			  "filter =\n"
			  "rate = 1/min\n"
			  "[alert a]\n"
			  "window = 1h\n"),
		     0, "%s", error);
	cr_assert_eq(config.alerts_per_minute, 7);
	r = rule("a");
	cr_assert_not(r->enabled);
	cr_assert_str_eq(r->filter, "comm nginx");
	cr_assert_eq(r->by, ALERT_BY_PORT);
	cr_assert(same_double(r->rate, 300));
	cr_assert(same_double(r->clear, 1));
	cr_assert_eq(r->window_ns, 3600 * NSEC_PER_SEC);
	cr_assert_eq(r->cooldown_ns, 0);
	cr_assert_eq(r->severity, LOG_INFO);
	r = rule("b");
	cr_assert_str_eq(r->filter, "");
	cr_assert(same_double(r->clear, 0.5));
}

Test(config_alert, lines_of_a_filter_are_joined)
{
	cr_assert_eq(load("[alert a]\n"
			  "filter = port 80\n"
			  "rate = 1/s\n"
			  "  filter = or\tport 443\n"
			  "filter = or port 8080\n"),
		     0, "%s", error);
	cr_assert_str_eq(rule("a")->filter, "port 80 or port 443 or port 8080");
	cr_assert_eq(config.alert_origin[config.alerts - 1][1].line, 2);

	/* an empty one forgets those before it, and so does another section */
	cr_assert_eq(load("[alert a]\nfilter = port 1\nfilter =\nfilter = port 2\n"), 0);
	cr_assert_str_eq(rule("a")->filter, "port 2");
	cr_assert_eq(load("[alert a]\nfilter = port 3\n[alert a]\nfilter = port 4\n"), 0);
	cr_assert_str_eq(rule("a")->filter, "port 4");
	cr_assert_eq(load("[alert a]\nfilter = port 3\n[alert a]\nfilter =\n"), 0);
	cr_assert_str_eq(rule("a")->filter, "");
}

Test(config_alert, a_wrong_filter_is_told_with_line_and_column)
{
	fails("[alert a]\nfilter = prt 80\n",
	      ":2: filter of [alert a], column 1: there is no field \"prt\"");
	fails("[alert a]\nrate = 5/s\nfilter = port 80 and\n\n\n[log]\nresets = yes\n",
	      ":3: filter of [alert a], column 12: the expression ends");
	fails("[alert a]\nfilter = port 80\n# a comment\nfilter = or comm a\nfilter = or  prt 80\n",
	      ":5: filter of [alert a], column 5: there is no field \"prt\"");
	fails("[alert a]\nfilter = comm \"\xc3\xa4\xc3\xb6\" or\nfilter = \xc3\xa4 80\n",
	      ":3: filter of [alert a], column 1: there is no field");
	fails("[alert a]\nfilter = (port 80\nfilter = or port 81\n",
	      ":2: filter of [alert a], column 1: \"(\" has no \")\"");
	fails("[alert a]\nfilter = peer 10.0.0.0/8\n", ":2: filter of [alert a], column 1: ");
	/* wrong in one file is wrong, also if another one says it anew */
	fails("[alert a]\nfilter = prt 80\n[alert a]\nfilter = port 80\n", ":2: filter of");
}

Test(config_alert, what_is_wrong_has_its_line)
{
	fails("[alert]\n", ":1: a rule of alerts has a name: [alert NAME]");
	fails("[alert ]\n", ":1: '' is no name of an alert: 1 to 31 letters");
	fails("[alert a b]\n", ":1: 'a b' is no name of an alert");
	fails("[alert  a]\n", ":1: ' a' is no name of an alert");
	fails("[alert \xc3\xa4]\n", ":1: '\xc3\xa4' is no name");
	fails("[alert 12345678901234567890123456789012]\n", ":1: '1234");
	fails("[alert a]\nfilter = port 80\nrates = 5/s\n",
	      ":3: unknown option 'rates' in section [alert a]");
	fails("[alert a]\nrate = 5\n",
	      ":2: '5' is not what rate in section [alert a] takes: a rate");
	fails("[alert a]\nrate = 0/s\n", ":2: '0/s' is not");
	fails("[alert a]\nrate = 1e-300/s\n", ":2: '1e-300/s' is not");
	fails("[alert a]\nrate = 1000001/s\n", ":2: '1000001/s' is not");
	fails("[alert a]\nrate = 5/s\nclear = -1/s\n", ":3: '-1/s' is not");
	fails("[alert a]\nwindow = 500ms\n", ":2: '500ms' is not");
	fails("[alert a]\nwindow = 2h\n", ":2: '2h' is not");
	fails("[alert a]\nby = peer\n",
	      ":2: 'peer' is not what by in section [alert a] takes: service, process, port, cause "
	      "or rule");
	fails("[alert a]\nseverity = bad\n", ":2: 'bad' is not what severity");
	fails("[alert a]\nenabled = 2\n", ":2: '2' is not what enabled");
	fails("[alert a]\nfilter = comm 'a;b'\n", ":2: ");
	fails("[log]\nalerts_per_minute = 0\n", ":2: '0' is not");
	fails("[alert a]\nrate = 1/s\n\nclear = 2/s\nfilter =\n",
	      ":4: [alert a] would be over at a higher");
	fails("[alert a]\nclear = 2/s\n\nrate = 1/s\nfilter =\n",
	      ":2: [alert a] would be over at a higher");
	fails("[alert a]\nseverity = info\n", ":1: no rule [alert a] is built in");
	fails("\n[alert a]\n", ":2: no rule [alert a] is built in");
}

Test(config_alert, a_misspelt_rule_is_told_its_name)
{
	char text[128], want[64];

	snprintf(text, sizeof(text), "[alert %sx]\nenabled = no\n", config.alert[0].name);
	snprintf(want, sizeof(want), "did you mean [alert %s]?", config.alert[0].name);
	cr_assert_eq(load(text), -EINVAL);
	cr_assert_not_null(strstr(error, want), "%s", error);
}

Test(config_alert, rules_have_a_bound)
{
	_cleanup_free_ char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	for (unsigned int i = alert_defaults_n; i < RSTMON_ALERT_RULES_MAX; i++)
		fprintf(f, "[alert r%u]\nfilter =\n", i);
	fflush(f);
	cr_assert_eq(load(text), 0, "%s", error);
	cr_assert_eq(config.alerts, RSTMON_ALERT_RULES_MAX);
	setup();
	fprintf(f, "[alert more]\n");
	fclose(f);
	cr_assert_eq(load(text), -E2BIG);
	cr_assert_not_null(strstr(error, "[alert more] is one too many: there are at most 32"));
}

Test(config_alert, a_filter_has_a_bound)
{
	char text[4 * RSTMON_FILTER_MAX];
	size_t n = (size_t)snprintf(text, sizeof(text), "[alert a]\nfilter = port 1\n");
	int lines = 1;

	snprintf(text + n, sizeof(text) - n, "filter = or%*s\n", 160, "x");
	fails(text,
	      ":3: more than 160 bytes of a filter in a line; go on in another 'filter =' line");
	snprintf(text + n, sizeof(text) - n, "filter = or%*s\n", 300, "x");
	fails(text, ":3: the line is longer than 198 bytes; a filter goes on in another 'filter =' "
		    "line below it");
	snprintf(text + n, sizeof(text) - n, "severity =%*s\n", 300, "x");
	fails(text, ":3: the line is longer than 198 bytes; no value is that long");
	while (lines++ < 60) {
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "filter = or port 1 or port 2 or port 3\n");
		if (load(text) < 0)
			break;
	}
	cr_assert_gt(lines, 15);
	cr_assert_not_null(
		strstr(error, "is longer than 1024 bytes or 32 lines; make several rules")
			?: strstr(error, "terms; a pattern such as"),
		"%s", error);

	n = (size_t)snprintf(text, sizeof(text), "[alert a]\nfilter = port 1\n");
	for (lines = 1; lines < 8; lines++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "filter = or comm %0140d\n",
				      lines);
	fails(text,
	      ":9: the filter of [alert a] is longer than 1024 bytes or 32 lines; make several "
	      "rules of it, or let patterns such as 'comm http*' stand for many names");
}

static char *printed(const struct config *c)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	cr_assert_eq(config_print(c, out), 0);
	fclose(out);
	return text;
}

/* What is printed above "clear = " in the section of a rule. */
static void assert_origin_of_clear(const char *section, const char *want)
{
	_cleanup_free_ char *text = printed(&config);
	char head[64], *clear;

	snprintf(head, sizeof(head), "\n[alert %s]\n", section);
	clear = strstr(text, head);
	cr_assert_not_null(clear, "no %s", section);
	clear = strstr(clear, "\nclear = ");
	cr_assert_not_null(clear);
	*clear = '\0';
	cr_assert_str_eq(strrchr(text, '\n') + 1, want, "of %s", section);
}

Test(config_alert, a_value_that_follows_another_is_no_default)
{
	char want[128];

	cr_assert_eq(load("[alert service-down]\nrate = 20/min\n"
			  "[alert upload-cut]\nrate = 20/min\nclear = 3/min\n"
			  "[alert new]\nfilter = port 1\n[alert other]\nfilter = port 2\n"
			  "rate = 3/s\n"),
		     0, "%s", error);
	assert_origin_of_clear("service-down", "# Origin: half of the rate above");
	snprintf(want, sizeof(want), "# Origin: %s:5", file_name);
	assert_origin_of_clear("upload-cut", want);
	assert_origin_of_clear("process-died", "# Origin: default");
	assert_origin_of_clear("new", "# Origin: default");
	assert_origin_of_clear("other", "# Origin: half of the rate above");
}

Test(config_alert, what_is_printed_is_read_as_the_same)
{
	_cleanup_free_ char *text = NULL, *again = NULL;
	struct config first;

	cr_assert_eq(
		load("[alert long]\nrate = 7/h\n"
		     "filter = cause closed_port or cause refused_syn or cause backlog or\n"
		     "filter = comm \"a  b\" or comm 'c' or\n"
		     "filter = exe /a/very/long/path/of/an/executable/that/fills/the/line/up/to/the/"
		     "end/of/it/and/somewhat/beyond/what/one/would/think/of/as/sane/x or\n"
		     "filter = unit a.service or unit b.service or not ( port 80 or port 81 )\n"),
		-EINVAL, "backlog is no cause");
	cr_assert_eq(
		load("[alert long]\nrate = 7/h\n"
		     "filter = cause closed_port or cause refused_syn or\n"
		     "filter = comm \"a  b\" or comm 'c' or\n"
		     "filter = exe /a/very/long/path/of/an/executable/that/fills/the/line/up/to/the/"
		     "end/of/it/and/somewhat/beyond/what/one/would/think/of/as/sane/x or\n"
		     "filter = unit a.service or unit b.service or not ( port 80 or port 81 )\n"
		     "[alert all]\nfilter =\nclear = 0.1/min\n"),
		0, "%s", error);
	first = config;
	text = printed(&config);
	cr_assert_not_null(strstr(text, "[alert long]\n"));
	cr_assert_not_null(strstr(text, "rate = 7/h\n"));
	cr_assert_not_null(strstr(text, "filter =\n"));
	setup();
	cr_assert_eq(load(text), 0, "%s", error);
	cr_assert_eq(memcmp(&config, &first, offsetof(struct config, origin)), 0);
	again = printed(&config);
	cr_assert_neq(strcmp(text, again), 0, "the origins are others");
}

/* Takes the '#' off each "#key = value" and "#[section]": the file that is installed. */
static char *uncommented(void)
{
	char *text = NULL, *to;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	unsigned int taken = 0;

	cr_assert_eq(config_print_defaults(out), 0);
	fclose(out);
	to = text;
	for (const char *from = text; *from;) {
		size_t len = strcspn(from, "\n") + 1;
		bool value = from[0] == '#' && from[1] && !strchr(" #\n", from[1]);

		cr_assert(from[0] == '#' || from[0] == '[' || from[0] == '\n', "%s", from);
		taken += value;
		memmove(to, from + value, len - value);
		to += len - value;
		from += len;
	}
	*to = '\0';
	cr_assert_geq(taken, CONFIG_OPTIONS + alert_defaults_n * (1 + CONFIG_ALERT_KEYS));
	return text;
}

Test(config_alert, the_installed_file_says_the_defaults_and_nothing_else)
{
	_cleanup_free_ char *text = uncommented();
	struct config defaults;

	config_default(&defaults);
	cr_assert_eq(load(text), 0, "%s", error);
	cr_assert_eq(memcmp(&config, &defaults, offsetof(struct config, origin)), 0);
	for (int i = 0; i < CONFIG_OPTIONS; i++)
		cr_assert_eq(config.origin[i].from, CONFIG_FROM_FILE, "%d is not in it", i);
	for (unsigned int i = 0; i < config.alerts; i++)
		for (int k = 0; k < CONFIG_ALERT_KEYS; k++)
			cr_assert_eq(config.alert_origin[i][k].from, CONFIG_FROM_FILE);
}
