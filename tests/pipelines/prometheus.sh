#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rstmon's metrics in the programs that read them: promtool, a Prometheus that scrapes the exporter, a node exporter that
# reads the text file, and what contrib/ has for them. prometheus.sh BUILD; needs root. Real resets on loopback, counted.
# PROMETHEUS_KEEP=1 leaves the directory.
set -u
# With a network of its own: on a host's loopback a reset may come on top of PID 1 (HACKING, "Traps").
if [ -z "${PIPELINES_INSIDE:-}" ] && [ "$(id -u)" = 0 ] && unshare -n ip link set lo up 2>/dev/null; then
	PIPELINES_INSIDE=1 exec unshare -n "$0" "$@"
fi
[ -z "${PIPELINES_INSIDE:-}" ] || ip link set lo up
B=$1
case $B in /*) ;; *) B=$PWD/$B ;; esac
cd "$(dirname "$0")/../.." || exit 1
contrib=$PWD/contrib
passed=0 failed=0 skipped=0
resets=37
daemon='' exporter='' prometheus='' node=''
dir=$(mktemp -d /tmp/rstmon-pipelines-XXXXXX) || exit 1
export RSTMON_SOCKET="$dir/rstmon.sock"
export no_proxy='*' NO_PROXY='*' # all of it is on this host

# end PID: asks it to, and forces it after ten seconds
end() {
	kill "$1" 2>/dev/null || return 0
	( sleep 10; kill -KILL "$1" ) >/dev/null 2>&1 &
	reaper=$!
	wait "$1" 2>/dev/null
	ended=$?
	kill "$reaper" 2>/dev/null
	wait "$reaper" 2>/dev/null
	return "$ended"
}

clean() {
	for pid in $prometheus $node $exporter $daemon; do end "$pid"; done
	if [ -n "${PROMETHEUS_KEEP:-}" ]; then
		echo "prometheus: see $dir"
	else
		rm -rf "$dir"
	fi
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

sums() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
}

# check NAME COMMAND...: what it printed is shown if it fails
check() {
	name=$1
	shift
	if "$@" >"$dir/out" 2>&1; then
		passed=$((passed + 1))
		echo "right: $name"
	else
		failed=$((failed + 1))
		echo "wrong: $name"
		head -n 20 "$dir/out" | sed 's/^/    /'
	fi
}

# until_true SECONDS COMMAND...
until_true() {
	tries=$(($1 * 5))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.2
	done
}

# The number of a port of loopback that nobody has, below those that the kernel gives to clients.
free_port() {
	while :; do
		port=$(($(od -An -N2 -tu2 /dev/urandom) % 10000 + 20000))
		ss -Htan "( sport = :$port or dport = :$port )" | grep -q . || break
	done
	echo "$port"
}

[ "$(id -u)" = 0 ] || { echo "prometheus: skipped, not root"; skipped=1; sums; exit; }
for tool in promtool prometheus prometheus-node-exporter curl jq ss; do
	command -v "$tool" >/dev/null || { echo "prometheus: skipped, there is no $tool"; skipped=1; sums; exit; }
done
for program in rstmond rstmon; do
	[ -x "$B/$program" ] || { echo "prometheus: $B/$program is missing; run make" >&2; failed=1; sums; exit; }
done

# ---- what is read without running ----

check "promtool check rules" promtool check rules "$contrib/prometheus/rstmon.rules.yml"
check "promtool test rules" promtool test rules "$contrib/prometheus/rstmon.rules.test.yml"
check "promtool check config, the example" promtool check config "$contrib/prometheus/prometheus.yml"

# Causes by which a rule selects are causes that there are.
causes_exist() {
	"$B/rstmon" explain --json | jq -r '.causes[].cause' | sort >"$dir/causes"
	grep -o 'cause=~\?"[^"]*"' "$contrib/prometheus/rstmon.rules.yml" | sed 's/.*"\(.*\)"/\1/' | tr '|' '\n' |
		sort -u >"$dir/selected"
	[ -s "$dir/causes" ] && [ -s "$dir/selected" ] && [ -z "$(comm -13 "$dir/causes" "$dir/selected" | tee /dev/stderr)" ]
}
check "the causes in the rules exist" causes_exist

# ---- a daemon, and resets whose number is known ----

start_daemon() {
	"$B/rstmond" --config /dev/null --state "$dir/state" --log none >"$dir/rstmond.log" 2>&1 &
	daemon=$!
	until_true 60 grep -q 'ready$' "$dir/rstmond.log"
}
mkdir "$dir/state" "$dir/text" || exit 1
start_daemon || { cat "$dir/rstmond.log"; echo "wrong: rstmond is not ready"; failed=$((failed + 1)); sums; exit; }

# counts FILE: the text has the exact count of that series
counts() {
	grep -qxF "$series $resets" "$1" || { grep -F "port=\"$closed\"" "$1"; return 1; }
}
metrics_count() {
	"$B/rstmon" metrics >"$dir/open.txt" && counts "$dir/open.txt"
}

# Some machines do not run a tracing program in a softirq on top of PID 1 (HACKING, "Traps"): such a reset is in TcpOutRsts
# alone. Then the number is known of the next port.
attempt=0
while :; do
	closed=$(free_port)
	series="rstmon_resets_total{direction=\"sent\",cause=\"closed_port\",unit=\"\",port=\"$closed\"}"
	i=0
	while [ $i -lt $resets ]; do
		curl -s -o "$dir/nothing" "http://127.0.0.1:$closed/"
		i=$((i + 1))
	done
	until_true 10 metrics_count >"$dir/out" && break
	attempt=$((attempt + 1))
	unseen=$("$B/rstmon" status --json | jq '.unexplained.TcpOutRsts')
	if [ "$attempt" -ge 5 ] || [ "${unseen:-0}" -le 0 ]; then break; fi
	echo "prometheus: the programs did not run for $unseen resets, again"
done
check "rstmon metrics has $resets resets of port $closed" metrics_count
"$B/rstmon" metrics --classic >"$dir/classic.txt"
check "rstmon metrics ends with # EOF" test "$(tail -n 1 "$dir/open.txt")" = "# EOF"

# promtool reads the older format alone. It takes each line of OpenMetrics too, but does not find the help text of a counter,
# whose family has no _total there; it exits with 3 for such remarks and with 1 if it cannot read a line.
open_is_read() {
	promtool check metrics <"$dir/open.txt" 2>&1 | grep -v '^rstmon_[a-z_]*_total no help text$' >"$dir/remarks"
	[ ! -s "$dir/remarks" ] || { cat "$dir/remarks"; return 1; }
}
check "promtool reads rstmon metrics, and misses help texts of counters at most" open_is_read
check "promtool check metrics, rstmon metrics --classic" promtool check metrics <"$dir/classic.txt"

# ---- the exporter ----

"$B/rstmon" exporter --listen 127.0.0.1:0 >"$dir/exporter.out" 2>"$dir/exporter.err" &
exporter=$!
check "the exporter prints where it listens" until_true 60 grep -q '^http://127.0.0.1:[0-9]*/metrics$' "$dir/exporter.out"
url=$(cat "$dir/exporter.out")
place=${url#http://}
place=${place%/metrics}

# answers STATUS TYPE CURL-ARGUMENT...
answers() {
	status=$1 type=$2
	shift 2
	curl -s -D "$dir/head" -o "$dir/body" "$@" || return 1
	tr -d '\r' <"$dir/head" >"$dir/head.txt"
	cat "$dir/head.txt"
	grep -q "^HTTP/1.1 $status " "$dir/head.txt" && grep -qi "^content-type: $type" "$dir/head.txt"
}
accept='application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
check "OpenMetrics for who asks as Prometheus does" answers 200 'application/openmetrics-text; version=1.0.0; charset=utf-8$' \
	-H "Accept: $accept" "$url"
check "with the count" counts "$dir/body"
check "the older format for curl" answers 200 'text/plain; version=0.0.4; charset=utf-8$' "$url"
check "with the count" counts "$dir/body"
check "promtool check metrics, of the exporter" promtool check metrics <"$dir/body"
check "HEAD" answers 200 'text/plain; version=0.0.4' -I "$url"
check "a page at /" answers 200 'text/html' "http://$place/"
check "404 elsewhere" answers 404 'text/plain' "http://$place/etc/passwd"
check "405 for other methods" answers 405 'text/plain' -X POST -d x=y "$url"

second_exporter() {
	"$B/rstmon" exporter --listen "$place" && return 1
	[ $? = 1 ]
}
check "a place that is taken is told" second_exporter

# ---- a Prometheus ----

port=$(free_port)
api="http://127.0.0.1:$port/api/v1"
cp "$contrib/prometheus/rstmon.rules.yml" "$dir/" || exit 1
{
	printf 'global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\n'
	sed "s/127\.0\.0\.1:9941/$place/" "$contrib/prometheus/prometheus.yml"
} >"$dir/prometheus.yml"
check "promtool check config, as it is used" promtool check config "$dir/prometheus.yml"
prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/data" --web.listen-address="127.0.0.1:$port" \
	--log.level=warn >"$dir/prometheus.log" 2>&1 &
prometheus=$!

# query EXPRESSION: the value of the one sample, nothing if there is none
query() {
	curl -s --data-urlencode "query=$1" "$api/query" | tee "$dir/answer" | jq -r '.data.result[0].value[1] // empty' 2>/dev/null
}
# is VALUE EXPRESSION
is() {
	found=$(query "$2")
	[ "$found" = "$1" ] || { cat "$dir/answer"; return 1; }
}
check "Prometheus scrapes the exporter" until_true 60 is 1 'up{job="rstmon"}'
check "an instant query has $resets" until_true 60 is $resets "$series"
check "and as a sum over causes" is $resets "sum by (port) (rstmon_resets_total{port=\"$closed\",direction=\"sent\"})"

type_is_known() {
	curl -s "$api/targets/metadata?metric=rstmon_resets" | jq -e '.data[0].type == "counter" and (.data[0].help | length > 0)'
}
check "it knows type and help, which it has from OpenMetrics" until_true 60 type_is_known
rules_are_evaluated() {
	curl -s "$api/rules" | jq -e '[.data.groups[].rules[] | .health] | length > 5 and all(. == "ok")'
}
check "it evaluates the rules" until_true 60 rules_are_evaluated

# ---- the dashboard ----

dashboard=$contrib/grafana/rstmon.json
# Each panel has a place, a data source and targets; ids are unique; places do not overlap in a row of the grid.
dashboard_shape() {
	jq -e '
		(.title | length > 0) and .uid == "rstmon" and .schemaVersion >= 30 and .id == null
		and ([.panels[].id] | length == (unique | length))
		and ([.panels[].gridPos | select(.x + .w > 24 or .w < 1 or .h < 1)] | length == 0)
		and ([.panels[].gridPos | "\(.x) \(.y)"] | length == (unique | length))
		and all(.panels[] | select(.type != "row"); .datasource.uid == "${datasource}" and (.targets | length > 0)
			and all(.targets[]; (.expr | length > 0) and (.refId | length > 0)) and (.title | length > 0))
		and ([.templating.list[].name] | contains(["datasource", "instance", "unit", "cause"]))' "$dashboard"
}
check "the dashboard has a valid shape" dashboard_shape
# Grafana replaces these before Prometheus sees them.
expressions_parse() {
	# shellcheck disable=SC2016
	jq -r '.panels[] | select(.type != "row") | .targets[].expr' "$dashboard" |
		sed 's/\$__rate_interval/1m/g; s/\$__range/1h/g; s/\$\(instance\|unit\|cause\)/.*/g' >"$dir/expressions"
	[ "$(wc -l <"$dir/expressions")" -gt 10 ] || return 1
	while read -r expression; do
		case $expression in *\$*) echo "a variable is left: $expression"; return 1 ;; esac
		query "$expression" >/dev/null
		jq -e '.status == "success"' "$dir/answer" >/dev/null || { echo "$expression"; cat "$dir/answer"; return 1; }
		# what it asks for is there, unless nothing of the kind has happened
		[ "$(jq '.data.result | length' "$dir/answer")" -gt 0 ] || echo "$expression" >>"$dir/empty"
	done <"$dir/expressions"
}
check "each of its expressions is one for Prometheus" expressions_parse
# Names of metrics in the dashboard and in the rules that no daemon has would be asked for in vain.
names_exist() {
	curl -s "$api/label/__name__/values" | jq -r '.data[]' | sort >"$dir/names"
	# those that need a time-out, or an alert
	printf 'rstmon_timeouts_total\nrstmon_alerts_active\n' | sort -u - "$dir/names" -o "$dir/names"
	cat "$dir/expressions" "$contrib/prometheus/rstmon.rules.yml" | grep -o 'rstmon_[a-z_]*' | grep -Ev '^rstmon_resets$' |
		sort -u >"$dir/asked"
	[ -z "$(comm -13 "$dir/names" "$dir/asked" | tee /dev/stderr)" ]
}
check "the metrics that it and the rules ask for exist" names_exist

