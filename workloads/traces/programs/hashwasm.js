/*
 * hashwasm.js - a server that gives each request instances of its own: 300 requests, each with a
 * SHA-256, a BLAKE3 and a CRC of a body in chunks of its own sizes.
 */
'use strict';

const { createSHA256, createBLAKE3, createCRC32 } = require('hash-wasm');

async function answer(request) {
	const hashes = await Promise.all([createSHA256(), createBLAKE3(), createCRC32()]);

	for (const h of hashes)
		h.init();
	for (let at = 0, size = 1 + request % 7; at < 200 + request; at += size)
		for (const h of hashes)
			h.update(Uint8Array.from({ length: size * 16 }, (_, i) => (i * request + at) & 255));
	return hashes.map((h) => h.digest('hex').slice(0, 8)).join(' ');
}

(async () => {
	let last;

	for (let request = 0; request < 300; request++)
		last = await answer(request);
	console.log(last);
})();
