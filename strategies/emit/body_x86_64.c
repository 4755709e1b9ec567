/* body_x86_64.c - where the calling convention puts parameters; all kinds of body ask it. */
#include "body_x86_64.h"

unsigned emit_locate(stub_signature s, unsigned first, struct param params[STUB_MAX_PARAMS])
{
	static const uint8_t ints[] = { RSI, RDX, RCX, R8, R9 };
	unsigned nints = 0, nfloats = 0, nstack = 0;

	for (unsigned i = first; i < stub_nparams(s); i++) {
		enum stub_type type = stub_param(s, i);

		if (is_float(type) && nfloats < 8)
			params[i] = (struct param){ type, IN_FLOAT, nfloats++ };
		else if (!is_float(type) && nints < sizeof(ints))
			params[i] = (struct param){ type, IN_INT, ints[nints++] };
		else
			params[i] = (struct param){ type, ON_STACK, nstack++ };
	}
	return nstack;
}