# ---- a node exporter that reads the text file ----

"$B/rstmon" metrics --textfile "$dir/text/rstmon.prom"
port=$(free_port)
prometheus-node-exporter --collector.disable-defaults --collector.textfile --collector.textfile.directory="$dir/text" \
	--web.listen-address="127.0.0.1:$port" >"$dir/node.log" 2>&1 &
node=$!
node_metrics() {
	curl -s -o "$dir/node.txt" "http://127.0.0.1:$port/metrics" && grep -q '^node_textfile_mtime_seconds{.*rstmon.prom' "$dir/node.txt"
}
check "a node exporter reads rstmon metrics --textfile" until_true 60 node_metrics
check "without an error" grep -qx 'node_textfile_scrape_error 0' "$dir/node.txt"
# it sorts the labels of what it prints
node_counts() {
	grep -q "^rstmon_resets_total{cause=\"closed_port\",direction=\"sent\",port=\"$closed\",unit=\"\"} $resets\$" "$dir/node.txt" || {
		grep "$closed" "$dir/node.txt"
		return 1
	}
}
check "with the count" node_counts
check "with type and help" grep -qx '# TYPE rstmon_resets_total counter' "$dir/node.txt"
no_series_is_lost() {
	[ "$(grep -c '^rstmon_' "$dir/text/rstmon.prom")" = "$(grep -c '^rstmon_' "$dir/node.txt")" ]
}
check "and with every series" no_series_is_lost
check "what is written is the older format" promtool check metrics <"$dir/text/rstmon.prom"

# ---- without a daemon ----

end "$daemon"
daemon=
refused() {
	answers 503 'text/plain' "$url" && grep -q '^rstmond is not running, .*: .*$' "$dir/body" && [ "$(wc -l <"$dir/body")" = 1 ]
}
check "503 and a sentence while rstmond is away" until_true 60 refused
check "up is 0" until_true 60 is 0 'up{job="rstmon"}'
old_file_stays() {
	"$B/rstmon" metrics --textfile "$dir/text/rstmon.prom"
	[ $? = 3 ] && grep -q '^rstmon_build_info' "$dir/text/rstmon.prom"
}
check "the old text file stays" old_file_stays
start_daemon
check "it goes on when rstmond is back" until_true 60 is 1 'up{job="rstmon"}'
check "with the counts of before" until_true 60 is $resets "$series"
said_once() {
	[ "$(grep -c 'is not running' "$dir/exporter.err")" = 1 ] && grep -qx 'rstmon: rstmond answers again' "$dir/exporter.err"
}
check "it said so once" said_once

end "$exporter"
check "SIGTERM ends it with 0" test $? = 0
exporter=
sums
