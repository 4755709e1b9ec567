/*
 * preload.js - runs before the program (node --require) and wraps its WebAssembly.
 *
 * Modules are rewritten when they are made (rewrite.js), so that calls of imports, builtins and
 * call_indirect report themselves in place, and nothing inside an instance has to be replaced. Only
 * exported functions are replaced: JavaScript gets a wrapper for each, and wherever a function goes
 * back into wasm (an import, a table, a global, an argument) it is the engine's own again. Each
 * function has one wrapper: one object stays one object for the program.
 *
 *      JS --- wrapper --- export | wasm | call f  ->  cross(f)        -> import, as it was given
 *                                |      | call_indirect -> indirect(slot)
 *
 * In a worker thread and in a child process (which inherit node's flags, and no STUBMAP_RECORD)
 * nothing is recorded; a rewritten module that was sent there gets probes that do nothing.
 */
'use strict';

const fs = require('fs');
const { builtins } = require('./opcodes');
const { rewrite, Refused, NAMESPACE, PROBES, TABLE } = require('./rewrite');
const trace = require('./trace');
const { KIND } = trace;

const wanted = process.env.STUBMAP_RECORD; /* JSON: {raw, name, program} */
delete process.env.STUBMAP_RECORD;

const Native = { ...Object.fromEntries(Object.getOwnPropertyNames(WebAssembly)
	.map((k) => [k, WebAssembly[k]])) };
const isObject = (v) => (typeof v === 'object' && v !== null) || typeof v === 'function';
const notes = new Set(); /* lines for the report */

/* ---- Functions ------------------------------------------------------------------------------- */

const wrapperOf = new WeakMap(), engineOf = new WeakMap();
const unwrap = (v) => (typeof v === 'function' && engineOf.get(v)) || v;
/* The instance and type of an engine's function. */
const originOf = new WeakMap();

function wrap(f, owner) {
	if (typeof f !== 'function' || engineOf.has(f))
		return f;
	if (wrapperOf.has(f))
		return wrapperOf.get(f);
	const origin = originOf.get(f) || owner.origin(f);
	let id = -1, known = false;
	const enter = () => {
		if (!known) {
			id = trace.stub(KIND.entry, origin.instance, origin.index, trace.signature(origin.type));
			origin.instance.entered.add(origin.index);
			known = true;
		}
		trace.crossed(id);
	};
	const { params, results } = origin.type;
	const plain = !params.includes('F') && !results.includes('F');
	const wrapper = plain ? (...args) => {
		enter();
		return f(...args);
	} : (...args) => {
		enter();
		return origin.instance.outward(f(...args.map(unwrap)), results);
	};
	Object.defineProperty(wrapper, 'name', { value: String(origin.index), configurable: true });
	Object.defineProperty(wrapper, 'length', { value: f.length, configurable: true });
	wrapperOf.set(f, wrapper);
	engineOf.set(wrapper, f);
	return wrapper;
}

/* Whether the engine calls it without leaving wasm: only such a function fits into a table. */
const probeTable = new Native.Table({ element: 'anyfunc', initial: 1 });
function isWasmFunction(f) {
	if (originOf.has(f))
		return true;
	try {
		probeTable.set(0, f);
		probeTable.set(0, null);
		return true;
	} catch {
		return false;
	}
}

/* ---- Instances ------------------------------------------------------------------------------- */

const tables = new WeakMap(); /* a table of the engine's -> {owner, table, ids} */
const unknownType = { params: [], results: [] };

class Instance {
	constructor(module) {
		this.module = module;
		this.tables = [];
		this.hosts = []; /* by import: 'host', 'wasm' or 'builtin' */
		this.exported = new Set();
		this.entered = new Set(); /* function indices */
		this.builtins = []; /* stubs, by first crossing */
		this.ids = new Map();
		this.direct = -1; /* the import whose probe was the last to tell */
		this.ready = false;
		trace.addInstance(this);
	}
	type(index) {
		return this.module.types[this.module.functions[index]] || unknownType;
	}
	/* The engine names a function by its index in the rewritten module. */
	origin(f) {
		const shift = this.module.rewritten ? PROBES.length : 0, at = Number(f.name);
		const index = at < this.module.imports.length ? at : at - shift;
		return index < this.module.functions.length ? { instance: this, index, type: this.type(index) }
			: { instance: this, index: 0, type: unknownType };
	}
	/* Results on their way to JavaScript. */
	outward(value, types) {
		if (types.length < 2)
			return types[0] === 'F' ? wrap(value, this) : value;
		return value.map((v, i) => (types[i] === 'F' ? wrap(v, this) : v));
	}

