#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# As tests/check/install.sh, but what is installed does not start: the lab brings up servers of its own.
policy=/usr/sbin/policy-rc.d
if [ "$(id -u)" = 0 ] && [ ! -e $policy ]; then
	trap 'rm -f $policy' EXIT
	trap 'exit 130' INT TERM HUP
	printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy
fi
tests/check/install.sh "$@"
