// The word loops read and write nothing outside their buffers: each buffer begins right after an
// inaccessible page, or ends right before one.  Sanitizers cannot tell: these functions opt out.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

#include "runtime/arch/adjusters.h"

namespace {

// Two accessible pages between two inaccessible ones.
class Walled {
 public:
  Walled() : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    void *p = mmap(nullptr, 4 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) abort();
    base_ = static_cast<char *>(p);
    if (mprotect(base_ + page_, 2 * page_, PROT_READ | PROT_WRITE) != 0) abort();
  }
  ~Walled() { munmap(base_, 4 * page_); }
  Walled(const Walled &) = delete;
  Walled &operator=(const Walled &) = delete;
  uint64_t *AtTheBottom() { return reinterpret_cast<uint64_t *>(base_ + page_); }
  uint64_t *AtTheTop(size_t nwords) {
    return reinterpret_cast<uint64_t *>(base_ + 3 * page_) - nwords;
  }
  void MakeReadOnly() {
    if (mprotect(base_ + page_, 2 * page_, PROT_READ) != 0) abort();
  }

 private:
  size_t page_;
  char *base_ = nullptr;
};

const rt_wordmove kMove = {0x1000, 0x2000, 0x100000};

class AdjustWordsAtAWall : public ::testing::TestWithParam<size_t> {
 protected:
  void SetUp() override { before_ = rt_arch_set_stream_bytes(GetParam()); }
  void TearDown() override { rt_arch_set_stream_bytes(before_); }
  std::vector<const rt_adjuster *> Versions() {
    std::vector<const rt_adjuster *> v(RT_ADJUSTERS_MAX);
    v.resize(rt_arch_adjusters(v.data(), v.size()));
    return v;
  }

 private:
  size_t before_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Stores, AdjustWordsAtAWall, ::testing::Values(SIZE_MAX, size_t{0}),
                         [](const auto &i) { return i.param ? "Cached" : "Streaming"; });

TEST_P(AdjustWordsAtAWall, CopyTouchesNothingOutside) {
  Walled a, b;
  for (const rt_adjuster *v : Versions())
    for (size_t n = 0; n <= 300; n++)
      for (int side = 0; side < 4; side++) {
        uint64_t *src = side & 1 ? a.AtTheTop(n) : a.AtTheBottom();
        uint64_t *dst = side & 2 ? b.AtTheTop(n) : b.AtTheBottom();
        for (size_t i = 0; i < n; i++) src[i] = 0x1ff8 + i;
        ASSERT_EQ(v->copy(dst, src, n, &kMove), n < 9 ? n : 9) << v->name;
        for (size_t i = 0; i < n; i++)
          ASSERT_EQ(dst[i], 0x1ff8 + i + (i < 9 ? 0x100000 : 0)) << v->name << " word " << i;
      }
}

TEST_P(AdjustWordsAtAWall, AdjustTouchesNothingOutside) {
  Walled a;
  for (const rt_adjuster *v : Versions())
    for (size_t n = 0; n <= 300; n++)
      for (int side = 0; side < 2; side++) {
        uint64_t *image = side ? a.AtTheTop(n) : a.AtTheBottom();
        for (size_t i = 0; i < n; i++) image[i] = 0x1ff8 + n - i;
        ASSERT_EQ(v->adjust(image, n, &kMove), n < 8 ? n : 8) << v->name;
        for (size_t i = 0; i < n; i++)
          ASSERT_EQ(image[i], 0x1ff8 + n - i + (n - i <= 8 ? 0x100000 : 0)) << v->name;
      }
}

TEST_P(AdjustWordsAtAWall, CopyReadsAStackThatMayNotBeWritten) {
  Walled a, b;
  const size_t n = 301;
  uint64_t *src = a.AtTheTop(n);
  for (size_t i = 0; i < n; i++) src[i] = 0x1000 + i;
  a.MakeReadOnly();
  for (const rt_adjuster *v : Versions())
    ASSERT_EQ(v->copy(b.AtTheBottom(), src, n, &kMove), n) << v->name;
}

}  // namespace
