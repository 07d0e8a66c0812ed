# shellcheck shell=sh disable=SC2154,SC2034,SC2016
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by input.sh: a kernel or a user that does not have what the programs need.

# Another user without any capability; ourselves where we are that already.
nobody=
[ "$(id -u)" = 0 ] &&
	nobody="setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all"

# After its start a daemon has the capabilities that its status says.
keeps() { # name, CapEff, "capabilities" of the status, what the kernel lacks
	export RSTMOND_WITHOUT="$4"
	start --socket "$sock" || return
	unset RSTMOND_WITHOUT
	expect "capabilities $1" \
		sh -c 'for set in CapEff CapPrm; do grep -qx "$set:	$1" "/proc/$0/status" || exit 1; done' "$daemon" "$2"
	expect "capabilities $1: none can be inherited" grep -qx "CapAmb:	0000000000000000" "/proc/$daemon/status"
	expect "capabilities $1, in its status" \
		test "$("$rstmon" status --json | jq -c .capabilities)" = "$3"
	stop TERM
}

if [ ! -e /sys/kernel/btf/vmlinux ]; then
	skip "no capability" "this kernel has no type information"
else
	# shellcheck disable=SC2086 # it is a command with its options
	refused "no capability" 1 "CAP_BPF and CAP_PERFMON; run as root" \
		$nobody "$rstmond" --config /dev/null --log none --socket "$tmp/never"
	# the table is there nevertheless, and tells what was not tried from what is not there
	# shellcheck disable=SC2086
	refused "no capability, --probe" 1 "CAP_BPF and CAP_PERFMON; run as root" \
		sh -c '"$@" >"$0"; exit $?' "$tmp/probe" $nobody "$rstmond" --config /dev/null --probe
	expect "no capability, --probe: what must be there" \
		grep -q "^tp_btf/tcp_send_reset *must *refused *nothing can be counted" "$tmp/probe"
	expect "no capability, --probe: it has none" grep -qx "capabilities  none" "$tmp/probe"
	expect "no capability, --probe: what was not tried" \
		grep -qx "not tried     fetch_atomics trampolines cast" "$tmp/probe"
	# shellcheck disable=SC2086
	$nobody "$rstmond" --config /dev/null --probe=json >"$tmp/probe" 2>/dev/null
	expect "no capability, --probe=json" sh -c 'jq -e ".capabilities == [] and .features.cast == null and
		(.hooks | any(.required and .got == \"refused\"))" "$0" >/dev/null' "$tmp/probe"
	# shellcheck disable=SC2086
	expect "no capability, --print-config" \
		sh -c '"$@" | grep -qx "clients = 128"' - $nobody "$rstmond" --config /dev/null --print-config
	printf '[log]\n' >"$tmp/secret.conf" && chmod 600 "$tmp/secret.conf"
	# shellcheck disable=SC2086
	[ -z "$nobody" ] || refused "a configuration that may not be read" 1 "secret.conf: cannot be opened: Permission denied" \
		$nobody "$rstmond" --config "$tmp/secret.conf" --check-config
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
	keeps "of an old kernel" 0000008000000000 '["CAP_BPF"]' unprivileged_use
	keeps "of this kernel" 0000000000000000 '[]' ""
	expect "none of them left a socket" test ! -e "$tmp/never"
fi
