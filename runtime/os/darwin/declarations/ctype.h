// ctype.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_CTYPE_H_
#define STACKLAB_DECLARATIONS_CTYPE_H_

int isalpha(int c);

#endif
