/*
 * lua_config.h - included before all of Lua: wasi-libc has neither setjmp nor signals, so an error
 * in a script ends the program, and coroutines are left out. The same for the native twin. Nothing
 * that differs between two runs (addresses, time) goes into the hash of strings.
 */
#include <stdlib.h>

#define luai_makeseed(L)		   0u
#define l_randomizePivot()		   0u
#define LUAI_THROW(state, c)		   abort()
#define LUAI_TRY(state, c, protected_call) { protected_call }
#define luai_jmpbuf			   int
#define l_signalT			   int
