/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of options and the files: bounds, places of errors, order, origins. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "daemon/config.h"
#include "rstmon/interface.h"

static char root[64];
static char error[512];
static struct config config;

static void setup(void)
{
	snprintf(root, sizeof(root), "/tmp/rstmon-config-XXXXXX");
	cr_assert_not_null(mkdtemp(root));
	config_default(&config);
}

static int set(struct config *c, const char *section, const char *key, const char *value)
{
	return config_set(c, section, key, value, CONFIG_FROM_COMMAND_LINE, error, sizeof(error));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void teardown(void)
{
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *place(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s%s", root, name);
	return path;
}

static void write_bytes(const char *name, const char *bytes, size_t n)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", root, name);
	for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
	f = fopen(path, "w");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(bytes, 1, n, f), n);
	cr_assert_eq(fclose(f), 0);
}

static void write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static int load(const char *text)
{
	write_file("/one.conf", text);
	return config_load(&config, place("/one.conf"), error, sizeof(error));
}

/* The one sentence after the file's name. */
static const char *sentence(void)
{
	cr_assert_eq(strncmp(error, place("/one.conf"), strlen(place("/one.conf"))), 0, "%s",
		     error);
	return error + strlen(place("/one.conf"));
}

Test(config, defaults_are_in_their_own_bounds)
{
	struct config c;

	config_default(&c);
	cr_assert_str_eq(c.socket, RSTMON_SOCKET_PATH);
	cr_assert_str_eq(c.state, RSTMON_STATE_PATH);
	cr_assert_eq(c.ring_kib, 4096);
	cr_assert(c.scan_at_start);
	cr_assert_not(c.packet_evidence);
	cr_assert_eq(c.log_target, SINK_AUTO);
	cr_assert_eq(c.summary_ns, 60 * NSEC_PER_SEC);
	cr_assert_eq(c.summary_rows, 20);
	cr_assert_not(c.log_resets);
	cr_assert_eq(c.resets_per_minute, 600);
	cr_assert_eq(c.clients, RSTMON_CLIENTS_MAX);
	cr_assert_eq(c.idle_timeout_ns, RSTMON_IDLE_TIMEOUT_S * NSEC_PER_SEC);
	cr_assert_str_eq(c.group, RSTMON_GROUP);
	cr_assert_eq(c.alerts_per_minute, 30);
	for (int i = 0; i < CONFIG_OPTIONS; i++)
		cr_assert_eq(c.origin[i].from, CONFIG_FROM_DEFAULT);
}

Test(config, every_type_is_read, .init = setup, .fini = teardown)
{
	cr_assert_eq(load("# a comment\n"
			  "; another\n"
			  "[daemon]\n"
			  "socket = /tmp/x.sock\n"
			  "  ring_kib=64   ; indented, with a comment behind\n"
			  "scan_at_start: off\n"
			  "packet_evidence = yes\n"
			  "[log]\n"
			  "target = stderr\r\n"
			  "summary = 1m30s\n"
			  "[socket]\n"
			  "group =\n"
			  "clients = 1"),
		     0, "%s", error);
	cr_assert_str_eq(config.socket, "/tmp/x.sock");
	cr_assert_eq(config.ring_kib, 64);
	cr_assert_not(config.scan_at_start);
	cr_assert(config.packet_evidence);
	cr_assert_eq(config.log_target, SINK_STDERR);
	cr_assert_eq(config.summary_ns, 90 * NSEC_PER_SEC);
	cr_assert_str_eq(config.group, "");
	cr_assert_eq(config.clients, 1);
	cr_assert_str_eq(config.state, RSTMON_STATE_PATH);
}

