// Every version of the word loops gives the bytes and the count that the contract asks for, on
// every length and alignment, and touches nothing else.  What lies around the buffers is checked
// with canaries here and with inaccessible pages in adjustwords_guard_test.cc.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "runtime/arch/adjusters.h"

namespace {

constexpr uint64_t kMax = ~uint64_t{0};
constexpr uint64_t kCanary = 0xc0ffee11deadbeef;

// The contract, said another way than the code says it.
uint64_t Want(uint64_t w, const rt_wordmove &mv) {
  return mv.first <= w && w <= mv.last ? w + mv.delta : w;
}

uint64_t WantCount(const std::vector<uint64_t> &image, const rt_wordmove &mv) {
  uint64_t n = 0;
  for (uint64_t w : image) n += mv.first <= w && w <= mv.last;
  return n;
}

std::vector<const rt_adjuster *> Versions() {
  std::vector<const rt_adjuster *> v(RT_ADJUSTERS_MAX);
  v.resize(rt_arch_adjusters(v.data(), v.size()));
  return v;
}

// Words at an offset from a multiple of 64 bytes, with canaries on both sides.
class Fenced {
 public:
  Fenced(size_t nwords, size_t offset) : all_(nwords + 3 * kFence, kCanary), nwords_(nwords) {
    const size_t start = reinterpret_cast<uintptr_t>(all_.data()) / 8 % 8;
    begin_ = kFence + (8 - start) + offset;
  }
  uint64_t *words() { return all_.data() + begin_; }
  bool FencesStand() const {
    for (size_t i = 0; i < all_.size(); i++)
      if ((i < begin_ || i >= begin_ + nwords_) && all_[i] != kCanary) return false;
    return true;
  }

 private:
  static constexpr size_t kFence = 16;
  std::vector<uint64_t> all_;
  size_t nwords_, begin_;
};

// Runs each test once with stores through the cache and once with every image "larger than it".
class AdjustWords : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override { before_ = rt_arch_set_stream_bytes(GetParam() ? 0 : SIZE_MAX); }
  void TearDown() override { rt_arch_set_stream_bytes(before_); }

 private:
  size_t before_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Stores, AdjustWords, ::testing::Bool(),
                         [](const auto &i) { return i.param ? "Streaming" : "Cached"; });

// Fused and in place, every version: the bytes and the count are the contract's.
void ExpectContract(const std::vector<uint64_t> &image, const rt_wordmove &mv, size_t src_offset,
                    size_t dst_offset) {
  const size_t n = image.size();
  std::vector<uint64_t> want(n);
  for (size_t i = 0; i < n; i++) want[i] = Want(image[i], mv);
  const uint64_t count = WantCount(image, mv);
  for (const rt_adjuster *v : Versions()) {
    SCOPED_TRACE(std::string(v->name) + ", " + std::to_string(n) + " words, offsets " +
                 std::to_string(src_offset) + " and " + std::to_string(dst_offset));
    Fenced src(n, src_offset), dst(n, dst_offset);
    std::copy(image.begin(), image.end(), src.words());
    ASSERT_EQ(v->copy(dst.words(), src.words(), n, &mv), count);
    ASSERT_TRUE(std::equal(want.begin(), want.end(), dst.words())) << "fused";
    ASSERT_TRUE(std::equal(image.begin(), image.end(), src.words())) << "src was written";
    ASSERT_EQ(v->adjust(src.words(), n, &mv), count);
    ASSERT_TRUE(std::equal(want.begin(), want.end(), src.words())) << "in place";
    ASSERT_TRUE(src.FencesStand() && dst.FencesStand());
  }
}

// One word, in every lane of an image of words that stay.
void ExpectMoves(uint64_t w, uint64_t moved, const rt_wordmove &mv, uint64_t stays) {
  for (size_t lane = 0; lane < 40; lane++) {
    std::vector<uint64_t> image(40, stays);
    image[lane] = w;
    for (const rt_adjuster *v : Versions()) {
      std::vector<uint64_t> dst(image.size());
      const uint64_t count = v->copy(dst.data(), image.data(), image.size(), &mv);
      EXPECT_EQ(dst[lane], moved) << v->name << " lane " << lane;
      EXPECT_EQ(count, uint64_t{w != moved}) << v->name << " lane " << lane;
      std::vector<uint64_t> in_place = image;
      EXPECT_EQ(v->adjust(in_place.data(), in_place.size(), &mv), count) << v->name;
      EXPECT_EQ(in_place, dst) << v->name << " lane " << lane;
    }
  }
}

const rt_wordmove kStack = {0x7f5580000000, 0x7f5580100000, 0x40000000};

TEST_P(AdjustWords, TheWordBelowTheSlotStays) {
  ExpectMoves(kStack.first - 1, kStack.first - 1, kStack, 0);
}

