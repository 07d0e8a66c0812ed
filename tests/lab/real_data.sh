# shellcheck shell=bash disable=SC2154 source=tests/lab/real_servers.sh
# SPDX-License-Identifier: GPL-2.0-only
# Redis and PostgreSQL: clients and backends that are killed, connections that the server ends.
. tests/lab/real_servers.sh

# Psql and redis-cli as programs with a session: an end that they have not looked at yet.
session_over() { # LABEL PORT: the server has closed, the client has not
	inside "$1" ss -Htn state close-wait "dport = :$2" | grep -q .
}

# ---- Redis ----

redis_session() {
	steer N client redis-cli -p 6379
	tell client ping PONG
}

scenario redis_client_killed "a Redis client is killed (SIGKILL) with the reply unread"
redis_client_killed() {
	net_one
	expect sent proc_killed_unread comm=redis-cli role=client port=6379
	expect received proc_killed_unread comm=redis-server role=server port=6379
	redis N redis 6379
	inside N redis-cli setrange large 20000000 x >/dev/null
	start N client redis-cli -r 1000 get large
	await 5 unread_at N 6379
	kill -STOP "$pid"
	await 5 unread_at N 6379
	ends client KILL
}

scenario redis_client_kill "CLIENT KILL ends a connection, its client sends another command"
redis_client_kill() {
	net_one
	expect sent data_after_local_close comm=redis-server role=server port=6379
	expect received data_after_local_close comm=redis-cli role=client port=6379 state=CLOSE_WAIT
	redis N redis 6379
	redis_session
	inside N redis-cli client kill type normal skipme yes >/dev/null
	await 5 session_over N 6379
	order client ping
	await 5 told 2 true
}

scenario redis_timeout "Redis ends an idle connection (timeout 1), its client sends another command"
redis_timeout() {
	net_one
	expect sent keepalive_race_server,data_after_local_close comm=redis-server role=server port=6379
	expect received keepalive_race_server,data_after_local_close comm=redis-cli role=client port=6379 \
		state=CLOSE_WAIT
	redis N redis 6379 --timeout 1
	redis_session
	await 10 session_over N 6379
	order client ping
	await 5 told 2 true
}

scenario redis_killed "Redis is killed (SIGKILL) with commands unread"
redis_killed() {
	net_one
	expect sent proc_killed_unread comm=redis-server role=server port=6379
	expect received proc_killed_unread comm=redis-cli role=client port=6379
	redis N redis 6379
	redis_session
	kill -STOP "$(pid_of redis)"
	order client ping
	await 5 unread_from N 6379
	ends redis KILL
}

scenario redis_quit "Redis clients come, ask and go: the control"
redis_quit() {
	net_one
	silent
	redis N redis 6379
	redis_session
	tell client 'set a b' OK
	order client quit
	await 5 gone "$(pid_of client)"
	inside N redis-cli ping >/dev/null
	printf 'ping\nquit\n' | inside N redis-cli >/dev/null
	inside N redis-cli shutdown nosave >/dev/null
}

# ---- PostgreSQL ----

psql_session() {
	steer N client psql -X -q -A -t -h 127.0.0.1 -p 5432 -U lab -d postgres
	tell client 'select 42;' 42
}

scenario postgres_terminated "pg_terminate_backend() ends an idle session, psql sends another query"
postgres_terminated() {
	net_one
	expect sent data_after_local_close comm=postgres role=server port=5432
	expect received data_after_local_close comm=psql role=client port=5432 state=CLOSE_WAIT
	postgres N postgres 5432
	psql_session
	sql N 5432 -c "select pg_terminate_backend(pid) from pg_stat_activity
		where backend_type = 'client backend' and pid <> pg_backend_pid()" >/dev/null
	await 5 session_over N 5432
	order client 'select 43;'
	await 5 told 2 true
}

scenario postgres_idle_session "PostgreSQL ends an idle session (idle_session_timeout), psql sends a query"
postgres_idle_session() {
	net_one
	expect sent keepalive_race_server,data_after_local_close comm=postgres role=server port=5432
	expect received keepalive_race_server,data_after_local_close comm=psql role=client port=5432 \
		state=CLOSE_WAIT
	postgres N postgres 5432
	psql_session
	order client "set idle_session_timeout = '1500ms';"
	await 10 session_over N 5432
	order client 'select 43;'
	await 5 told 2 true
}

scenario postgres_backend_killed "a backend is killed (SIGKILL) in the middle of a COPY"
postgres_backend_killed() {
	local backend
	net_one
	expect sent proc_killed_unread comm=postgres role=server port=5432
	expect received proc_killed_unread comm=psql role=client port=5432
	postgres N postgres 5432
	sql N 5432 -c 'create unlogged table t (v text)'
	yes "some text that fills a table" | head -c 200000000 >"$dir/copy"
	start N client psql -X -q -h 127.0.0.1 -U lab -d postgres -c "\\copy t from '$dir/copy'"
	backend=$(until_backend)
	kill -STOP "$backend"
	await 5 unread_from N 5432
	kill -KILL "$backend"
	await 5 told 2 true
}

until_backend() { # shows the pid of the backend whose query runs
	local p=
	until [ -n "$p" ]; do
		sleep 0.1
		p=$(sql N 5432 -c "select pid from pg_stat_activity where query like 'COPY%'")
	done
	echo "$p"
}

scenario postgres_client_killed "psql is killed (SIGKILL) with the result unread"
postgres_client_killed() {
	net_one
	expect sent proc_killed_unread comm=psql role=client port=5432
	expect received proc_killed_unread comm=postgres role=server port=5432
	postgres N postgres 5432
	start N client psql -X -q -A -t -h 127.0.0.1 -U lab -d postgres \
		-c "select repeat('x', 1000) from generate_series(1, 1000000)"
	await 5 unread_at N 5432
	kill -STOP "$pid"
	await 5 unread_at N 5432
	ends client KILL
}

scenario postgres_sessions "psql sessions come, ask and go, and PostgreSQL is stopped: the control"
postgres_sessions() {
	net_one
	silent
	postgres N postgres 5432
	psql_session
	order client '\q'
	await 5 gone "$(pid_of client)"
	sql N 5432 -c 'select 1' >/dev/null
	sql N 5432 -c 'select count(*) from generate_series(1, 100000)' >/dev/null
	ends postgres INT
}
