// stdlib.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_STDLIB_H_
#define STACKLAB_DECLARATIONS_STDLIB_H_

#include <stddef.h>

void *malloc(size_t bytes);
void *calloc(size_t n, size_t bytes);
void *realloc(void *p, size_t bytes);
void *aligned_alloc(size_t align, size_t bytes);
void free(void *p);
_Noreturn void abort(void);
long long llabs(long long n);
char *getenv(const char *name);
unsigned long strtoul(const char *text, char **end, int base);
unsigned long long strtoull(const char *text, char **end, int base);

#endif