TEST_P(AdjustWords, TheLowestAddressOfTheSlotMoves) {
  ExpectMoves(kStack.first, kStack.first + kStack.delta, kStack, 0);
}

TEST_P(AdjustWords, AnUnalignedAddressMoves) {
  ExpectMoves(kStack.last - 3, kStack.last - 3 + kStack.delta, kStack, 0);
}

TEST_P(AdjustWords, OnePastTheEndPointerMovesWithItsArray) {
  ExpectMoves(kStack.last, kStack.last + kStack.delta, kStack, 0);
}

TEST_P(AdjustWords, TheWordAboveHiStays) {
  ExpectMoves(kStack.last + 1, kStack.last + 1, kStack, 0);
}

TEST_P(AdjustWords, NegativeDeltaMovesDown) {
  rt_wordmove mv = kStack;
  mv.delta = 0 - uint64_t{0x10000};
  ExpectMoves(mv.first + 5, mv.first + 5 - 0x10000, mv, 0);
}

TEST_P(AdjustWords, DeltaWrapsModulo64Bits) {
  const rt_wordmove mv = {kMax - 100, kMax, 200};
  ExpectMoves(kMax, 199, mv, 7);
  ExpectMoves(kMax - 100, 99, mv, 7);
  ExpectMoves(kMax - 101, kMax - 101, mv, 7);
  ExpectMoves(0, 0, mv, 7);
}

TEST_P(AdjustWords, RangeOfOneWordMovesThatWordAlone) {
  for (uint64_t only : {uint64_t{0}, uint64_t{0x7f0000000000}, kMax}) {
    const rt_wordmove mv = {only, only, 3};
    ExpectMoves(only, only + 3, mv, 0x1234);
    ExpectMoves(only + 1, only + 1, mv, 0x1234);
    ExpectMoves(only - 1, only - 1, mv, 0x1234);
  }
}

TEST_P(AdjustWords, WholeAddressSpaceMovesEveryWord) {
  std::mt19937_64 random(1);
  for (size_t n = 0; n < 70; n++) {
    std::vector<uint64_t> image(n);
    for (uint64_t &w : image) w = random();
    ExpectContract(image, {0, kMax, 0x1000}, 0, 0);
  }
}

