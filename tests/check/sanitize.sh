#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Unit and golden tests of a sanitizer build. sanitize.sh BUILD. Criterion runs each test in a child of
# its own and judges it by what it asserts, so a leak passes: reports go to files, and any file fails.
# UBSan beside ASan writes to stderr whatever its log_path: the build has -fno-sanitize-recover=all, so that
# the process dies of a report, and the test with it.
B=$1
reports=$(mktemp -d) || exit 1
trap 'rm -rf "$reports"' EXIT

export ASAN_OPTIONS="log_path=$reports/asan:detect_leaks=1"
export UBSAN_OPTIONS="log_path=$reports/ubsan:print_stacktrace=1"

"$B/unit" || { echo "sanitize: unit tests failed"; failed=1; }
tests/golden/run.sh "$B" || { echo "sanitize: golden tests failed"; failed=1; }
for report in "$reports"/*; do
	[ -e "$report" ] || continue
	cat "$report"
	failed=1
done
[ -z "${failed:-}" ] && echo "sanitize: no report"
exit "${failed:-0}"
