/*
 * opcodes.js - how long each wasm instruction is: a letter for each immediate behind the opcode.
 *
 *   u  number, LEB128 of either sign (index, label, constant, heap type)
 *   m  memory argument: alignment (with bit 6 a memory index too), offset
 *   t  block type            s  vector of value types       b  vector of labels and one more
 *   c  vector of catches     1 4 8 G  so many bytes (G is 16)
 *   F  function index        T  table index
 *
 * From the core specification 3.0 (GC, tail calls, exceptions, SIMD, 64-bit memories), the legacy
 * exceptions, threads and wide arithmetic. Any other instruction is unknown, and readers stop at
 * it.
 */
'use strict';

const range = (from, to, text) => Array.from({ length: to - from + 1 }, (_, i) => [from + i, text]);
const list = (from, ...texts) => texts.map((text, i) => [from + i, text]);

const core = new Map([
	...list(0x00, '', '', 't', 't', 't', '', 't', 'u', 'u', 'u', '', '', 'u', 'u', 'b', ''),
	...list(0x10, 'F', 'uT', 'F', 'uT', 'u', 'u'),
	...list(0x18, 'u', '', '', '', 's'),
	[0x1f, 'tc'],
	...list(0x20, 'u', 'u', 'u', 'u', 'u', 'u', 'u'),
	...range(0x28, 0x3e, 'm'),
	...list(0x3f, 'u', 'u', 'u', 'u', '4', '8'),
	...range(0x45, 0xc4, ''),
	...list(0xd0, 'u', '', 'F', '', '', 'u', 'u'),
]);

const prefixed = {
	0xfb: new Map([
		...list(0, 'u', 'u', 'uu', 'uu', 'uu', 'uu', 'u', 'u', 'uu', 'uu', 'uu'),
		...list(11, 'u', 'u', 'u', 'u', '', 'u', 'uu', 'uu', 'uu'),
		...list(20, 'u', 'u', 'u', 'u', '1uuu', '1uuu', '', '', '', '', ''),
	]),
	0xfc: new Map([
		...range(0, 7, ''),
		...list(8, 'uu', 'u', 'uu', 'u', 'uu', 'u', 'uu', 'u', 'u', 'u'),
		...range(19, 22, ''),
	]),
	0xfd: new Map([
		...range(0, 11, 'm'), ...range(12, 13, 'G'), ...range(14, 20, ''), ...range(21, 34, '1'),
		...range(35, 83, ''), ...range(84, 91, 'm1'), ...range(92, 93, 'm'), ...range(94, 275, ''),
	]),
	0xfe: new Map([...range(0, 2, 'm'), [3, '1'], ...range(0x10, 0x4e, 'm')]),
};

/* Operations that an engine calls its runtime for. The second signature is for a 64-bit memory. */
const builtins = {
	0x40: ['memory.grow', 'i>i', 'l>l'],
	0xfc08: ['memory.init', 'iii>', 'lii>'],
	0xfc0a: ['memory.copy', 'iii>', 'lll>'],
	0xfc0b: ['memory.fill', 'iii>', 'lil>'],
	0xfc0c: ['table.init', 'iii>'],
	0xfc0e: ['table.copy', 'iii>'],
	0xfc0f: ['table.grow', 'ri>i'],
	0xfc11: ['table.fill', 'iri>'],
};

module.exports = { core, prefixed, builtins };
