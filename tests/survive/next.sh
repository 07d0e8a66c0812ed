#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Builds the daemon of a future in which a record has one more word: what a package upgrade brings.
# next.sh BUILD -> BUILD/next/rstmond
set -eu

B=$1
case $B in
/*) ;;
*) B=$PWD/$B ;;
esac
tree=$B/next.tree
rm -rf "$tree"
mkdir -p "$tree"
cp -a Makefile config.mk bpf common cli daemon include man systemd "$tree"
mkdir -p "$tree/tests/check"
cp -a tests/check/needs.sh "$tree/tests/check"

# one version on, eight bytes at the end of a socket's record, and the sizes that are asserted
awk '
	/^#define RST_EVENT_VERSION / { $3++; n++ }
	/^struct rst_event_sock \{/ { inside = 1 }
	inside && /^};/ { print "\t__u64 next_word;"; inside = 0; n++ }
	/^RST_ASSERT_SIZE\(rst_event_sock(_former)?, / {
		match($0, /[0-9]+/)
		sub(/[0-9]+/, substr($0, RSTART, RLENGTH) + 8)
		n++
	}
	{ print }
	END { exit n != 4 }' include/rstmon/event.h >"$tree/include/rstmon/event.h"
if ! make --no-print-directory -C "$tree" B="$B/next" "$B/next/rstmond" >"$B/next.log" 2>&1; then
	tail -n 20 "$B/next.log" >&2
	exit 1
fi
