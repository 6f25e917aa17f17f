// Waiting for sockets on Windows: a completion port, and the request by which select() itself asks
// the driver of sockets, which completes there when a socket is ready.  (The request's form is not
// documented, but fixed by what uses it: IOCTL_AFD_POLL of \Device\Afd, as in libuv, wepoll, mio.)
//
// It asks once, and for a state, not for a change.  The contract is edge-triggered: so a request is
// made only when a socket has just been found not to be ready (os_netpoll_arm).  One may be under
// way for each direction of a socket.
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <winsock2.h>
#include <windows.h>
#include <winternl.h>
#include <mswsock.h>
#include "runtime/go.h"
#include "runtime/os/os.h"
#include "runtime/os/windows/netpoll.h"

// ---- The driver's interface --------------------------------------------------------------------

enum {
  IOCTL_AFD_POLL_CODE = 0x12024,
  AFD_RECEIVE = 0x1,
  AFD_RECEIVE_EXPEDITED = 0x2,
  AFD_SEND = 0x4,
  AFD_DISCONNECT = 0x8,
  AFD_ABORT = 0x10,
  AFD_LOCAL_CLOSE = 0x20,
  AFD_ACCEPT = 0x80,
  AFD_CONNECT_FAIL = 0x100,
  AFD_HANGUP = AFD_RECEIVE_EXPEDITED | AFD_DISCONNECT | AFD_ABORT | AFD_LOCAL_CLOSE |
               AFD_CONNECT_FAIL,
};

struct afd_poll {
  LARGE_INTEGER timeout;
  ULONG nhandles;
  ULONG exclusive;
  struct {
    HANDLE handle;
    ULONG events;
    NTSTATUS status;
  } handle;
};

// ---- Watched sockets ---------------------------------------------------------------------------

enum { READ, WRITE, DIRECTIONS };

struct watch;

struct request {
  IO_STATUS_BLOCK status;  // first: CancelIoEx takes its address
  struct afd_poll poll;
  struct watch *watch;
  bool pending;
};

struct watch {
  SRWLOCK lock;  // of all below
  SOCKET base;
  void *data;
  struct request request[DIRECTIONS];
  int packets;  // that will come from the port; the last of a closed one frees this
  bool closed;
  _Atomic bool ended;  // see os_netpoll_end
  struct watch *next, **at;  // list of all; lists
};

static const ULONG asked[DIRECTIONS] = {
    [READ] = AFD_RECEIVE | AFD_ACCEPT | AFD_HANGUP,
    [WRITE] = AFD_SEND | AFD_ABORT | AFD_LOCAL_CLOSE | AFD_CONNECT_FAIL,
};

// What a packet is: key of the port.  Of a request; an event that os_netpoll_post has made, in or
// out; a break.
enum { KEY_REQUEST, KEY_IN, KEY_OUT, KEY_BREAK };

static struct {
  HANDLE port, afd;
  _Atomic bool broken;  // a break lies in the port
  SRWLOCK lists;
  struct watch *all;
} poller;

// From a descriptor, which is a handle and so a multiple of 4, to its watch.
enum { CHUNK = 4096, CHUNKS = 4096 };
typedef struct watch *_Atomic table[CHUNK];
static table *_Atomic tables[CHUNKS];

static struct watch *_Atomic *place_of(int fd, bool make) {
  const unsigned i = (unsigned)fd / 4;
  if (i / CHUNK >= CHUNKS) return NULL;
  table *t = atomic_load_explicit(&tables[i / CHUNK], memory_order_acquire);
  if (!t && make) {
    table *fresh = calloc(1, sizeof *fresh);
    if (!fresh) return NULL;
    if (atomic_compare_exchange_strong(&tables[i / CHUNK], &t, fresh))
      t = fresh;
    else
      free(fresh);
  }
  return t ? &(*t)[i % CHUNK] : NULL;
}

static struct watch *watch_of(int fd) {
  struct watch *_Atomic *place = place_of(fd, false);
  return place ? atomic_load_explicit(place, memory_order_acquire) : NULL;
}

static void enlist(struct watch *w) {
  AcquireSRWLockExclusive(&poller.lists);
  w->next = poller.all;
  w->at = &poller.all;
  if (w->next) w->next->at = &w->next;
  poller.all = w;
  ReleaseSRWLockExclusive(&poller.lists);
}

