// go_c_test over the stack switches of macOS: they have been used, or this fails.
#include <stdio.h>
#include <unistd.h>

extern unsigned long tlv_calls;  // macho_switch_<cpu>.S

__attribute__((destructor)) static void check(void) {
  printf("%lu calls of the descriptor's function\n", tlv_calls);
  fflush(stdout);
  if (tlv_calls < 1000) _exit(1);
}
