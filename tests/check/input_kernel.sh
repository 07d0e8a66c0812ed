# shellcheck shell=sh disable=SC2154,SC2034,SC2016
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by input.sh: a kernel or a user that does not have what the programs need.

# Another user without any capability; ourselves where we are that already.
nobody=
[ "$(id -u)" = 0 ] &&
	nobody="setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all"

if [ ! -e /sys/kernel/btf/vmlinux ]; then
	skip "no capability" "this kernel has no type information"
else
	# shellcheck disable=SC2086 # it is a command with its options
	refused "no capability" 1 "CAP_BPF and CAP_PERFMON; run as root" \
		$nobody "$rstmond" --config /dev/null --log none --socket "$tmp/never"
	# shellcheck disable=SC2086
	refused "no capability, --probe" 1 "CAP_BPF and CAP_PERFMON" $nobody "$rstmond" --config /dev/null --probe
fi

if [ "$live" = no ]; then
	skip "no type information" "$no_live"
else
	refused "no type information" 1 "no type information.*CONFIG_DEBUG_INFO_BTF" unshare -m sh -c '
		mount -t tmpfs none /sys/kernel/btf && exec "$0" --config /dev/null --log none --socket "$1"' \
		"$rstmond" "$tmp/never"
	refused "--record to where nothing can be written" 1 "missing/file.*No such file" "$rstmond" \
		--config /dev/null --log none --socket "$tmp/never" --record "$tmp/missing/file"
	refused "--record to a directory" 1 "$tmp.*[Dd]irectory" "$rstmond" \
		--config /dev/null --log none --socket "$tmp/never" --record "$tmp"
	mkfifo "$tmp/pipe"
	refused "--record to a pipe that nobody reads" 1 "$tmp/pipe: .*no regular file" "$rstmond" \
		--config /dev/null --log none --socket "$tmp/never" --record "$tmp/pipe"
	refused "--probe on a full disk" 1 "stdout" sh -c '"$0" --config /dev/null --probe >/dev/full' "$rstmond"
	expect "none of them left a socket" test ! -e "$tmp/never"
fi
