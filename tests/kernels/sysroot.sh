#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Unpacks Debian packages of another architecture, with all that they depend on, into a directory: what a
# cross build links and a guest of that architecture runs. Nothing is installed, and this machine's own
# lists of packages are left alone. Made once for a list of packages.
#
#	sysroot.sh DIR ARCH PACKAGE...
#	SUITE=bookworm		the release they come from
set -eu

dir=$(mkdir -p "$1" && cd "$1" && pwd)
arch=$2
shift 2
suite=${SUITE:-bookworm}
own=/etc/apt/sources.list.d/debian.sources
done=$dir/.packages
[ "$(cat "$done" 2>/dev/null)" != "$suite $arch $*" ] || exit 0

state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT

# An apt of that architecture, for which nothing is installed yet: so it fetches what each package needs.
apt() {
	apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
		-o APT::Install-Recommends=0 -o APT::Sandbox::User=root \
		-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$state/etc" \
		-o Dir::State::Lists="$state/lists" -o Dir::State::Status="$state/status" \
		-o Dir::Cache="$state/cache" -o Dir::Log="$state" "$@"
}

mkdir -p "$state/etc" "$state/lists/partial" "$state/cache/archives/partial"
: >"$state/status"
awk -v suite="$suite" '
	/^(Types|URIs|Components|Signed-By):/ { if (!seen[$1]++) print }
	END { print "Suites: " suite }' "$own" >"$state/etc/own.sources"
apt update
apt install --download-only --yes "$@" >"$state/log" 2>&1 || { cat "$state/log" >&2; exit 1; }

rm -rf "$dir"
mkdir -p "$dir"
# as on a host where they are installed: older packages still have files in /lib and the like
for top in bin sbin lib; do
	mkdir -p "$dir/usr/$top"
	ln -s "usr/$top" "$dir/$top"
done
for deb in "$state"/cache/archives/*.deb; do
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir" --keep-directory-symlink --no-same-owner \
		--exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale'
done
# links with an absolute target would lead out of the directory
find "$dir" -type l -lname '/*' | while read -r link; do
	ln -snfr "$dir$(readlink "$link")" "$link"
done
echo "$suite $arch $*" >"$done"