Test(config, errors_name_file_and_line_and_change_nothing, .init = setup, .fini = teardown)
{
	static const struct {
		const char *text, *start;
	} cases[] = {
		{"[log]\ntarget = journald\n",
		 ":2: 'journald' is not what target in section [log]"},
		{"[log]\n\n\nsumary = 5s\n", ":4: unknown option 'sumary' in section [log]"},
		{"[logs]\n", ":1: unknown section [logs]"},
		{"[log]\nresets = yes\n[alert]\n", ":3: a rule of alerts has a name: [alert NAME]"},
		{"\xef\xbb\xbf[logs]\n", ":1: unknown section [logs]"},
		{"[log\n", ":1: a section's name wants a ']'"},
		{"[log] resets = yes\n", ":1: text after a section's name"},
		{"resets = yes\n", ":1: an option before the first [section]"},
		{"[log]\nresets\n", ":2: neither [section] nor option = value"},
		{"[log]\nresets = maybe\n", ":2: 'maybe' is not what resets"},
		{"[daemon]\nring_kib = 63\n", ":2: '63' is not what ring_kib"},
		{"[daemon]\nring_kib = 32\n", ":2: '32' is not what ring_kib"},
		{"[daemon]\nring_kib = 96\n", ":2: '96' is not what ring_kib"},
		{"[daemon]\nring_kib = 131072\n", ":2: '131072' is not what"},
		{"[daemon]\nring_kib = 64 KiB\n", ":2: '64 KiB' is not what"},
		{"[daemon]\nsocket = rstmon.sock\n", ":2: 'rstmon.sock' is not what"},
		{"[daemon]\nsocket =\n", ":2: '' is not what"},
		{"[log]\nsummary = 10ms\n", ":2: '10ms' is not what"},
		{"[log]\nsummary = 2d\n", ":2: '2d' is not what"},
		{"[socket]\nidle_timeout = 0\n", ":2: '0' is not what"},
		{"[socket]\nclients = 0\n", ":2: '0' is not what"},
		{"[socket]\nclients = 129\n", ":2: '129' is not what"},
		{"[socket]\nclients = 99999999999999999999\n", ":2: '99999999999999999999' is"},
		{"[socket]\nclients = 5\n  6\n", ":3: neither [section] nor option = value"},
		{"[log]\nresets = yes\n\x1b[31m = 1\n", ":3: unknown option '?[31m'"},
	};
	struct config before = config;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cr_assert_eq(load(cases[i].text), -EINVAL, "%s", cases[i].text);
		cr_assert_eq(strncmp(sentence(), cases[i].start, strlen(cases[i].start)), 0,
			     "%s gave %s", cases[i].text, error);
		cr_assert_null(strchr(error, '\n'));
		cr_assert_eq(memcmp(&before, &config, sizeof(config)), 0);
	}
}

Test(config, zero_switches_the_summary_off, .init = setup, .fini = teardown)
{
	cr_assert_eq(load("[log]\nsummary = 0\n"), 0, "%s", error);
	cr_assert_eq(config.summary_ns, 0);
}

/* libinih would take the end of a long line for another line. */
Test(config, a_long_line_is_an_error_at_every_length, .init = setup, .fini = teardown)
{
	char text[600];
	bool refused = false;

	for (size_t n = 1; n < 500; n++) {
		int r;

		snprintf(text, sizeof(text), "[log]\nresets = no%*sresets = yes\n", (int)n, "");
		r = load(text);
		cr_assert_eq(r, -EINVAL);
		cr_assert_not(config.log_resets);
		if (strncmp(sentence(), ":2: 'no ", 8)) {
			refused = true;
			cr_assert_eq(strncmp(sentence(), ":2: the line is longer than ", 28), 0,
				     "%s", error);
		} else {
			cr_assert_not(refused);
		}
	}
	cr_assert(refused);
}

Test(config, a_comment_has_any_length, .init = setup, .fini = teardown)
{
	char text[1000];

	snprintf(text, sizeof(text), "#%800s\n[log]\nresets = yes\n  ;%100s", "resets = no",
		 "resets = no");
	cr_assert_eq(load(text), 0, "%s", error);
	cr_assert(config.log_resets);
}

Test(config, what_is_no_text_is_refused, .init = setup, .fini = teardown)
{
	_cleanup_free_ char *large = malloc(CONFIG_FILE_MAX + 2);

	write_bytes("/one.conf", "[log]\nresets\0= yes\n", 19);
	cr_assert_eq(config_load(&config, place("/one.conf"), error, sizeof(error)), -EINVAL);
	cr_assert_str_eq(sentence(), ":2: a zero byte; this is no text");

	cr_assert_not_null(large);
	memset(large, '\n', CONFIG_FILE_MAX + 1);
	write_bytes("/one.conf", large, CONFIG_FILE_MAX);
	cr_assert_eq(config_load(&config, place("/one.conf"), error, sizeof(error)), 0);
	write_bytes("/one.conf", large, CONFIG_FILE_MAX + 1);
	cr_assert_eq(config_load(&config, place("/one.conf"), error, sizeof(error)), -EFBIG);

	cr_assert_eq(config_load(&config, root, error, sizeof(error)), -EIO, "a directory");
}

Test(config, a_named_file_must_be_there, .init = setup, .fini = teardown)
{
	cr_assert_eq(config_load(&config, place("/none.conf"), error, sizeof(error)), -ENOENT);
	cr_assert_not_null(strstr(error, "/none.conf: cannot be opened: "), "%s", error);
}