	cross(number) {
		let id = this.ids.get(number);
		if (id === undefined)
			this.ids.set(number, id = this.firstCross(number));
		trace.crossed(id);
		this.direct = number;
	}
	firstCross(number) {
		const { imports, memory64 } = this.module;
		const here = number < imports.length && this.hosts[number];
		if (here && here !== 'builtin') {
			const text = trace.signature(this.type(number));
			return here === 'host' ? trace.stub(KIND.exit, this, number, text)
				: trace.stub(KIND.indirect, this, { import: number }, text);
		}
		const [, narrow, wide] = here ? [null, trace.signature(this.type(number))]
			: builtins[number - imports.length];
		this.builtins.push(number);
		return trace.stub(KIND.builtin, this, this.builtins.length - 1,
			memory64 && wide ? wide : narrow);
	}
	/* A slot that does not exist, or is empty when first used, traps: no crossing. */
	jump(slot, number) {
		const site = this.module.sites[number], t = this.tables[site.table];
		slot >>>= 0;
		if (t && slot < t.table.length) {
			let id = t.ids[slot];
			if (id === undefined && !isFilled(t.table, slot))
				return slot | 0;
			if (id === undefined)
				t.ids[slot] = id = trace.stub(KIND.indirect, t.owner, { table: t, slot },
					trace.signature(this.module.types[site.type]));
			trace.crossed(id);
		}
		return slot | 0;
	}

	addTable(i, table) {
		if (!tables.has(table))
			tables.set(table, { owner: this, table, ids: [] });
		this.tables[i] = tables.get(table);
	}
	mine() {
		return [...new Set(this.tables)].filter((t) => t && t.owner === this);
	}
	base(table) {
		const all = this.mine();
		return all.slice(0, all.indexOf(table)).reduce((n, t) => n + t.table.length, 0);
	}
	/* In the order of struct trace_instance. */
	counts() {
		const m = this.module, is = (what) => this.hosts.filter((h) => h === what).length;
		const signatures = new Set(m.types.filter(Boolean).map(trace.signature));
		const entries = new Set([...this.exported, ...this.entered]);
		let size = is('wasm'), filled = size;
		for (const t of this.mine()) {
			size += t.table.length;
			for (let i = 0; i < t.table.length; i++)
				filled += t.ids[i] >= 0 || isFilled(t.table, i);
		}
		const operations = this.builtins.filter((n) => n >= m.imports.length).length;
		return [m.bytes, m.functions.length, signatures.size, entries.size, m.imports.length,
			is('host'), is('builtin') + operations, size, filled];
	}
	/* Slots of the tables, one behind the other, then the imports bound to another instance. */
	place(key) {
		if (key.table)
			return this.base(key.table) + key.slot;
		const slots = this.mine().reduce((n, t) => n + t.table.length, 0);
		return slots + this.hosts.slice(0, key.import).filter((h) => h === 'wasm').length;
	}
}

const nativeGet = Native.Table.prototype.get;
function isFilled(table, i) {
	try {
		return typeof nativeGet.call(table, i) === 'function';
	} catch { /* of a type that JavaScript may not see */
		return false;
	}
}

/* ---- Making modules and instances ------------------------------------------------------------ */

const modules = new WeakMap(); /* Module -> what rewrite.js says, with the original bytes */

/* Whether node itself, not the program, makes a module: fetch has its parser of HTTP in wasm. */
function isNodes() {
	const { prepareStackTrace, stackTraceLimit } = Error;
	Object.assign(Error, { prepareStackTrace: undefined, stackTraceLimit: 20 });
	const frames = new Error().stack.split('\n').slice(1);
	Object.assign(Error, { prepareStackTrace, stackTraceLimit });
	const caller = frames.find((f) => !f.includes(__filename));
	return caller !== undefined && caller.includes('node:internal/deps/');
}