TEST_P(AdjustWords, WordsDifferingInTheUpperHalfOnlyAreToldApart) {
  const rt_wordmove mv = {0x500000010, 0x500000020, 0x100};
  for (uint64_t upper : {0u, 1u, 4u, 6u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    const uint64_t w = upper << 32 | 0x18;
    ExpectMoves(w, w, mv, 0);
  }
  ExpectMoves(0x500000018, 0x500000118, mv, 0);
}

// Boundaries where the top bit, the upper half or the lower half turns over.
const uint64_t kEdges[] = {0,          1,          0x7fffffff,          0x80000000, 0xffffffff,
                           0x100000000, 0x100000001, 0x7fffffffffffffff, uint64_t{1} << 63,
                           (uint64_t{1} << 63) + 1, 0xffffffff00000000, kMax - 1, kMax};

TEST_P(AdjustWords, EveryBoundaryHoldsFromBothSides) {
  for (uint64_t first : kEdges)
    for (uint64_t last : kEdges) {
      if (first > last) continue;
      const rt_wordmove mv = {first, last, 0x5000};
      std::vector<uint64_t> image;
      for (uint64_t edge : kEdges)
        for (int d = -2; d <= 2; d++) image.push_back(edge + static_cast<uint64_t>(d));
      ExpectContract(image, mv, 0, 0);
    }
}

TEST_P(AdjustWords, EveryLengthAtEveryAlignmentAgreesWithTheContract) {
  std::mt19937_64 random(2);
  for (size_t n = 0; n <= 70; n++)
    for (size_t offsets = 0; offsets < 64; offsets++) {
      std::vector<uint64_t> image(n);
      for (uint64_t &w : image) {
        const uint64_t near = random() % 5 - 2, kind = random() % 4;
        w = kind == 0 ? kStack.first + near : kind == 1 ? kStack.last + near : random();
        if (kind == 2) w = kStack.first + w % (kStack.last - kStack.first);
      }
      ExpectContract(image, kStack, offsets / 8, offsets % 8);
      if (HasFatalFailure()) return;
    }
}

TEST_P(AdjustWords, AnImageLargerThanTheCacheAgreesWithTheContract) {
  std::mt19937_64 random(3);
  for (size_t n : {size_t{5000}, (size_t{1} << 20) + 13}) {
    std::vector<uint64_t> image(n, 1);
    for (uint64_t &w : image)
      if (random() % 32 == 0) w = kStack.first + random() % 0x100002;
    ExpectContract(image, kStack, 3, 5);
  }
}

// ---- Tied to the scalar version, which is proved (docs/proof.md) ------------------------------

constexpr size_t kStep = 32;  // words: the longest step of any version

// Every version gives what the scalar one gives, at this offset from a multiple of 64 bytes.
void ExpectTied(const uint64_t *image, size_t n, size_t offset, const rt_wordmove &mv) {
  alignas(64) uint64_t want[kStep], dst[kStep + 16], src[kStep + 16];
  const uint64_t count = rt_adjuster_scalar.copy(want, image, n, &mv);
  for (const rt_adjuster *v : Versions()) {
    std::fill(dst, dst + kStep + 16, kCanary);
    std::copy(image, image + n, src + offset);
    bool same = v->copy(dst + offset, src + offset, n, &mv) == count;
    same &= std::equal(want, want + n, dst + offset);
    same &= dst[offset + n] == kCanary && (offset == 0 || dst[offset - 1] == kCanary);
    same &= v->adjust(src + offset, n, &mv) == count;
    same &= std::equal(want, want + n, src + offset);
    ASSERT_TRUE(same) << v->name << ", offset " << offset << ", words "
                      << ::testing::PrintToString(std::vector<uint64_t>(image, image + n));
  }
}

TEST_P(AdjustWords, EveryPatternOfUpToFiveWordsAtEveryAlignmentIsTheScalarOnes) {
  const uint64_t kinds[] = {kStack.first - 1, kStack.first, kStack.first + 0x1238,
                            kStack.last - 1,  kStack.last,  kStack.last + 1};
  size_t patterns = 1;
  for (size_t n = 0; n <= 5; n++, patterns *= 6)
    for (size_t pattern = 0; pattern < patterns; pattern++) {
      uint64_t image[5];
      for (size_t i = 0, rest = pattern; i < n; i++, rest /= 6) image[i] = kinds[rest % 6];
      for (size_t offset = 0; offset < 8; offset++) ExpectTied(image, n, offset, kStack);
      if (HasFatalFailure()) return;
    }
}

// In a step of any version: every choice of which of 16 words move, below and above its complement.
TEST_P(AdjustWords, EveryMaskOfSixteenLanesIsTheScalarOnes) {
  const uint64_t move[] = {kStack.first, kStack.last, kStack.last - 1, kStack.first + 1};
  const uint64_t stay[] = {kStack.first - 1, kStack.last + 1};
  for (uint32_t mask = 0; mask < 1 << 16; mask++) {
    uint64_t image[kStep];
    for (size_t i = 0; i < kStep; i++)
      image[i] = (mask | ~mask << 16) >> i & 1 ? move[i * 7 % 4] : stay[i * 3 / 2 % 2];
    ExpectTied(image, kStep, 0, kStack);
    if (HasFatalFailure()) return;
  }
}

TEST_P(AdjustWords, ThereAndBackIsTheIdentity) {
  std::mt19937_64 random(4);
  const rt_wordmove back = {kStack.first + kStack.delta, kStack.last + kStack.delta,
                            0 - kStack.delta};
  std::vector<uint64_t> image(1000);
  // No word may name the new place before the move, or it would come back from a place it never
  // went to.
  for (uint64_t &w : image)
    w = random() % 2 ? random() % kStack.first : kStack.first + random() % 0x100001;
  for (const rt_adjuster *v : Versions()) {
    std::vector<uint64_t> there(image.size()), again(image.size());
    const uint64_t count = v->copy(there.data(), image.data(), image.size(), &kStack);
    EXPECT_EQ(count, WantCount(image, kStack));
    EXPECT_EQ(v->copy(again.data(), there.data(), there.size(), &back), count);
    EXPECT_EQ(again, image) << v->name;
    EXPECT_EQ(v->adjust(there.data(), there.size(), &back), count);
    EXPECT_EQ(there, image) << v->name;
  }
}

TEST(Adjusters, ListBeginsWithScalarAndEndsWithTheBest) {
  const std::vector<const rt_adjuster *> all = Versions();
  ASSERT_GE(all.size(), 1u);
  EXPECT_EQ(all.front(), &rt_adjuster_scalar);
  EXPECT_EQ(all.back(), rt_arch_best_adjuster());
}

TEST(Adjusters, ListNeverWritesMoreThanAsked) {
  const rt_adjuster *out[2] = {nullptr, nullptr};
  EXPECT_EQ(rt_arch_adjusters(out, 0), 0u);
  EXPECT_EQ(out[0], nullptr);
  EXPECT_EQ(rt_arch_adjusters(out, 1), 1u);
  EXPECT_EQ(out[0], &rt_adjuster_scalar);
  EXPECT_EQ(out[1], nullptr);
}

}  // namespace
