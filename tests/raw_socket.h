// raw_socket.h: sockets of the system's, beside the runtime's.
#ifndef STACKLAB_TESTS_RAW_SOCKET_H_
#define STACKLAB_TESTS_RAW_SOCKET_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "tests/tcp.h"

// A socket of the system's, connected to l.
inline int RawConnect(go_tcp *l) {
  const std::string at = Local(l);
  const int port = std::stoi(at.substr(at.rfind(':') + 1));
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr *>(&to), sizeof to) != 0) abort();
  return fd;
}

#endif