/* {bytes, learn}: the bytes to compile instead, and a function that notes the resulting module. */
function prepare(source, options) {
	const none = { bytes: source, learn: (module) => module };
	if (!wanted || isNodes() || !(source instanceof ArrayBuffer || source instanceof SharedArrayBuffer ||
		ArrayBuffer.isView(source)))
		return none;
	const view = ArrayBuffer.isView(source) ? new Uint8Array(source.buffer, source.byteOffset,
		source.byteLength) : new Uint8Array(source);
	const original = Uint8Array.from(view);
	try {
		const { m, why } = rewrite(original);
		m.original = original;
		m.options = options;
		let reason = why;
		if (m.rewritten && !Native.validate(m.rewritten, ...options)) {
			reason = 'the engine does not take it rewritten';
			m.rewritten = null;
		}
		return { bytes: m.rewritten || original, learn: (module) => {
			if (reason)
				notes.add(`a module of ${m.bytes} bytes: only calls between JavaScript and wasm are` +
					` recorded: ${reason}`);
			modules.set(module, m);
			return module;
		} };
	} catch (e) {
		if (!(e instanceof Refused || e instanceof RangeError || e instanceof TypeError))
			throw e;
		return none; /* no wasm at all: the engine says what is wrong with it */
	}
}

const deaf = { cross() {}, indirect: (slot) => slot };

/* The program's imports for the module, with the engine's functions in place of wrappers; if the
 * module can't report calls of its imports itself, with wrappers around them. */
function importsOf(m, instance, given) {
	const out = {};
	for (const { module, name, kind } of m.importNames) {
		const from = given[module];
		if (!isObject(from)) { /* the engine says what is wrong */
			out[module] = from;
			continue;
		}
		out[module] = isObject(out[module]) ? out[module] : {};
		out[module][name] = kind === 0 ? unwrap(from[name]) : from[name];
	}
	m.imports.forEach(({ module, name }, i) => {
		const f = isObject(out[module]) ? out[module][name] : undefined;
		instance.hosts[i] = module.startsWith('wasm:') ? 'builtin'
			: typeof f === 'function' && isWasmFunction(f) ? 'wasm' : 'host';
		if (typeof f === 'function' && instance.hosts[i] === 'host')
			out[module][name] = hostFunction(instance, i, f);
	});
	m.tables.forEach(({ place }, i) => {
		const t = place === undefined ? null : m.importNames[place];
		const table = t && isObject(out[t.module]) ? out[t.module][t.name] : null;
		if (table instanceof Native.Table)
			instance.addTable(i, table);
	});
	return out;
}

/* f itself, unless functions are passed through it, or no probe reports some calls of it: it is
 * exported or in a table (and may also be called in place, directly behind its probe). */
function hostFunction(instance, i, f) {
	const { params, results } = instance.type(i), m = instance.module;
	const shows = params.includes('F') || results.includes('F');
	if (m.rewritten && !shows && !m.escaping.has(i))
		return f;
	return (...args) => {
		if (instance.direct !== i)
			instance.cross(i);
		instance.direct = -1;
		const value = f(...args.map((v, k) => (params[k] === 'F' ? wrap(v, instance) : v)));
		return shows && results.length > 1 ? [...value].map(unwrap) : unwrap(value);
	};
}

const exportsOf = new WeakMap();
const nativeExports = Object.getOwnPropertyDescriptor(Native.Instance.prototype, 'exports').get;

function hideTables(made) {
	const all = Object.entries(nativeExports.call(made)).filter(([name]) => !name.startsWith(TABLE));
	exportsOf.set(made, Object.freeze(Object.assign(Object.create(null), Object.fromEntries(all))));
	return made;
}

