// errno.h: errors of Windows and of Winsock as the C library would say them.
#ifndef STACKLAB_RUNTIME_OS_WINDOWS_ERRNO_H_
#define STACKLAB_RUNTIME_OS_WINDOWS_ERRNO_H_

// os_errno_of returns the errno of an error of GetLastError or WSAGetLastError; EINVAL for one that
// has none.
int os_errno_of(unsigned long error);

#endif
