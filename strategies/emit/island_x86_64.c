/*
 * island_x86_64.c - the code of islands: many slots, one head.
 *
 * `push imm8; jmp rel8` is the shortest code that says which of some fifty it is and loses no
 * register: 4 bytes. The head takes the number back into rax, which no call of stub.h needs. A push
 * and its pop do not touch the processor's stack of return addresses, as a call would. The head
 * stands in the middle, at a line's start, because a short jump reaches 128 bytes either way.
 *
 * A head ends in one indirect jump for all its slots; the bytes that this saves are paid for where
 * a processor can't tell its targets apart (stubs/island.c).
 */
#include "body_x86_64.h"

/* lea r11, [the records] */
static void load_records(struct assembler *a, struct emit_island *island)
{
	asm_rip(a, WIDE, OP_LEA, R11, 0);
	island->records = (unsigned)a->len - 4;
}

/* r11 = the record of number rax. */
static void find_record(struct assembler *a, struct emit_island *island, unsigned shift)
{
	asm_bytes(a, 0xe0c1 | shift << 16, 3); /* shl eax, shift */
	load_records(a, island);
	asm_reg_reg(a, 0, WIDE, OP_ADD, R11, RAX);
}

/* rax = the address that the record's first four bytes lead to. */
static void load_offset(struct assembler *a)
{
	asm_mem(a, 0, WIDE, OP_LOAD_I32, RAX, R11, 0);
	asm_reg_reg(a, 0, WIDE, OP_ADD, RAX, R11);
}

static void head(struct assembler *a, struct emit_island *island, enum emit_record record,
		 uint64_t base)
{
	asm_pop(a, RAX);
	switch (record) {
	case EMIT_OFFSETS:
		load_records(a, island);
		asm_bytes(a, 0xc31c8d4d, 4); /* lea r11, [r11+rax*8] */
		asm_load(a, NARROW, RDI, R11, 4);
		load_offset(a);
		asm_move_imm(a, R11, base);
		asm_reg_reg(a, 0, WIDE, OP_ADD, RDI, R11);
		asm_bytes(a, 0xe0ff, 2); /* jmp rax */
		break;
	case EMIT_WORDS:
		asm_bytes(a, 0x04e0c1, 3); /* shl eax, 4 */
		load_records(a, island);
		asm_bytes(a, 0x08037c8b49, 5); /* mov rdi, [r11+rax+8] */
		asm_bytes(a, 0x0324ff41, 4);   /* jmp [r11+rax] */
		break;
	case EMIT_BODY:
		find_record(a, island, 4);
		load_offset(a);
		asm_bytes(a, 0xe0ff, 2); /* jmp rax */
		break;
	default:
		find_record(a, island, 5);
		asm_mem(a, 0, NARROW, OP_GROUP5, JMP_MEM, R11, 0);
	}
}

static void slots(struct assembler *a, unsigned from, unsigned to, bool markers)
{
	for (unsigned i = from; i < to; i++) {
		marker(a, markers);
		asm_bytes(a, 0xeb006a | i << 8, 3); /* push i; jmp */
		asm_byte(a, (EMIT_ISLAND_HEAD - ((unsigned)a->len + 1)) & 0xff);
	}
}

void emit_island(struct emit_island *island, enum emit_record record, uint64_t base, bool markers)
{
	static const uint8_t bytes[EMIT_RECORDS] = { 8, 16, 16, 32 };
	struct assembler a = { .code = island->code, .cap = EMIT_ISLAND };
	const unsigned mark = markers ? 4 : 0;
	const unsigned end = mark + 2 + (record == EMIT_OFFSETS ? mark + 4 : 0);

	memset(island->code, 0xcc, EMIT_ISLAND);
	island->record = bytes[record];
	island->slot = 4 + mark;
	island->before = EMIT_ISLAND_HEAD / island->slot;
	slots(&a, 0, island->before, markers);
	head(&a, island, record, base);
	island->behind = (unsigned)a.len;
	island->slots = island->before + (EMIT_ISLAND - end - island->behind) / island->slot;
	slots(&a, island->before, island->slots, markers);
	island->trap = (unsigned)a.len;
	marker(&a, markers);
	asm_bytes(&a, 0x0b0f, 2); /* ud2 */
	island->callee = (unsigned)a.len;
	if (record != EMIT_OFFSETS)
		return;
	marker(&a, markers);
	asm_mem(&a, 0, NARROW, OP_GROUP5, JMP_MEM, R10, offsetof(struct stub_callee, target));
}

unsigned emit_island_frames(const struct emit_island *island,
			    struct stub_change changes[EMIT_ISLAND])
{
	unsigned n = 0;

	for (unsigned i = 0; i < island->slots; i++) {
		const unsigned at = emit_island_slot(island, i);

		if (i == island->before) {
			changes[n++] = (struct stub_change){ EMIT_ISLAND_HEAD, STUB_FRAME_WORD };
			changes[n++] =
			    (struct stub_change){ EMIT_ISLAND_HEAD + 1, STUB_FRAME_NONE };
		}
		changes[n++] = (struct stub_change){ (uint16_t)at, STUB_FRAME_NONE };
		changes[n++] =
		    (struct stub_change){ (uint16_t)(at + island->slot - EMIT_ISLAND_JUMP),
					  STUB_FRAME_WORD };
	}
	changes[n++] = (struct stub_change){ (uint16_t)island->trap, STUB_FRAME_NONE };
	return n;
}