Test(config, no_files_at_the_standard_places_are_no_error, .init = setup, .fini = teardown)
{
	struct config before = config;

	cr_assert_eq(config_load_below(&config, root, error, sizeof(error)), 0);
	cr_assert_eq(memcmp(&before, &config, sizeof(config)), 0);
	cr_assert_str_eq(error, "");
}

Test(config, dropins_are_sorted_and_etc_hides, .init = setup, .fini = teardown)
{
	write_file("/usr/lib/rstmon/rstmond.conf",
		   "[log]\nbroken, but hidden by the one in /etc\n");
	write_file("/etc/rstmon/rstmond.conf",
		   "[socket]\nclients = 1\nidle_timeout = 1s\n[log]\nsummary_rows = 1\n");
	write_file("/usr/lib/rstmon/rstmond.conf.d/90-last.conf", "[socket]\nclients = 4\n");
	write_file("/etc/rstmon/rstmond.conf.d/10-first.conf",
		   "[socket]\nclients = 2\nidle_timeout = 2s\n");
	write_file("/usr/lib/rstmon/rstmond.conf.d/50-hidden.conf",
		   "[socket]\nidle_timeout = 3s\n");
	write_file("/etc/rstmon/rstmond.conf.d/50-hidden.conf", "# nothing\n");
	write_file("/usr/lib/rstmon/rstmond.conf.d/60-off.conf", "[socket]\nidle_timeout = 4s\n");
	cr_assert_eq(symlink("/dev/null", place("/etc/rstmon/rstmond.conf.d/60-off.conf")), 0);
	write_file("/etc/rstmon/rstmond.conf.d/99-backup.conf~", "not read\n");
	write_file("/etc/rstmon/rstmond.conf.d/.99-hidden.conf", "not read\n");

	cr_assert_eq(config_load_below(&config, root, error, sizeof(error)), 0, "%s", error);
	cr_assert_eq(config.clients, 4);
	cr_assert_eq(config.idle_timeout_ns, 2 * NSEC_PER_SEC);
	cr_assert_eq(config.summary_rows, 1);
}

/* Each directory hides all of those behind it, file by file. */
Test(config, directories_hide_in_systemds_order, .init = setup, .fini = teardown)
{
	static const char *const order[] = {"/etc", "/run", "/usr/local/lib", "/usr/lib"};
	char name[128], text[64];

	for (size_t i = ARRAY_SIZE(order); i-- > 0;) {
		snprintf(name, sizeof(name), "%s/rstmon/rstmond.conf", order[i]);
		snprintf(text, sizeof(text), "[socket]\nclients = %zu\n", i + 1);
		write_file(name, text);
		snprintf(name, sizeof(name), "%s/rstmon/rstmond.conf.d/10-same.conf", order[i]);
		snprintf(text, sizeof(text), "[log]\nsummary_rows = %zu\n", i + 1);
		write_file(name, text);
		/* what is not hidden: the name decides, not the directory */
		snprintf(name, sizeof(name), "%s/rstmon/rstmond.conf.d/%zu0-own.conf", order[i],
			 9 - i);
		snprintf(text, sizeof(text), "[socket]\nidle_timeout = %zus\n", i + 1);
		write_file(name, text);

		config_default(&config);
		cr_assert_eq(config_load_below(&config, root, error, sizeof(error)), 0, "%s",
			     error);
		cr_assert_eq(config.clients, i + 1);
		cr_assert_eq(config.summary_rows, i + 1);
		cr_assert_eq(config.idle_timeout_ns, (i + 1) * NSEC_PER_SEC);
	}
}

Test(config, a_broken_dropin_is_named, .init = setup, .fini = teardown)
{
	struct config before = config;

	write_file("/etc/rstmon/rstmond.conf", "[socket]\nclients = 1\n");
	write_file("/etc/rstmon/rstmond.conf.d/a.conf", "[socket]\n\nclient = 1\n");
	cr_assert_eq(config_load_below(&config, root, error, sizeof(error)), -EINVAL);
	cr_assert_not_null(strstr(error, "/etc/rstmon/rstmond.conf.d/a.conf:3: "), "%s", error);
	cr_assert_eq(memcmp(&before, &config, sizeof(config)), 0);
}

Test(config, drop_ins_have_a_bound, .init = setup, .fini = teardown)
{
	char name[64];

	for (int i = 0; i <= CONFIG_DROPINS_MAX; i++) {
		cr_assert_eq(config_load_below(&config, root, error, sizeof(error)), 0);
		snprintf(name, sizeof(name), "/etc/rstmon/rstmond.conf.d/%03d.conf", i);
		write_file(name, "");
	}
	cr_assert_eq(config_load_below(&config, root, error, sizeof(error)), -E2BIG);
	cr_assert_not_null(strstr(error, "more than 64 drop-ins"), "%s", error);
}

