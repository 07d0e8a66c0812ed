/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How processes of a story ended, by signal or exit status. Must not guess where none was seen.
 * Proved by tests/unit/daemon/advice.c.
 */
#include "common/util.h"

#include <errno.h>
#include <signal.h>

#include "daemon/advice_internal.h"
#include "daemon/advice_values.h"

static int signal_name(int number, char *dst)
{
	const char *abbreviation = number > 0 && number < 65 ? sigabbrev_np(number) : NULL;

	if (abbreviation)
		return advice_say(dst, "SIG%s", abbreviation);
	return number > 0 ? advice_say(dst, "signal %d", number) : -ENODATA;
}

int value_former_end(const struct story *s, char *dst)
{
	const struct reset *r = &s->latest.reset;
	char text[ADVICE_VALUE_LEN];

	if (!s->samples || !r->has_former || !(r->former_flags & RST_FORMER_EXITING))
		return -ENODATA;
	if (r->former_flags & RST_FORMER_OOM)
		return advice_say(dst, "killed for want of memory");
	if (signal_name(r->former_exit_signal, text) == 0)
		return advice_say(dst, "ended by %.32s", text);
	if (r->former_exit_status < 0)
		return -ENODATA;
	return advice_say(dst, "ended with exit status %d", r->former_exit_status);
}

/* The one that ended most of them. */
int value_signal(const struct story *s, char *dst)
{
	unsigned int best = 0;

	for (unsigned int i = 1; i < ARRAY_SIZE(s->exit_signal); i++)
		if (s->exit_signal[i] && (!best || s->exit_signal[i] > s->exit_signal[best]))
			best = i;
	if (!best && s->samples && s->latest.reset.has_exit)
		return signal_name(s->latest.reset.exit_signal, dst);
	return signal_name((int)best, dst);
}

/* What a user makes of the signal that ended a client. */
int value_stopped_by(const struct story *s, char *dst)
{
	static const struct {
		const char *signal, *text;
	} known_signals[] = {
		{"SIGINT", "the user stopped it (SIGINT = Ctrl-C)"},
		{"SIGTERM", "it was told to end (SIGTERM: kill, timeout, a stop of its unit)"},
		{"SIGHUP", "its terminal was closed (SIGHUP)"},
		{"SIGPIPE", "what read its output had ended (SIGPIPE)"},
		{"SIGALRM", "its own time limit ended it (SIGALRM)"},
		{"SIGQUIT", "the user stopped it (SIGQUIT = Ctrl-\\)"},
	};
	char text[ADVICE_VALUE_LEN];

	if (value_signal(s, text) < 0)
		return -ENODATA;
	for (size_t i = 0; i < ARRAY_SIZE(known_signals); i++)
		if (strcmp(text, known_signals[i].signal) == 0)
			return advice_say(dst, "%s", known_signals[i].text);
	return advice_say(dst, "%.32s ended it", text);
}

int value_status(const struct story *s, char *dst)
{
	const struct reset *r = &s->latest.reset;

	if (!s->samples || !r->has_exit || r->exit_signal || r->exit_status < 0)
		return -ENODATA;
	return advice_say(dst, "%d", r->exit_status);
}
