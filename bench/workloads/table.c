// table.c: the list of workloads, in the order of the report.
#include "bench/workloads/rows.h"
#include "bench/workloads/workload.h"

#include <string.h>

const struct workload *const workload_table[] = {
    &workload_zlib_deflate_stack,
    &workload_zlib_deflate_heap,
    &workload_zlib_inflate_stack,
    &workload_zlib_inflate_heap,
    &workload_sqlite_prepare,
    &workload_sqlite_step,
    &workload_lua_script,
    &workload_lua_pcall_error,
    &workload_qsort_stack,
    &workload_qsort_heap,
    &workload_regex,
    &workload_format_numbers,
    &workload_json_parse,
    &workload_step,
    &workload_climb,
    &workload_fib,
    &workload_tak,
    &workload_ack,
    &workload_mutual,
    &workload_deep,
    &workload_hot_split,
    &workload_thrash,
    &workload_thrash_park,
    &workload_thrash_asked,
    &workload_thrash_idle,
    &workload_shrink_never,
    &workload_shrink_asked,
    &workload_shrink_idle,
    &workload_skynet,
    &workload_ring,
    &workload_c10m,
    &workload_json_parsers,
    &workload_sqlite_requests,
    &workload_zlib_requests,
    NULL,
};

const struct workload *workload_find(const char *name) {
  for (size_t i = 0; workload_table[i]; i++) {
    if (!strcmp(workload_table[i]->name, name))
      return workload_table[i];
  }
  return NULL;
}
