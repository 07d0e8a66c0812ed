/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known beside a reset's own record when it is diagnosed: what happened before (history), and
 * what the host says (host). Plain values, so that diagnose stays a pure function of its arguments.
 */
#ifndef DAEMON_CONTEXT_H
#define DAEMON_CONTEXT_H

#include "daemon/reset.h"

/* Filled by history_look() and intake. All zero: nothing is remembered. */
struct past {
	/* An earlier reset of the very same connection that this host sent or received not long ago
	 * (HISTORY_SECOND_NS). After a challenge ACK a second reset follows the first: same story. */
	bool second;
	enum rst_cause second_cause;
	enum confidence second_confidence;
	uint8_t second_direction;
	int64_t second_ms; /* how long ago */

	/* A reset was received for this connection, and yet its peer goes on sending on it: the peer did
	 * not send that reset. */
	bool aftermath;

	/* The other end of the connection is on this host and its reset is known: the same story. */
	struct other_end other;
	enum rst_cause other_cause;
	enum confidence other_confidence;

	/* Resets of this owner (of nobody: of this port; by a remote end's act: of this peer) within the
	 * last second, this one included. */
	unsigned int burst;

	/* Different ports that are closed here and that this peer asked for within some seconds. */
	unsigned int ports_asked;

	/* This client did the same to the same server before, at a steady interval: so many times, this
	 * one included, every so many ms. */
	unsigned int repeats;
	int64_t repeat_ms;

	/* Idle times of the connections of this peer and port that ended like this, when they lie
	 * together: how many, and their middle. */
	unsigned int idle_alike;
	int64_t idle_alike_ms;
};

/* What the host says, -1 and false where it was not asked or does not know. */
struct host {
	int64_t watched_ms;	/* for so long connections have been remembered when they close */
	bool lossy;		/* records were lost lately: what is unknown may have been known */
	int8_t overflowed;	/* 1: ListenOverflows of the namespace moved in the last two minutes */
	int8_t cookies_failed;	/* 1: SyncookiesFailed did, in the last seconds */
	int8_t sibling;		/* 1: the same remote address has another, living connection to the port */
};

#define HOST_UNKNOWN ((struct host){.watched_ms = -1, .overflowed = -1, .cookies_failed = -1, .sibling = -1})

#endif
