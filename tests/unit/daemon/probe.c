/* SPDX-License-Identifier: GPL-2.0-only */
/* The table and the object: every field, and what is told of a hook that is not attached. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <linux/capability.h>

#include "daemon/probe.h"

static struct bpf_probe sample(void)
{
	static const struct source_hook hooks[] = {
		{.name = "tp_btf/a",
		 .adds = "sent",
		 .consequence = "nothing is counted",
		 .required = true,
		 .attached = true},
		{.name = "tp_btf/longer", .adds = "readers", .consequence = "x", .resting = true},
		{.name = "cgroup/b",
		 .adds = "TTL",
		 .consequence = "no TTL",
		 .unwanted = true,
		 .off = true,
		 .why = "switched off"},
		{.name = "fentry/c",
		 .adds = "closed ports",
		 .consequence = "no closed ports",
		 .unwanted = true,
		 .why = "the tracepoint shows them"},
		{.name = "tp_btf/d",
		 .adds = "errors",
		 .consequence = "no errors",
		 .absent = true,
		 .why = "no such tracepoint"},
		{.name = "fexit/e",
		 .adds = "acceptor",
		 .consequence = "no acceptor",
		 .why = "refused"},
		{.name = "iter/f", .adds = "old ones"},
	};
	struct bpf_probe p = {
		.facts = {.kernel = "6.1.0-18-amd64",
			  .capabilities = 1ULL << CAP_BPF | 1ULL << CAP_PERFMON,
			  .lockdown = BPF_LOCKDOWN_INTEGRITY},
		.arch = "x86_64",
		.btf = "kernel",
		.asked = true,
		.features = {.storage = true, .unprivileged_use = true},
		.n_hooks = ARRAY_SIZE(hooks),
	};

	memcpy(p.hooks, hooks, sizeof(hooks));
	return p;
}

static const char *text(struct json_object *o, const char *key)
{
	return json_object_get_string(json_object_object_get(o, key));
}

Test(probe, the_object)
{
	static const struct {
		bool wanted, attached;
		const char *got, *consequence;
	} expected[] = {
		{true, true, "attached", ""},	      {true, false, "resting", ""},
		{false, false, "off", "no TTL"},      {false, false, "off", ""},
		{true, false, "absent", "no errors"}, {true, false, "refused", "no acceptor"},
		{true, false, "refused", ""},
	};
	struct bpf_probe p = sample();
	struct json_object *o = probe_json(&p), *hooks, *features;

	cr_assert(o);
	cr_expect_str_eq(text(o, "kernel"), "6.1.0-18-amd64");
	cr_expect_str_eq(text(o, "arch"), "x86_64");
	cr_expect_str_eq(text(o, "btf"), "kernel");
	cr_expect_str_eq(text(o, "lockdown"), "integrity");
	cr_expect_str_eq(json_object_to_json_string_ext(json_object_object_get(o, "capabilities"),
							JSON_C_TO_STRING_PLAIN),
			 "[\"CAP_BPF\",\"CAP_PERFMON\"]");
	features = json_object_object_get(o, "features");
	cr_expect(json_object_get_boolean(json_object_object_get(features, "storage")));
	cr_expect_not(json_object_get_boolean(json_object_object_get(features, "trampolines")));
	cr_expect(json_object_object_get_ex(features, "trampolines", NULL));
	hooks = json_object_object_get(o, "hooks");
	cr_assert_eq(json_object_array_length(hooks), ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct json_object *h = json_object_array_get_idx(hooks, i);

		cr_expect_eq(json_object_get_boolean(json_object_object_get(h, "wanted")),
			     expected[i].wanted, "%zu", i);
		cr_expect_eq(json_object_get_boolean(json_object_object_get(h, "attached")),
			     expected[i].attached, "%zu", i);
		cr_expect_str_eq(text(h, "got"), expected[i].got, "%zu", i);
		cr_expect_str_eq(text(h, "consequence"), expected[i].consequence, "%zu", i);
		cr_expect(json_object_object_get_ex(h, "required", NULL));
		cr_expect(json_object_object_get_ex(h, "adds", NULL));
	}
	json_object_put(o);
}

static char *table_of(const struct bpf_probe *p)
{
	char *table = NULL;
	size_t size;
	FILE *f = open_memstream(&table, &size);

	cr_assert(f);
	probe_text(p, f);
	fclose(f);
	return table;
}

#define cr_shows(line) cr_expect(strstr(table, "\n" line "\n"), "%s", table)

Test(probe, the_table)
{
	struct bpf_probe p = sample();
	_cleanup_free_ char *table = table_of(&p);

	cr_shows("lockdown      integrity");
	cr_shows("capabilities  CAP_BPF CAP_PERFMON");
	cr_shows("kept of them  none");
	cr_shows("features      storage unprivileged_use");
	cr_shows("HOOK           WANTED  GOT       CONSEQUENCE");
	cr_shows("tp_btf/a       must    attached  sent");
	cr_shows("tp_btf/longer  yes     resting   readers");
	cr_shows("cgroup/b       no      off       no TTL (switched off)");
	cr_shows("fentry/c       no      off       the tracepoint shows them");
	cr_shows("tp_btf/d       yes     absent    no errors (no such tracepoint)");
	cr_shows("fexit/e        yes     refused   no acceptor (refused)");
}

Test(probe, what_the_daemon_would_keep)
{
	struct bpf_probe p = sample();
	struct json_object *o = probe_json(&p);
	_cleanup_free_ char *table = NULL;

	cr_expect_str_eq(text(o, "kept"), "[ ]");
	json_object_put(o);
	p.features.unprivileged_use = false;
	o = probe_json(&p);
	cr_expect_str_eq(text(o, "kept"), "[ \"CAP_BPF\" ]");
	json_object_put(o);
	table = table_of(&p);
	cr_expect(strstr(table, "\nkept of them  CAP_BPF: "), "%s", table);
}

/* Without the right to load a program nothing is known of what only a try tells. */
Test(probe, what_was_not_tried_is_not_told_to_be_absent)
{
	struct bpf_probe p = sample();
	struct json_object *o, *features, *value;
	_cleanup_free_ char *table = NULL;

	p.facts.capabilities = 0;
	table = table_of(&p);
	cr_shows("features      storage unprivileged_use");
	cr_shows("not there     sock_from_file iter_d_path task_btf guard");
	cr_shows("not tried     fetch_atomics trampolines cast");
	o = probe_json(&p);
	features = json_object_object_get(o, "features");
	cr_expect(json_object_object_get_ex(features, "cast", &value));
	cr_expect_null(value);
	cr_expect_not(json_object_get_boolean(json_object_object_get(features, "guard")));
	json_object_put(o);
}

Test(probe, what_could_not_be_asked_is_not_told)
{
	struct bpf_probe p = sample();
	struct json_object *o;

	p.asked = false;
	p.btf = "none";
	p.facts.capabilities = 0;
	{
		_cleanup_free_ char *table = table_of(&p);

		cr_shows("types (BTF)   none");
		cr_shows("capabilities  none");
		cr_expect_not(strstr(table, "features"));
	}
	o = probe_json(&p);
	cr_assert(o);
	cr_expect_eq(json_object_object_length(json_object_object_get(o, "features")), 0);
	json_object_put(o);
}

Test(probe, good_is_what_has_all_that_is_required)
{
	struct bpf_probe p = sample();

	cr_expect(probe_good(&p), "optional ones may lack");
	p.hooks[0].attached = false;
	cr_expect_not(probe_good(&p));
	p.n_hooks = 0;
	cr_expect_not(probe_good(&p), "nothing was found out");
}
