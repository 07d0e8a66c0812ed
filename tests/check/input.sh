#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Bad input against the real binaries: one sentence each, nothing on stdout, and the daemon goes on
# with its counts. Each input_*.sh has one kind; what needs root says so and is skipped. input.sh BUILD
# shellcheck disable=SC1091,SC2154 # the parts are read on their own
here=$(dirname "$0")
B=${1:-build}

# A mount namespace of its own, so that /dev/log and type information can be taken away in it; and a network of its
# own: some hosts let another processor receive what comes over their loopback (rps_cpus), on top of whoever runs
# there, and where that is PID 1 some run no tracing program (HACKING, "Traps"). Then a reset is not counted.
if [ -z "$INPUT_NAMESPACE" ] && [ "$(id -u)" = 0 ]; then
	if unshare -m -n ip link set lo up 2>/dev/null; then
		INPUT_NAMESPACE=network exec unshare -m -n "$0" "$@"
	elif unshare -m true 2>/dev/null; then
		INPUT_NAMESPACE=mount exec unshare -m "$0" "$@"
	fi
fi
[ "$INPUT_NAMESPACE" != network ] || ip link set lo up

[ -x "$B/poke" ] || make --no-print-directory -s B="$B" "$B/poke" || exit 1
. "$here/input_lib.sh"
. "$here/input_usage.sh"
. "$here/input_config.sh"
. "$here/input_kernel.sh"
. "$here/input_varlink.sh"
. "$here/input_socket.sh"
. "$here/input_reload.sh"
. "$here/input_log.sh"

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
