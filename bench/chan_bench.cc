// What channels and select cost between goroutines that do nothing else; elements of 8 bytes.  The
// number in a name is GOMAXPROCS.  bench/go has the same in Go.
#include <benchmark/benchmark.h>

#include "bench/goroutine.h"

namespace {

constexpr int kChannels = 4;

struct Channels {
  int64_t n;  // elements to send
  go_chan *c[kChannels];
};

Channels make(int64_t n, int channels, size_t cap) {
  Channels all = {n, {}};
  for (int i = 0; i < channels; i++)
    bench::check(go_chan_new(sizeof(int64_t), cap, &all.c[i]), "go_chan_new");
  return all;
}

void freeAll(const Channels &all) {
  for (go_chan *c : all.c) go_chan_free(c);
}

void BM_PingPong(benchmark::State &state) {
  bench::timeAll(state, static_cast<int>(state.range(0)), [](int64_t n) {
    Channels all = make(n, 2, 0);
    bench::spawn([](void *p) {
      Channels *mine = static_cast<Channels *>(p);
      int64_t v;
      while (go_chan_recv(mine->c[0], &v) == 0) go_chan_send(mine->c[1], &v);
      go_chan_close(mine->c[1]);
    }, &all);
    for (int64_t i = 0, v; i < n; i++) {
      go_chan_send(all.c[0], &i);
      go_chan_recv(all.c[1], &v);
    }
    go_chan_close(all.c[0]);
    int64_t v;
    bench::check(go_chan_recv(all.c[1], &v) == GO_ECLOSED ? 0 : GO_EINVAL, "the last receive");
    freeAll(all);
  });
}
BENCHMARK(BM_PingPong)->Arg(1)->Arg(2)->UseRealTime();

// One goroutine sends, one receives.
void BM_Buffered128(benchmark::State &state) {
  bench::timeAll(state, static_cast<int>(state.range(0)), [](int64_t n) {
    Channels all = make(n, 1, 128);
    bench::spawn([](void *p) {
      Channels *mine = static_cast<Channels *>(p);
      for (int64_t i = 0; i < mine->n; i++) go_chan_send(mine->c[0], &i);
      go_chan_close(mine->c[0]);
    }, &all);
    int64_t v, sum = 0;
    while (go_chan_recv(all.c[0], &v) == 0) sum += v;
    benchmark::DoNotOptimize(sum);
    freeAll(all);
  });
}
BENCHMARK(BM_Buffered128)->Arg(1)->Arg(2)->UseRealTime();

// One goroutine sends to four channels in turn, one selects over them.
void BM_SelectOf4(benchmark::State &state, size_t cap) {
  bench::timeAll(state, static_cast<int>(state.range(0)), [cap](int64_t n) {
    Channels all = make(n, kChannels, cap);
    bench::spawn([](void *p) {
      Channels *mine = static_cast<Channels *>(p);
      for (int64_t i = 0; i < mine->n; i++) go_chan_send(mine->c[i % kChannels], &i);
    }, &all);
    int64_t v, sum = 0;
    for (int64_t i = 0; i < n; i++) {
      go_case cases[kChannels];
      for (int k = 0; k < kChannels; k++) cases[k] = {GO_RECV, all.c[k], &v, 0};
      go_select(cases, kChannels);
      sum += v;
    }
    benchmark::DoNotOptimize(sum);
    freeAll(all);
  });
}
BENCHMARK_CAPTURE(BM_SelectOf4, unbuffered, 0)->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK_CAPTURE(BM_SelectOf4, buffered, 128)->Arg(1)->Arg(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
