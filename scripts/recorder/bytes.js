/*
 * bytes.js - a cursor over a wasm module and a growing buffer for another.
 */
'use strict';

const opcodes = require('./opcodes');

class Refused extends Error {}

class Reader {
	constructor(bytes, at = 0, end = bytes.length) {
		Object.assign(this, { bytes, at, end });
	}
	byte() {
		if (this.at >= this.end)
			throw new Refused('the module is cut off');
		return this.bytes[this.at++];
	}
	skip(n) {
		if (n > this.end - this.at)
			throw new Refused('the module is cut off');
		this.at += n;
	}
	/* Unsigned, 32 bits. */
	u32() {
		let value = 0, scale = 1;
		for (;;) {
			const b = this.byte();
			value += (b & 127) * scale;
			if (b < 128)
				return value;
			if ((scale *= 128) > 2 ** 28)
				throw new Refused('a number has more than 32 bits');
		}
	}
	/* Skips any LEB128. */
	leb() {
		while (this.byte() > 127);
	}
	/* Signed, 33 bits. */
	s33() {
		let value = 0, scale = 1, b;
		do {
			b = this.byte();
			value += (b & 127) * scale;
			scale *= 128;
		} while (b > 127 && scale < 2 ** 40);
		return b & 64 ? value - scale : value;
	}
	name() {
		const n = this.u32(), from = this.at;
		this.skip(n);
		return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + from, n).toString('utf8');
	}
	/* A block type, a value type or a heap type. */
	type() {
		const b = this.bytes[this.at];
		if (b === 0x63 || b === 0x64)
			this.byte();
		this.leb();
	}
	limits() {
		const flags = this.byte();
		this.leb();
		if (flags & 1)
			this.leb();
		if (flags & 8)
			this.leb();
		return { is64: (flags & 4) !== 0 };
	}
	vector(each) {
		const n = this.u32(), out = [];
		for (let i = 0; i < n; i++)
			out.push(each(i));
		return out;
	}
	/* Reads one instruction's opcode: [opcode (0xfc08 for fc 08), its immediates]. */
	opcode() {
		const from = this.at;
		let op = this.byte(), text;
		const more = opcodes.prefixed[op];
		if (more) {
			const sub = this.u32();
			text = more.get(sub);
			op = op * 256 + sub;
		} else {
			text = opcodes.core.get(op);
		}
		if (text === undefined)
			throw new Refused(`opcode 0x${op.toString(16)} at byte ${from} is not known`);
		return [op, text];
	}
	immediate(letter) {
		switch (letter) {
		case 'u': case 'F': case 'T': return this.leb();
		case 'm': {
			const align = this.u32();
			if (align & 64)
				this.leb();
			return this.leb();
		}
		case 't': return this.type();
		case 's': return void this.vector(() => this.type());
		case 'b': this.vector(() => this.leb()); return this.leb();
		case 'c': return void this.vector(() => {
			if (this.byte() < 2)
				this.leb();
			this.leb();
		});
		case 'G': return this.skip(16);
		default: return this.skip(Number(letter));
		}
	}
}

class Writer {
	constructor(size = 1024) {
		this.bytes = new Uint8Array(size);
		this.at = 0;
	}
	room(n) {
		if (this.at + n <= this.bytes.length)
			return;
		const grown = new Uint8Array(2 * (this.at + n));
		grown.set(this.bytes.subarray(0, this.at));
		this.bytes = grown;
	}
	byte(b) {
		this.room(1);
		this.bytes[this.at++] = b;
	}
	u32(n) {
		this.room(5);
		for (; n > 127; n = Math.floor(n / 128))
			this.bytes[this.at++] = (n & 127) | 128;
		this.bytes[this.at++] = n;
	}
	/* i32.const n */
	constant(n) {
		this.byte(0x41);
		for (; n > 63; n >>= 7)
			this.byte((n & 127) | 128);
		this.byte(n);
	}
	copy(bytes, from = 0, to = bytes.length) {
		this.room(to - from);
		if (to - from < 24) /* most are this short, and a view costs more than they do */
			while (from < to)
				this.bytes[this.at++] = bytes[from++];
		else {
			this.bytes.set(bytes.subarray(from, to), this.at);
			this.at += to - from;
		}
	}
	text(s) {
		const bytes = Buffer.from(s, 'utf8');
		this.u32(bytes.length);
		this.copy(bytes);
	}
	/* Appends another writer's bytes, with their number first. */
	sized(other) {
		this.u32(other.at);
		this.copy(other.bytes, 0, other.at);
	}
	done() {
		return this.bytes.subarray(0, this.at);
	}
}

module.exports = { Reader, Writer, Refused };
