// libraries.h: libraries that call back while the stack grows.
#ifndef STACKLAB_BENCH_HAZARDS_LIBRARIES_H_
#define STACKLAB_BENCH_HAZARDS_LIBRARIES_H_

#include <stdint.h>

// Prepares all of these and the workloads of tools/compare; 0 on success.  Once.
int libraries_prepare(void);

uint64_t zlib_grow_between_calls(uint64_t n), zlib_grow_between_calls_heap(uint64_t n),
    zlib_compress_whole(uint64_t n), sqlite_grow_in_prepare(uint64_t n),
    sqlite_grow_in_step(uint64_t n), lua_grow_in_script(uint64_t n), lua_grow_in_pcall(uint64_t n);

#endif
