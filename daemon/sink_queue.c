/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bounded queue of a sink. Must not grow beyond SINK_QUEUE_LINES and SINK_QUEUE_BYTES; counting
 * what found no room is the sink's. Proved by tests/unit/daemon/sink.c.
 */
#include "common/util.h"

#include "daemon/sink_queue.h"

bool frame_queue_add(struct frame_queue *q, const char *data, size_t size)
{
	struct frame *f;

	if (q->n >= SINK_QUEUE_LINES || size > SINK_QUEUE_BYTES - q->bytes)
		return false;
	f = malloc(sizeof(*f) + size + 1);
	if (!f)
		return false;
	f->size = size;
	memcpy(f->data, data, size + 1);
	q->ring[(q->first + q->n) % SINK_QUEUE_LINES] = f;
	q->n++;
	q->bytes += size;
	return true;
}

struct frame *frame_queue_first(const struct frame_queue *q)
{
	return q->n > 0 ? q->ring[q->first] : NULL;
}

unsigned int frame_queue_length(const struct frame_queue *q)
{
	return q->n;
}

void frame_queue_drop_first(struct frame_queue *q)
{
	struct frame *f = frame_queue_first(q);

	if (!f)
		return;
	q->bytes -= f->size;
	q->first = (q->first + 1) % SINK_QUEUE_LINES;
	q->n--;
	free(f);
}

void frame_queue_done(struct frame_queue *q)
{
	while (q->n > 0)
		frame_queue_drop_first(q);
}
