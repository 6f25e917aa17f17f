// rows.h: every workload by name; each is defined in the file of its library.
#ifndef STACKLAB_BENCH_WORKLOADS_ROWS_H_
#define STACKLAB_BENCH_WORKLOADS_ROWS_H_

#include "bench/workloads/workload.h"

// zlib_streams.c
extern const struct workload workload_zlib_deflate_stack;
extern const struct workload workload_zlib_deflate_heap;
extern const struct workload workload_zlib_inflate_stack;
extern const struct workload workload_zlib_inflate_heap;
// sqlite_query.c
extern const struct workload workload_sqlite_prepare;
extern const struct workload workload_sqlite_step;
// lua_script.c
extern const struct workload workload_lua_script;
extern const struct workload workload_lua_pcall_error;
// libc_calls.c
extern const struct workload workload_qsort_stack;
extern const struct workload workload_qsort_heap;
extern const struct workload workload_regex;
extern const struct workload workload_format_numbers;
// json_parse.c
extern const struct workload workload_json_parse;
// growth_steps.c
extern const struct workload workload_step;
extern const struct workload workload_climb;
// recursion.c
extern const struct workload workload_fib;
extern const struct workload workload_tak;
extern const struct workload workload_ack;
extern const struct workload workload_mutual;
extern const struct workload workload_deep;
// hot_split.c
extern const struct workload workload_hot_split;
extern const struct workload workload_thrash;
extern const struct workload workload_thrash_park;
extern const struct workload workload_thrash_asked;
extern const struct workload workload_thrash_idle;
// shrink.c
extern const struct workload workload_shrink_never;
extern const struct workload workload_shrink_asked;
extern const struct workload workload_shrink_idle;
// many.c
extern const struct workload workload_skynet;
extern const struct workload workload_ring;
extern const struct workload workload_c10m;
// requests.c
extern const struct workload workload_json_parsers;
extern const struct workload workload_sqlite_requests;
extern const struct workload workload_zlib_requests;

#endif
