// Exceptions and backtraces over stacks that grow on the way (prologue_throw.h).
#include "tests/prologue_throw.h"

#include <unwind.h>

#include <cstdint>

extern "C" {
#include "runtime/arch/arch.h"
}

namespace {

struct Oops {
  int depth;
};

PrologueThrown thrown;

__attribute__((noinline)) unsigned Use(unsigned bytes) {
  volatile char frame[200];
  frame[0] = 1;
  return bytes > 400 ? Use(bytes - 400) + frame[0] : frame[0];
}

struct Object {
  Object *self;
  int depth;
  unsigned below;
  ~Object() {
    thrown.destroyed++;
    if (below) Use(below);
    thrown.intact += self == this;
  }
};

__attribute__((noinline)) int Recurse(int depth, unsigned below) {
  Object o = {&o, depth, below};
  if (depth == 0) throw Oops{42};
  try {
    return Recurse(depth - 1, below) + o.depth;
  } catch (Oops &oops) {
    if (depth % 16) throw;
    thrown.rethrown++;
    throw Oops{oops.depth + 1};
  }
}

__attribute__((noinline)) int Deeper(int depth, PrologueTrace *trace);

_Unwind_Reason_Code Count(_Unwind_Context *context, void *p) {
  PrologueTrace *trace = static_cast<PrologueTrace *>(p);
  const uintptr_t start = _Unwind_GetRegionStart(context);
  trace->frames += start == reinterpret_cast<uintptr_t>(&Deeper);
  trace->whole = start == reinterpret_cast<uintptr_t>(&rt_gostart);
  return _URC_NO_REASON;
}

int Deeper(int depth, PrologueTrace *trace) {
  volatile char frame[100];
  frame[0] = 1;
  if (depth == 0)
    _Unwind_Backtrace(Count, trace);
  else
    frame[0] = static_cast<char>(Deeper(depth - 1, trace));
  return frame[0];
}

}  // namespace

PrologueThrown ThrowFrom(int depth, unsigned below) {
  thrown = {};
  try {
    Recurse(depth, below);
  } catch (Oops &oops) {
    thrown.caught = oops.depth;
  }
  return thrown;
}

PrologueTrace TraceFrom(int depth) {
  PrologueTrace trace;
  Deeper(depth, &trace);
  return trace;
}
