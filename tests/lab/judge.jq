# SPDX-License-Identifier: GPL-2.0-only
# Findings on stdin (slurped), expectations in $expect, labels of namespaces in $netns: a row per
# expectation and per finding that nobody expected. jq -s --argjson expect [...] --argjson netns {...}
#
# A line takes first the findings that it is entirely right about, then those that it means but that
# were called something else, so that one wrong answer makes one wrong row.

def words($s): if $s == "" then [""] else $s | split(",") end;
def fits($e; $key; $value):
	if $e.keys | has($key) then words($e.keys[$key]) | any(. == $value) else true end;
def direction: if .kind == "reset" then .direction else .kind end;

# Is it this finding that the line means?
def means($e):
	direction == $e.direction
	and fits($e; "in"; $netns[.netns | tostring] // "?")
	and fits($e; "port"; .port | tostring)
	and fits($e; "state"; .state)
	and fits($e; "reason"; .reason)
	and (if $e.keys.remote then .remote | startswith($e.keys.remote) else true end);

# What the answer has wrong; "" if nothing.
def wrong($e):
	[
		(.cause as $c | select($e.causes | any(. == $c) | not) | "cause"),
		(select(fits($e; "comm"; .comm) | not) | "owner"),
		(select(fits($e; "role"; .role) | not) | "role \(.role)"),
		(select(fits($e; "actor"; .actor_comm) | not) | "actor \(.actor_comm)"),
		(select(fits($e; "former"; .former_comm) | not) | "former \(.former_comm)"),
		(select(fits($e; "errno"; .errno) | not) | "errno \(.errno)"),
		(select(fits($e; "confidence"; .confidence) | not) | "confidence")
	] | join(", ");

def wanted: (.keys.n // "1") | rtrimstr("+") | tonumber;
def most: if .kind == "also" or (.keys.n // "1" | endswith("+")) then 1000000 else wanted end;
def least: if .kind == "also" then 0 else wanted end;

# {left: findings, lines: expectations with .got}; strict: a line takes only what it is right about
def take($strict):
	reduce range(0; .lines | length) as $i (.;
		.lines[$i] as $e
		| (($e | most) - ($e.got | length)) as $room
		| [.left[] | select(means($e) and (($strict | not) or wrong($e) == ""))][:$room] as $take
		| .lines[$i].got += $take
		| .left -= $take);

def owner: if .pid == 0 then "-" else "\(.comm)[\(.pid)]" end;
def row($result; $expected; $why):
	[$result, $expected, .cause, .confidence, owner, $why, direction, (.reason // ""), (.state // "")];

{left: [to_entries[] | .value + {nth: .key}], lines: [$expect[] | . + {got: []}]}
| take(true)
| take(false)
| (.lines[]
	| . as $e
	| ($e.causes[0]) as $expected
	| (.got[] | wrong($e) as $why
		| select($e.kind == "expect" or $why != "") # what comes along is no answer of its own
		| row(if $why == "" then "right" else "wrong" end; $expected; $why)),
	  (if (.got | length) < ($e | least) then
		["wrong", $expected, "nothing", "-", "-", "\(.got | length) of \($e | least)", $e.direction, "", ""]
	   else empty end)),
  (.left[] | row("wrong"; "nothing"; "not expected"))
| @tsv
