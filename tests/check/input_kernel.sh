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
	# the table is there nevertheless
	# shellcheck disable=SC2086
	refused "no capability, --probe" 1 "CAP_BPF and CAP_PERFMON" \
		sh -c '"$@" | grep -q "^tp_btf/tcp_send_reset *must *refused" && exit 1' - \
		$nobody "$rstmond" --config /dev/null --probe
fi

if [ "$live" = no ]; then
	skip "no type information" "$no_live"
else
	# $1 is the rest of the command line
	masked='mount -t tmpfs none /sys/kernel/btf && r=$0 && exec "$r" --config /dev/null --log none "$@"'
	cp /sys/kernel/btf/vmlinux "$tmp/types"
	refused "types that are not to be seen" 1 "/sys/kernel/btf/vmlinux.*mount /sys.*--btf FILE" \
		unshare -m sh -c "$masked" "$rstmond" --socket "$tmp/never"
	expect "--btf instead" unshare -m sh -c "$masked >/dev/null" "$rstmond" --probe --btf "$tmp/types"
	refused "--btf with the types of something else" 1 "not the types of the running kernel" \
		"$rstmond" --config /dev/null --log none --socket "$tmp/never" --btf "$B/rstmon.bpf.o"
	refused "--btf without types" 1 "no type information" \
		"$rstmond" --config /dev/null --log none --socket "$tmp/never" --btf "$rstmond"
	refused "--btf that is not there" 1 "missing: No such file" \
		"$rstmond" --config /dev/null --log none --socket "$tmp/never" --btf "$tmp/missing"
	expect "--probe of a kernel that has all that is required" \
		sh -c '"$0" --config /dev/null --probe | grep -q "^tp_btf/tcp_send_reset *must *attached"' "$rstmond"
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
