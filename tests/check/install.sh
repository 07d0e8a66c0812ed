#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Installs those of the named Debian packages that are missing. Quiet when there is nothing to do.
missing=
for package in "$@"; do
	dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' ||
		missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null; then
	echo "rstmon: install what corresponds to these Debian packages:$missing" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "rstmon: missing packages, run this as root or install them first:$missing" >&2
	exit 1
fi
echo "rstmon: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || exit 1
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null || {
	echo "rstmon: apt-get could not install$missing" >&2
	exit 1
}
