#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The Debian package: built twice to the same bytes, looked at by lintian and blhc, what is in it, and installed, upgraded,
# removed and purged in a root of its own (scratch.sh). run.sh BUILD; everything is kept in BUILD/package.
#
#	SHORT=1		one build, lintian and the contents
set -u
passed=0 failed=0 skipped=0

case $1 in
/*) B=$1 ;;
*) B=$PWD/$1 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck disable=SC2034 # for judge.sh
dir=$B/package
# shellcheck source=tests/survive/judge.sh
. "$here/../survive/judge.sh"
unset SOURCE_DATE_EPOCH

finish() {
	[ "$skipped" -gt 0 ] && echo "$passed passed, $failed failed, $skipped skipped" ||
		echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}

# What the build installs and what the package says that it needs are two lists.
dependencies() {
	sed -n '/^Build-Depends:/,/^[^ B]/p' "$top/debian/control" | sed 's/^Build-Depends://; /^[^ ]/d' | sed 's/|/,/g' | tr , '\n' |
		sed 's/[<(].*//; s/[[:space:]]//g; /^$/d' >"$dir/depends"
	missing=
	# shellcheck disable=SC2016,SC2046 # a list, made by make
	for package in $(make -s -C "$top" -f config.mk --eval 'list: ; @echo $(BUILD_PACKAGES)' list); do
		case $package in
		build-essential | llvm) continue ;; # implied, and not run by a build
		pkg-config) package=pkgconf ;;
		esac
		grep -qx "$package" "$dir/depends" || missing="$missing $package"
	done
	check "the build's packages are all in Build-Depends:${missing:- yes}" -z "$missing"
}

first_build() {
	if ! (cd "$top" && debian/make-deb.sh "$B") >"$dir/first.log" 2>&1; then
		cat "$dir/first.log"
		fail "the package is built"
		finish
	fi
	deb=$(ls "$B"/deb/rstmon_*.deb)
	ok "built: $(basename "$deb"), $(stat -c %s "$deb") bytes"
}

# Another directory, user, umask, locale, time zone, hour and age of files, and without git: from the source package itself.
second_build() {
	other=$(mktemp -d "/tmp/rstmon-package-other.XXXXXX") || exit 1
	(
		umask 077
		dpkg-source --no-check -x "$B"/deb/rstmon_*.dsc "$other/a longer name" >/dev/null &&
			mv "$other/a longer name" "$other/elsewhere" &&
			find "$other" -exec touch -h -d '2001-02-03 04:05:06' {} +
		chmod -R go-rwx "$other"
		chown -R nobody "$other"
		cd "$other/elsewhere" &&
			setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME="$other" LC_ALL=C \
				TZ=Pacific/Kiritimati debian/make-deb.sh out
	) >"$dir/second.log" 2>&1 || { tail -n 20 "$dir/second.log"; fail "a second build, by nobody, of the source package"; return; }
	for file in "$B"/deb/rstmon*.deb "$B"/deb/rstmon*.tar.xz "$B"/deb/rstmon*.dsc; do
		name=$(basename "$file")
		one=$(sha256sum <"$file") two=$(sha256sum <"$other/elsewhere/out/deb/$name")
		check "the same bytes again: $name ${one%% *}" "$one" = "$two"
	done
	rm -rf "$other"
}

lintian_is_silent() {
	lintian --allow-root --fail-on error,warning --display-info --pedantic --color never "$B"/deb/rstmon_*.changes \
		>"$dir/lintian" 2>&1
	check "lintian: no error, no warning ($(wc -l <"$dir/lintian") remarks)" $? = 0
	sed 's/^/          /' "$dir/lintian"
	if command -v blhc >/dev/null; then
		blhc --bindnow "$B/deb/build.log" >"$dir/blhc" 2>&1
		check "blhc: every call of the compiler is hardened" $? = 0
		head -n 10 "$dir/blhc" | cut -c1-200 | sed 's/^/          /'
	else
		skip "blhc is not there"
	fi
}

# Against a list, so that a page that gets lost is seen. The examples are those of contrib/.
contents() {
	dpkg-deb --fsys-tarfile "$deb" | tar -tv --numeric-owner | sed -n 's|^\([^dl][^ ]*\) 0/0 .* \./|\1 |p' |
		sed 's|\(/doc/rstmon/[A-Z]*\.md\)\.gz$|\1|' | LC_ALL=C sort -k2 >"$dir/have" # compressed from 4 KiB on
	{
		cat "$here/contents"
		find "$top/contrib" -type f -printf '%m usr/share/doc/rstmon/examples/%P\n' 2>/dev/null |
			sed 's/^7../-rwxr-xr-x/; s/^6../-rw-r--r--/; s/^644/-rw-r--r--/'
	} | LC_ALL=C sort -k2 >"$dir/want"
	diff -u "$dir/want" "$dir/have" >"$dir/contents.diff"
	check "its $(wc -l <"$dir/have") files are those of the list" $? = 0
	cat "$dir/contents.diff"
	strange=$(dpkg-deb --fsys-tarfile "$deb" | tar -tv --numeric-owner | grep -vc ' 0/0 ')
	check "all belongs to root" "$strange" = 0
	lost=
	for page in "$top"/man/*.[1-8]; do
		grep -q "/$(basename "$page").gz$" "$dir/have" || lost="$lost $(basename "$page")"
	done
	check "every manual page of the tree is in it:${lost:- yes}" -z "$lost"
	check "the configuration is a conffile" "$(dpkg-deb -I "$deb" conffiles)" = /etc/rstmon/rstmond.conf
	settings=$(dpkg-deb --fsys-tarfile "$deb" | tar -xO ./etc/rstmon/rstmond.conf | grep -c '^[^#[]')
	check "all of it is commented out" "$settings" = 0
}

rm -rf "$dir"/[!r]*
mkdir -p "$dir"
before=$(cd "$top" && git status --porcelain 2>/dev/null)
dependencies
first_build
lintian_is_silent
contents
if [ -z "${SHORT:-}" ]; then
	second_build
	# shellcheck source=tests/package/scratch.sh
	. "$here/scratch.sh"
	scratch
fi
after=$(cd "$top" && git status --porcelain 2>/dev/null)
check "the tree is as it was" "$before" = "$after"
finish
