/*
 * rewrite.js - reads a wasm module, and rewrites it so that it reports the calls that leave its
 * functions:
 *
 *      call F, F imported          i32.const F; call cross; call F
 *      memory.copy (a builtin)     i32.const imports + number; call cross; memory.copy
 *      call_indirect               i32.const site; call indirect; call_indirect
 *
 * The same for tail calls. Two functions are imported behind the module's own imports: cross takes a
 * number, indirect takes the slot and the number of the site (table and type) and gives the slot
 * back. Imports keep their indices; defined functions lie two further on, wherever they are named.
 * Each table is exported, so that the recorder can count what it holds.
 *
 * describe() is for a module that can't be rewritten: it returns what is known without the code.
 */
'use strict';

const { Reader, Writer, Refused } = require('./bytes');
const { builtins } = require('./opcodes');

const NAMESPACE = 'stubmap:record';
const PROBES = ['cross', 'indirect'];
const TABLE = 'stubmap:table:';

const ID = { custom: 0, type: 1, import: 2, function: 3, table: 4, memory: 5, tag: 13, global: 6,
	export: 7, start: 8, element: 9, count: 12, code: 10, data: 11 };
const ORDER = Object.values(ID).slice(1);

/* ---- Types ----------------------------------------------------------------------------------- */

/* A letter: i l f d v (vector) r (reference) F (reference to functions). */
function valueType(r, isFunction) {
	const b = r.byte();
	switch (b) {
	case 0x7f: return 'i';
	case 0x7e: return 'l';
	case 0x7d: return 'f';
	case 0x7c: return 'd';
	case 0x7b: return 'v';
	case 0x70: case 0x73: return 'F';
	case 0x63: case 0x64: {
		const heap = r.s33();
		return heap === -16 || heap === -13 || (heap >= 0 && isFunction(heap)) ? 'F' : 'r';
	}
	default: return 'r';
	}
}

function readType(r, types, isFunction) {
	let form = r.byte();
	if (form === 0x50 || form === 0x4f) {
		r.vector(() => r.u32());
		form = r.byte();
	}
	const field = () => {
		if (r.bytes[r.at] === 0x78 || r.bytes[r.at] === 0x77)
			r.byte();
		else
			valueType(r, isFunction);
		r.byte();
	};
	if (form === 0x60) {
		const params = r.vector(() => valueType(r, isFunction));
		types.push({ params, results: r.vector(() => valueType(r, isFunction)) });
	} else if (form === 0x5f) {
		r.vector(field);
		types.push(null);
	} else if (form === 0x5e) {
		field();
		types.push(null);
	} else {
		throw new Refused(`a type begins with 0x${form.toString(16)}`);
	}
}

function readTypes(payload, isFunction) {
	const r = new Reader(payload), types = [];
	r.vector(() => {
		if (r.bytes[r.at] === 0x4e) {
			r.byte();
			r.vector(() => readType(r, types, isFunction));
		} else {
			readType(r, types, isFunction);
		}
	});
	return types;
}

/* ---- Reading --------------------------------------------------------------------------------- */

function readSections(bytes) {
	const r = new Reader(bytes), sections = [];
	r.skip(8);
	while (r.at < r.end) {
		const id = r.byte(), size = r.u32(), from = r.at;
		r.skip(size);
		sections.push({ id, payload: bytes.subarray(from, r.at) });
	}
	return sections;
}

function readImport(r, m) {
	const module = r.name(), name = r.name(), kind = r.byte();
	m.importNames.push({ module, name, kind });
	if (kind === 0) {
		m.functions.push(r.u32());
		m.imports.push({ module, name, place: m.importNames.length - 1 });
	} else if (kind === 1) {
		r.type();
		m.tables.push({ ...r.limits(), place: m.importNames.length - 1 });
	} else if (kind === 2) {
		m.memory64 = r.limits().is64;
	} else if (kind === 3) {
		r.type();
		r.byte();
	} else {
		r.byte();
		r.u32();
	}
}

function readTable(r, m) {
	const own = r.bytes[r.at] === 0x40;
	if (own)
		r.skip(2);
	r.type();
	m.tables.push(r.limits());
	if (own)
		expression(r, new Writer(), (f) => f);
}