/* {imports, learn}: as prepare, for an instance of a module. */
function link(module, given) {
	const m = modules.get(module);
	if (!m) { /* one of ours that came through a clone, or none of ours */
		const ours = module instanceof Native.Module &&
			Native.Module.imports(module).some((i) => i.module === NAMESPACE);
		if (!ours)
			return { imports: given, learn: (made) => made };
		const get = (t, k) => (k === NAMESPACE ? deaf : t[k]);
		return { imports: new Proxy(given || {}, { get }), learn: hideTables };
	}
	if (m.importNames.length && !isObject(given))
		return { imports: given, learn: (made) => made };
	const instance = new Instance(m), imports = importsOf(m, instance, given);
	if (m.rewritten)
		imports[NAMESPACE] = { cross: (n) => instance.cross(n),
			indirect: (slot, n) => instance.jump(slot, n) };
	return { imports, learn: (made) => {
		learnExports(instance, made);
		return made;
	} };
}

function learnExports(instance, made) {
	const raw = nativeExports.call(made), out = Object.create(null), m = instance.module;
	if (m.rewritten)
		m.tables.forEach((_, i) => instance.addTable(i, raw[TABLE + i]));
	for (const { name, kind, index } of m.exports) {
		if (kind === 0 && !originOf.has(raw[name]))
			originOf.set(raw[name], { instance, index, type: instance.type(index) });
		if (kind === 0 && originOf.get(raw[name]).instance === instance)
			instance.exported.add(index);
		if (kind === 1 && !m.rewritten)
			instance.addTable(index, raw[name]);
		out[name] = kind === 0 ? wrap(raw[name], instance) : raw[name];
	}
	exportsOf.set(made, Object.freeze(out));
	instance.ready = true;
}

/* ---- WebAssembly, as the program sees it ----------------------------------------------------- */

function makeModule(source, rest, target) {
	const { bytes, learn } = prepare(source, rest);
	return learn(Reflect.construct(Native.Module, [bytes, ...rest], target));
}

function makeInstance(module, given, rest, target) {
	const { imports, learn } = link(module, given);
	return learn(Reflect.construct(Native.Instance, [module, imports, ...rest], target));
}

/* The engine's answers for the original module, not the rewritten one. */
const asked = (name) => (module, ...rest) => {
	const m = modules.get(module);
	return Native.Module[name](m?.rewritten ? new Native.Module(m.original, ...m.options) : module,
		...rest);
};
const reflection = { imports: asked('imports'), exports: asked('exports'),
	customSections: asked('customSections') };

async function compile(source, ...rest) {
	const { bytes, learn } = prepare(source, rest);
	return learn(await Native.compile(bytes, ...rest));
}
async function instantiate(source, given, ...rest) {
	if (source instanceof Native.Module) {
		const { imports, learn } = link(source, given);
		return learn(await Native.instantiate(source, imports, ...rest));
	}
	const { bytes, learn: learned } = prepare(source, rest);
	const module = learned(await Native.compile(bytes, ...rest).catch(() =>
		Native.instantiate(bytes, given, ...rest))); /* never comes back: says it in its own name */
	const { imports, learn } = link(module, given);
	return { module, instance: learn(await Native.instantiate(module, imports)) };
}
/* First checks the response as the engine does: status and type must be right. */
async function streamed(source, native) {
	const response = await source;
	if (!(response instanceof Response) || !response.ok || response.bodyUsed ||
		response.headers.get('Content-Type')?.trim().toLowerCase() !== 'application/wasm')
		return { bad: native(response) };
	return { bytes: await response.arrayBuffer() };
}

function replaceClass(name, traps, also = {}) {
	const proxy = new Proxy(Native[name], { ...traps, get: (t, k) =>
		(Object.hasOwn(also, k) ? also[k] : t[k]) });
	Object.defineProperty(Native[name].prototype, 'constructor', { value: proxy });
	Object.defineProperty(WebAssembly, name, { value: proxy });
	return (target) => (target === proxy ? Native[name] : target);
}
function replaceMethod(holder, name, make) {
	const d = Object.getOwnPropertyDescriptor(holder, name), from = d.value;
	const value = make(from);
	Object.defineProperty(value, 'name', { value: name });
	Object.defineProperty(value, 'length', { value: from.length });
	Object.defineProperty(holder, name, { ...d, value });
}

const moduleTarget = replaceClass('Module', { construct: (_, [source, ...rest], target) =>
	makeModule(source, rest, moduleTarget(target)) }, reflection);
const instanceTarget = replaceClass('Instance', { construct: (_, [module, given, ...rest], target) =>
	makeInstance(module, given, rest, instanceTarget(target)) });
