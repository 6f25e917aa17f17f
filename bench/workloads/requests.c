// requests.c: servers without the sockets: each request is a goroutine of its own, on a fresh
// stack, and calls a parser, SQLite or zlib.
#include "bench/workloads/crowd.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

// ---- The corpus ------------------------------------------------------------------------------
// Small JSON documents from a generator: the same on every machine.
enum { DOCUMENTS = 64, DOCUMENT_BYTES = 2048, DEEPEST = 48, JSON_NEEDED = 1024 };

static struct {
  char text[DOCUMENT_BYTES];
  size_t bytes;
  uint64_t checksum;
} corpus[DOCUMENTS];

static uint64_t random_state;

static unsigned below(unsigned n) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (unsigned)(random_state >> 33) % n;
}

// A document is a path of `depth` objects and arrays with a few scalars at every level.
static void write_document(unsigned d, unsigned depth) {
  static const char *const scalars[] = {"\"a \\u00e9 \\\"b\\\"\"", "-12.5e3", "true", "null", "[]"};
  char closing[DEEPEST + 1];
  size_t n = 0;
  for (unsigned level = 0; level < depth; level++) {
    const bool object = below(2);
    closing[level] = object ? '}' : ']';
    n += (size_t)sprintf(corpus[d].text + n, object ? "{\"s%u\":%s,\"in\":" : "[%u,%s,", below(100),
                         scalars[below(5)]);
  }
  n += (size_t)sprintf(corpus[d].text + n, "%u", below(1000));
  while (depth-- > 0)
    corpus[d].text[n++] = closing[depth];
  corpus[d].bytes = n;
  corpus[d].checksum = json_checksum(corpus[d].text, n);
}

static int prepare_corpus(void) {
  random_state = 88172645463325252u;
  for (unsigned d = 0; d < DOCUMENTS; d++)
    write_document(d, 1 + d * (DEEPEST - 1) / (DOCUMENTS - 1));
  return 0;
}

// ---- json_parsers ----------------------------------------------------------------------------
// Two documents each, and a wait between them while all the others have their first.
static uint64_t parse_timed(size_t i) {
  const uint64_t begin = clock_ns();
  const uint64_t sum = json_checksum(corpus[i % DOCUMENTS].text, corpus[i % DOCUMENTS].bytes);
  note_call(clock_ns() - begin);
  return sum;
}

static void parser_member(size_t i) {
  crowd_add(parse_timed(i));
  crowd_arrive();
  crowd_wait_here(i);
  const size_t second = (i + 1) % DOCUMENTS;
  crowd_add(json_checksum(corpus[second].text, corpus[second].bytes));
}

static uint64_t run_parsers(size_t n) {
  crowd_start(n, parser_member);
  crowd_gather();
  for (size_t i = 0; i < n; i++)
    crowd_wake(i);
  return crowd_join();
}

static uint64_t expect_parsers(size_t n) {
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += corpus[i % DOCUMENTS].checksum + corpus[(i + 1) % DOCUMENTS].checksum;
  return sum;
}

// ---- SQLite ----------------------------------------------------------------------------------
enum { ROWS = 100, SQLITE_NEEDED = 32 * 1024 };

static sqlite3 *db;

static int prepare_database(void) {
  if (sqlite3_open(":memory:", &db) != SQLITE_OK)
    return -1;
  const int code = sqlite3_exec(
      db,
      "CREATE TABLE item(id INTEGER PRIMARY KEY, kind TEXT, price INT);"
      "CREATE INDEX by_kind ON item(kind);"
      "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 100)"
      " INSERT INTO item SELECT n, char(97 + n % 7), n * 7919 % 500 FROM t",
      NULL, NULL, NULL);
  return code == SQLITE_OK ? 0 : -1;
}

// A query as a page of a shop has it.  0 if something failed.
static uint64_t query(size_t i) {
  sqlite3_stmt *stmt = NULL;
  uint64_t sum = checksum_seed;
  if (sqlite3_prepare_v2(db,
                         "SELECT kind, count(*), sum(price) FROM item WHERE price > ?1"
                         " AND id % 3 <> 0 GROUP BY kind ORDER BY 3 DESC LIMIT 4",
                         -1, &stmt, NULL) != SQLITE_OK)
    return 0;
  sqlite3_bind_int(stmt, 1, (int)(i % ROWS));
  while (sqlite3_step(stmt) == SQLITE_ROW) {
    sum = checksum_string(sum, (const char *)sqlite3_column_text(stmt, 0));
    sum = checksum_word(sum, (uint64_t)sqlite3_column_int64(stmt, 2));
  }
  return sqlite3_finalize(stmt) == SQLITE_OK ? sum : 0;
}

