/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What findings and rows have in the fields of a filter. Must agree with the JSON of one reset,
 * field by field. Proved by tests/unit/daemon/report.c.
 */
#include "common/util.h"

#include "daemon/report.h"

static void set_text(struct filter_value *v, const char *text)
{
	v->type = FILTER_TYPE_TEXT;
	v->text = text ? text : "";
}

static void set_number(struct filter_value *v, int64_t number)
{
	v->type = FILTER_TYPE_NUMBER;
	v->number = number;
}

static void set_endpoint(struct filter_value *v, const struct endpoint *e)
{
	v->type = FILTER_TYPE_ADDRESS;
	v->address = e->address;
	v->port = e->port;
	v->ipv6 = e->ipv6;
}

/* The connection's quantities; -1 where unknown, as in JSON. */
static void quantity_value(const struct reset *reset, enum filter_field field,
			   struct filter_value *ret)
{
	switch (field) {
	case FILTER_AGE_MS:
		return set_number(ret, reset->age_ms);
	case FILTER_IDLE_MS:
		return set_number(ret, reset->idle_ms);
	case FILTER_BYTES_RECEIVED:
		return set_number(ret, reset->bytes_received);
	case FILTER_BYTES_SENT:
		return set_number(ret, reset->bytes_sent);
	case FILTER_UNREAD_BYTES:
		return set_number(ret, reset->unread_bytes);
	case FILTER_UNACKED_BYTES:
		return set_number(ret, reset->unacked_bytes);
	case FILTER_EXIT_SIGNAL:
		return set_number(ret, reset->has_exit ? reset->exit_signal : 0);
	case FILTER_EXIT_STATUS:
		return set_number(ret, reset->has_exit ? reset->exit_status : -1);
	default:
		return set_text(ret, "");
	}
}

static void reset_value(const struct reset *reset, enum filter_field field,
			struct filter_value *ret)
{
	switch (field) {
	case FILTER_TIME:
		ret->type = FILTER_TYPE_TIME;
		ret->number = (int64_t)reset->time;
		return;
	case FILTER_KIND:
		return set_text(ret, reset->direction == RST_TIMEOUT ? "timeout" : "reset");
	case FILTER_DIRECTION:
		return set_text(ret, direction_name(reset->direction));
	case FILTER_ROLE:
		return set_text(ret, role_name(reset->role));
	case FILTER_PORT:
		return set_number(ret, reset->port);
	case FILTER_LOCAL:
		return set_endpoint(ret, &reset->local);
	case FILTER_REMOTE:
	case FILTER_PEER:
		return set_endpoint(ret, &reset->remote);
	case FILTER_FAMILY:
		return set_text(ret, reset->local.ipv6 ? "ipv6" : "ipv4");
	case FILTER_STATE:
		return set_text(ret, tcp_state_name(reset->state));
	case FILTER_PREVIOUS_STATE:
		return set_text(ret, tcp_state_name(reset->previous_state));
	case FILTER_REASON:
		return set_text(ret, reset->reason_name);
	case FILTER_NETNS:
		return set_number(ret, reset->netns);
	case FILTER_CGROUP:
		return set_number(ret, (int64_t)reset->cgroup);
	case FILTER_ACTOR_PID:
		return set_number(ret, reset->actor_tgid);
	case FILTER_ACTOR_COMM:
		return set_text(ret, reset->actor_comm);
	default:
		return quantity_value(reset, field, ret);
	}
}

static void finding_value(const void *object, enum filter_field field, struct filter_value *ret)
{
	const struct finding *f = object;

	switch (field) {
	case FILTER_CAUSE:
		return set_text(ret, cause_name(f->verdict.cause));
	case FILTER_CONFIDENCE:
		return set_text(ret, confidence_name(f->verdict.confidence));
	case FILTER_ERRNO:
		return set_text(ret, socket_errno_name(f->verdict.error));
	case FILTER_PID:
		return set_number(ret, f->owner.pid);
	case FILTER_COMM:
		return set_text(ret, f->owner.comm);
	case FILTER_EXE:
		return set_text(ret, f->owner.exe);
	case FILTER_UNIT:
		return set_text(ret, f->owner.unit);
	case FILTER_CONTAINER:
		return set_text(ret, f->owner.container);
	case FILTER_POD:
		return set_text(ret, f->owner.pod);
	case FILTER_OWNER_SOURCE:
		return set_text(ret, owner_source_name(f->owner.source));
	default:
		return reset_value(&f->reset, field, ret);
	}
}

static void row_value(const void *object, enum filter_field field, struct filter_value *ret)
{
	const struct tally_row *row = object;

	switch (field) {
	case FILTER_PID:
		return set_number(ret, row->pid);
	case FILTER_COMM:
		return set_text(ret, row->comm);
	case FILTER_EXE:
		return set_text(ret, row->exe);
	case FILTER_UNIT:
		return set_text(ret, row->unit);
	case FILTER_CONTAINER:
		return set_text(ret, row->container);
	case FILTER_POD:
		return set_text(ret, row->pod);
	case FILTER_NETNS:
		return set_number(ret, row->netns);
	case FILTER_PORT:
		return set_number(ret, row->port);
	case FILTER_ROLE:
		return set_text(ret, role_name(row->role));
	case FILTER_DIRECTION:
		return set_text(ret, direction_name(row->direction));
	case FILTER_CAUSE:
		return set_text(ret, cause_name(row->cause));
	default:
		return set_text(ret, ""); /* no field of FILTER_ROWS */
	}
}

bool report_match_finding(const struct filter *f, const struct finding *finding)
{
	return !f || filter_match(f, finding_value, finding);
}

bool report_match_row(const struct filter *f, const struct tally_row *row)
{
	return !f || filter_match(f, row_value, row);
}
