/*
 * javamark - Markdown to HTML by a Java library (commonmark), which TeaVM compiled to WasmGC: 300
 * documents are parsed, rendered, and searched; the host is asked for the class of each element.
 */
const fs = require('fs');
const path = require('path');
require('./org/teavm/backend/wasm/wasm-gc-runtime.js');

/* The same documents each time. */
let state = 20261201;
function below(n) {
	state = Math.imul(state, 1103515245) + 12345 >>> 0;
	return (state >>> 16) % n;
}

const words = 'a stub takes the place of code that will be there later and calls it through one word'.split(' ');
const word = () => words[below(words.length)];
const some = (n, f, between) => Array.from({ length: 1 + below(n) }, f).join(between);
const inline = () => [word, word, word, () => `*${word()}*`, () => `**${word()} ${word()}**`,
	() => '`' + word() + '`', () => `[${word()}](https://example.org/${below(99)} "${word()}")`][below(7)]();
const line = () => some(12, inline, ' ');
const blocks = [
	() => `${'#'.repeat(1 + below(4))} ${line()}`,
	() => some(4, line, '\n'),
	() => some(5, () => `- ${line()}\n${below(3) ? '' : `  1. ${line()}\n  2. ${line()}\n`}`, ''),
	() => `> ${line()}\n> ${line()}`,
	() => '```\n' + some(4, line, '\n') + '\n```',
	() => '---',
];
const document = () => some(24, () => blocks[below(blocks.length)](), '\n\n');

function check(sum, text) {
	for (let i = 0; i < text.length; i++)
		sum = Math.imul(sum ^ text.charCodeAt(i), 16777619) >>> 0;
	return sum;
}

async function main() {
	const module = fs.readFileSync(path.join(__dirname, 'javamark.wasm'));
	const { exports } = await TeaVM.wasmGC.load(module, {});
	const style = (tag, number) => number % 5 ? '' : `${tag}-${number}`;
	let sum = 2166136261, letters = 0, headings = 0;

	for (let i = 0; i < 300; i++) {
		const number = exports.parse(document());
		sum = check(sum, exports.render(number, style));
		letters += exports.letters(number);
		headings += exports.headings(number);
	}
	console.log(`300 documents: ${letters} letters, ${headings} headings, HTML ${sum.toString(16)}`);
}

main();
