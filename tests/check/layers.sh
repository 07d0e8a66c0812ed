#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Who may include whom (ARCHITECTURE.md): includes point only backwards along the flow. One line for
# each include that does not.
#
# The number of a file is its place in the flow; it may include its own number and smaller ones.
bad=0

layer() {
	case $1 in
	rstmon/*) echo 0 ;;
	common/*) echo 1 ;;
	daemon/reset | daemon/index | daemon/object | daemon/alert_rule | daemon/alert_defaults) echo 2 ;;
	daemon/reasons | daemon/hierarchy) echo 3 ;;
	daemon/source | daemon/fdstore) echo 4 ;;
	daemon/source_bpf* | daemon/source_recording | daemon/record*) echo 5 ;;
	daemon/decode | daemon/adopt | daemon/aside | daemon/hold | daemon/context | daemon/path) echo 6 ;;
	daemon/process | daemon/cgroup* | daemon/attribute*) echo 7 ;;
	daemon/diagnose* | daemon/history*) echo 8 ;;
	daemon/tally* | daemon/recent | daemon/peers | daemon/pending) echo 9 ;;
	daemon/report* | daemon/state* | daemon/checkpoint* | daemon/moved) echo 10 ;;
	daemon/netns* | daemon/host* | daemon/stories* | daemon/advice* | daemon/alert*) echo 11 ;;
	daemon/sink* | daemon/line) echo 12 ;;
	daemon/publish* | daemon/summary | daemon/print | daemon/config*) echo 13 ;;
	daemon/varlink | daemon/server* | daemon/methods*) echo 14 ;;
	daemon/intake | daemon/privilege) echo 15 ;;
	daemon/daemon* | daemon/outlive | daemon/probe | daemon/arguments) echo 16 ;;
	daemon/main) echo 17 ;;
	cli/*) echo 20 ;;
	*) echo 99 ;;
	esac
}

complain() {
	echo "layers: $1 must not include $2"
	bad=1
}

for file in common/*.[ch] daemon/*.[ch] cli/*.[ch]; do
	from=$(layer "${file%.*}")
	[ "$from" = 99 ] && { echo "layers: $file has no place in the flow"; bad=1; }
	includes=$(sed -n 's/^#include "\(.*\)\.h"$/\1/p' "$file")
	for include in $includes; do
		case $include in *.skel) continue ;; esac
		to=$(layer "$include")
		[ "$to" -gt "$from" ] && complain "$file" "$include.h"
		case $file in cli/*) case $include in daemon/*) complain "$file" "$include.h" ;; esac ;; esac
	done
done
# the contract with the kernel side reads nothing of ours
if grep -ln '#include "\(common\|daemon\|cli\)/' include/rstmon/*.h bpf/*; then
	echo "layers: the files above include user space"
	bad=1
fi
exit $bad
