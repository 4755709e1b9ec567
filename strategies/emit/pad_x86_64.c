/*
 * pad_x86_64.c - the way into a callee for code that knows an address only:
 *
 *      pad + 0    49 ba imm64     mov r10, callee
 *      pad + 10   41 ff 22        jmp [r10]
 *
 * A jump, not a call: the return address on the stack stays the caller's.
 */
#include <string.h>

#include "../stub.h"

size_t stub_call_pad(uint8_t code[STUB_CALL_PAD], const struct stub_callee *c)
{
	static const uint8_t move[2] = { 0x49, 0xba }, jump[3] = { 0x41, 0xff, 0x22 };

	memcpy(code, move, 2);
	memcpy(code + 2, &c, 8);
	memcpy(code + 10, jump, 3);
	return 13;
}
