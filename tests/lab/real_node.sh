# shellcheck shell=bash disable=SC2154 source=tests/lab/real_servers.sh
# SPDX-License-Identifier: GPL-2.0-only
# Node as a server and as a client.
. tests/lab/real_servers.sh

scenario node_race "a Node agent sends as the Node server closes the idle connection (keepAliveTimeout)" \
	limit=60
node_race() {
	local i
	net_one
	expect sent keepalive_race_server comm=node role=server port=3000 n=2+
	expect received keepalive_race_server comm=node role=client port=3000 n=2
	node_server N server 3000 1200
	late_fins N 3000
	node_client N client
	for i in 1 2; do
		tell client "get http://127.0.0.1:3000/hello" 200
		await 10 closing N 3000
		tell client "get http://127.0.0.1:3000/hello" ECONNRESET
		await 5 told $((2 * i)) true
	done
}

scenario node_race_mended "the same with an agent that keeps connections a shorter time: the control" limit=60
node_race_mended() {
	local i
	net_one
	silent
	node_server N server 3000 1200
	late_fins N 3000
	node_client N client
	tell client "free 400" ok
	for i in 1 2; do
		tell client "get http://127.0.0.1:3000/hello" 200
		idle_for 1.5
	done
	tell client "get http://127.0.0.1:3000/hello" 200
}

scenario node_reset "a Node server resets on purpose: socket.resetAndDestroy()"
node_reset() {
	net_one
	expect sent linger_zero comm=node role=server port=3000
	expect received linger_zero comm=node role=client port=3000
	node_server N server 3000 5000
	node_client N client
	tell client "get http://127.0.0.1:3000/reset" ECONNRESET
	await 5 told 2 true
}

scenario node_destroys "a Node client destroys a request in the middle of its answer"
node_destroys() {
	net_one
	expect sent client_abort_unread_data comm=node role=client port=3000
	expect received client_abort_unread_data comm=node role=server port=3000
	node_server N server 3000 5000
	node_client N client
	tell client "part http://127.0.0.1:3000/size?20000000" destroyed
	await 5 told 2 true
}

scenario node_closes_all "server.closeAllConnections() with a request under way: the control"
node_closes_all() {
	net_one
	silent
	node_server N server 3000 5000
	node_client N client
	tell client "get http://127.0.0.1:3000/hello" 200
	order client "get http://127.0.0.1:3000/never"
	idle_for 0.3
	tell server connections closed
	await 5 said client ECONNRESET
}
