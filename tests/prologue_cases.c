// Functions with checks (prologue_cases.h).  Nothing here calls code without checks, unless it says
// so: the linker would make it ask for 16 KiB more.
#include "tests/prologue_cases.h"

#include <alloca.h>
#include <immintrin.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#define NOINLINE __attribute__((noinline))
#define UNCHECKED __attribute__((noinline, no_split_stack))

// ---- Frames ------------------------------------------------------------------------------------

struct link {
  struct link *up;
  unsigned depth;
};

// The frames above are where this one believes them to be.
static NOINLINE int chain(const struct link *here, unsigned depth) {
  for (const struct link *l = here; l; l = l->up)
    if (l->depth != depth--) return 1;
  return 0;
}

static int keep(volatile unsigned char *p, unsigned bytes, unsigned char with) {
  for (unsigned i = 0; i < bytes; i += i + 512 < bytes ? 512 : 1)
    if (p[i] != with) return 2;
  return 0;
}

static void fill(volatile unsigned char *p, unsigned bytes, unsigned char with) {
  for (unsigned i = 0; i < bytes; i += i + 512 < bytes ? 512 : 1) p[i] = with;
}

// The smallest frames that compilers make, those around 256 bytes, from where on the check is
// another one, and some that are larger than a stack.  Whole words, but for the first: where a word
// is half filled, the other half is what was there before, and if that was half of a pointer, the
// two may look like one into this very stack, and move with it (docs/hazards.md).
#define FRAMES(X) X(1) X(64) X(160) X(208) X(216) X(224) X(232) X(240) X(248) X(256) X(264) X(304) \
  X(1000) X(4000) X(20000) X(300000)

#define FRAME(n)                                                                            \
  static NOINLINE int frame_##n(unsigned to_go, unsigned depth, struct link *up) {          \
    volatile unsigned char bytes[n];                                                        \
    struct link here = {up, depth};                                                         \
    fill(bytes, n, (unsigned char)depth);                                                   \
    int wrong = to_go ? frame_##n(to_go - 1, depth + 1, &here) : chain(&here, depth);       \
    if (!wrong) wrong = keep(bytes, n, (unsigned char)depth);                               \
    if (!wrong && (here.up != up || here.depth != depth)) wrong = 3;                        \
    if (!wrong && up && up->depth != depth - 1) wrong = 4;                                  \
    return wrong;                                                                           \
  }
FRAMES(FRAME)

static int descend(int i, unsigned depth) {
#define FRAME_NAME(n) frame_##n,
  static int (*const frames[])(unsigned, unsigned, struct link *) = {FRAMES(FRAME_NAME)};
  return frames[i](depth, 0, NULL);
}

// ---- Arguments ---------------------------------------------------------------------------------

static NOINLINE int pointed(long *a, long *b, long *c, long *d, long *e, long *f, long *g, long *h,
                            long *i) {
  volatile char frame[100];
  frame[0] = 1;
  long *const all[] = {a, b, c, d, e, f, g, h, i};
  for (int k = 0; k < 9; k++) {
    if (*all[k] != 100 + k) return 1 + k;
    *all[k] += frame[0];
  }
  return 0;
}

static int integers(void) {
  long v[9];
  for (int k = 0; k < 9; k++) v[k] = 100 + k;
  const int wrong =
      pointed(&v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8]);
  if (wrong) return wrong;
  for (int k = 0; k < 9; k++)
    if (v[k] != 101 + k) return 10 + k;
  return 0;
}

static NOINLINE int ten(double a, double b, double c, double d, double e, double f, double g,
                        double h, double i, double j) {
  volatile double frame[20];
  const double all[] = {a, b, c, d, e, f, g, h, i, j};
  for (int k = 0; k < 10; k++) frame[k] = all[k];
  for (int k = 0; k < 10; k++)
    if (frame[k] != 0.25 + k) return 1 + k;
  return 0;
}

static int doubles(void) {
  volatile double x = 0.25;
  return ten(x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7, x + 8, x + 9);
}

struct big {
  long v[7];
  struct big *from;
};

static NOINLINE int takes(int before, struct big s, struct big *original, double after) {
  volatile char frame[150];
  frame[0] = 3;
  for (int k = 0; k < 7; k++)
    if (s.v[k] != k * 11) return 1 + k;
  if (s.from != original) return 8;
  if (original->v[3] != 33) return 9;
  original->v[3] += frame[0];
  return before == 5 && after == 2.5 ? 0 : 10;
}

static int by_value(void) {
  struct big s = {{0, 11, 22, 33, 44, 55, 66}, &s};
  const int wrong = takes(5, s, &s, 2.5);
  return wrong ? wrong : s.v[3] != 36;
}

static NOINLINE struct big makes(long from, struct big *where) {
  volatile char frame[150];
  frame[0] = 1;
  struct big s = {{from, from + frame[0], from + 2, from + 3, from + 4, from + 5, from + 6}, where};
  return s;
}

static int returned(void) {
  struct big s = makes(1000, &s);
  for (int k = 0; k < 7; k++)
    if (s.v[k] != 1000 + k) return 1 + k;
  return s.from == &s ? 0 : 8;
}

// ---- Results -----------------------------------------------------------------------------------

struct two_words { long a, b; };
struct two_doubles { double a, b; };

#define RESULT(type, name, ...)               \
  static NOINLINE type name(int n) {          \
    volatile char frame[120];                 \
    frame[0] = (char)n;                       \
    n = frame[0];                             \
    return __VA_ARGS__;                       \
  }
RESULT(struct two_words, words, (struct two_words){n + 1, n + 2})
RESULT(struct two_doubles, floats, (struct two_doubles){n + 0.5, n + 1.5})
RESULT(long double, extended, n + 0.125L)
RESULT(_Complex long double, complex_extended, n + 0.25L * (_Complex long double)1.0iL)

