#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs each fuzz target for a while. run.sh BUILD; FUZZ_SECONDS=60 each. Findings stay in BUILD/fuzz.
B=${1:-build}
FUZZ_SECONDS=${FUZZ_SECONDS:-60}
failed=0
for target in "$B"/fuzz/*; do
	if [ ! -f "$target" ] || [ ! -x "$target" ]; then continue; fi
	name=$(basename "$target")
	mkdir -p "$target.corpus"
	# what is worth beginning with; new finds go into the first directory only
	seeds=$(dirname "$0")/corpus/$name
	[ -d "$seeds" ] || seeds=
	echo "fuzz: $name for $FUZZ_SECONDS s"
	"$target" -max_total_time="$FUZZ_SECONDS" -artifact_prefix="$target." -close_fd_mask=3 \
		-print_final_stats=1 "$target.corpus" ${seeds:+"$seeds"} 2>"$target.log" >/dev/null || failed=1
	grep -E 'stat::number_of_executed_units|SUMMARY' "$target.log"
done
exit $failed
