/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libFuzzer over what a client can say: framing, envelope, every method and its parameters. The
 * first byte decides in which pieces the rest arrives. What must hold: no report, no answer without
 * content, and every answer is a message again.
 */
#include "common/util.h"

#include "daemon/methods.h"
#include "daemon/server_internal.h"
#include "tests/unit/daemon/sample_finding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct methods_state state;

static void refresh(void *userdata)
{
	(void)userdata;
}

static void status(void *userdata, struct report_status *ret)
{
	(void)userdata;
	ret->version = RSTMON_VERSION;
	ret->kernel = "6.1.0";
}

static uint64_t now(void *userdata)
{
	(void)userdata;
	return SAMPLE_TIME;
}

static void setup(void)
{
	struct finding f = sample_finding();
	void *memory = calloc(1, tally_size());

	if (!memory || recent_new(&state.recent) < 0 || peers_new(&state.peers) < 0)
		abort();
	state.tally = tally_format(memory, tally_size());
	state.refresh = refresh;
	state.status = status;
	state.now = now;
	for (uint16_t i = 0; i < 10; i++) {
		f.reset.port = (uint16_t)(f.reset.port + i);
		tally_add(state.tally, &f);
		recent_add(state.recent, &f);
		peers_add(state.peers, &f);
	}
}

/* A client must be able to read what it gets. */
static void check_text(struct varlink_text *text)
{
	struct varlink_input in = {0};
	struct json_object *message;
	const char *error;

	if (!text)
		abort();
	if (text->size <= varlink_input_room(&in)) {
		if (varlink_input_add(&in, text->data, text->size) < 0 ||
		    varlink_input_next(&in, &message, &error) != 1)
			abort();
		json_object_put(message);
	}
	varlink_input_done(&in);
	varlink_text_unref(text);
}

static void answer(struct json_object *message)
{
	struct server_reply reply = {0};
	bool oneway;

	if (server_call(methods_table, METHODS_N, &state, false, message, &reply, &oneway) < 0 ||
	    oneway)
		return;
	while (!server_work_step(&reply))
		;
	if (reply.error)
		check_text(varlink_error(reply.error, reply.parameters, NULL));
	else if (reply.watch)
		for (size_t i = 0; i < reply.n_backlog; i++)
			check_text(varlink_reply(reply.backlog[i], true, NULL));
	else
		check_text(varlink_reply(reply.parameters, false, NULL));
	server_reply_done(&reply);
}

/* True while the stream is in step. */
static bool take_all(struct varlink_input *in)
{
	struct json_object *message;
	const char *error;
	int r;

	while ((r = varlink_input_next(in, &message, &error)) > 0) {
		answer(message);
		json_object_put(message);
	}
	return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct varlink_input in = {0};
	size_t piece;

	if (!state.tally)
		setup();
	if (size == 0)
		return 0;
	piece = data[0] ? data[0] : 4096;
	data++;
	size--;

	while (size > 0) {
		size_t n = MIN(MIN(size, piece), varlink_input_room(&in));

		if (varlink_input_add(&in, data, n) < 0)
			abort();
		if (!take_all(&in))
			break;
		data += n;
		size -= n;
	}
	varlink_input_done(&in);
	return 0;
}
