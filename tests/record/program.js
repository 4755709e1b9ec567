/*
 * program.js - uses everything of WebAssembly by which a program could notice a recorder. Its
 * output must be the same under the recorder; test_record.c knows how often it crosses each
 * boundary.
 */
'use strict';

const fs = require('fs');
const path = require('path');
const { Worker, isMainThread } = require('worker_threads');
const v8 = require('v8');

const bytes = (name) => fs.readFileSync(path.join(__dirname, name + '.wasm'));
const say = (...values) => console.log(...values);
const attempt = (f) => {
	try {
		return f();
	} catch (e) {
		return `${e.constructor.name}: ${e.message}`;
	}
};

async function main() {
	const logged = [];
	const env = {
		log: (x) => logged.push(x),
		pair: (x) => [x + 1, 10n],
		same: (f) => {
			say('same', typeof f, f === side.exports.twice, f && f(4)); /* entry: twice */
			return f;
		},
	};
	const side = new WebAssembly.Instance(new WebAssembly.Module(bytes('side')));
	const { module, instance } = await WebAssembly.instantiate(bytes('main'), { env, side: side.exports });
	const e = instance.exports;

	say('shape', instance instanceof WebAssembly.Instance, module instanceof WebAssembly.Module,
		instance.constructor === WebAssembly.Instance, Object.isFrozen(e), Object.keys(e));
	say('module', WebAssembly.Module.imports(module), WebAssembly.Module.exports(module),
		WebAssembly.Module.customSections(module, 'name').map((s) => s.byteLength));
	say('functions', e.run.name, e.run.length, typeof e.run, e.square.name);
	say('identity', e.square === e.table.get(0), e.square === e.global.value,
		e['twice again'] === side.exports.twice, e.table.get(1) === side.exports.twice,
		e['log again'] === env.log, e.table.get(2) === e['log again'], e.table.get(3));

	say('run', e.run(10), logged);               /* entry; 10 of each boundary inside */
	say('pairs', e.pairs(7));                    /* entry, exit */
	say('pass', e.pass(side.exports.twice) === side.exports.twice, e.pass(null)); /* 2 entries, 2 exits */
	say('hidden', e.table.get(4)(5));            /* entry of a function that is not exported */
	say('again', e['log again'](3), e['twice again'](8)); /* entry of main, entry of side */
	e.table.set(3, side.exports.twice);
	e.table.set(5, e.table.get(4));
	e.global.value = e.table.get(3);
	say('set', e.global.value === side.exports.twice, e.slot(3, 21), e.slot(5, 1)); /* 2 entries, 2 slots */
	say('traps', attempt(() => e.slot(6, 1)), attempt(() => e.slot(60, 1)), attempt(() => e.slot(2, 1)));
	say('grow', e.grow(), e.table.length, e.memory.buffer.byteLength, e.lanes(1.5)); /* 2 entries, 2 builtins */
	say('numbers', e.square('12'), e.square(), e.square(2 ** 32 + 3), e.lanes());

	const user = await WebAssembly.instantiate(await WebAssembly.compile(bytes('user')), { main: e });
	say('through', user.exports.through(0, 9), user.exports.through(3, 9)); /* 2 entries, 2 slots of main's */

	const table = new WebAssembly.Table({ element: 'anyfunc', initial: 2 }, e.square);
	const global = new WebAssembly.Global({ value: 'anyfunc', mutable: true }, e.square);
	table.grow(1, e.run);
	say('own', table.get(1) === e.square, table.get(2) === e.run, global.value === e.square,
		global.valueOf() === e.square, attempt(() => table.set(0, say)));

	say('errors',
		attempt(() => new WebAssembly.Module(Buffer.from('not wasm'))),
		attempt(() => new WebAssembly.Module(bytes('main').subarray(0, 60))),
		attempt(() => new WebAssembly.Module('text')),
		attempt(() => new WebAssembly.Instance(module)),
		attempt(() => new WebAssembly.Instance(module, {})),
		attempt(() => new WebAssembly.Instance(module, { env: {}, side: {} })),
		attempt(() => WebAssembly.Module(bytes('side'))),
		attempt(() => new e.square(1)),
		await WebAssembly.instantiate(bytes('user')).catch((x) => x.message),
		await WebAssembly.instantiate(Buffer.from('not wasm')).catch((x) => x.message));

	const clash = new WebAssembly.Instance(new WebAssembly.Module(bytes('clash')),
		{ 'stubmap:record': { cross: (x) => say('clash', x) } });
	clash.exports.go();                          /* entry, exit, and a builtin that is not seen */

	if (typeof Response === 'function' && WebAssembly.instantiateStreaming) {
		const respond = (type) => new Response(bytes('side'), { headers: { 'Content-Type': type } });
		const { instance: s } = await WebAssembly.instantiateStreaming(respond('application/wasm'));
		say('streamed', Object.keys(s.exports));
		await WebAssembly.compileStreaming(respond('text/plain')).catch((x) => say(x.constructor.name));
	}

	say('cloned', Object.keys(new WebAssembly.Instance(structuredClone(module),
		{ env, side: side.exports }).exports));
	await new Promise((done) => new Worker(__filename, { workerData: module }).on('exit', done));
	process.on('exit', () => say('exit', e.square(7))); /* entry */
}

function inWorker() {
	const module = require('worker_threads').workerData;
	const side = new WebAssembly.Instance(new WebAssembly.Module(bytes('side')));
	const { exports: e } = new WebAssembly.Instance(module,
		{ env: { log() {}, pair() {}, same() {} }, side: side.exports });
	say('worker', Object.keys(e), e.run(3), e.square(4));
}

(isMainThread ? main : inWorker)();
