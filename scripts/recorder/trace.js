/*
 * trace.js - the recording: instances, crossed boundaries, the order of crossings; and the file
 * that workloads/traces/README.md describes, without its zstd frame.
 */
'use strict';

const KIND = { entry: 1, exit: 2, indirect: 3, builtin: 4 };
/* The limits of workloads/trace.c. */
const MAX_INSTANCES = 1 << 16, MAX_PARAMS = 16, MAX_STUBS = 1 << 20;
const MAX_COUNT = 1 << 20; /* of each of an instance's counts but its bytes */
/* Those of workloads/replay.c. */
const FREE_POPULATION = 1 << 16, MAX_POPULATION = 1 << 20;
/* In the order of struct trace_instance. */
const COUNTED = ['bytes', 'functions', 'signatures', 'exports', 'imports', 'imports of the host',
	'builtins', 'table slots', 'filled table slots'];
const MAX_BYTES = 56 << 20; /* of events; it takes 64 MiB in all */
const CHUNK = 1 << 20;
const LETTER = { i: 'i', l: 'l', f: 'f', d: 'd', v: 'd', r: 'r', F: 'r' };

const stubs = []; /* {kind, instance, key, signature, count}; key: until place() gives its place */
const instances = [];
const chunks = [];
let chunk = new Int32Array(CHUNK), used = 0, total = 0, dropped = 0, crowded = 0;
let last = 0, bytes = 0;

/* Adds a boundary at its first crossing; -1: there is no room for it. */
function stub(kind, instance, key, signature) {
	if (stubs.length >= MAX_STUBS || instance.number < 0)
		return -1;
	return stubs.push({ kind, instance, key, signature, count: 0 }) - 1;
}

function crossed(id) {
	if (id < 0 || bytes > MAX_BYTES) {
		dropped++;
		return;
	}
	const step = Math.abs(id - last);
	bytes += step <= 63 ? 1 : step <= 8191 ? 2 : 3;
	last = id;
	chunk[used++] = id;
	total++;
	stubs[id].count++;
	if (used === CHUNK) {
		chunks.push(chunk);
		chunk = new Int32Array(CHUNK);
		used = 0;
	}
}

/* Numbers instances as they come; beyond the format's limit nothing is recorded of them. */
function addInstance(instance) {
	instance.number = instances.length < MAX_INSTANCES ? instances.push(instance) - 1 : -1;
	crowded += instance.number < 0;
	return instance;
}

/* At most 16 parameters and one result: the format has no more. */
function signature(type) {
	const letters = (list, most) => list.slice(0, most).map((t) => LETTER[t]).join('');
	return letters(type.params, MAX_PARAMS) + '>' + letters(type.results, 1);
}

class Out {
	constructor() {
		this.bytes = Buffer.allocUnsafe(1 << 20);
		this.at = 0;
	}
	room(n) {
		if (this.at + n > this.bytes.length)
			this.bytes = Buffer.concat([this.bytes], 2 * this.bytes.length + n);
	}
	number(n) {
		this.room(5);
		for (; n > 127; n >>>= 7)
			this.bytes[this.at++] = (n & 127) | 128;
		this.bytes[this.at++] = n;
	}
	raw(s) {
		this.room(s.length);
		this.at += this.bytes.write(s, this.at, 'latin1');
	}
	text(s) {
		this.number(s.length);
		this.raw(s);
	}
	/* FNV-1a in two halves of 32 bits; the prime is 2^40 + 0x1b3. */
	checksum() {
		let low = 0x84222325, high = 0xcbf29ce4;
		for (let i = 0; i < this.at; i++) {
			low = (low ^ this.bytes[i]) >>> 0;
			const product = low * 0x1b3;
			high = (high * 0x1b3 + Math.floor(product / 2 ** 32) + low * 256) % 2 ** 32;
			low = product % 2 ** 32;
		}
		this.room(8);
		this.at = this.bytes.writeUInt32LE(low, this.at);
		this.at = this.bytes.writeUInt32LE(high, this.at);
	}
}

/* Why no reader would take a trace of these instances, in a line; or nothing. */
function excess(counts) {
	for (const [i, of] of counts.entries()) {
		const at = of.findIndex((n, k) => k && n > MAX_COUNT);
		if (at > 0)
			return `instance ${i} has ${of[at].toLocaleString('en')} ${COUNTED[at]};` +
				` a trace takes ${MAX_COUNT.toLocaleString('en')} at most`;
	}
	return undefined;
}

/* What a replay makes stubs for: exports, imports of the host, builtins, filled slots. */
function population(counts) {
	return counts.reduce((sum, of) => sum + of[3] + of[5] + of[6] + of[8], 0);
}

function body(out, live, counts, place) {
	const number = new Map(live.map((instance, i) => [instance, i]));
	out.number(live.length);
	counts.flat().forEach((n) => out.number(n));
	const met = stubs.filter((s) => s.count); /* the others came last, when all was full */
	out.number(met.length);
	for (const s of met) {
		out.number(s.kind);
		out.number(number.get(s.instance));
		out.number(place(s));
		out.text(s.signature);
		out.number(s.count);
	}
	out.number(total);
	last = 0;
	for (const part of [...chunks, chunk.subarray(0, used)])
		for (const id of part) {
			const step = id - last;
			out.number(step < 0 ? -2 * step - 1 : 2 * step);
			last = id;
		}
}

/* The instances without those that failed. */
function alive() {
	const met = new Set(stubs.map((s) => s.instance));
	return instances.filter((i) => i.ready || met.has(i));
}

/* {bytes}: the whole trace; without them nothing was crossed, or no reader would take it: {why}.
 * {idle}: so many boundaries that no replay takes the trace. place(stub) gives a stub's place. */
function make(name, program, place) {
	const out = new Out(), live = alive();
	if (!total)
		return {};
	const counts = live.map((instance) => instance.counts()), why = excess(counts);
	if (why)
		return { why };
	out.raw('stubmap-trace 1\n');
	out.text(name);
	out.text(program);
	body(out, live, counts, place);
	out.raw('end\n');
	out.checksum();
	const all = population(counts);
	const most = Math.min(Math.max(FREE_POPULATION, total), MAX_POPULATION);
	return { bytes: out.bytes.subarray(0, out.at), idle: all > most ? all : undefined };
}

const summary = () => ({ events: total, stubs: stubs.length,
	instances: alive().length, dropped, crowded });

module.exports = { KIND, stub, crossed, addInstance, signature, make, summary };
