// Many goroutines at once: 100,000 that are spawned and waited for, and skynet's 1,111,111.
// `first` is what a process pays that has not had them before, if it is the first in its process;
// `again` comes after one such round that is not measured.  The number in a name is GOMAXPROCS.
// bench/go has the same in Go.
//
// Stacks of `reserve` are small here: at the default of 256 MiB a million of them would
// need more addresses than there are.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/goroutine.h"

namespace {

constexpr int kSpawned = 100000;
constexpr int64_t kLeaves = 1000000;
constexpr int kChildren = 10;

// Times fn() on stacks of that strategy.
template <typename Fn>
void timeEach(benchmark::State &state, const char *growth, bool again, Fn fn) {
  go_config config = {};
  config.maxprocs = static_cast<int>(state.range(0));
  config.growth = growth;
  config.stack_reserve = bench::kSmallReserve;
  bench::onGoroutine(state, config, [&](benchmark::State &s) {
    if (again) fn();
    for (auto _ : s) fn();
  });
}

void BM_SpawnWait(benchmark::State &state, const char *growth, bool again) {
  static go_waitgroup wg;  // not on a stack that may move
  timeEach(state, growth, again, [] {
    go_waitgroup_add(&wg, kSpawned);
    for (int i = 0; i < kSpawned; i++)
      bench::spawn([](void *) { go_waitgroup_done(&wg); }, nullptr);
    go_waitgroup_wait(&wg);
  });
}

// A node of skynet sends the sum of the numbers of the leaves below it.
struct Node {
  go_chan *result;
  int64_t first, leaves;
};

void skynet(void *p) {
  const Node *node = static_cast<Node *>(p);
  if (node->leaves == 1) {
    go_chan_send(node->result, &node->first);
    return;
  }
  go_chan *results;
  bench::check(go_chan_new(sizeof(int64_t), 0, &results), "go_chan_new");
  Node children[kChildren];  // a child has read its own when we return
  for (int i = 0; i < kChildren; i++) {
    const int64_t leaves = node->leaves / kChildren;
    children[i] = {results, node->first + i * leaves, leaves};
    bench::spawn(skynet, &children[i]);
  }
  int64_t sum = 0, one;
  for (int i = 0; i < kChildren; i++) {
    go_chan_recv(results, &one);
    sum += one;
  }
  go_chan_free(results);
  go_chan_send(node->result, &sum);
}

void BM_Skynet(benchmark::State &state, bool again) {
  timeEach(state, "reserve", again, [] {
    Node root = {nullptr, 0, kLeaves};
    bench::check(go_chan_new(sizeof(int64_t), 0, &root.result), "go_chan_new");
    bench::spawn(skynet, &root);
    int64_t sum = 0;
    go_chan_recv(root.result, &sum);
    bench::check(sum == kLeaves * (kLeaves - 1) / 2 ? 0 : GO_EINVAL, "skynet's sum");
    go_chan_free(root.result);
  });
}

#define ONCE ->Arg(1)->Arg(2)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond)

// Skynet is about the scheduler: the strategy that does nothing has it.
BENCHMARK_CAPTURE(BM_Skynet, reserve/first, false) ONCE;
BENCHMARK_CAPTURE(BM_Skynet, reserve/again, true) ONCE;

}  // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (int i = 0; const char *growth = go_growth_name(i); i++)
    for (const bool again : {false, true})
      benchmark::RegisterBenchmark(
          (std::string("BM_SpawnWait/") + growth + (again ? "/again" : "/first")).c_str(),
          BM_SpawnWait, growth, again) ONCE;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
