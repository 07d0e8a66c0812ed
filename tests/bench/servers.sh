#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
# Real servers whose connections nobody resets: nginx with a connection for each request and with ones that
# last, Redis with 16 commands at once. Server on one core, client on the other. Sourced by run.sh.

SERVER_SECONDS=2

# CPU time of a process and all its threads, ns
cpu_of() { # PID
	cat /proc/"$1"/task/*/schedstat 2>/dev/null | awk '{ n += $1 } END { printf "%d", n }'
}

client() { # COMMAND...: its output in $dir/client, its CPU time in $client_ns
	local TIMEFORMAT='%U %S'
	{ time inside taskset -c "$last" "$@" >"$dir/client" 2>&1; } 2>"$dir/client.cpu"
	client_ns=$(awk '{ printf "%d", ($1 + $2) * 1e9 }' "$dir/client.cpu")
}

# Requests a second; and requests per second of CPU of both sides, which is less noisy.
served() { # REQUESTS RATE SERVER_NS
	echo "$2" >"$dir/now.rate"
	awk -v n="$1" -v a="$3" -v b="$client_ns" 'BEGIN { if (a + b > 0) printf "%.1f\n", n / (a + b) * 1e9 }' \
		>"$dir/now.cpu"
}

http() { # [HEADER]
	local before
	before=$(cpu_of "$server")
	client wrk -t1 -c16 -d"$SERVER_SECONDS"s ${1:+-H "$1"} http://127.0.0.1:8080/
	served "$(awk '/requests in/ { print $1 }' "$dir/client")" \
		"$(awk '/^Requests\/sec/ { print $2 }' "$dir/client")" \
		$(($(cpu_of "$server") - before))
}

http_close() {
	http 'Connection: close'
}

http_keep() {
	http
}

redis() {
	local before rate
	before=$(cpu_of "$server")
	client redis-benchmark -p 6399 -P 16 -c 16 -n "$commands" -t get --csv
	rate=$(awk -F '"' '$2 == "GET" { print $4 }' "$dir/client")
	served "$commands" "$rate" $(($(cpu_of "$server") - before))
}

compare() { # AIM MEASUREMENT
	"$2" # warm
	turns "$SERVER_PAIRS" "$2" empty rstmond control
	heading '' rate
	line control rate 'the noise'
	line empty rate ''
	line rstmond rate "aim >= $1"
	heading '' 'per CPU s'
	line control cpu 'the noise'
	line empty cpu ''
	line rstmond cpu "aim >= $1"
}

# More pairs than elsewhere, because the aims are closer to 1 than one round can tell.
SERVER_PAIRS=$((PAIRS + 4))

if have nginx && have wrk; then
	echo "nginx and wrk, requests a second, a connection for each request:"
	if serve_nginx; then
		compare 0.99 http_close
		echo "the same with server and client on one core, of the programs alone:"
		toggled PassiveOpens 'aim >= 0.99' wrk -t1 -c16 -d"$TOGGLE_SECONDS"s -H 'Connection: close' \
			http://127.0.0.1:8080/
		echo "nginx and wrk, connections that last:"
		compare 0.995 http_keep
	else
		echo "    skipped: nginx does not answer: $(tail -n 1 "$dir/server")"
	fi
	end_server
fi
if have redis-server && have redis-benchmark; then
	echo "Redis, commands a second, 16 at once:"
	serve redis-server --port 6399 --bind 127.0.0.1 --save '' --dir "$dir"
	if answers inside redis-cli -p 6399 ping; then
		commands=200000
		redis
		commands=$(awk -v s=$SERVER_SECONDS '{ printf "%d", $1 * s }' "$dir/now.rate")
		compare 0.995 redis
	else
		echo "    skipped: Redis does not answer: $(tail -n 1 "$dir/server")"
	fi
	end_server
fi