/* The facts that the recorder needs about a module. */
function describe(bytes) {
	const m = { bytes: bytes.length, types: [], functions: [], imports: [], importNames: [],
		tables: [], exports: [], memory64: false, rewritten: null, sites: [], escaping: new Set() };
	const sections = readSections(bytes);
	const of = (id) => sections.find((s) => s.id === id);
	const each = (id, f) => {
		const s = of(id), r = s && new Reader(s.payload);
		if (s)
			r.vector(() => f(r));
	};
	if (of(ID.type)) { /* twice: a type may refer to a later one */
		const first = readTypes(of(ID.type).payload, () => false);
		m.types = readTypes(of(ID.type).payload, (t) => Boolean(first[t]));
	}
	each(ID.import, (r) => readImport(r, m));
	each(ID.function, (r) => m.functions.push(r.u32()));
	each(ID.table, (r) => readTable(r, m));
	each(ID.memory, (r) => { m.memory64 = r.limits().is64; });
	each(ID.export, (r) => {
		const name = r.name(), kind = r.byte();
		m.exports.push({ name, kind, index: r.u32() });
	});
	return { m, sections };
}

/* ---- Rewriting ------------------------------------------------------------------------------- */

/* Copies one instruction with its function indices moved. */
function instruction(r, w, moved) {
	const from = r.at, [op, text] = r.opcode();
	if (op === 0x10 || op === 0x12 || op === 0xd2) {
		w.byte(op);
		w.u32(moved(r.u32()));
		return op;
	}
	for (const letter of text)
		r.immediate(letter);
	w.copy(r.bytes, from, r.at);
	return op;
}

/* A constant expression has no blocks: the first end is its end. */
function expression(r, w, moved) {
	while (instruction(r, w, moved) !== 0x0b);
}

class Rewriter {
	constructor(m, sections) {
		Object.assign(this, { m, sections });
		this.imported = m.imports.length;
		this.cross = this.imported;
		this.indirect = this.imported + 1;
		this.siteOf = new Map();
		this.moved = (f) => (f < this.imported ? f : f + PROBES.length);
		this.taken = (f) => { /* an import that something else than a call may reach */
			if (f < this.imported)
				m.escaping.add(f);
			return this.moved(f);
		};
	}

	site(type, table) {
		const key = type + ' ' + table;
		if (!this.siteOf.has(key)) {
			this.siteOf.set(key, this.m.sites.length);
			this.m.sites.push({ type, table });
		}
		return this.siteOf.get(key);
	}

	/* Copies instructions; before those that leave the function it adds the call of a probe. */
	body(r, w) {
		let from = r.at; /* what lies from here on is not copied yet */
		const probe = (at, number, which) => {
			w.copy(r.bytes, from, at);
			w.constant(number);
			w.byte(0x10);
			w.u32(which);
			from = at;
		};
		while (r.at < r.end) {
			const at = r.at, [op, text] = r.opcode();
			if (op === 0x10 || op === 0x12 || op === 0xd2) {
				const f = r.u32();
				if (f < this.imported) {
					if (op !== 0xd2)
						probe(at, f, this.cross);
					continue;
				}
				w.copy(r.bytes, from, at);
				w.byte(op);
				w.u32(this.moved(f));
				from = r.at;
			} else if (op === 0x11 || op === 0x13) {
				const type = r.u32(), table = r.u32();
				probe(at, this.site(type, table), this.indirect);
			} else {
				for (const letter of text)
					r.immediate(letter);
				if (op in builtins)
					probe(at, this.imported + Number(op), this.cross);
			}
		}
		w.copy(r.bytes, from, r.end);
	}

