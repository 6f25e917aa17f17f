// The registers of an interrupted arm64 of Apple's, for darwin_units_test.
#include <string.h>
#include "runtime/os/posix/context.h"
#include "tests/darwin_units.h"

extern const char rt_asyncpreempt_back[];
const char rt_asyncpreempt_back[4];

void test_registers(void) {
  static struct __darwin_mcontext64 mc;
  ucontext_t uc = {.uc_mcontext = &mc, .uc_mcsize = sizeof mc};
  dress((unsigned char *)&mc, sizeof mc);
  CHECK(adjust(&uc) == 32 + 64);
  CHECK(all_are((unsigned char *)mc.__ss.__x, 32 * 8, OLD + DELTA) && mc.__ss.__pc == OLD);
  CHECK(all_are((unsigned char *)mc.__ns.__v, 512, OLD + DELTA));
  test_calls(&uc, &mc.__ss.__pc, &mc.__ss.__sp, sizeof mc);
  CHECK(mc.__ss.__sp % 16 == 0);
  // The breakpoint at the end of rt_asyncpreempt: all is as it was.
  CHECK(os_context_init() == 0 && installed);
  const struct __darwin_mcontext64 *kept = (void *)mc.__ss.__sp;
  CHECK(kept->__ss.__pc == 0x1234);
  mc.__ss.__pc = (uintptr_t)rt_asyncpreempt_back;
  memset(mc.__ss.__x, 0, sizeof mc.__ss.__x);
  memset(mc.__ns.__v, 0, sizeof mc.__ns.__v);
  installed(SIGTRAP, NULL, &uc);
  CHECK(mc.__ss.__pc == 0x1234 && all_are((unsigned char *)mc.__ss.__x, 31 * 8, OLD + DELTA));
  CHECK(all_are((unsigned char *)mc.__ns.__v, 512, OLD + DELTA));
}