static int results(void) {
  const struct two_words w = words(7);
  if (w.a != 8 || w.b != 9) return 1;
  const struct two_doubles d = floats(7);
  if (d.a != 7.5 || d.b != 8.5) return 2;
  if (extended(7) != 7.125L) return 3;
  const _Complex long double c = complex_extended(7);
  return __real__ c == 7 && __imag__ c == 0.25L ? 0 : 4;
}

// ---- Variable arguments, vectors ---------------------------------------------------------------

// clang-19 refuses to compile a check for it.
static UNCHECKED double sum(int n, ...) {
  va_list ap;
  va_start(ap, n);
  double s = 0;
  for (int i = 0; i < n; i++) s += va_arg(ap, double) + *va_arg(ap, int *);
  va_end(ap);
  return s;
}

static NOINLINE double pass_on(const double *d, int *i) {
  volatile char frame[100];
  frame[0] = 1;
  return sum(4, d[0], &i[0], d[1], &i[1], d[2], &i[2], d[3], &i[3]) + frame[0];
}

static int variadic(void) {
  const double d[] = {0.5, 1.5, 2.5, 3.5};
  int i[] = {10, 20, 30, 40};
  return pass_on(d, i) == 109 ? 0 : 1;
}

#define AVX __attribute__((target("avx")))

static NOINLINE AVX int eight(__m256d a, __m256d b, __m256d c, __m256d d, __m256d e, __m256d f,
                              __m256d g, __m256d h) {
  volatile double frame[64];
  const __m256d all[] = {a, b, c, d, e, f, g, h};
  for (int k = 0; k < 32; k++) frame[k] = all[k / 4][k % 4];
  for (int k = 0; k < 32; k++)
    if (frame[k] != k + 0.5) return 1 + k;
  return 0;
}

static NOINLINE AVX int pass_vectors(void) {
  __m256d v[8];
  for (int k = 0; k < 8; k++)
    v[k] = (__m256d){4 * k + 0.5, 4 * k + 1.5, 4 * k + 2.5, 4 * k + 3.5};
  return eight(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]);
}

static int wide_vectors(void) { return __builtin_cpu_supports("avx") ? pass_vectors() : 0; }

// ---- alloca, arrays of variable length ---------------------------------------------------------

static NOINLINE int allocas(unsigned n) {
  struct link *last = NULL;
  for (unsigned i = 0; i < n; i++) {
    const unsigned bytes = (unsigned)sizeof *last + i * 40 % 3000;
    struct link *l = alloca(bytes);
    if ((uintptr_t)l % 16) return 10;
    *l = (struct link){last, i};
    fill((unsigned char *)(l + 1), bytes - (unsigned)sizeof *l, (unsigned char)i);
    last = l;
  }
  unsigned i = n;
  for (; last; last = last->up) {
    i--;
    if (last->depth != i) return 11;
    if (keep((unsigned char *)(last + 1), i * 40 % 3000, (unsigned char)i)) return 12;
  }
  return i;
}

static NOINLINE int alloca_of(size_t bytes) {
  volatile unsigned char *p = alloca(bytes);
  p[0] = 7;
  return p[0] != 7;
}

static NOINLINE int vlas(unsigned n) {
  unsigned long total = 0, expected = 0;
  for (unsigned i = 1; i < n; i++) {
    volatile unsigned char array[i * i];
    fill(array, i * i, (unsigned char)i);
    int wrong = keep(array, i * i, (unsigned char)i);
    if (wrong) return wrong;
    total += array[i * i - 1];
    expected += (unsigned char)i;
  }
  return total == expected ? 0 : 9;
}

// ---- Through code without checks ---------------------------------------------------------------

struct key {
  int number;
  unsigned depth;
};

static int sort(unsigned depth);

static int by_number(const void *a, const void *b) {
  const struct key *x = a, *y = b;
  if (x->depth && x->number == 3 && sort(x->depth - 1)) abort();
  return (x->number > y->number) - (x->number < y->number);
}

static NOINLINE int sort(unsigned depth) {
  struct key keys[8];
  for (int i = 0; i < 8; i++) keys[i] = (struct key){i * 5 % 8, depth};
  qsort(keys, 8, sizeof *keys, by_number);
  for (int i = 0; i < 8; i++)
    if (keys[i].number != i || keys[i].depth != depth) return 1;
  return 0;
}

static NOINLINE int yields_below(unsigned depth, struct link *up, void (*yield)(void)) {
  volatile unsigned char bytes[120];
  struct link here = {up, depth};
  fill(bytes, sizeof bytes, (unsigned char)depth);
  if (depth % 4 == 0) yield();
  int wrong = depth ? yields_below(depth - 1, &here, yield) : 0;
  if (depth % 8 == 0) yield();
  if (!wrong) wrong = keep(bytes, sizeof bytes, (unsigned char)depth);
  return wrong || here.up != up || (up && up->depth != depth + 1);
}

static int yields(unsigned depth, void (*yield)(void)) { return yields_below(depth, NULL, yield); }

static NOINLINE unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

// ---- The table ---------------------------------------------------------------------------------

#define FRAME_BYTES(n) n,
static const unsigned frame_bytes[PROLOGUE_FRAMES] = {FRAMES(FRAME_BYTES)};

#define STRING2(s) #s
#define STRING(s) STRING2(s)
#define TABLE2(level) prologue_##level
#define TABLE(level) TABLE2(level)
const struct prologue_cases TABLE(LEVEL) = {
    STRING(LEVEL), frame_bytes, descend, integers, doubles, by_value,
    returned, results, variadic, wide_vectors, allocas,
    alloca_of, vlas, sort, yields, fib,
};
