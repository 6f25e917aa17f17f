// The word loops of copystack beside memcpy of the same bytes, the floor of any copy.
//
//   copy/VERSION/SIZE/SHARE     copy-and-adjust into a warm destination
//   adjust/VERSION/SIZE/SHARE   adjust in place; the image is moved out and back, so that every
//                               round sees the same bytes
//   memcpy/SIZE                 the baseline of both
//
// SIZE is the image in bytes, SHARE the percentage of words that name the old stack, spread at
// random.  Source and destination have the same offset in a page, as stacks have: both hang from
// an aligned hi.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include "runtime/arch/adjusters.h"

namespace {

constexpr size_t kPage = 4096;

// Whole pages of words, written once so that every page is there.
class Image {
 public:
  explicit Image(size_t bytes)
      : words_(static_cast<uint64_t *>(std::aligned_alloc(kPage, bytes + kPage))) {
    std::memset(words_, 1, bytes + kPage);
  }
  ~Image() { std::free(words_); }
  Image(const Image &) = delete;
  Image &operator=(const Image &) = delete;
  uint64_t *words() { return words_; }

 private:
  uint64_t *words_;
};

rt_wordmove Move(size_t bytes) {
  const uint64_t hi = 0x7f5580000000u;
  return {hi - bytes, hi, 0x123400000u};
}

void Fill(uint64_t *words, size_t nwords, int share, const rt_wordmove &mv) {
  std::mt19937_64 random(nwords);
  for (size_t i = 0; i < nwords; i++) {
    const bool pointer = static_cast<int>(random() % 100) < share;
    words[i] = pointer ? mv.first + random() % (mv.last - mv.first) : random() % 1000;
  }
}

void BM_memcpy(benchmark::State &state, size_t bytes) {
  Image src(bytes), dst(bytes);
  for (auto _ : state) {
    // Both escape, or the compiler would see that nobody reads the copy.
    uint64_t *to = dst.words(), *from = src.words();
    benchmark::DoNotOptimize(to);
    benchmark::DoNotOptimize(from);
    std::memcpy(to, from, bytes);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
}

void BM_copy(benchmark::State &state, const rt_adjuster *version, size_t bytes, int share) {
  Image src(bytes), dst(bytes);
  const rt_wordmove mv = Move(bytes);
  Fill(src.words(), bytes / 8, share, mv);
  uint64_t adjusted = 0;
  for (auto _ : state) {
    adjusted += version->copy(dst.words(), src.words(), bytes / 8, &mv);
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(adjusted);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
}

void BM_adjust(benchmark::State &state, const rt_adjuster *version, size_t bytes, int share) {
  Image image(bytes);
  const rt_wordmove out = Move(bytes);
  const rt_wordmove back = {out.first + out.delta, out.last + out.delta, 0 - out.delta};
  Fill(image.words(), bytes / 8, share, out);
  uint64_t adjusted = 0;
  for (auto _ : state) {
    adjusted += version->adjust(image.words(), bytes / 8, &out);
    adjusted += version->adjust(image.words(), bytes / 8, &back);
  }
  benchmark::DoNotOptimize(adjusted);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes * 2));
}

void Register() {
  const rt_adjuster *versions[RT_ADJUSTERS_MAX];
  const size_t n = rt_arch_adjusters(versions, RT_ADJUSTERS_MAX);
  for (size_t bytes = 8 << 10; bytes <= 32 << 20; bytes *= 2) {
    const std::string size = "/" + std::to_string(bytes);
    benchmark::RegisterBenchmark(("memcpy" + size).c_str(), BM_memcpy, bytes);
    for (size_t i = 0; i < n; i++)
      for (int share : {0, 10, 50}) {
        const std::string name = versions[i]->name + size + "/" + std::to_string(share);
        benchmark::RegisterBenchmark(("copy/" + name).c_str(), BM_copy, versions[i], bytes, share);
        benchmark::RegisterBenchmark(("adjust/" + name).c_str(), BM_adjust, versions[i], bytes,
                                     share);
      }
  }
}

}  // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  Register();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
