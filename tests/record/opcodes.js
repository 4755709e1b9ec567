/*
 * opcodes.js - checks the recorder's table of instructions against the engine: behind `unreachable`
 * any operand will do, so a function of one opcode, with immediates of zeros as long as the table
 * says, is valid if the engine knows the opcode and the table is right. Each valid one must be
 * valid rewritten. Prints how many are valid; exits with 1 if one fails.
 */
'use strict';

const path = require('path');
const recorder = path.join(__dirname, '..', '..', 'scripts', 'recorder');
const { core, prefixed } = require(path.join(recorder, 'opcodes.js'));
const { rewrite } = require(path.join(recorder, 'rewrite.js'));

const uleb = (n) => (n > 127 ? [(n & 127) | 128, ...uleb(Math.floor(n / 128))] : [n]);
const section = (id, body) => [id, ...uleb(body.length), ...body];

/* A function; behind it, where the engine has them: a structure of i32 and i8, arrays of i32, i8 and
 * functions, all mutable. */
const plain = [1, 0x60, 0, 0];
const collected = [5, 0x60, 0, 0, 0x5f, 2, 0x7f, 1, 0x78, 1, 0x5e, 0x7f, 1, 0x5e, 0x78, 1, 0x5e, 0x70, 1];
let types = plain, tags = [];

/* Types, an import, a table, a memory, a tag, a global, an export, elements, data; the function. */
function moduleOf(code) {
	const body = [1, 1, 0x7f, ...code];
	return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
		...section(1, types),
		...section(2, [1, 1, 0x61, 1, 0x62, 0, 0]),
		...section(3, [1, 0]),
		...section(4, [1, 0x70, 0, 2]),
		...section(5, [1, 3, 1, 1]), /* shared, for the atomics */
		...tags,
		...section(6, [1, 0x7f, 1, 0x41, 0, 0x0b]),
		...section(7, [1, 1, 0x63, 0, 1]),
		...section(9, [1, 0, 0x41, 0, 0x0b, 1, 1]),
		...section(12, [1]),
		...section(10, [1, ...uleb(body.length), ...body]),
		...section(11, [1, 1, 1, 0])]);
}

/* Alternatives of one immediate: the shortest, and where lengths can be told apart, longer ones. */
const samples = { u: [[0], [1], [2], [3], [4], [0x80, 0]], F: [[0], [1]], T: [[0]], m: [[0, 0], [2, 0], [3, 0], [1, 0],
	[0, 0x80, 1]], t: [[0x40], [0x7f], [0]], s: [[1, 0x7f]], b: [[0, 0], [2, 0, 0, 0]], c: [[0],
	[1, 2, 0], [1, 0, 0, 0]], 1: [[0]], 4: [[1, 2, 3, 4]], 8: [[1, 2, 3, 4, 5, 6, 7, 8]], G: [Array(16).fill(1)] };

/* Every choice of samples for the letters. */
const immediates = (text) => [...text].reduce((all, letter) =>
	all.flatMap((head) => samples[letter].map((s) => [...head, ...s])), [[]]);

const opensBlock = (op) => [0x02, 0x03, 0x04, 0x06, 0x1f].includes(op[0]);
const all = [...[...core].map(([op, text]) => [[op], text]),
	...Object.entries(prefixed).flatMap(([prefix, table]) =>
		[...table].map(([op, text]) => [[Number(prefix), ...uleb(op)], text]))];
let taken = 0, failed = 0;

types = collected;
if (!WebAssembly.validate(moduleOf([0, 0x0b])))
	types = plain;
tags = section(13, [1, 0, 0]);
if (!WebAssembly.validate(moduleOf([0, 0x0b])))
	tags = [];

for (const [op, text] of all) {
	let valid = 0;
	for (const some of immediates(text)) {
		const end = op[0] === 0x0b ? [] : opensBlock(op) ? [0, 0x0b, 0, 0x0b] : [0, 0x0b];
		const original = moduleOf([0, ...op, ...some, ...end]);
		if (!WebAssembly.validate(original))
			continue;
		const { m, why } = rewrite(original);
		valid++;
		if (!m.rewritten || !WebAssembly.validate(m.rewritten)) {
			failed++;
			console.log(`opcode ${op}: ${why || 'invalid when rewritten'}`);
		}
	}
	taken += valid > 0;
}

/* What no table has. */
for (const op of [[0xff], [0x27], [0xfc, 0x7f], [0xfd, 0xff, 0x7f]])
	if (!/^opcode 0x[0-9a-f]+ at byte \d+ is not known$/.test(rewrite(moduleOf([0, ...op, 0, 0x0b])).why)) {
		failed++;
		console.log(`opcode ${op} was taken for a known one`);
	}

console.log(`${taken} opcodes of ${all.length} known to this engine`);
process.exitCode = failed ? 1 : 0;
