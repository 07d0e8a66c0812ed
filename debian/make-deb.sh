#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Builds the Debian package of this tree into BUILD/deb and prints the names of what came out. make-deb.sh BUILD
# It builds in a copy, so that the tree stays as it is: of what git knows, as it is now, or without git (a tarball) of all
# but build directories. The unit tests are left to "make check"; with DEB_BUILD_OPTIONS= they run here too.
set -eu
export DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS-nocheck}"

cd "$(dirname "$0")/.."
mkdir -p "$1/deb"
out=$(cd "$1/deb" && pwd)
version=$(dpkg-parsechangelog -SVersion)
code=$(sed -n 's/^#define RSTMON_VERSION[^"]*"\(.*\)"$/\1/p' include/rstmon/interface.h)
if [ "$version" != "$code" ]; then
	echo "rstmon: debian/changelog has version $version, include/rstmon/interface.h $code" >&2
	exit 1
fi

names() { # of the files to copy, each with a NUL behind it
	if [ -e .git ] && git ls-files >/dev/null 2>&1; then
		# what is deleted and not yet committed is not there
		# shellcheck disable=SC2016
		git ls-files -z | xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh
	else
		find . -path './build*' -prune -o -path ./.git -prune -o -type f -print0
	fi
}

tree=$out/rstmon-$version
rm -rf "$out/rstmon"*
mkdir "$tree"
names | LC_ALL=C sort -z | tar -c --null -T - | tar -x -C "$tree"
# Age and modes of a checkout's files are its owner's: the source package would keep them, and documents their age.
chmod -R u+rwX,go=rX "$tree"
find "$tree" -exec touch -h -d "@$(dpkg-parsechangelog -STimestamp)" {} +

# Variables of the make that runs this are not those of the package.
if ! (cd "$tree" && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES -u B -u V -u CC -u CFLAGS -u DESTDIR \
	dpkg-buildpackage -us -uc --build=source,any) >"$out/build.log" 2>&1; then
	tail -n 30 "$out/build.log" >&2
	echo "rstmon: the package could not be built, see $out/build.log" >&2
	exit 1
fi
rm -rf "$tree"
cd "$out"
for file in rstmon*; do
	echo "$1/deb/$file"
done