static void discard(struct watch *w) {
  AcquireSRWLockExclusive(&poller.lists);
  *w->at = w->next;
  if (w->next) w->next->at = w->at;
  ReleaseSRWLockExclusive(&poller.lists);
  free(w);
}

// ---- Asking ------------------------------------------------------------------------------------

// w->lock held.  The packet of a request that the driver refuses is made here: whoever waits asks
// the socket, and learns why.
static void post(struct watch *w, ULONG_PTR key) {
  if (PostQueuedCompletionStatus(poller.port, 0, key, (OVERLAPPED *)w)) w->packets++;
}

static void request(struct watch *w, int direction) {
  struct request *r = &w->request[direction];
  r->watch = w;
  r->poll = (struct afd_poll){.timeout.QuadPart = INT64_MAX, .nhandles = 1};
  r->poll.handle.handle = (HANDLE)w->base;
  r->poll.handle.events = asked[direction];
  r->status.Status = (NTSTATUS)STATUS_PENDING;
  const NTSTATUS s =
      NtDeviceIoControlFile(poller.afd, NULL, NULL, r, &r->status, IOCTL_AFD_POLL_CODE, &r->poll,
                            sizeof r->poll, &r->poll, sizeof r->poll);
  if (NT_SUCCESS(s)) {  // pending, or done: there will be a packet
    r->pending = true;
    w->packets++;
  } else {
    post(w, direction == READ ? KEY_IN : KEY_OUT);
  }
}

void os_netpoll_arm(int fd, uint32_t mode) {
  struct watch *w = watch_of(fd);
  const int direction = mode == OS_POLLIN ? READ : WRITE;
  if (!w) return;
  AcquireSRWLockExclusive(&w->lock);
  if (!w->closed && !w->request[direction].pending) request(w, direction);
  ReleaseSRWLockExclusive(&w->lock);
}

void os_netpoll_post(int fd, uint32_t mode) {
  struct watch *w = watch_of(fd);
  if (!w) return;
  AcquireSRWLockExclusive(&w->lock);
  if (!w->closed) post(w, mode == OS_POLLIN ? KEY_IN : KEY_OUT);
  ReleaseSRWLockExclusive(&w->lock);
}

void os_netpoll_end(int fd) {
  struct watch *w = watch_of(fd);
  if (w) atomic_store(&w->ended, true);
  os_netpoll_post(fd, OS_POLLIN);
}

bool os_netpoll_ended(int fd) {
  struct watch *w = watch_of(fd);
  return w && atomic_load(&w->ended);
}

// ---- Opened and closed -------------------------------------------------------------------------

// The driver's own name opens a socket; one below it, a handle to ask about all of them.
static HANDLE open_afd(void) {
  static wchar_t path[] = L"\\Device\\Afd\\Stacklab";
  UNICODE_STRING name = {sizeof path - sizeof *path, sizeof path, path};
  OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &name};
  IO_STATUS_BLOCK status;
  HANDLE afd;
  return NT_SUCCESS(NtCreateFile(&afd, SYNCHRONIZE, &attributes, &status, NULL, 0,
                                 FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, 0, NULL, 0))
             ? afd
             : NULL;
}

int os_netpoll_init(void) {
  poller.port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
  poller.afd = open_afd();
  if (poller.port && poller.afd &&
      CreateIoCompletionPort(poller.afd, poller.port, KEY_REQUEST, 0) &&
      SetFileCompletionNotificationModes(poller.afd, FILE_SKIP_SET_EVENT_ON_HANDLE))
    return 0;
  if (poller.port) CloseHandle(poller.port);
  if (poller.afd) CloseHandle(poller.afd);
  return GO_EPOLL;
}

int os_netpoll_open(int fd, void *data) {
  struct watch *_Atomic *place = place_of(fd, true);
  struct watch *w = place ? calloc(1, sizeof *w) : NULL;
  if (!w) return -ENOMEM;
  // Filters of sockets have handles of their own; the driver knows that below them.
  DWORD n;
  if (WSAIoctl((SOCKET)fd, SIO_BASE_HANDLE, NULL, 0, &w->base, sizeof w->base, &n, NULL, NULL) != 0)
    w->base = (SOCKET)fd;
  w->data = data;
  enlist(w);
  atomic_store_explicit(place, w, memory_order_release);
  return 0;
}

