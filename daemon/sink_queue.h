/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames that wait for a reader: bounded in number and in bytes. Only sink.c uses it. */
#ifndef DAEMON_SINK_QUEUE_H
#define DAEMON_SINK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/sink_frame.h"

struct frame {
	size_t size;
	char data[]; /* size bytes and a NUL */
};

struct frame_queue {
	struct frame *ring[SINK_QUEUE_LINES];
	unsigned int first, n;
	size_t bytes;
};

/* False: there is no room, or no memory. Copies size + 1 bytes. */
bool frame_queue_add(struct frame_queue *q, const char *data, size_t size);
struct frame *frame_queue_first(const struct frame_queue *q); /* NULL: empty */
unsigned int frame_queue_length(const struct frame_queue *q);
void frame_queue_drop_first(struct frame_queue *q);
void frame_queue_done(struct frame_queue *q);

#endif
