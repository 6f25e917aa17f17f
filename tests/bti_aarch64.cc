// Has the processor look for landing pads in the runtime's code, which --config=pac compiles with
// them.  The linker's note would have ld.so do it for the whole program, but Debian's
// crt1.o, libgcc.a and libbacktrace.a have none.
#include <gtest/gtest.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#ifndef PROT_BTI
#define PROT_BTI 0x10  // Linux, arch/arm64/include/uapi/asm/mman.h
#endif
#ifndef HWCAP2_BTI
#define HWCAP2_BTI (1 << 17)
#endif

extern "C" char __start_rt_text[], __stop_rt_text[];  // of the linker

namespace {

class LandingPads : public ::testing::Environment {
  void SetUp() override {
    if (!(getauxval(AT_HWCAP2) & HWCAP2_BTI)) return;
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const uintptr_t lo = (reinterpret_cast<uintptr_t>(__start_rt_text) + page - 1) & -page;
    const uintptr_t hi = reinterpret_cast<uintptr_t>(__stop_rt_text) & -page;
    ASSERT_GT(hi, lo);
    ASSERT_EQ(mprotect(reinterpret_cast<void *>(lo), hi - lo, PROT_READ | PROT_EXEC | PROT_BTI),
              0);
  }
};

const auto *const landing_pads = ::testing::AddGlobalTestEnvironment(new LandingPads);

}  // namespace
