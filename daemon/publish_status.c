/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The status as JSON, under the names of the contract. It must not hide: a namespace that is not
 * covered has no difference, not one of 0. Proved by tests/unit/daemon/publish.c.
 */
#include "common/util.h"

#include "daemon/object.h"
#include "daemon/publish.h"
#include "daemon/publish_internal.h"

/* {"TcpOutRsts": n, ...}, the shape of everything that stands for kernel counters: those that are
 * known */
static struct json_object *publish_counters(uint32_t known, const int64_t n[COUNTER_MAX_])
{
	struct object o = object_start();

	for (unsigned int i = 0; i < COUNTER_MAX_; i++)
		if (known & 1U << i)
			object_put_int(&o, report_counter_name(i), n[i]);
	return object_finish(&o);
}

/* What may be behind the differences that there are. */
static struct json_object *publish_hidden(const struct report_status *s)
{
	struct object o = object_start();
	uint32_t differ = 0;

	for (size_t i = 0; i < s->n_netns; i++)
		for (unsigned int c = 0; s->netns[i].covered && c < COUNTER_MAX_; c++)
			if (s->netns[i].known & 1U << c && s->netns[i].unexplained[c])
				differ |= 1U << c;
	for (unsigned int c = 0; c < COUNTER_MAX_; c++)
		if (differ & 1U << c)
			object_put_text(&o, report_counter_name(c), report_counter_hidden(c));
	return object_finish(&o);
}

static struct json_object *publish_netns(const struct report_netns *n)
{
	struct object o = object_start();

	object_put_int(&o, "inode", n->inode);
	object_put_int(&o, "sent", (int64_t)n->sent);
	object_put_int(&o, "received", (int64_t)n->received);
	object_put_int(&o, "timeouts", (int64_t)n->timeouts);
	if (n->covered) {
		object_put(&o, "counters", publish_counters(n->known, n->counters));
		object_put(&o, "unexplained", publish_counters(n->known, n->unexplained));
	} else {
		object_put(&o, "counters", json_object_new_object());
		object_put_bool(&o, "uncovered", true);
	}
	return object_finish(&o);
}

struct json_object *publish_hook(const struct source_hook *h)
{
	struct object o = object_start();

	object_put_text(&o, "name", h->name);
	object_put_bool(&o, "wanted", !h->unwanted);
	object_put_bool(&o, "attached", h->attached);
	object_put_text(&o, "got", source_hook_got(h));
	object_put_text(&o, "adds", h->adds);
	object_put_text(&o, "consequence", source_hook_consequence(h));
	object_put_bool(&o, "required", h->required);
	object_put_bool(&o, "resting", h->resting);
	object_put_int(&o, "missed", (int64_t)h->missed);
	if (!h->attached)
		object_put_text(&o, "why", h->why);
	return object_finish(&o);
}

static struct json_object *publish_failures(const uint64_t failures[RST_FAIL_MAX])
{
	static const char *const names[RST_FAIL_MAX] = {
		[RST_FAIL_STORAGE] = "storage",
		[RST_FAIL_MAP] = "map",
		[RST_FAIL_READ] = "read",
	};
	struct object o = object_start();

	for (unsigned int i = 0; i < RST_FAIL_MAX; i++)
		object_put_int(&o, names[i], (int64_t)failures[i]);
	return object_finish(&o);
}

