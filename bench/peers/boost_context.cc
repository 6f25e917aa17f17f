// boost_context.cc: Boost.Context's fibers, on pooled stacks or on ones with a guard page.
#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <boost/version.hpp>
#include <cstring>
#include <utility>

#include "bench/peers/peer.h"

namespace {

namespace context = boost::context;

struct Coroutine {
  context::fiber fiber, resumer;
  void (*fn)(void *);
  void *arg;
};

Coroutine *running;

size_t stackBytes() {
  return peer_stack_bytes ? peer_stack_bytes : context::stack_traits::default_size();
}

template <typename Allocator>
void start(Coroutine *c, Allocator &&allocator) {
  c->fiber = context::fiber(std::allocator_arg, std::forward<Allocator>(allocator),
                            [c](context::fiber &&resumer) {
                              c->resumer = std::move(resumer);
                              c->fn(c->arg);
                              return std::move(c->resumer);
                            });
}

void *make(void (*fn)(void *), void *arg) {
  Coroutine *c = new Coroutine{{}, {}, fn, arg};
  if (peer_variant && !std::strcmp(peer_variant, "protected")) {
    start(c, context::protected_fixedsize_stack(stackBytes()));
  } else {
    static context::pooled_fixedsize_stack pool(stackBytes());
    start(c, pool);
  }
  return c;
}

void resume(void *p) {
  Coroutine *c = static_cast<Coroutine *>(p);
  running = c;
  c->fiber = std::move(c->fiber).resume();
}

void suspend() {
  Coroutine *c = running;
  c->resumer = std::move(c->resumer).resume();
}

void drop(void *p) { delete static_cast<Coroutine *>(p); }

const char *variant(int i) {
  static const char *const names[] = {"pooled", "protected"};
  return i < 2 ? names[i] : nullptr;
}

const peer_coroutines coroutines = {make, resume, suspend, drop};

}  // namespace

extern "C" const struct peer peer = {
    "Boost.Context", "Boost " BOOST_LIB_VERSION ", default stack 128 KiB",
    nullptr, &coroutines, variant, nullptr, nullptr};
