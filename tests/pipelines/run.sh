#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rstmon in the pipelines that are there: each other script here against real programs, and the sum. run.sh BUILD;
# PIPELINES='prometheus' runs these alone. Needs root, since each starts an rstmond.
B=$1
here=$(dirname "$0")
passed=0 failed=0 skipped=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

for script in "$here"/*.sh; do
	name=$(basename "$script" .sh)
	[ "$name" != run ] || continue
	case " ${PIPELINES:-$name} " in *" $name "*) ;; *) continue ;; esac
	echo "-- $name"
	"$script" "$B" 2>&1 | tee "$log"
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
	if [ -z "$line" ]; then
		echo "pipelines: $name ended without its sum"
		failed=$((failed + 1))
		continue
	fi
	p=${line%% passed*}
	f=$(echo "$line" | sed 's/.*passed, \([0-9]*\) failed.*/\1/')
	s=$(echo "$line" | sed -n 's/.*failed, \([0-9]*\) skipped.*/\1/p')
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + ${s:-0}))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
