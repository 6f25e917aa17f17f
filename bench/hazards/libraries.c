// libraries.c: zlib, SQLite and Lua, calling back in the middle of their work, so that the stack
// grows at a known moment and, at checkpoints too, with their own pointers live.
#include "bench/hazards/libraries.h"

#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "bench/hazards/hazard.h"
#include "bench/workloads/rows.h"

enum { PLAIN_BYTES = 4096 };
static unsigned char plain[PLAIN_BYTES], packed[2 * PLAIN_BYTES];
static sqlite3 *db;
static sqlite3_stmt *step;

// ---- zlib --------------------------------------------------------------------------------------
static uint64_t deflate_in_halves(z_stream *z) {
  memset(z, 0, sizeof *z);
  if (deflateInit(z, 6) != Z_OK)
    return 0;
  z->next_in = plain;
  z->avail_in = PLAIN_BYTES / 2;
  z->next_out = packed;
  z->avail_out = sizeof packed;
  uint64_t sum = checksum_word(checksum_seed, (uint64_t)deflate(z, Z_NO_FLUSH));
  hazard_grow();
  z->avail_in = PLAIN_BYTES / 2;
  sum = checksum_word(sum, (uint64_t)deflate(z, Z_FINISH));
  sum = checksum_word(sum, z->total_out);
  sum = checksum_bytes(sum, packed, z->total_out < sizeof packed ? z->total_out : 0);
  return checksum_word(sum, (uint64_t)deflateEnd(z));
}

uint64_t zlib_grow_between_calls(uint64_t n) {
  z_stream z;
  return n + deflate_in_halves(&z);
}

uint64_t zlib_grow_between_calls_heap(uint64_t n) {
  z_stream *z = malloc(sizeof *z);
  n += z ? deflate_in_halves(z) : 0;
  free(z);
  return n;
}

// compress() calls nobody back: the stack must run out inside it.
uint64_t zlib_compress_whole(uint64_t n) {
  uLongf bytes = sizeof packed;
  const int code = compress(packed, &bytes, plain, PLAIN_BYTES);
  return checksum_bytes(n + (uint64_t)code, packed, bytes);
}

// ---- SQLite ------------------------------------------------------------------------------------
static int authorize(void *unused, int action, const char *a, const char *b, const char *c,
                     const char *d) {
  (void)unused, (void)action, (void)a, (void)b, (void)c, (void)d;
  hazard_grow();
  return SQLITE_OK;
}

static void sql_grow(sqlite3_context *context, int argc, sqlite3_value **argv) {
  (void)argc;
  hazard_grow();
  sqlite3_result_int64(context, 2 * sqlite3_value_int64(argv[0]));
}

static uint64_t drain(sqlite3_stmt *stmt, uint64_t sum) {
  int code;
  while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
    sum = checksum_word(sum, (uint64_t)sqlite3_column_int64(stmt, 0));
  return checksum_word(sum, (uint64_t)code);
}

uint64_t sqlite_grow_in_prepare(uint64_t n) {
  sqlite3_stmt *stmt = NULL;
  sqlite3_set_authorizer(db, authorize, NULL);
  const char *sql = "SELECT a.n + b.n FROM t a JOIN t b ON a.n = b.n WHERE a.n < 9 ORDER BY 1";
  uint64_t sum = checksum_word(n, (uint64_t)sqlite3_prepare_v2(db, sql, -1, &stmt, NULL));
  sqlite3_set_authorizer(db, NULL, NULL);
  sum = drain(stmt, sum);
  return checksum_word(sum, (uint64_t)sqlite3_finalize(stmt));
}

uint64_t sqlite_grow_in_step(uint64_t n) {
  const uint64_t sum = drain(step, n);
  return checksum_word(sum, (uint64_t)sqlite3_reset(step));
}

static int prepare_sqlite(void) {
  const char *fill = "CREATE TABLE t(n INTEGER); INSERT INTO t VALUES(1),(2),(3),(5),(8),(13)";
  if (sqlite3_open(":memory:", &db) != SQLITE_OK ||
      sqlite3_exec(db, fill, NULL, NULL, NULL) != SQLITE_OK ||
      sqlite3_create_function(db, "grow", 1, SQLITE_UTF8, NULL, sql_grow, NULL, NULL) != SQLITE_OK)
    return -1;
  const char *sql = "SELECT grow(n) + sum(n) OVER () FROM t ORDER BY grow(n)";
  return sqlite3_prepare_v2(db, sql, -1, &step, NULL) == SQLITE_OK ? 0 : -1;
}

// ---- Lua ---------------------------------------------------------------------------------------
static int lua_grow(lua_State *L) {
  hazard_grow();
  lua_pushinteger(L, 2 * luaL_checkinteger(L, 1));
  return 1;
}

static uint64_t run_script(uint64_t sum, const char *text) {
  lua_State *L = luaL_newstate();
  if (!L)
    return 0;
  luaL_openlibs(L);
  lua_register(L, "grow", lua_grow);
  sum = checksum_word(sum, (uint64_t)(unsigned)luaL_loadstring(L, text));
  sum = checksum_word(sum, (uint64_t)(unsigned)lua_pcall(L, 0, 1, 0));
  const char *result = lua_tostring(L, -1);
  sum = checksum_string(sum, result ? result : "");
  lua_close(L);
  return sum;
}

uint64_t lua_grow_in_script(uint64_t n) {
  return run_script(n, "local s = 0 for i = 1, 5 do s = s + grow(i) end\n"
                       "local function double(c) return c .. grow(2) end\n"
                       "return tostring(s) .. (('xyz'):gsub('y', double))");
}

uint64_t lua_grow_in_pcall(uint64_t n) {
  return run_script(n, "local ok, e = pcall(function() grow(1) error({code = grow(4)}) end)\n"
                       "return tostring(ok) .. e.code");
}

int libraries_prepare(void) {
  for (unsigned i = 0; i < PLAIN_BYTES; i++)
    plain[i] = (unsigned char)(i * i / 97);
  const struct workload *const workloads[] = {&workload_zlib_deflate_stack, &workload_sqlite_step,
                                              &workload_regex};
  for (unsigned i = 0; i < sizeof workloads / sizeof *workloads; i++)
    if (workloads[i]->prepare() != 0)
      return -1;
  return prepare_sqlite();
}
