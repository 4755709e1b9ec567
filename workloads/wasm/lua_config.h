/*
 * lua_config.h - included before all of Lua's code: wasi-libc has neither setjmp nor signals, so an
 * error in a script ends the program, and coroutines are left out; likewise in the native twin. The
 * hash of strings depends on nothing that differs between runs (addresses, time).
 */
#include <stdlib.h>

#define luai_makeseed(L)		   0u
#define l_randomizePivot()		   0u
#define LUAI_THROW(state, c)		   abort()
#define LUAI_TRY(state, c, protected_call) { protected_call }
#define luai_jmpbuf			   int
#define l_signalT			   int