// A library is not called from the first frame of a server: some lie above, with what has been
// read and whom to answer.  Less than the first stack, and the library needs more.
enum { SERVER_BYTES = 6 * 1024 };

struct request {
  size_t i;
  uint64_t (*serve)(size_t);
  size_t needed;
  uint64_t sum;
};

static void call_library(void *arg) {
  struct request *r = arg;
  r->sum = r->serve(r->i);
}

static void handle(void *arg) {
  struct request *r = arg;
  const uint64_t begin = clock_ns();
  call_with_stack(r->needed, call_library, r);
  note_call(clock_ns() - begin);
}

static void request(size_t i, uint64_t (*serve)(size_t), size_t needed) {
  struct request r = {i, serve, needed, 0};
  crowd_add(descend(SERVER_BYTES, handle, &r));
  crowd_add(r.sum);
}

static uint64_t expect_requests(size_t n, uint64_t (*serve)(size_t)) {
  uint64_t sum = n * descend(SERVER_BYTES, NULL, NULL);
  for (size_t i = 0; i < n; i++)
    sum += serve(i);
  return sum;
}

static void sqlite_member(size_t i) {
  request(i, query, SQLITE_NEEDED);
}

static uint64_t run_sqlite(size_t n) {
  crowd_start(n, sqlite_member);
  return crowd_join();
}

static uint64_t expect_sqlite(size_t n) {
  return expect_requests(n, query);
}

// ---- zlib ------------------------------------------------------------------------------------
enum { ZLIB_NEEDED = 8 * 1024 };

// Packs a document with a z_stream on the heap, and returns a checksum of what comes out; 0 if
// something failed.
static uint64_t pack(size_t i) {
  unsigned char *out = malloc(2 * DOCUMENT_BYTES);
  z_stream *z = calloc(1, sizeof *z);
  uint64_t sum = 0;
  if (out && z && deflateInit(z, 6) == Z_OK) {
    z->next_in = (unsigned char *)corpus[i % DOCUMENTS].text;
    z->avail_in = (uInt)corpus[i % DOCUMENTS].bytes;
    z->next_out = out;
    z->avail_out = 2 * DOCUMENT_BYTES;
    if (deflate(z, Z_FINISH) == Z_STREAM_END)
      sum = checksum_bytes(checksum_seed, out, z->total_out);
    deflateEnd(z);
  }
  free(z);
  free(out);
  return sum;
}

static void zlib_member(size_t i) {
  request(i, pack, ZLIB_NEEDED);
}

static uint64_t run_zlib(size_t n) {
  crowd_start(n, zlib_member);
  return crowd_join();
}

static uint64_t expect_zlib(size_t n) {
  return expect_requests(n, pack);
}

// ---- Rows ------------------------------------------------------------------------------------
static const size_t parsers_sizes[] = {10000, 100000, 0};
const struct workload workload_json_parsers = {
    .name = "json_parsers",
    .library = "own code",
    .does = "each parses a small document of up to 48 levels, waits for all others, parses another",
    .checkpoint_bytes = JSON_NEEDED,
    .prepare = prepare_corpus,
    .run = run_parsers,
    .kind = KIND_PROGRAM,
    .sizes = parsers_sizes,
    .quick_sizes = 1,
    .expect = expect_parsers,
};

static const size_t requests_sizes[] = {500, 10000, 0};
const struct workload workload_sqlite_requests = {
    .name = "sqlite_requests",
    .library = "SQLite",
    .does = "a goroutine for each request prepares a query, steps through it and ends",
    .checkpoint_bytes = SQLITE_NEEDED,
    .prepare = prepare_database,
    .run = run_sqlite,
    .kind = KIND_PROGRAM,
    .sizes = requests_sizes,
    .quick_sizes = 1,
    .expect = expect_sqlite,
};

const struct workload workload_zlib_requests = {
    .name = "zlib_requests",
    .library = "zlib",
    .does = "a goroutine for each request deflates a small document and ends",
    .checkpoint_bytes = ZLIB_NEEDED,
    .prepare = prepare_corpus,
    .run = run_zlib,
    .kind = KIND_PROGRAM,
    .sizes = requests_sizes,
    .quick_sizes = 1,
    .expect = expect_zlib,
};
