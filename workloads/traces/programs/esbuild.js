/*
 * esbuild.js - Go's runtime in wasm: a small TypeScript module goes through the bundler's command,
 * in this process (the package would start another).
 */
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'esbuild-'));
process.on('exit', () => fs.rmSync(dir, { recursive: true }));
for (let i = 0; i < 30; i++)
	fs.writeFileSync(path.join(dir, `m${i}.ts`), `${i < 29 ? `import { g as next } from './m${i + 1}';` :
		'const next = (n: number) => n;'}
export enum Kind { A = ${i}, B, C }
export function g<T extends number>(n: T): number { return n > Kind.B ? next(n - 1) ?? 0 : ${i}; }
export class Unused<T> { constructor(private readonly x: T, public y?: Kind) {} }
`);
fs.writeFileSync(path.join(dir, 'main.ts'), "import { g } from './m0';\nconsole.log(g(99));\n");
process.chdir(dir);

const tool = path.join(path.dirname(require.resolve('esbuild-wasm/package.json')), 'bin', 'esbuild');
process.argv = [process.argv[0], tool, 'main.ts', '--bundle', '--minify', '--log-level=warning'];
require(tool);