	type(r, w) { /* two more: cross, indirect */
		w.u32(r.u32() + 2);
		w.copy(r.bytes, r.at);
		w.copy([0x60, 1, 0x7f, 0, 0x60, 2, 0x7f, 0x7f, 1, 0x7f]);
	}
	import(r, w) {
		w.u32(r.u32() + 2);
		w.copy(r.bytes, r.at);
		PROBES.forEach((name, i) => {
			w.text(NAMESPACE);
			w.text(name);
			w.byte(0);
			w.u32(this.m.types.length + i);
		});
	}
	table(r, w) {
		w.u32(r.u32());
		while (r.at < r.end) {
			const from = r.at, own = r.bytes[r.at] === 0x40;
			if (own)
				r.skip(2);
			r.type();
			r.limits();
			w.copy(r.bytes, from, r.at);
			if (own)
				expression(r, w, this.taken);
		}
	}
	global(r, w) {
		w.u32(r.u32());
		while (r.at < r.end) {
			const from = r.at;
			r.type();
			r.byte();
			w.copy(r.bytes, from, r.at);
			expression(r, w, this.taken);
		}
	}
	export(r, w) {
		w.u32(r.u32() + this.m.tables.length);
		for (const e of this.m.exports) {
			w.text(e.name);
			w.byte(e.kind);
			w.u32(e.kind === 0 ? this.taken(e.index) : e.index);
		}
		this.m.tables.forEach((_, i) => {
			w.text(TABLE + i);
			w.byte(1);
			w.u32(i);
		});
	}
	start(r, w) {
		w.u32(this.taken(r.u32()));
	}
	element(r, w) {
		const n = r.u32();
		w.u32(n);
		for (let i = 0; i < n; i++) {
			const flags = r.u32();
			w.u32(flags);
			if (flags & 2 && !(flags & 1))
				w.u32(r.u32()); /* the table */
			if (!(flags & 1))
				expression(r, w, this.taken); /* the offset */
			if (flags & 3) { /* kind or type of the elements */
				const from = r.at;
				r.type();
				w.copy(r.bytes, from, r.at);
			}
			const count = r.u32();
			w.u32(count);
			for (let k = 0; k < count; k++)
				if (flags & 4)
					expression(r, w, this.taken);
				else
					w.u32(this.taken(r.u32()));
		}
	}
	code(r, w) {
		const n = r.u32(), one = new Writer(1 << 16);
		w.u32(n);
		for (let i = 0; i < n; i++) {
			const size = r.u32(), body = new Reader(r.bytes, r.at, r.at + size);
			r.skip(size);
			one.at = 0;
			const from = body.at;
			body.vector(() => {
				body.u32();
				body.type();
			});
			one.copy(r.bytes, from, body.at);
			this.body(body, one);
			w.sized(one);
		}
	}
	/* Names of functions (1), of their locals (2) and labels (3) go by function index. */
	names(r, w) {
		w.text(r.name());
		while (r.at < r.end) {
			const kind = r.byte(), size = r.u32(), sub = new Reader(r.bytes, r.at, r.at + size);
			const out = new Writer();
			r.skip(size);
			if (kind >= 1 && kind <= 3) {
				const n = sub.u32();
				out.u32(n);
				for (let i = 0; i < n; i++) {
					out.u32(this.moved(sub.u32()));
					const from = sub.at;
					if (kind === 1)
						sub.name();
					else
						sub.vector(() => [sub.u32(), sub.name()]);
					out.copy(r.bytes, from, sub.at);
				}
			} else {
				out.copy(r.bytes, sub.at, sub.end);
			}
			w.byte(kind);
			w.sized(out);
		}
	}
	custom(s, w) {
		const r = new Reader(s.payload), name = r.name();
		if (name.startsWith('metadata.code.'))
			return; /* hints at byte offsets that are no more */
		const out = new Writer(s.payload.length + 64);
		try {
			if (name !== 'name')
				throw new Refused('of no concern');
			this.names(new Reader(s.payload), out);
		} catch { /* a damaged one is as good as any other custom section */
			out.at = 0;
			out.copy(s.payload);
		}
		w.byte(ID.custom);
		w.sized(out);
	}

	run(bytes) {
		const w = new Writer(Math.ceil(bytes.length * 1.2) + 256);
		const add = (id, name, payload) => {
			const out = new Writer(Math.ceil(payload.length * 1.2) + 256);
			if (this[name])
				this[name](new Reader(payload), out);
			else
				out.copy(payload);
			w.byte(id);
			w.sized(out);
		};
		const missing = [ID.type, ID.import, ID.export]
			.filter((id) => !this.sections.some((s) => s.id === id));
		const nameOf = (id) => Object.keys(ID).find((k) => ID[k] === id);
		const before = (id) => {
			while (missing.length && ORDER.indexOf(missing[0]) < ORDER.indexOf(id))
				add(missing[0], nameOf(missing.shift()), new Uint8Array(1));
		};
		w.copy(bytes, 0, 8);
		for (const s of this.sections) {
			if (s.id === ID.custom) {
				this.custom(s, w);
				continue;
			}
			if (!ORDER.includes(s.id))
				throw new Refused(`section ${s.id} is not known`);
			before(s.id);
			add(s.id, nameOf(s.id), s.payload);
		}
		before(ID.data);
		return w.done();
	}
}

/* {m, why}: m.rewritten has the new bytes, or is null and why says why. */
function rewrite(bytes) {
	const { m, sections } = describe(bytes);
	try {
		if (m.tables.some((t) => t.is64))
			throw new Refused('it has a table with 64-bit indices');
		if (m.importNames.some((i) => i.module === NAMESPACE))
			throw new Refused(`it has an import from ${NAMESPACE} of its own`);
		m.rewritten = new Rewriter(m, sections).run(bytes);
	} catch (e) {
		if (!(e instanceof Refused))
			throw e;
		m.sites = [];
		return { m, why: e.message };
	}
	return { m, why: null };
}

module.exports = { rewrite, Refused, NAMESPACE, PROBES, TABLE };
