// pthread.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_PTHREAD_H_
#define STACKLAB_DECLARATIONS_PTHREAD_H_

#include <signal.h>

typedef struct _opaque_pthread_t *pthread_t;
typedef unsigned long pthread_key_t;
typedef struct {
  long sig;
  char opaque[56];
} pthread_attr_t;

int pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
int pthread_join(pthread_t t, void **value);
pthread_t pthread_self(void);
int pthread_kill(pthread_t t, int sig);
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
int pthread_key_create(pthread_key_t *key, void (*destroy)(void *));
int pthread_setspecific(pthread_key_t key, const void *value);
void *pthread_getspecific(pthread_key_t key);
void *pthread_get_stackaddr_np(pthread_t t);  // its high end
size_t pthread_get_stacksize_np(pthread_t t);

#endif
