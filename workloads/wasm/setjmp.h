/* setjmp.h - wasi-libc has none, and Lua includes it; lua_config.h leaves nothing that uses it. */
typedef int jmp_buf[1];