const tableTarget = replaceClass('Table', { construct: (_, args, target) =>
	Reflect.construct(Native.Table, args.map(unwrap), tableTarget(target)) });
const globalTarget = replaceClass('Global', { construct: (_, args, target) =>
	Reflect.construct(Native.Global, args.map(unwrap), globalTarget(target)) });

Object.defineProperty(Native.Instance.prototype, 'exports', { configurable: true, enumerable: true,
	get() { return exportsOf.get(this) || nativeExports.call(this); } });

replaceMethod(WebAssembly, 'compile', () => (...args) => compile(...args));
replaceMethod(WebAssembly, 'instantiate', () => (...args) => instantiate(...args));
if (Native.compileStreaming) { /* node gives its own only where fetch is */
	replaceMethod(WebAssembly, 'compileStreaming', (native) => async (source, ...rest) => {
		const { bad, bytes } = await streamed(source, (r) => native(r, ...rest));
		return bad || compile(bytes, ...rest);
	});
	replaceMethod(WebAssembly, 'instantiateStreaming', (native) => async (source, ...rest) => {
		const { bad, bytes } = await streamed(source, (r) => native(r, ...rest));
		return bad || instantiate(bytes, ...rest);
	});
}

/* A function that JavaScript takes out of a table or global belongs, as far as is known, to the
 * instance that owns it; if the program made it, to nobody. */
const nobody = { origin: () => ({ instance: strays, index: 0, type: unknownType }) };
const strays = { number: -1, entered: new Set(), outward: (v) => v };
const tableOwner = (t) => tables.get(t)?.owner || nobody;
const proto = Native.Table.prototype;
replaceMethod(proto, 'get', (native) => function get(...args) {
	return wrap(native.apply(this, args), tableOwner(this));
});
for (const name of ['set', 'grow'])
	replaceMethod(proto, name, (native) => function change(...args) {
		return native.apply(this, args.map(unwrap));
	});
const valueOf = Object.getOwnPropertyDescriptor(Native.Global.prototype, 'value');
Object.defineProperty(Native.Global.prototype, 'value', { ...valueOf,
	get() { return wrapIfWasm(valueOf.get.call(this)); },
	set(v) { valueOf.set.call(this, unwrap(v)); } });
replaceMethod(Native.Global.prototype, 'valueOf', () => function value() { return this.value; });
function wrapIfWasm(v) {
	return typeof v === 'function' && isWasmFunction(v) ? wrap(v, nobody) : v;
}

/* ---- The end --------------------------------------------------------------------------------- */

let written = -1; /* so many crossings */

/* A failure here is the recorder's and must not reach the program. */
function write() {
	const { raw, name, program } = JSON.parse(wanted), { events } = trace.summary();
	if (events === written)
		return;
	written = events;
	try {
		const { bytes, ...said } = trace.make(name, program, (s) =>
			(s.kind === KIND.indirect ? s.instance.place(s.key) : s.key));
		if (bytes)
			fs.writeFileSync(raw, bytes);
		fs.writeFileSync(raw + '.json', JSON.stringify({ ...trace.summary(), ...said, notes: [...notes] }));
	} catch (e) {
		console.error('record-trace: ' + e.message);
	}
}

/* Writes behind each call of a method of the process that is the program's end: ends(event, whether
 * it came back). By finally, as a catch would print another place of the error. */
function writeBehind(method, ends) {
	const native = process[method];
	if (typeof native === 'function')
		Object.defineProperty(process, method, { configurable: true, writable: true,
			value(...args) {
				let back = false;
				try {
					const result = native.apply(this, args);
					back = true;
					return result;
				} finally {
					if (ends(args[0], back))
						write();
				}
			} });
}

/* The ways out, each of which may be the only one: handlers of the exit, which may still call wasm;
 * an error that the program's handler of errors throws (status 7: no event tells of it); and
 * process.exit() by a handler of the exit, which never comes back. */
if (wanted) {
	writeBehind('emit', (event) => event === 'exit');
	writeBehind('_fatalException', (_, back) => !back);
	const { reallyExit } = process;
	process.reallyExit = function leave(...args) {
		write();
		return reallyExit.apply(this, args);
	};
}
