// lua_script.c: a Lua state made, run and closed on the stack under study.
//
// lua_script never raises an error, so the jmp_buf that Lua keeps in the C stack (and points to
// from its heap) is set and never used.  lua_pcall_error raises errors, and Lua comes back by
// longjmp to the address that the jmp_buf recorded, wherever the stack is by then.
#include "bench/workloads/workload.h"

#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>

enum { STACK_NEEDED = 96 * 1024 };

static const char script[] =
    "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end\n"
    "local out = {}\n"
    "for i = 1, 60 do out[i] = string.format('%05d:%.3f', i * 7919 % 1000, i / 7) end\n"
    "table.sort(out, function(a, b) return a:reverse() < b:reverse() end)\n"
    "local text = table.concat(out, ';')\n"
    "local turned = text:gsub('%d+', function(d)\n"
    "  return (d:gsub('[13579]', function(c) return '<' .. c .. '>' end)) end)\n"
    "local function nest(n) if n == 0 then return 'x' end\n"
    "  return (('y'):gsub('y', function() return nest(n - 1) .. n end)) end\n"
    "return fib(14) .. turned .. nest(20) .. select('#', load('return 1, 2, 3')())\n";

static const char failing_script[] =
    "local seen = {}\n"
    "local function deep(n) if n == 0 then error({code = 7}) end\n"
    "  return (('y'):gsub('y', function() return deep(n - 1) end)) end\n"
    "for i = 1, 12 do\n"
    "  local ok, e = pcall(deep, i)\n"
    "  seen[#seen + 1] = tostring(ok) .. e.code\n"
    "  ok, e = pcall(error, 'plain ' .. i)\n"
    "  seen[#seen + 1] = tostring(ok) .. e\n"
    "end\n"
    "return table.concat(seen, ',')\n";

static uint64_t run_script(const char *text) {
  uint64_t sum = checksum_seed;
  lua_State *L = luaL_newstate();
  if (!L)
    return 0;
  luaL_openlibs(L);
  sum = checksum_word(sum, (uint64_t)(unsigned)luaL_loadstring(L, text));
  sum = checksum_word(sum, (uint64_t)(unsigned)lua_pcall(L, 0, 1, 0));
  const char *result = lua_tostring(L, -1);
  sum = checksum_string(sum, result ? result : "");
  lua_close(L);
  return sum;
}

static uint64_t run_plain(size_t size) {
  (void)size;
  return run_script(script);
}

static uint64_t run_failing(size_t size) {
  (void)size;
  return run_script(failing_script);
}

const struct workload workload_lua_script = {
    .name = "lua_script",
    .library = "Lua 5.4",
    .does = "fib, format, sort with a comparator, nested gsub callbacks; no error is raised",
    .checkpoint_bytes = STACK_NEEDED,
    .run = run_plain,
};

const struct workload workload_lua_pcall_error = {
    .name = "lua_pcall_error",
    .library = "Lua 5.4",
    .does = "pcall(error) from 1 to 12 nested C calls down: setjmp and longjmp",
    .checkpoint_bytes = STACK_NEEDED,
    .run = run_failing,
};
