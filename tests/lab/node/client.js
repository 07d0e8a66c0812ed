// SPDX-License-Identifier: GPL-2.0-only
// The lab's Node client: does what the lines on its standard input say, and answers each with one line.
// Must not retry by itself. Proved by the scenarios of real_node.sh.
//
//	get URL		GET on a kept connection: the status or the error's code
//	part URL	starts a GET, waits for the first bytes of its body and destroys it
//	free MS		the agent keeps idle connections only so long from now on
//	quit
'use strict';
const http = require('http');
const readline = require('readline');

let agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function say(text) {
	process.stdout.write(`${text}\n`);
}

// The agent believes the server's Keep-Alive header and drops a connection a second before its time;
// many clients do not know that header, so the server here is told not to send it.
function get(url) {
	http.get(url, { agent }, (response) => {
		response.resume();
		response.on('end', () => say(response.statusCode));
		response.on('error', (e) => say(e.code));
	}).on('error', (e) => say(e.code));
}

function part(url) {
	const request = http.get(url, (response) => {
		response.once('data', () => {
			response.pause();
			request.destroy();
			say('destroyed');
		});
	});
	request.on('error', () => {});
}

function free(ms) {
	agent.destroy();
	agent = new http.Agent({ keepAlive: true, maxSockets: 1, timeout: ms });
	say('ok');
}

say('ready');
readline.createInterface({ input: process.stdin }).on('line', (line) => {
	const [verb, argument] = line.split(' ');
	if (verb === 'get')
		get(argument);
	else if (verb === 'part')
		part(argument);
	else if (verb === 'free')
		free(Number(argument));
	else
		process.exit(0);
});
