#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Everything that reads the tree instead of running it. lint.sh BUILD; a tool that is not there is a
# named skip.
B=${1:-build}
passed=0 failed=0 skipped=0

check() { # name, then the command
	name=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		echo "lint: $name failed"
		failed=$((failed + 1))
	fi
}

with() { # tool, name, then the command
	tool=$1
	shift
	if command -v "$tool" >/dev/null; then
		check "$@"
	else
		echo "lint: $1 skipped, there is no $tool"
		skipped=$((skipped + 1))
	fi
}

format() {
	find common daemon cli bpf man tests -name '*.c' ! -name '*.bpf.c' -print0 |
		xargs -0 clang-format --dry-run --Werror 2>&1 | sed 's/^/  /' | head -20 | grep . && return 1
	return 0
}

check layers tests/check/layers.sh
check docs tests/check/docs.sh "$B"
scripts() {
	find tests .ci \( -name '*.sh' -o -name '*.bash' -o -name run \) -type f -exec shellcheck {} + &&
		shellcheck debian/make-deb.sh debian/rstmon.p* debian/tests/cli debian/tests/smoke &&
		shellcheck -s bash "$B/completions/rstmon.bash" "$B/completions/rstmond.bash"
}

with shellcheck scripts scripts
pages() {
	mandoc -T lint -W warning man/*.[1578] "$B"/rstmon-*.7
}

with mandoc man-pages pages
spelling() {
	# .Nd is a macro
	codespell -q 3 -L nd ./*.md man/*.[1578] man/*.in "$B"/rstmon-*.7
}

with codespell spelling spelling
with clang-format format format
with systemd-analyze units tests/check/unit.sh "$B"
[ "$skipped" -gt 0 ] && echo "$passed passed, $failed failed, $skipped skipped" ||
	echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
