// outside.c: a pointer to a local, kept where a move of the stack does not look.  Each case changes
// the local after the growth and reads it back through the pointer.
#include "bench/hazards/cases/cases.h"
#include "bench/hazards/hazard.h"

struct cell {
  uint64_t *p;
  struct cell *next;
};

uint64_t pointer_in_heap(uint64_t n) {
  uint64_t local = n;
  struct cell *c = hazard_heap();
  c->p = &local;
  hazard_grow();
  local++;
  HIDE(c);
  return *c->p;
}

uint64_t pointer_in_global(uint64_t n) {
  uint64_t local = n;
  hazard_global = &local;
  hazard_grow();
  local++;
  return *hazard_global;
}

static _Thread_local uint64_t *volatile in_tls;

uint64_t pointer_in_tls(uint64_t n) {
  uint64_t local = n;
  in_tls = &local;
  hazard_grow();
  local++;
  return *in_tls;
}

// A list whose head is on the heap and whose links are in frames, as intrusive lists are.  The
// innermost call changes its own link after the growth, and then adds up all of them.
NOINLINE static uint64_t add_link(struct cell *head, uint64_t n) {
  uint64_t value = n, sum = 0;
  struct cell here = {&value, head->next};
  head->next = &here;
  HIDE(head);
  if (n > 0) {
    sum = add_link(head, n - 1);
  } else {
    hazard_grow();
    value += 1000;
    HIDE(head);
    for (struct cell *at = head->next; at; at = at->next)
      sum = sum * 3 + *at->p;
  }
  HIDE(head);
  return sum + value;
}

uint64_t list_on_heap(uint64_t n) {
  struct cell *head = hazard_heap();
  head->next = NULL;
  return add_link(head, n);
}
