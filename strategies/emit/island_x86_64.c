/*
 * island_x86_64.c - the code of islands: bare slots; or many slots and one head.
 *
 * A bare slot has no number and no head: all that it knows is the callee's. Two instructions of
 * four bytes, so that each callee has an indirect jump of its own for the predictor to tell apart.
 * Five stand in a line, and none crosses one.
 *
 * Of the others, `push imm8; jmp rel8` is the shortest code that says which of some fifty it is and
 * loses no register: 4 bytes. The head takes the number back into rax, which no call of stub.h
 * needs. A push and its pop do not touch the processor's stack of return addresses, as a call
 * would. The head stands in the middle, at a line's start, because a short jump reaches 128 bytes
 * either way.
 */
#include "body_x86_64.h"

/* r11 = the record of number rax, of 1 << shift bytes. */
static void find_record(struct assembler *a, struct emit_island *island, unsigned shift)
{
	asm_bytes(a, 0xe0c1 | shift << 16, 3); /* shl eax, shift */
	asm_rip(a, WIDE, OP_LEA, R11, 0);      /* lea r11, [the records] */
	island->records = (unsigned)a->len - 4;
	asm_reg_reg(a, 0, WIDE, OP_ADD, R11, RAX);
}

static void head(struct assembler *a, struct emit_island *island, enum emit_record record)
{
	asm_pop(a, RAX);
	find_record(a, island, (unsigned)__builtin_ctz(island->record));
	if (record == EMIT_FULL) {
		asm_mem(a, 0, NARROW, OP_GROUP5, JMP_MEM, R11, 0);
		return;
	}
	asm_mem(a, 0, WIDE, OP_LOAD_I32, RAX, R11, 0);
	asm_reg_reg(a, 0, WIDE, OP_ADD, RAX, R11);
	asm_bytes(a, 0xe0ff, 2); /* jmp rax */
}

static void slots(struct assembler *a, unsigned from, unsigned to, bool markers)
{
	for (unsigned i = from; i < to; i++) {
		marker(a, markers);
		asm_bytes(a, 0xeb006a | i << 8, 3); /* push i; jmp */
		asm_byte(a, (EMIT_ISLAND_HEAD - ((unsigned)a->len + 1)) & 0xff);
	}
}

static void bare_slots(struct assembler *a, struct emit_island *island, bool markers)
{
	island->slot = EMIT_BARE_SLOT;
	island->before = island->slots = EMIT_ISLAND / EMIT_LINE * EMIT_BARE_LINE;
	island->behind = EMIT_ISLAND_HEAD;
	for (unsigned i = 0; i < island->slots; i++) {
		a->len = emit_island_slot(island, i);
		marker(a, markers);
		asm_load(a, WIDE, RDI, R10, offsetof(struct stub_callee, context));
		asm_mem(a, 0, NARROW, OP_GROUP5, JMP_MEM, R10,
			offsetof(struct stub_callee, target));
	}
}

void emit_island(struct emit_island *island, enum emit_record record, bool markers)
{
	static const uint8_t bytes[EMIT_RECORDS] = {
		[EMIT_BODY] = 4, [EMIT_BOUND] = 8, [EMIT_FULL] = 32
	};
	struct assembler a = { .code = island->code, .cap = EMIT_ISLAND };
	const unsigned mark = markers ? 4 : 0;
	const unsigned end = mark + 2;

	*island = (struct emit_island){ .record = bytes[record] };
	memset(island->code, 0xcc, EMIT_ISLAND);
	if (record == EMIT_BARE) {
		bare_slots(&a, island, markers);
		return;
	}
	island->slot = 4 + mark;
	island->before = EMIT_ISLAND_HEAD / island->slot;
	slots(&a, 0, island->before, markers);
	head(&a, island, record);
	island->behind = (unsigned)a.len;
	island->slots = island->before + (EMIT_ISLAND - end - island->behind) / island->slot;
	slots(&a, island->before, island->slots, markers);
	island->trap = (unsigned)a.len;
	marker(&a, markers);
	asm_bytes(&a, 0x0b0f, 2); /* ud2 */
}

unsigned emit_island_frames(const struct emit_island *island,
			    struct stub_change changes[EMIT_ISLAND])
{
	unsigned n = 0;

	if (!island->record) {
		changes[n++] = (struct stub_change){ 0, STUB_FRAME_NONE };
		changes[n++] = (struct stub_change){ EMIT_ISLAND_HEAD, STUB_FRAME_NONE };
		return n;
	}
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
