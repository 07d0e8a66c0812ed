// SPDX-License-Identifier: GPL-2.0-only
// The lab's Node server: one http server, and lines on its standard input that end its connections in
// the ways Node has. Proved by the scenarios of real_node.sh.
//
//	node server.js PORT KEEPALIVE_MS
//
// Paths: /hello answers at once, /never does not answer, /size?N answers with N bytes, /reset resets
// the connection after it has read the request.
//	connections	server.closeAllConnections()
//	quit
'use strict';
const http = require('http');
const readline = require('readline');

const [port, keepAlive] = process.argv.slice(2).map(Number);

const server = http.createServer((request, response) => {
	if (request.url === '/never')
		return;
	if (request.url === '/reset') {
		request.socket.resetAndDestroy();
		return;
	}
	// Said by hand: Node's own header would carry the time-out, which its agent then heeds.
	response.setHeader('Connection', 'keep-alive');
	response.end(request.url.startsWith('/size?') ?
		Buffer.alloc(Number(request.url.slice(6))) : 'hello\n');
});
server.keepAliveTimeout = keepAlive;
server.on('clientError', (e, socket) => socket.destroy());
server.listen(port, '127.0.0.1');

readline.createInterface({ input: process.stdin }).on('line', (line) => {
	if (line === 'connections') {
		server.closeAllConnections();
		process.stdout.write('closed\n');
	} else if (line === 'quit') {
		process.exit(0);
	}
});
