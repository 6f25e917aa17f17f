// boost_fiber.cc: Boost.Fiber, its round-robin scheduler on one thread.
#include <boost/fiber/all.hpp>
#include <boost/version.hpp>
#include <mutex>
#include <utility>

#include "bench/peers/peer.h"

namespace {

namespace fibers = boost::fibers;

void *spawn(void (*fn)(void *), void *arg) {
  fibers::fixedsize_stack stack(
      peer_stack_bytes ? peer_stack_bytes : fibers::fixedsize_stack::traits_type::default_size());
  return new fibers::fiber(std::allocator_arg, std::move(stack), fn, arg);
}

void join(void *p) {
  fibers::fiber *fiber = static_cast<fibers::fiber *>(p);
  fiber->join();
  delete fiber;
}

void yield() { boost::this_fiber::yield(); }

fibers::mutex mutex;
fibers::condition_variable woken;
long wakes;

void park() {
  std::unique_lock<fibers::mutex> lock(mutex);
  for (const long before = wakes; wakes == before;) woken.wait(lock);
}

void wake(long) {
  wakes++;
  woken.notify_all();
}

void run(void (*fn)()) { fn(); }

const peer_tasks tasks = {run, spawn, join, yield, park, wake, nullptr};

}  // namespace

extern "C" const struct peer peer = {
    "Boost.Fiber", "Boost " BOOST_LIB_VERSION ", default stack 128 KiB",
    &tasks, nullptr, nullptr, nullptr, nullptr};
