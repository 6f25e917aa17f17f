// The registers of an interrupted x86-64 of Apple's, for darwin_units_test.
#include "tests/darwin_units.h"

void test_registers(void) {
  enum {
    FS = 184, XMM = FS + 168, YMM = FS + 588, MASKS = YMM + 256, ZMM = MASKS + 64,
    ALL = 2632,
  };
  static _Alignas(16) unsigned char room[ALL];
  const mcontext_t mc = (mcontext_t)room;
  const struct {
    size_t size;
    uint64_t words;
  } kinds[] = {{712, 16 + 32}, {1032, 16 + 64}, {ALL, 16 + 64 + 192}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    ucontext_t uc = {.uc_mcontext = mc, .uc_mcsize = kinds[i].size};
    dress(room, sizeof room);
    dress(room + YMM, ALL - YMM - 4);
    CHECK(adjust(&uc) == kinds[i].words);
    CHECK(all_are((unsigned char *)&mc->__ss.__rax, 16 * 8, OLD + DELTA));
    CHECK(mc->__ss.__rip == OLD);
    CHECK(all_are(room + XMM, 256, OLD + DELTA));
    CHECK(all_are(room + YMM, 256, i >= 1 ? OLD + DELTA : OLD));
    CHECK(all_are(room + MASKS, 64, OLD));
    CHECK(all_are(room + ZMM, 1536, i >= 2 ? OLD + DELTA : OLD));
  }
  ucontext_t uc = {.uc_mcontext = mc, .uc_mcsize = 712};
  test_calls(&uc, &mc->__ss.__rip, &mc->__ss.__rsp, 8);
  CHECK(*(uint64_t *)mc->__ss.__rsp == 0x1234);  // where rt_asyncpreempt returns to
}
