/*
 * treesitter.js - a parser and a grammar, two modules that share table and memory: a JavaScript text
 * of 400 functions is parsed, walked, queried, edited in 20 places and parsed again.
 */
'use strict';

const { Parser, Language, Query } = require('web-tree-sitter');

const one = (i) => `function f${i}(a, { b = ${i}, ...rest }) {
	// the ${i}th
	const text = \`\${a} of \${b}\`, list = [1, 2.5, ...rest.all].map((x) => x * ${i});
	for (const x of list) if (x > b) return { text, x, [a]: /a+b/g.test(text) };
	class C extends Base { static #n = 0; get n() { return C.#n ?? a?.b[${i}]; } }
	return new C();
}
`;

async function main() {
	await Parser.init();
	const javascript = await Language.load(require.resolve('tree-sitter-javascript/tree-sitter-javascript.wasm'));
	const parser = new Parser();
	parser.setLanguage(javascript);
	const lines = Array.from({ length: 400 }, (_, i) => one(i));
	let text = lines.join(''), tree = parser.parse(text);
	console.log(tree.rootNode.namedChildCount, tree.rootNode.hasError);

	let nodes = 0, deepest = 0;
	const cursor = tree.walk();
	for (let depth = 0, done = false; !done;) {
		nodes++;
		deepest = Math.max(deepest, depth);
		if (cursor.gotoFirstChild()) {
			depth++;
			continue;
		}
		while (!cursor.gotoNextSibling() && !(done = !cursor.gotoParent()))
			depth--;
	}
	cursor.delete();
	console.log(nodes, deepest);

	const query = new Query(javascript, '(class_declaration name: (identifier) @name) (number) @number');
	console.log(query.captures(tree.rootNode).length);
	for (let i = 0; i < 20; i++) {
		const at = text.indexOf('the ' + i * 20 + 'th'), row = i * 20 * 7 + 1;
		text = text.slice(0, at) + 'changed: ' + text.slice(at);
		const start = { row, column: 4 }, end = { row, column: 13 };
		tree.edit({ startIndex: at, oldEndIndex: at, newEndIndex: at + 9, startPosition: start,
			oldEndPosition: start, newEndPosition: end });
		const next = parser.parse(text, tree);
		tree.delete();
		tree = next;
	}
	console.log(tree.rootNode.namedChildCount, text.length);
}

main();
