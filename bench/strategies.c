// strategies.c: prints the growth strategies that can be had here, a line each.  Scripts ask it, so
// that none has a list of its own.
#include <stdio.h>
#include "runtime/go.h"

int main(void) {
  for (int i = 0; go_growth_name(i); i++) puts(go_growth_name(i));
  return 0;
}
