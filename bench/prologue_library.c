// A library without checks (prologue_work.h).
#include "bench/prologue_work.h"

uint64_t prologue_library(uint64_t x) { return x + 1; }
