/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shows a probe, as JSON and as a table. Must not ask the kernel anything itself. Proved by
 * tests/unit/daemon/probe.c.
 */
#include "common/util.h"

#include <linux/capability.h>

#include "daemon/object.h"
#include "daemon/probe.h"
#include "daemon/publish.h"

/* Those that the daemon may use at its start. */
static const struct {
	unsigned int number;
	const char *name;
} capabilities[] = {
	{CAP_BPF, "CAP_BPF"},
	{CAP_PERFMON, "CAP_PERFMON"},
	{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
	{CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE"},
	{CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
};

bool probe_good(const struct bpf_probe *p)
{
	for (size_t i = 0; i < p->n_hooks; i++)
		if (p->hooks[i].required && !p->hooks[i].attached)
			return false;
	return p->n_hooks;
}

/* A feature that it takes a program to find out is neither there nor absent without the right to
 * load one. */
static bool was_tried(const struct bpf_probe *p, unsigned int i)
{
	return !bpf_features_is_tried(i) || bpf_facts_may_load(&p->facts);
}

static struct json_object *features_json(const struct bpf_probe *p)
{
	struct object o = object_start();

	for (unsigned int i = 0; p->asked && bpf_features_name(i); i++)
		if (was_tried(p, i))
			object_put_bool(&o, bpf_features_name(i),
					bpf_features_has(&p->features, i));
		else
			object_put_null(&o, bpf_features_name(i));
	return object_finish(&o);
}

struct json_object *probe_json(const struct bpf_probe *p)
{
	struct json_object *caps = json_object_new_array(), *hooks = json_object_new_array();
	struct json_object *kept = json_object_new_array();
	struct object o = object_start();

	object_put_text(&o, "kernel", p->facts.kernel);
	object_put_text(&o, "arch", p->arch);
	object_put_text(&o, "btf", p->btf);
	object_put_text(&o, "lockdown", bpf_lockdown_name(p->facts.lockdown));
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (bpf_facts_capable(&p->facts, capabilities[i].number))
			object_append(&o, caps, json_object_new_string(capabilities[i].name));
	object_put(&o, "capabilities", caps);
	if (p->asked && !p->features.unprivileged_use)
		object_append(&o, kept, json_object_new_string("CAP_BPF"));
	object_put(&o, "kept", kept);
	object_put(&o, "features", features_json(p));
	for (size_t i = 0; i < p->n_hooks; i++)
		object_append(&o, hooks, publish_hook(&p->hooks[i]));
	object_put(&o, "hooks", hooks);
	return object_finish(&o);
}

static void put_word(FILE *f, size_t *n, const char *word)
{
	fprintf(f, "%s%s", *n ? " " : "", word);
	++*n;
}

static void put_capabilities(const struct bpf_probe *p, FILE *f)
{
	size_t n = 0;

	fputs("capabilities  ", f);
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (bpf_facts_capable(&p->facts, capabilities[i].number))
			put_word(f, &n, capabilities[i].name);
	fputs(n ? "\n" : "none\n", f);
}

/* What the daemon keeps of them while it runs. */
static void put_kept(const struct bpf_probe *p, FILE *f)
{
	if (p->asked)
		fprintf(f, "kept of them  %s\n",
			p->features.unprivileged_use
				? "none"
				: "CAP_BPF: this kernel wants it for each look into a map (before 5.19, with "
				  "kernel.unprivileged_bpf_disabled)");
}

static void put_features(const struct bpf_probe *p, FILE *f, bool there, const char *title)
{
	size_t n = 0;

	fputs(title, f);
	for (unsigned int i = 0; bpf_features_name(i); i++)
		if (was_tried(p, i) && bpf_features_has(&p->features, i) == there)
			put_word(f, &n, bpf_features_name(i));
	fputs(n ? "\n" : "none\n", f);
}

static void put_untried(const struct bpf_probe *p, FILE *f)
{
	size_t n = 0;

	for (unsigned int i = 0; bpf_features_name(i); i++)
		if (!was_tried(p, i)) {
			fputs(n ? "" : "not tried     ", f);
			put_word(f, &n, bpf_features_name(i));
		}
	if (n)
		fputc('\n', f);
}

static void put_hook(const struct source_hook *h, int width, FILE *f)
{
	const char *consequence = source_hook_consequence(h);
	const char *text = h->attached || h->resting ? h->adds : consequence;

	fprintf(f, "%-*s  %-6s  %-8s  %s", width, h->name,
		h->unwanted   ? "no"
		: h->required ? "must"
			      : "yes",
		source_hook_got(h), text);
	if (!h->attached && h->why[0])
		fprintf(f, *text ? " (%s)" : "%s", h->why);
	fputc('\n', f);
}

void probe_text(const struct bpf_probe *p, FILE *f)
{
	int width = (int)strlen("HOOK");

	fprintf(f, "kernel        %s %s\n", p->facts.kernel, p->arch);
	fprintf(f, "types (BTF)   %s\n", p->btf);
	fprintf(f, "lockdown      %s\n", bpf_lockdown_name(p->facts.lockdown));
	put_capabilities(p, f);
	put_kept(p, f);
	if (p->asked) {
		put_features(p, f, true, "features      ");
		put_features(p, f, false, "not there     ");
		put_untried(p, f);
	}
	for (size_t i = 0; i < p->n_hooks; i++)
		width = MAX(width, (int)strlen(p->hooks[i].name));
	fprintf(f, "\n%-*s  %-6s  %-8s  %s\n", width, "HOOK", "WANTED", "GOT", "CONSEQUENCE");
	for (size_t i = 0; i < p->n_hooks; i++)
		put_hook(&p->hooks[i], width, f);
}
