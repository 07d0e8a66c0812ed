#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
# Resident memory: after start, with all 8,192 rows out of real resets, and with a day of history out of a
# recording that fill.c makes. Sourced by run.sh.

resident() { # WORDS
	printf '    %-44s %7d KiB resident (%d of them mapped), %d rows; status says %d KiB\n' "$1" \
		"$(awk '/^VmRSS/ { print $2 }' "/proc/$tool/status")" \
		"$(awk '/^Rss(File|Shmem)/ { n += $2 } END { print n }' "/proc/$tool/status")" \
		"$(rstmon status --json | jq .rows)" "$(($(rstmon status --json | jq .memory_bytes) / 1024))"
}

# More ports than nobody's rows have room for, and 16 processes with as many ports as one may have.
fill_rows() {
	inside "$B/flood" syn 8000 1 here >/dev/null
	inside "$B/flood" connect 256 1 here 16 >/dev/null
	counted >/dev/null
}

echo "resident memory of rstmond:"
if start rstmond; then
	resident 'after start'
	fill_rows
	resident 'all rows, by real resets'
	stop_tool
fi
if "$B/fill" "$dir/day.rec" >"$dir/filled"; then
	read -r records _ <"$dir/filled"
	TIMEFORMAT='%U %S'
	{ time taskset -c "$last" "$B/rstmond" --config /dev/null --log none --replay "$dir/day.rec" \
		>/dev/null 2>"$dir/err"; } 2>"$dir/took" || echo "    the replay failed: $(tail -n 1 "$dir/err")"
	if start rstmond --replay "$dir/day.rec"; then
		tries=300
		until [ "$(rstmon list --by cause --json 2>/dev/null | jq '[.rows[].count] | add')" = "$records" ] ||
			[ $tries = 0 ]; do
			tries=$((tries - 1))
			sleep 0.1
		done
		resident 'all rows and a day of history, replayed'
		stop_tool
	fi
	awk -v n="$records" '{ printf "    the same, from its file to its rows: %.2f million resets per second of CPU (%d in all)\n",
		n / ($1 + $2) / 1e6, n }' "$dir/took"
	rm -f "$dir/day.rec"
fi
