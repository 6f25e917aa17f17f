// stack_end.h: what lies below a stack on Windows; for C and for assembly.
//
//     lo                          ┐ the last guard page: touched, it is STATUS_STACK_OVERFLOW
//     lo - page                   ┤ what the kernel commits then, for the exception and its
//                                 │ handlers: they run on the stack that ran out
//     lo - page - handler bytes   ┘ DeallocationStack, what the kernel takes for the stack's end
#ifndef STACKLAB_RUNTIME_OS_WINDOWS_STACK_END_H_
#define STACKLAB_RUNTIME_OS_WINDOWS_STACK_END_H_

// GuaranteedStackBytes of every thread that runs goroutines (SetThreadStackGuarantee).  An
// exception takes up to 5 KiB (CONTEXT and the AVX-512 state), our handler and the line that it
// prints 2 KiB; the rest is for other handlers.
#define OS_STACK_HANDLER_BYTES 0x8000
#define OS_STACK_END_BYTES (OS_STACK_HANDLER_BYTES + 0x1000)

#endif
