// Decodes instruction words of AArch64, for preindexed_oracle_test.py: one in hexadecimal on each
// line of stdin gives one line, "base offset bytes pre base_loaded" or "-".
#include <inttypes.h>
#include <stdio.h>

#include "runtime/arch/aarch64/preindexed.h"

int main(void) {
  uint32_t word;
  while (scanf("%" SCNx32, &word) == 1) {
    struct rt_preindexed in;
    if (rt_preindexed_decode(word, &in))
      printf("%d %d %d %d %d\n", in.base, in.offset, in.bytes, in.pre, in.base_loaded);
    else
      printf("-\n");
  }
  return 0;
}
