// sqlite_query.c: SQLite over an in-memory database that an ordinary thread has filled.
//
// sqlite3_prepare keeps its parser on the stack and leaves pointers to it in heap structures
// while it runs; sqlite3_step of a statement prepared elsewhere keeps its state on the heap.
#include "bench/workloads/workload.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 160, STACK_NEEDED = 32 * 1024 };

static const char *const queries[] = {
    "SELECT kind, count(*), sum(amount), avg(amount) FROM orders GROUP BY kind ORDER BY 2 DESC, 1",
    "SELECT c.name, sum(o.amount) AS total FROM customers c JOIN orders o ON o.customer = c.id"
    " WHERE o.kind IN ('a','c') AND c.name LIKE '%7%' GROUP BY c.id HAVING total > 50"
    " ORDER BY total DESC LIMIT 10",
    "WITH RECURSIVE t(n, s) AS (SELECT 1, 1 UNION ALL SELECT n + 1, s + n * n FROM t WHERE n < 60)"
    " SELECT max(s), group_concat(n % 7, '') FROM t",
    "SELECT o1.id FROM orders o1 WHERE amount > (SELECT avg(amount) FROM orders o2"
    " WHERE o2.kind = o1.kind) AND CASE WHEN o1.id % 3 = 0 THEN 1 ELSE o1.id % 5 END = 1"
    " ORDER BY length(printf('%08.3f', amount)), o1.id LIMIT 20",
};
enum { QUERIES = sizeof queries / sizeof *queries };

static sqlite3 *db;
static sqlite3_stmt *prepared;

static int fill(void) {
  if (sqlite3_open(":memory:", &db) != SQLITE_OK)
    return -1;
  if (sqlite3_exec(db,
                   "CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT);"
                   "CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INT, kind TEXT,"
                   " amount REAL);"
                   "CREATE INDEX by_customer ON orders(customer); BEGIN",
                   NULL, NULL, NULL) != SQLITE_OK)
    return -1;
  for (int i = 1; i <= ROWS; i++) {
    char sql[200];
    snprintf(sql, sizeof sql,
             "INSERT INTO customers VALUES(%d,'customer %d');"
             "INSERT INTO orders VALUES(%d,%d,'%c',%d.25)",
             i, i * 37 % 1000, i, i * 17 % 60 + 1, 'a' + i % 4, i * 7919 % 500);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
      return -1;
  }
  return sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

static int prepare_step(void) {
  if (fill() != 0)
    return -1;
  return sqlite3_prepare_v2(db, queries[1], -1, &prepared, NULL) == SQLITE_OK ? 0 : -1;
}

// Steps through the result, hashing every value as text.
static uint64_t drain(sqlite3_stmt *stmt, uint64_t sum) {
  int code;
  while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
      const unsigned char *text = sqlite3_column_text(stmt, i);
      sum = checksum_string(sum, text ? (const char *)text : "");
    }
  }
  return checksum_word(sum, (uint64_t)code);
}

static uint64_t prepare_and_step(size_t size) {
  (void)size;
  uint64_t sum = checksum_seed;
  for (int i = 0; i < QUERIES; i++) {
    sqlite3_stmt *stmt = NULL;
    sum = checksum_word(sum, (uint64_t)sqlite3_prepare_v2(db, queries[i], -1, &stmt, NULL));
    sum = drain(stmt, sum);
    sum = checksum_word(sum, (uint64_t)sqlite3_finalize(stmt));
  }
  return sum;
}

static uint64_t step_prepared(size_t size) {
  (void)size;
  const uint64_t sum = drain(prepared, checksum_seed);
  return checksum_word(sum, (uint64_t)sqlite3_reset(prepared));
}

const struct workload workload_sqlite_prepare = {
    .name = "sqlite_prepare",
    .library = "SQLite",
    .does = "prepare four queries (join, recursive CTE, correlated subquery) and step through them",
    .checkpoint_bytes = STACK_NEEDED,
    .prepare = fill,
    .run = prepare_and_step,
};

const struct workload workload_sqlite_step = {
    .name = "sqlite_step",
    .library = "SQLite",
    .does = "step through a join that was prepared on another stack",
    .checkpoint_bytes = STACK_NEEDED,
    .prepare = prepare_step,
    .run = step_prepared,
};
