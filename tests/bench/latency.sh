#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
# From a reset to its line of "watch", by latency.c, which makes the resets itself. Sourced by run.sh.

echo "from the reset to its line of watch:"
if start rstmond; then
	inside "$B/latency" "$dir/s" "$inode" refused 10 10 | sed 's/^/    /'
	inside "$B/latency" "$dir/s" "$inode" syn 10 10 | sed 's/^/    /'
	inside "$B/latency" "$dir/s" "$inode" syn 50000 5 | sed 's/^/    /'
fi
