/* setjmp.h - Lua includes it, and wasi-libc has none; with lua_config.h nothing uses it. */
typedef int jmp_buf[1];
