/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tally's rows say: public views of rows, processes, namespaces and sums. Must not change
 * anything. Proved by tests/unit/daemon/tally.c.
 */
#include "common/util.h"

#include "daemon/tally_internal.h"

static const char nameless[] = "";

void tally_processes(const struct tally *t, tally_process_fn fn, void *userdata)
{
	for (uint32_t i = 0; i < t->processes_top; i++) {
		const struct process *p = &t->processes[i];

		if (p->used && !p->gone && !p->folded)
			fn(p->pid, p->start, userdata);
	}
}

bool tally_pressed(const struct tally *t)
{
	return t->rows_used > RSTMON_ROWS_MAX / 8 * 7 ||
	       t->processes_used > RSTMON_PROCESSES_MAX / 8 * 7;
}

bool tally_row(const struct tally *t, unsigned int i, struct tally_row *ret)
{
	const struct process *p;
	const struct row *row;

	if (i >= TALLY_PLACES || (i >= t->rows_top && !row_is_other(i)))
		return false;
	row = &t->rows[i];
	if (!row->used || !row_total(t, i))
		return false;
	p = row->key.owner != OWNERLESS ? &t->processes[row->key.owner] : NULL;
	*ret = (struct tally_row){
		.pid = p ? p->pid : 0,
		.start = p ? p->start : 0,
		.comm = p ? p->comm : nameless,
		.exe = p ? p->exe : nameless,
		.unit = p ? p->unit : nameless,
		.container = p ? p->container : nameless,
		.pod = p ? p->pod : nameless,
		.netns = row->netns,
		.port = row->key.port,
		.role = row->key.role,
		.direction = row->key.direction,
		.cause = row->key.cause,
		.owner_source = row->owner_source,
		.other_ports = row->key.other_ports,
		.folded = p && p->folded,
		.other = row_is_other(i),
		.count = row_total(t, i),
		.spilled = row->spilled,
		.first = row->first,
		.last = row->last,
	};
	return true;
}

bool tally_netns(const struct tally *t, unsigned int i, struct tally_netns *ret)
{
	const struct netns *n;

	if (i >= RSTMON_NETNS_MAX || !t->netns[i].used)
		return false;
	n = &t->netns[i];
	*ret = (struct tally_netns){.inode = n->inode, .cookie = n->cookie};
	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
		ret->count[d] = n->count[d] + n->spilled[d];
	return true;
}

void tally_stats(const struct tally *t, struct tally_stats *ret)
{
	struct tally_stats stats = {
		.rows = t->rows_used,
		.folded = t->folded + t->spill_folded,
		.evicted = t->evicted + t->spill_evicted,
		.netns_evicted = t->netns_evicted,
	};

	for (uint32_t i = 0; i < TALLY_PLACES; i++) {
		const struct row *row;

		if (i == t->rows_top)
			i = RSTMON_ROWS_MAX;
		row = &t->rows[i];
		if (!row->used)
			continue;
		stats.total[row->key.direction] += row_total(t, i);
		stats.spilled[row->key.direction] += row->spilled;
	}
	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
		stats.lost[d] = t->lost[d];
	*ret = stats;
}
