// stdio.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_STDIO_H_
#define STACKLAB_DECLARATIONS_STDIO_H_

#include <stdarg.h>
#include <stddef.h>

int snprintf(char *out, size_t bytes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int vsnprintf(char *out, size_t bytes, const char *format, va_list values);

#endif