Test(config, set_as_a_command_line_does)
{
	struct config c, before;

	config_default(&c);
	cr_assert_eq(set(&c, "log", "target", "journal"), 0);
	cr_assert_eq(c.log_target, SINK_JOURNAL);

	before = c;
	cr_assert_eq(set(&c, "log", "target", "x"), -EINVAL);
	cr_assert_str_eq(error, "'x' is not what target in section [log] takes: "
				"auto, journal, syslog, stderr or none");
	cr_assert_eq(set(&c, "socket", "group", "a;b"), -EINVAL);
	cr_assert_eq(set(&c, "socket", "group", "a\nb"), -EINVAL);
	cr_assert_eq(set(&c, "socket", "group", " a"), -EINVAL);
	cr_assert_eq(set(&c, "none", "group", "a"), -EINVAL);
	cr_assert_eq(memcmp(&before, &c, sizeof(c)), 0);
}

Test(config, each_value_tells_its_place, .init = setup, .fini = teardown)
{
	char text[CONFIG_ORIGIN_MAX];

	cr_assert_eq(load("[log]\nsummary = 5s\n\nsummary_rows = 3\nsummary = 6s\n"), 0);
	cr_assert_eq(config.files, 1);
	cr_assert_eq(config_set(&config, "daemon", "socket", "/x", CONFIG_FROM_ENVIRONMENT, error,
				sizeof(error)),
		     0);
	cr_assert_eq(set(&config, "log", "target", "none"), 0);
	cr_assert_str_eq(config_origin_text(&config, config.origin[0], text, sizeof(text)),
			 "environment");
	cr_assert_str_eq(config_origin_text(&config, config.origin[1], text, sizeof(text)),
			 "default");
	cr_assert_str_eq(config_origin_text(&config, config.origin[5], text, sizeof(text)),
			 "command line");
	config_origin_text(&config, config.origin[6], text, sizeof(text));
	cr_assert_str_eq(text + strlen(root), "/one.conf:5");
	config_origin_text(&config, config.origin[7], text, sizeof(text));
	cr_assert_str_eq(text + strlen(root), "/one.conf:4");
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

Test(config, what_is_printed_is_a_configuration, .init = setup, .fini = teardown)
{
	_cleanup_free_ char *text = NULL;
	struct config changed;

	cr_assert_eq(load("[log]\nsummary = 1500ms\nresets = on\n[daemon]\nstate = /a b\n"), 0,
		     "%s", error);
	cr_assert_eq(set(&config, "socket", "group", ""), 0);
	changed = config;
	text = printed(&config);
	cr_assert_not_null(strstr(text, "[log]\n"));
	cr_assert_not_null(strstr(text, "summary = 1500ms\n"));
	cr_assert_not_null(strstr(text, "one.conf:2\n"));
	cr_assert_not_null(strstr(text, "Origin: command line\n"));
	cr_assert_not_null(strstr(text, "Origin: default\n"));

	config_default(&config);
	cr_assert_eq(load(text), 0, "%s", error);
	cr_assert_eq(memcmp(&config, &changed, offsetof(struct config, origin)), 0);
}

/* The command line may set what a file could not hold otherwise. */
Test(config, the_longest_values_are_a_configuration_too, .init = setup, .fini = teardown)
{
	static const char *const keys[][2] = {
		{"daemon", "socket"}, {"daemon", "state"}, {"socket", "group"}};
	_cleanup_free_ char *text = NULL;
	struct config changed;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char value[400];
		size_t n = sizeof(value);

		do { /* the longest that is taken */
			memset(value, '/', n - 1);
			value[--n] = '\0';
			cr_assert_gt(n, 1);
		} while (set(&config, keys[i][0], keys[i][1], value));
		cr_assert_gt(n, 60);
	}
	changed = config;
	text = printed(&config);
	config_default(&config);
	cr_assert_eq(load(text), 0, "%s", error);
	cr_assert_eq(memcmp(&config, &changed, offsetof(struct config, origin)), 0);
}

Test(config, a_full_disk_is_told)
{
	_cleanup_fclose_ FILE *full = fopen("/dev/full", "w");
	struct config c;

	cr_assert_not_null(full);
	config_default(&c);
	cr_assert_eq(config_print(&c, full), -ENOSPC);
}
