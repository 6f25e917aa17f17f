// memory.h: what this process takes, by /proc.
#ifndef STACKLAB_BENCH_WORKLOADS_MEMORY_H_
#define STACKLAB_BENCH_WORKLOADS_MEMORY_H_

#include <stdint.h>

// Bytes in RAM (Rss: what it shares counts whole), bytes of page tables, and the number of
// mappings, each of which costs the kernel some hundreds of bytes more.
struct memory {
  uint64_t resident;
  uint64_t page_tables;
  uint64_t mappings;
};

// memory_now fills in *out; all 0 where there is no /proc.  One caller at a time, on a stack with
// 4 KiB left; allocates nothing.
void memory_now(struct memory *out);

// memory_high_water returns the most bytes that were ever in RAM at once (VmHWM); 0 where there
// is no /proc.  As memory_now.
uint64_t memory_high_water(void);

#endif