/* What the kernel counted, and what of it arrived. */
static void put_counts(struct object *o, const struct report_status *s)
{
	const struct source_totals *t = &s->totals;

	object_put_int(o, "sent", (int64_t)t->sent);
	object_put_int(o, "received", (int64_t)t->received);
	object_put_int(o, "spilled", (int64_t)sum_directions(t->spilled));
	object_put_int(o, "lost", (int64_t)sum_directions(t->lost));
	object_put_int(o, "missed", (int64_t)t->missed);
	object_put_int(o, "timeouts", (int64_t)t->timeouts);
	object_put_int(o, "timeouts_spilled", (int64_t)t->spilled[RST_TIMEOUT]);
	object_put_int(o, "timeouts_lost", (int64_t)t->lost[RST_TIMEOUT]);
	object_put_int(o, "pending",
		       (int64_t)(t->sent + t->received - sum_directions(s->counted.total)));
	object_put(o, "unexplained",
		   publish_counters(s->counters_known | 1U << COUNTER_OUT_RSTS, s->unexplained));
	object_put(o, "hidden", publish_hidden(s));
	object_put_int(o, "rows", s->counted.rows);
	object_put_int(o, "evicted", (int64_t)s->counted.evicted);
	object_put_int(o, "folded", (int64_t)s->counted.folded);
	object_put_int(o, "decode_errors", (int64_t)s->decode_errors);
	object_put(o, "failures", publish_failures(t->failures));
	object_put_int(o, "names_evicted", (int64_t)s->names_evicted);
	object_put_int(o, "names_skipped", (int64_t)s->names_skipped);
	object_put_text(o, "names_from", s->names_from);
	object_put_int(o, "netns_evicted", (int64_t)s->netns_given_up);
	object_put_int(o, "false_receives_late", (int64_t)s->false_receives_late);
	object_put_int(o, "false_receives_unmatched", (int64_t)s->false_receives_unmatched);
	object_put_int(o, "slots_used", s->slots_used);
	object_put_int(o, "slots", s->slots);
	object_put_int(o, "history_evicted", (int64_t)s->history_evicted);
	object_put_int(o, "host_evicted", (int64_t)s->host_evicted);
	object_put_int(o, "told_early", (int64_t)s->told_early);
	object_put_int(o, "held_early", (int64_t)s->held_early);
}

static void put_cost(struct object *o, const struct report_status *s)
{
	object_put_int(o, "ring_bytes", (int64_t)s->ring_bytes);
	object_put_int(o, "memory_bytes", (int64_t)s->memory_bytes);
	object_put_int(o, "kernel_bytes", (int64_t)s->kernel_bytes);
	object_put_int(o, "log_dropped", (int64_t)s->log_dropped);
	object_put_int(o, "clients", s->clients);
	object_put_int(o, "watchers", s->watchers);
	object_put_int(o, "clients_refused", (int64_t)s->clients_refused);
	object_put_int(o, "watch_dropped", (int64_t)s->watch_dropped);
	object_put_int(o, "bad_messages", (int64_t)s->bad_messages);
	object_put_int(o, "clients_busy", (int64_t)s->clients_busy);
	object_put_int(o, "clients_stalled", (int64_t)s->clients_stalled);
	object_put_int(o, "cpu_ns_per_reset", s->cpu_ns_per_reset);
	object_put_int(o, "cpu_us", (int64_t)s->cpu_us);
}

/* What nobody can mend here but with another kernel. */
static void put_notes(struct object *o, const struct report_status *s)
{
	char text[512] = "";
	size_t n = 0;

	if (s->cap_bpf)
		n += (size_t)snprintf(
			text, sizeof(text),
			"The daemon keeps CAP_BPF: kernels before 5.19 with "
			"kernel.unprivileged_bpf_disabled want it for each look into a map. A "
			"newer kernel needs no capability.");
	for (size_t i = 0; i < s->n_hooks && n < sizeof(text); i++)
		if (source_hook_is_limit(&s->hooks[i]))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%sWithout %s (%s) %s.",
					      n ? " " : "", s->hooks[i].name, s->hooks[i].why,
					      source_hook_consequence(&s->hooks[i]));
	object_put_text(o, "notes", text);
}

struct json_object *publish_status(const struct report_status *s)
{
	struct json_object *netns = json_object_new_array(), *hooks = json_object_new_array();
	struct json_object *capabilities = json_object_new_array();
	struct object o = object_start();

	object_put_text(&o, "version", s->version);
	object_put_text(&o, "kernel", s->kernel);
	object_put_int(&o, "uptime_s", (int64_t)s->uptime_s);
	if (s->since)
		publish_time(&o, "since", s->since);
	if (s->generation) {
		object_put_text(&o, "origin", s->origin);
		object_put_int(&o, "generation", s->generation);
	}
	object_put_bool(&o, "degraded", s->degraded);
	object_put_text(&o, "problems", s->problems);
	if (s->cap_bpf)
		object_append(&o, capabilities, json_object_new_string("CAP_BPF"));
	object_put(&o, "capabilities", capabilities);
	put_notes(&o, s);
	put_counts(&o, s);
	put_cost(&o, s);
	object_put(&o, "alerts", publish_alerts(s->alerts));
	for (size_t i = 0; i < s->n_netns; i++)
		object_append(&o, netns, publish_netns(&s->netns[i]));
	object_put(&o, "netns", netns);
	for (size_t i = 0; i < s->n_hooks; i++)
		object_append(&o, hooks, publish_hook(&s->hooks[i]));
	object_put(&o, "hooks", hooks);
	return object_finish(&o);
}
