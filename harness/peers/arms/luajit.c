/*
 * luajit.c - LuaJIT's callbacks: a slot in one page of code, and a function in Lua that calls the
 * target through the FFI.
 *
 *   package: libluajit-5.1-dev
 *   include: -I/usr/include/luajit-2.1
 *   link: -lluajit-5.1
 *
 * There is one page of slots and no other, so they run out: then bind fails in LuaJIT's words.
 */
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "../peer.h"

/* Callbacks by their numbers; make and drop are called with a number, an address, a context. */
static const char program[] =
    "local ffi = require 'ffi'\n"
    "local made = {}\n"
    "local function call(target, context)\n"
    "  target = ffi.cast('int32_t (*)(void *, int32_t)', target)\n"
    "  return function(_, x) return target(context, x) end\n"
    "end\n"
    "function make(n, target, context)\n"
    "  made[n] = ffi.cast('int32_t (*)(void *, int32_t)', call(target, context))\n"
    "  return tonumber(ffi.cast('intptr_t', made[n]))\n"
    "end\n"
    "function aim(n, target, context) made[n]:set(call(target, context)) end\n"
    "function drop(n) made[n]:free() made[n] = nil end\n";

struct state {
	lua_State *lua;
	uint64_t last; /* number of a callback */
};

static char said[PEER_SAID];

/* Calls a function of the program; its first result is at the stack's top. */
static int call(lua_State *lua, const char *function, uint64_t n, const void *target, void *context)
{
	lua_getglobal(lua, function);
	lua_pushnumber(lua, (lua_Number)n);
	lua_pushlightuserdata(lua, (void *)(uintptr_t)target);
	lua_pushlightuserdata(lua, context);
	if (!lua_pcall(lua, 3, 1, 0))
		return 0;
	snprintf(said, sizeof said, "%s", lua_tostring(lua, -1));
	lua_settop(lua, 0);
	return -ENOMEM;
}

static int begin(struct stub_space *space)
{
	struct state *s = space->state;

	if (!(s->lua = luaL_newstate()))
		return -ENOMEM;
	luaL_openlibs(s->lua);
	return luaL_dostring(s->lua, program) ? -ENOTSUP : 0;
}

static void end(struct stub_space *space)
{
	struct state *s = space->state;

	if (s->lua)
		lua_close(s->lua);
}

static int bind(struct stub_space *space, const struct stub_spec *spec, struct stub_callee *c)
{
	struct state *s = space->state;
	int error;

	if (!peer_takes(spec))
		return -ENOTSUP;
	if ((error = call(s->lua, "make", s->last + 1, spec->target, spec->context)))
		return error;
	peer_publish(spec, c, (const void *)(uintptr_t)lua_tonumber(s->lua, -1), ++s->last);
	lua_settop(s->lua, 0);
	return 0;
}

static int retarget(struct stub_space *space, struct stub_callee *c, const void *target)
{
	struct state *s = space->state;
	int error = call(s->lua, "aim", c->word, target, c->context);

	lua_settop(s->lua, 0);
	if (!error)
		c->target = target;
	return error;
}

static void release(struct stub_space *space, struct stub_callee *c)
{
	struct state *s = space->state;

	call(s->lua, "drop", c->word, NULL, NULL);
	lua_settop(s->lua, 0);
	c->code = NULL;
}

static const struct stub_ops ops = {
	.name = "peer:luajit",
	.summary = "LuaJIT's callbacks",
	.flags = STUB_CAN_TABLE | STUB_RETARGET_IN_PLACE,
	.state = sizeof(struct state),
	.open = begin,
	.close = end,
	.bind = bind,
	.retarget = retarget,
	.release = release,
};

const struct peer peer = { PEER_CONTRACT, PEER_VERSION, &ops, false, said };
