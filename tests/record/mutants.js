/*
 * mutants.js - runs the rewriter on modules with one or two bytes changed: a module that the engine
 * accepts it must accept rewritten, and the rewriter must refuse any other. An engine may skip
 * unknown sections, which the rewriter refuses. Prints how many were valid; exits with 1 if one
 * fails.
 */
'use strict';

const fs = require('fs');
const path = require('path');
const { rewrite, Refused } = require(path.join(__dirname, '..', '..', 'scripts', 'recorder', 'rewrite.js'));

let seed = 1, valid = 0, refused = 0, failed = 0;
const below = (n) => {
	seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
	return Math.floor(seed / 2 ** 32 * n);
};

function attempt(bytes) {
	try {
		return rewrite(bytes);
	} catch (e) {
		return { m: {}, why: e instanceof Refused ? e.message : `threw ${e.stack}`, ours: e instanceof Refused };
	}
}

for (const name of ['main', 'side', 'user']) {
	const original = fs.readFileSync(path.join(__dirname, name + '.wasm'));
	for (let i = 0; i < 2000; i++) {
		const bytes = Uint8Array.from(original);
		for (let k = below(2); k >= 0; k--)
			bytes[8 + below(bytes.length - 8)] = below(256);
		const { m, why, ours } = attempt(bytes), good = WebAssembly.validate(bytes);
		valid += good;
		const fallback = good && /^section \d+ is not known$/.test(why);
		refused += fallback;
		if (ours === false || (good && !fallback && !(m.rewritten && WebAssembly.validate(m.rewritten)))) {
			failed++;
			console.log(`${name}, mutant ${i}: ${why || 'invalid when rewritten'}`);
		}
	}
}
console.log(`${valid} of the mutants are valid`);
process.exitCode = failed || refused > valid / 100 ? 1 : 0;
