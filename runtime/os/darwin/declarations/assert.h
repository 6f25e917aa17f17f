// assert.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_ASSERT_H_
#define STACKLAB_DECLARATIONS_ASSERT_H_

#define static_assert _Static_assert
#define assert(condition) ((condition) ? (void)0 : abort())

_Noreturn void abort(void);

#endif
