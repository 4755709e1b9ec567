// ring.js - N wasm functions called in turn from JavaScript, for engines seen from outside: each
// needs its own entry from JavaScript, or does not, as the engine sees fit. scripts/peers/engines runs
// it in each engine's shell or page, looks at the process's code at each mark, and reads the last line.
//
// One call site calls all N, so that no compiler can see through it. The site is warm before the first
// mark: exports of another instance were called there. Between the marks each of the N is called, then
// all of them for some rounds: the code that the process gains is the stubs'. After that they are timed,
// beside the same loop over one export alone ("one"), which reads as many array elements.
//
// host: { mark(name), tell(text), now() in ms, rest(ms) }; mark and rest may return promises.
'use strict';

// A module of n functions, x + a constant of its own each, in an exported table, since SpiderMonkey makes
// the stubs of functions exported by name with the module. "all" calls each from within, so that what
// an engine compiles at a function's first call is there before the stubs.
function ring_module(n) {
	const leb = (v) => {
		const bytes = [];
		for (; v > 127; v >>>= 7)
			bytes.push((v & 127) | 128);
		bytes.push(v);
		return bytes;
	};
	const section = (id, count, entries) => {
		const head = leb(count);
		return [id, ...leb(head.length + entries.length)].concat(head, entries);
	};
	const each = (f) => Array.from({ length: n }, (_, i) => f(i)).flat();
	const body = (i) => {
		// local.get 0, i32.const (five bytes), i32.add, end
		const c = [(i & 127) | 128, (i >>> 7 & 127) | 128, (i >>> 14) | 128, 128, 0];
		const code = [0, 0x20, 0, 0x41, ...c, 0x6a, 0x0b];
		return [...leb(code.length), ...code];
	};
	const name = (word) => [word.length, ...[...word].map((c) => c.charCodeAt(0))];
	const all = [0, ...each((i) => [0x41, 0, 0x10, ...leb(i), 0x1a]), 0x0b];
	return new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0].concat(
		section(1, 2, [0x60, 1, 0x7f, 1, 0x7f, 0x60, 0, 0]),
		section(3, n + 1, [...each(() => [0]), 1]),
		section(4, 1, [0x70, 0, ...leb(n)]),
		section(7, 2, [...name('all'), 0, ...leb(n), ...name('table'), 1, 0]),
		section(9, 1, [0, 0x41, 0, 0x0b, ...leb(n), ...each(leb)]),
		section(10, n + 1, [...each(body), ...leb(all.length), ...all])));
}

function ring_exports(n) {
	const { exports } = new WebAssembly.Instance(new WebAssembly.Module(ring_module(n)), {});
	exports.all();
	return Array.from({ length: n }, (_, i) => exports.table.get(i));
}

// Each next to unlike neighbours; another order for another seed.
function ring_shuffle(list, seed) {
	for (let i = list.length - 1; i > 0; i--) {
		seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
		const k = Math.floor(seed / 4294967296 * (i + 1));
		[list[i], list[k]] = [list[k], list[i]];
	}
	return list;
}

function ring_round(list, x) {
	for (let i = 0; i < list.length; i++)
		x = list[i](x);
	return x;
}

async function ring(n, seed, host) {
	const WARM = 200000, CALLS = 100000, SAMPLES = 15;
	const rounds = Math.ceil(CALLS / n);
	const time = (list) => {
		const times = [], sum = ring_round(list, 0);
		for (let s = 0; s < SAMPLES; s++) {
			const begun = host.now();
			let x = 0;
			for (let r = 0; r < rounds; r++)
				x = ring_round(list, x);
			times.push((host.now() - begun) * 1e6 / (rounds * n));
			if (x !== (rounds * sum | 0))
				throw Error(`${n} exports: ${x}, not ${rounds * sum | 0}`);
		}
		return times.sort((a, b) => a - b)[SAMPLES >> 1];
	};
	const others = ring_exports(64), list = ring_shuffle(ring_exports(n), seed);

	// Long enough for compilers in the background to be done with both modules.
	for (let r = 0; r < WARM / 64; r++)
		ring_round(others, r);
	await host.rest(300);
	for (let r = 0; r < WARM / 64; r++)
		ring_round(others, r);
	await host.mark('before');
	const begun = host.now();
	let x = ring_round(list, 0);
	const first = (host.now() - begun) * 1e6 / n;
	if (x !== n * (n - 1) / 2)
		throw Error(`${n} exports: ${x}, not ${n * (n - 1) / 2}`);
	for (let r = 0; r < 10; r++)
		ring_round(list, r);
	await host.mark('after');
	const call = time(list), one = time(Array(n).fill(list[0]));
	host.tell(JSON.stringify({ n, make: Math.max(0, first - call), call, one }));
}