// The lock may be the last of w to go: true, then w is to be discarded.
static bool leave(struct watch *w) {
  const bool last = w->closed && w->packets == 0;
  ReleaseSRWLockExclusive(&w->lock);
  return last;
}

static bool shut(struct watch *w) {
  AcquireSRWLockExclusive(&w->lock);
  w->closed = true;
  for (int d = 0; d < DIRECTIONS; d++)
    if (w->request[d].pending) CancelIoEx(poller.afd, (OVERLAPPED *)&w->request[d].status);
  return leave(w);
}

int os_netpoll_close(int fd) {
  struct watch *w = watch_of(fd);
  if (!w) return -ENOENT;
  atomic_store(place_of(fd, false), NULL);
  if (shut(w)) discard(w);
  return 0;
}

// Nobody has w when its packets have come, nor is anything under way to its memory.
void os_netpoll_done(void) {
  struct os_pollevent unused[16];
  for (int i = 0; i < CHUNKS; i++) free(atomic_exchange(&tables[i], NULL));
  for (struct watch *w = poller.all, *next; w; w = next) {
    next = w->next;
    if (shut(w)) discard(w);
  }
  while (poller.all) os_netpoll(unused, 16, 10 * 1000000);
  CloseHandle(poller.afd);
  CloseHandle(poller.port);
  poller.afd = poller.port = NULL;
  atomic_store(&poller.broken, false);
}

// ---- Polling -----------------------------------------------------------------------------------

static uint32_t mode_of(const struct request *r, int direction) {
  if (!NT_SUCCESS(r->status.Status)) return direction == READ ? OS_POLLIN : OS_POLLOUT;
  const ULONG events = r->poll.handle.events;
  const bool broken = events & (AFD_ABORT | AFD_LOCAL_CLOSE | AFD_CONNECT_FAIL);
  uint32_t mode = 0;
  if (direction == READ && events) mode |= OS_POLLIN;
  if (direction == WRITE && events) mode |= OS_POLLOUT;
  if (broken) mode |= OS_POLLIN | OS_POLLOUT;
  if (events & AFD_HANGUP) mode |= OS_POLLHUP;
  return mode;
}

// Takes what a packet says of a watch; false: nothing any more.
static bool take(ULONG_PTR key, void *p, struct os_pollevent *out) {
  struct request *r = key == KEY_REQUEST ? p : NULL;
  struct watch *w = r ? r->watch : p;
  AcquireSRWLockExclusive(&w->lock);
  w->packets--;
  uint32_t mode = key == KEY_OUT ? OS_POLLOUT : OS_POLLIN;
  if (r) {
    r->pending = false;
    mode = mode_of(r, r == &w->request[READ] ? READ : WRITE);
  }
  *out = (struct os_pollevent){w->data, mode};
  const bool event = !w->closed && mode;
  if (leave(w)) discard(w);
  return event;
}

int os_netpoll(struct os_pollevent *out, int most, int64_t ns) {
  enum { MOST = 128 };
  OVERLAPPED_ENTRY packets[MOST];
  ULONG n = 0;
  const int64_t ms = ns < 0 ? INFINITE : (ns + 999999) / 1000000;
  const DWORD limit = ns >= 0 && ms >= INFINITE ? INFINITE - 1 : (DWORD)ms;
  const ULONG room = (ULONG)(most < MOST ? most : MOST);
  if (!GetQueuedCompletionStatusEx(poller.port, packets, room, &n, limit, FALSE)) return 0;
  int kept = 0;
  for (ULONG i = 0; i < n; i++) {
    const ULONG_PTR key = packets[i].lpCompletionKey;
    if (key != KEY_BREAK) {
      if (take(key, packets[i].lpOverlapped, &out[kept])) kept++;
    } else if (ns == 0) {  // only who sleeps takes it back
      PostQueuedCompletionStatus(poller.port, 0, KEY_BREAK, NULL);
    } else {
      atomic_store(&poller.broken, false);
    }
  }
  return kept;
}

void os_netpoll_break(void) {
  if (atomic_exchange(&poller.broken, true)) return;
  PostQueuedCompletionStatus(poller.port, 0, KEY_BREAK, NULL);
}
