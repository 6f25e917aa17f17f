// go_net.h: TCP; part of go.h.
//
// A goroutine that waits for a connection, for data or for room holds no thread.
//
// An address is "host:port": a numeric IPv4 address or a name before the colon, an IPv6 address in
// brackets ("[::1]:8080"), nothing for every address of this machine (":8080"); the port a number,
// 0 for any that is free, or a name of /etc/services.  Names are looked up on a thread's own stack
// (getaddrinfo(3)), not on the goroutine's.
//
// Errors that the system reports are GO_ESYSTEM - errno: ECONNREFUSED, ECONNRESET, EPIPE, EMFILE...
// Every function here is for goroutines only: GO_ENOTG elsewhere.
#ifndef STACKLAB_RUNTIME_GO_NET_H_
#define STACKLAB_RUNTIME_GO_NET_H_

#include <stddef.h>
#include <stdint.h>
#include "runtime/go_api.h"

GO_API_BEGIN

// A TCP socket: a listener or a stream.  Any number of goroutines may use one at a time; two that
// read, or two that write, share the bytes as they come.
struct go_tcp;

// go_tcp_listen listens on an address; where it is a name, on its first.  Parks for names only.
// GO_EINVAL (not an address), GO_ENOHOST, GO_ENOMEM, GO_EPOLL, system errors such as EADDRINUSE.
int go_tcp_listen(const char *address, struct go_tcp **out);

// go_tcp_accept waits for the next connection.  Parks.  GO_ECLOSED, GO_ETIMEDOUT (the listener's
// read deadline), GO_ENOMEM, system errors: EMFILE, with the connection left in the queue.
int go_tcp_accept(struct go_tcp *listener, struct go_tcp **out);

// go_tcp_connect tries the addresses of a host in the resolver's order until one answers, up to the
// deadline (ns of go_nanotime; 0: the system's limit, minutes).  Parks.  The last address's error;
// GO_ETIMEDOUT, GO_EINVAL, GO_ENOHOST, GO_ENOMEM, GO_EPOLL.
int go_tcp_connect(const char *address, int64_t deadline, struct go_tcp **out);

// go_tcp_read waits for data and returns how many bytes it has read, at most `bytes`; 0 at the end
// of the stream.  go_tcp_write returns once all bytes are in the system's buffer: `bytes`.  Errors
// leave unsaid how much went before: the stream is of no more use.  Park.  GO_ECLOSED,
// GO_ETIMEDOUT, GO_EINVAL (NULL), system errors.  No signal is raised.
int64_t go_tcp_read(struct go_tcp *stream, void *buffer, size_t bytes);
int64_t go_tcp_write(struct go_tcp *stream, const void *buffer, size_t bytes);

// go_tcp_shutdown ends one direction or both, for whoever uses the stream (half-close,
// shutdown(2)): the peer reads the end of the stream after what was written; reads here end with 0.
// On a listener, GO_TCP_READ ends accepting with an error.  Does not park.
enum { GO_TCP_READ = 1, GO_TCP_WRITE = 2 };
int go_tcp_shutdown(struct go_tcp *stream, int directions);

// go_tcp_close ends the operations under way with GO_ECLOSED and closes the socket; nobody may
// begin one afterwards: goroutines that share a stream shut it down first.  What is open when
// go_run ends is closed then.  NULL does nothing.  Does not park.
void go_tcp_close(struct go_tcp *tcp);

// go_tcp_deadline ends reads (and accepts) or writes with GO_ETIMEDOUT from `deadline` (ns of
// go_nanotime) on; 0: never.  It takes effect on those that wait already.  GO_EINVAL, GO_ENOMEM,
// GO_EPOLL: there is none now.  Does not park.
int go_tcp_deadline(struct go_tcp *tcp, int directions, int64_t deadline);

// go_tcp_nodelay sends small writes at once (1, as every stream here does at first) or gathers them
// (0): TCP_NODELAY, tcp(7).
int go_tcp_nodelay(struct go_tcp *stream, int on);

// The addresses of both ends, as go_tcp_connect takes them; a peer's only while it is connected
// (ENOTCONN).  GO_EINVAL: fewer than GO_TCP_ADDRESS
// bytes.
enum { GO_TCP_ADDRESS = 64 };
int go_tcp_local(struct go_tcp *tcp, char *out, size_t bytes);
int go_tcp_peer(struct go_tcp *stream, char *out, size_t bytes);

// go_resolve stores up to `most` numeric addresses of a host, without port, and returns how many.
// Parks.  GO_ENOHOST, GO_EINVAL (most outside 1..16, NULL), GO_ENOMEM, system errors.
int go_resolve(const char *host, char (*out)[GO_TCP_ADDRESS], int most);

GO_API_END
#endif
