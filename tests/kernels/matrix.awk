# SPDX-License-Identifier: GPL-2.0-only
# What was found on each kernel, as one matrix: a row per table, a column per kernel, right/total in the cells. Below it,
# one by one, what is wrong, what is excepted and why, what was skipped and why. Exits with 1 if anything is wrong.
#
#	awk -v columns=... -v releases="NAME=RELEASE ..." -f matrix.awk EXCEPTIONS FOUND

function trim(s) {
	gsub(/^[ \t]+|[ \t]+$/, "", s)
	return s
}

# A glob of * alone, as a regular expression.
function glob(s) {
	gsub(/[][.^$+?(){}|\\]/, "\\\\&", s)
	gsub(/\*/, ".*", s)
	return "^" s "$"
}

function among(word, list,    n, w, i) {
	n = split(list, w, " ")
	for (i = 1; i <= n; i++)
		if (w[i] == "*" || w[i] == word)
			return 1
	return 0
}

function excepted(column, table, item,    i) {
	for (i = 1; i <= n_exceptions; i++)
		if (among(column, e_columns[i]) && table == e_table[i] && item ~ e_item[i]) {
			used[i] = 1
			return i
		}
	return 0
}

FNR == 1 { file++ }

file == 1 && !/^#/ && split($0, part, "|") == 4 {
	n_exceptions++
	e_line[n_exceptions] = $0
	e_columns[n_exceptions] = trim(part[1])
	e_table[n_exceptions] = trim(part[2])
	e_item[n_exceptions] = glob(trim(part[3]))
	e_why[n_exceptions] = trim(part[4])
}

file == 2 {
	split($0, f, "\t")
	column = f[1]
	table = f[3]
	if (!(table in row)) {
		row[table] = ++n_rows
		name[n_rows] = table
	}
	cell = table SUBSEP column
	has[cell] = 1
	if (f[2] == "right") {
		right[cell]++
		total[cell]++
		passed++
	} else if (f[2] == "skip") {
		skipped[cell]++
		n_skipped++
		reason = f[4] ": " f[5]
		key = table SUBSEP reason
		if (!(key in skip_of))
			skip_order[++n_skips] = key
		skip_of[key] = skip_of[key] " " column
	} else if ((i = excepted(column, table, f[4]))) {
		named[cell]++
		total[cell]++
		n_skipped++
		key = i SUBSEP column
		instances[key] = instances[key] "\n      " table ": " f[4] ": " f[5]
	} else {
		total[cell]++
		failed++
		bad[cell]++
		wrong[++n_wrong] = column ": " table ": " f[4] ": " f[5]
	}
}

function show(cell,    s) {
	if (!(cell in has))
		return "-"
	if (!(cell in total))
		return "skip(" skipped[cell] ")"
	s = (right[cell] + 0) "/" total[cell]
	if (cell in bad)
		s = "FAIL " s
	if (cell in named)
		s = s " named(" named[cell] ")"
	if (cell in skipped)
		s = s " skip(" skipped[cell] ")"
	return s
}

END {
	n_columns = split(columns, c, " ")
	n = split(releases, r, " ")
	for (i = 1; i <= n; i++)
		release[substr(r[i], 1, index(r[i], "=") - 1)] = substr(r[i], index(r[i], "=") + 1)
	width = 18
	for (i = 1; i <= n_rows; i++)
		for (j = 1; j <= n_columns; j++)
			if (length(show(name[i] SUBSEP c[j])) + 2 > width)
				width = length(show(name[i] SUBSEP c[j])) + 2
	printf "%-20s", ""
	for (j = 1; j <= n_columns; j++)
		printf "%-*s", width, c[j]
	printf "\n%-20s", ""
	for (j = 1; j <= n_columns; j++)
		printf "%-*s", width, substr(release[c[j]], 1, width - 1)
	print ""
	for (i = 1; i <= n_rows; i++) {
		printf "%-20s", name[i]
		for (j = 1; j <= n_columns; j++)
			printf "%-*s", width, show(name[i] SUBSEP c[j])
		print ""
	}
	if (n_wrong)
		print "\nwrong:"
	for (i = 1; i <= n_wrong; i++)
		print "  " wrong[i]
	heading = "\nnamed exceptions (tests/kernels/exceptions):"
	for (i = 1; i <= n_exceptions; i++)
		for (j = 1; j <= n_columns; j++)
			if ((i SUBSEP c[j]) in instances) {
				if (heading)
					print heading
				heading = ""
				print "  " c[j] ": " e_why[i] instances[i SUBSEP c[j]]
			}
	if (n_skips)
		print "\nskipped:"
	for (i = 1; i <= n_skips; i++) {
		split(skip_order[i], k, SUBSEP)
		print " " skip_of[skip_order[i]] ": " k[1] ": " k[2]
	}
	for (i = 1; i <= n_exceptions; i++) {
		matters = 0
		for (j = 1; j <= n_columns; j++)
			matters = matters || (among(c[j], e_columns[i]) && (e_table[i] SUBSEP c[j]) in total)
		if (matters && !(i in used))
			print "not needed this time: " trim(e_line[i])
	}
	printf "\n%d passed, %d failed, %d skipped; %d s\n", passed, failed, n_skipped, seconds
	exit failed > 0 || passed == 0
}
