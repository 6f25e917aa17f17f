// Messages and the end of the process (throw.h), the same on every system.
#include "runtime/os/throw.h"

#include <stdatomic.h>
#include "runtime/os/os.h"

static void put(struct rt_text *t, char c) {
  if (t->n < sizeof t->buf) t->buf[t->n++] = c;
}

void rt_text_str(struct rt_text *t, const char *s) {
  while (*s) put(t, *s++);
}

static void number(struct rt_text *t, uint64_t n, unsigned base) {
  char digits[20];
  int i = 0;
  do {
    digits[i++] = "0123456789abcdef"[n % base];
    n /= base;
  } while (n);
  while (i > 0) put(t, digits[--i]);
}

void rt_text_dec(struct rt_text *t, uint64_t n) { number(t, n, 10); }

void rt_text_hex(struct rt_text *t, uint64_t n) {
  rt_text_str(t, "0x");
  number(t, n, 16);
}

void rt_text_print(const struct rt_text *t) { os_print(t->buf, t->n); }

void (*rt_lastwords_hook)(uintptr_t pc);

void rt_lastwords(const struct rt_text *line, uintptr_t pc) {
  static _Atomic uint64_t teller;
  struct os_thread self;
  os_thread_self(&self);
  uint64_t nobody = 0;
  if (!atomic_compare_exchange_strong(&teller, &nobody, self.handle) && nobody != self.handle)
    for (;;) os_usleep(1000000);
  rt_text_print(line);
  if (nobody == 0 && rt_lastwords_hook) rt_lastwords_hook(pc);
}

void rt_fatal(const struct rt_text *line, uintptr_t pc) {
  rt_lastwords(line, pc);
  os_abort();
}

void rt_throw(const char *message) {
  struct rt_text t = {.n = 0};
  rt_text_str(&t, "stacklab: fatal: ");
  rt_text_str(&t, message);
  rt_text_str(&t, "\n");
  rt_fatal(&t, (uintptr_t)__builtin_return_address(0));
}
