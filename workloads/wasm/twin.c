/* twin.c - runs a program natively, as the harness runs it in wasm. */
#include <stdio.h>

#include "program.h"

int main(void)
{
	uint32_t mixed = 0, n = steps();

	for (uint32_t i = 0; i < n; i++)
		mixed = mixed * 31 + step(i);
	printf("%08x\n", mixed);
	return 0;
}
