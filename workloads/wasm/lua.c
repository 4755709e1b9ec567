/* lua.c - runs functions of a script that Lua's own loader reads from a file: one for each step. */
#include <stdio.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"
#include "program.h"

static lua_State *state;

static void open_libraries(lua_State *L)
{
	static const luaL_Reg libraries[] = {
		{ LUA_GNAME, luaopen_base },	    { LUA_TABLIBNAME, luaopen_table },
		{ LUA_STRLIBNAME, luaopen_string }, { LUA_MATHLIBNAME, luaopen_math },
		{ LUA_UTF8LIBNAME, luaopen_utf8 },  { NULL, NULL }
	};

	for (const luaL_Reg *l = libraries; l->name; l++) {
		luaL_requiref(L, l->name, l->func, 1);
		lua_pop(L, 1);
	}
}

uint32_t steps(void)
{
	lua_Integer n;

	state = luaL_newstate();
	open_libraries(state);
	if (luaL_dofile(state, "script.lua")) {
		printf("%s\n", lua_tostring(state, -1));
		fflush(stdout);
		return 0;
	}
	lua_getglobal(state, "STEPS");
	n = lua_tointeger(state, -1);
	lua_pop(state, 1);
	return (uint32_t)n;
}

uint32_t step(uint32_t i)
{
	lua_getglobal(state, "step");
	lua_pushinteger(state, i);
	lua_call(state, 1, 1);
	lua_Integer result = lua_tointeger(state, -1);
	lua_pop(state, 1);
	fflush(stdout);
	return (uint32_t)result;
}
