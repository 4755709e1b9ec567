/*
 * pyodide.mjs - CPython starts, and runs a script: regular expressions, a dictionary, JSON, and a
 * function of JavaScript's called 200 times.
 */
import { loadPyodide } from 'pyodide';

const python = await loadPyodide();

python.globals.set('square', (x) => x * x);
console.log(python.runPython(`
import collections, json, re

words = re.findall(r"[a-z]+", "the ring of stubs and the stubs of the ring " * 20)
counts = collections.Counter(words)
text = json.dumps(sorted(counts.items()))
total = sum(square(n) for n in range(200))
json.dumps({"text": text, "total": total, "back": json.loads(text)[0]})
`));
