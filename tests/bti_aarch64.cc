// Has the processor look for landing pads in the runtime's code, which --config=pac compiles with
// them.  The linker's note would have ld.so do it for the whole program, but Debian's
// crt1.o, libgcc.a and libbacktrace.a have none.  In every suite of that configuration.
#include <gtest/gtest.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>

#ifndef PROT_BTI
#define PROT_BTI 0x10  // Linux, arch/arm64/include/uapi/asm/mman.h
#endif
#ifndef HWCAP2_BTI
#define HWCAP2_BTI (1 << 17)
#endif

extern "C" char __start_rt_text[], __stop_rt_text[];  // of the linker

namespace {

bool Looks() { return getauxval(AT_HWCAP2) & HWCAP2_BTI; }

struct Range {
  uintptr_t lo, hi;
};

// The whole pages of the runtime's code.
Range Protected() {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  return {(reinterpret_cast<uintptr_t>(__start_rt_text) + page - 1) & -page,
          reinterpret_cast<uintptr_t>(__stop_rt_text) & -page};
}

class Protection : public ::testing::Environment {
  void SetUp() override {
    if (!Looks()) return;  // the case below is skipped, and says so
    const Range r = Protected();
    ASSERT_GT(r.hi, r.lo);
    ASSERT_EQ(mprotect(reinterpret_cast<void *>(r.lo), r.hi - r.lo,
                       PROT_READ | PROT_EXEC | PROT_BTI),
              0);
  }
};

const auto *const protection = ::testing::AddGlobalTestEnvironment(new Protection);

// To a `ret`, which would only come back.
TEST(LandingPads, ACallToAPlaceWithoutOneIsCaught) {
  if (!Looks()) GTEST_SKIP() << "this CPU looks for no landing pads (BTI): none were asked for";
  constexpr uint32_t kRet = 0xd65f03c0;
  const Range r = Protected();
  const auto *const end = reinterpret_cast<const uint32_t *>(r.hi);
  const auto *const ret = std::find(reinterpret_cast<const uint32_t *>(r.lo), end, kRet);
  ASSERT_NE(ret, end);
  EXPECT_EXIT(
      {
        reinterpret_cast<void (*)()>(reinterpret_cast<uintptr_t>(ret))();
        _exit(0);
      },
      ::testing::KilledBySignal(SIGILL), "");
}

}  // namespace
