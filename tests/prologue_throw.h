// prologue_throw.h: C++ compiled with -fsplit-stack, whose stack grows between throw and catch.
#ifndef STACKLAB_TESTS_PROLOGUE_THROW_H_
#define STACKLAB_TESTS_PROLOGUE_THROW_H_

// Destructors on the way: how many ran, and how many found their object as it was.
struct PrologueThrown {
  int caught = 0, destroyed = 0, intact = 0, rethrown = 0;
};

// Throws from `depth` calls below, through an object each.  below: bytes of stack that every
// destructor uses, so that stacks also grow while they are unwound.
PrologueThrown ThrowFrom(int depth, unsigned below);

// What is on the stack `depth` calls below, by _Unwind_Backtrace: how many frames of the recursion,
// and whether the last of all is that of a goroutine.
struct PrologueTrace {
  int frames = 0;
  bool whole = false;
};
PrologueTrace TraceFrom(int depth);

#endif
