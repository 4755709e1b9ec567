// host.js - the host of ring.js in a shell (node, jsc, mozjs) or in a page: a mark is a line or a request,
// and lasts until scripts/peers/engines has looked at the process.
'use strict';

function ring_in_shell(n, seed) {
	const node = typeof process === 'object' ? require('fs') : null;
	const say = node ? (text) => node.writeSync(1, text + '\n') : print;
	const clock = node ? () => performance.now()
		: typeof preciseTime === 'function' ? () => preciseTime() * 1000 : now;
	const wait = node ? () => node.readSync(0, new Uint8Array(1)) : readline;
	const host = {
		mark(name) { say('mark ' + name); wait(); },
		tell(text) { say('tell ' + text); },
		now: clock,
		rest(ms) {
			if (node)
				return new Promise((done) => setTimeout(done, ms));
			for (const begun = clock(); clock() - begun < ms;)
				;
		},
	};

	ring(n, seed, host).catch((e) => say('fail ' + e));
}

function ring_in_page() {
	const asked = new URLSearchParams(location.search);
	const send = (path, body) => fetch(path, { method: 'POST', body });
	const host = {
		mark: (name) => send('/mark', name),
		tell: (text) => send('/tell', text),
		now: () => performance.now(),
		rest: (ms) => new Promise((done) => setTimeout(done, ms)),
	};

	ring(+asked.get('n'), +asked.get('seed'), host).catch((e) => send('/fail', String(e)));
}
