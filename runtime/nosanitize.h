// nosanitize.h: the mark of functions that read or write another stack's frames.
#ifndef STACKLAB_RUNTIME_NOSANITIZE_H_
#define STACKLAB_RUNTIME_NOSANITIZE_H_

// RT_NOSANITIZE keeps a function free of memory checks.  The frames of a live stack hold red zones
// (ASan), bytes that were never written (MSan) and words that other code is about to use (TSan):
// copying them is right, and a check would report it.  What such a function calls on the same
// memory must carry the mark too, or the compiler will not inline it.  The price is that a
// sanitizer does not see these functions run over either: their tests use guard pages.
#define RT_NOSANITIZE __attribute__((no_sanitize("address", "hwaddress", "memory", "thread")))

#endif
