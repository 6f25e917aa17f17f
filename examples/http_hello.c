// http_hello.c: an HTTP/1.1 server that says hello (RFC 9110, RFC 9112), and nothing else.
//
// One goroutine per connection.  What a connection reads and writes is gathered in one structure in
// the heap: stacks stay small and may move.  Answers to pipelined requests leave in one write,
// which is due when the next request has not come whole.
//
//   in   |   used   |  a line that is not whole yet  |      free      |
//        0          begin                            end              IN_BYTES
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "examples/check.h"

static const char HELP[] =
    "usage: http_hello [--address A] [--growth STRATEGY]\n"
    "Answers HTTP requests with hello until it is killed.\n"
    "  --address A         listens on \"host:port\" [127.0.0.1:0, any free port]\n"
    "  --growth STRATEGY   how the stacks of connections grow: see docs/strategies.md\n";

enum { IN_BYTES = 8192, OUT_BYTES = 2048, ANSWER_BYTES = 512, DATE_BYTES = 29 };

// A connection is closed when nothing has come, or gone, for this long; set anew once a second at
// most.
static const int64_t IDLE_NS = 60LL * GO_SECOND;

// ---- A request ------------------------------------------------------------------------------

enum status { OK, BAD_REQUEST, NOT_ALLOWED, LENGTH_REQUIRED, HEAD_TOO_LARGE, BAD_VERSION };

static const struct answer {
  const char *status, *fields, *body;
} answers[] = {
    [OK] = {"200 OK", "Content-Type: text/plain\r\nContent-Length: 13\r\n", "hello, world\n"},
    [BAD_REQUEST] = {"400 Bad Request", "Content-Length: 0\r\n", ""},
    [NOT_ALLOWED] = {"405 Method Not Allowed", "Allow: GET, HEAD\r\nContent-Length: 0\r\n", ""},
    [LENGTH_REQUIRED] = {"411 Length Required", "Content-Length: 0\r\n", ""},
    [HEAD_TOO_LARGE] = {"431 Request Header Fields Too Large", "Content-Length: 0\r\n", ""},
    [BAD_VERSION] = {"505 HTTP Version Not Supported", "Content-Length: 0\r\n", ""},
};

struct request {
  size_t head_bytes;      // of its lines so far
  bool begun, head_only;  // the request line is there; the method is HEAD
  bool http10, close, keep_alive;
  bool chunked, has_length;
  int hosts;
  int64_t body_bytes;
  enum status status;
};

// A piece of a line.
struct text {
  const char *p;
  size_t n;
};

static bool is(struct text t, const char *word) {
  return t.n == strlen(word) && strncasecmp(t.p, word, t.n) == 0;
}

static struct text trim(struct text t) {
  for (; t.n > 0 && (t.p[0] == ' ' || t.p[0] == '\t'); t.n--) t.p++;
  while (t.n > 0 && (t.p[t.n - 1] == ' ' || t.p[t.n - 1] == '\t')) t.n--;
  return t;
}

// Cuts off and returns what comes before the first c; all, if there is none.
static struct text cut(struct text *rest, char c) {
  struct text t = *rest;
  const char *at = memchr(t.p, c, t.n);
  if (at) t.n = (size_t)(at - t.p);
  const size_t used = at ? t.n + 1 : t.n;
  rest->p += used;
  rest->n -= used;
  return t;
}

// Whether t is a token: the characters of methods and of field names.
static bool is_token(struct text t) {
  for (size_t i = 0; i < t.n; i++) {
    const char c = t.p[i];
    const bool alnum = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
    if (!alnum && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c))) return false;
  }
  return t.n > 0;
}

// Whether t has visible characters only and, if they may be there, blanks.
static bool is_visible(struct text t, bool blanks) {
  for (size_t i = 0; i < t.n; i++) {
    const unsigned char c = (unsigned char)t.p[i];
    if (c == 127 || (c < 33 && !(blanks && (c == ' ' || c == '\t')))) return false;
  }
  return true;
}

// "GET /path HTTP/1.1"
static enum status take_request_line(struct request *r, struct text line) {
  const struct text method = cut(&line, ' '), target = cut(&line, ' '), version = line;
  if (!is_token(method) || target.n == 0 || !is_visible(target, false)) return BAD_REQUEST;
  if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0 || version.p[6] != '.' ||
      version.p[5] < '0' || version.p[5] > '9' || version.p[7] < '0' || version.p[7] > '9')
    return BAD_REQUEST;
  if (version.p[5] != '1') return BAD_VERSION;
  r->http10 = version.p[7] == '0';
  r->head_only = method.n == 4 && memcmp(method.p, "HEAD", 4) == 0;
  const bool get = method.n == 3 && memcmp(method.p, "GET", 3) == 0;
  return get || r->head_only ? OK : NOT_ALLOWED;
}

static bool take_length(struct request *r, struct text value) {
  int64_t length = 0;
  for (size_t i = 0; i < value.n; i++) {
    if (value.p[i] < '0' || value.p[i] > '9' || length > INT64_MAX / 10 - 1) return false;
    length = length * 10 + (value.p[i] - '0');
  }
  if (value.n == 0 || (r->has_length && length != r->body_bytes)) return false;
  r->has_length = true;
  r->body_bytes = length;
  return true;
}

// "Name: value".  Returns false if it is malformed, which ends the request.
static bool take_field(struct request *r, struct text line) {
  if (!memchr(line.p, ':', line.n)) return false;
  const struct text name = cut(&line, ':');
  struct text value = trim(line);
  if (!is_token(name) || !is_visible(value, true)) return false;
  if (is(name, "Connection")) {
    while (value.n > 0) {
      const struct text option = trim(cut(&value, ','));
      r->close |= is(option, "close");
      r->keep_alive |= is(option, "keep-alive");
    }
  } else if (is(name, "Host")) {
    r->hosts++;
  } else if (is(name, "Content-Length")) {
    return take_length(r, value);
  } else if (is(name, "Transfer-Encoding")) {
    r->chunked = true;
  } else if (is(name, "Expect")) {
    r->close = true;  // the answer comes before the body, which then may or may not follow
  }
  return true;
}

// All lines are there.  A body is skipped if its length is known, and refused otherwise.
static enum status end_of_head(const struct request *r) {
  if (r->hosts > 1 || (r->hosts == 0 && !r->http10)) return BAD_REQUEST;
  if (r->chunked) return r->has_length ? BAD_REQUEST : LENGTH_REQUIRED;
  return r->status;
}

// ---- The date, as every answer has it ---------------------------------------------------------

static void two_digits(char *to, int n) {
  to[0] = (char)('0' + n / 10);
  to[1] = (char)('0' + n % 10);
}

// Prints "Thu, 01 Jan 1970 00:00:00 GMT" without libc, whose way takes locks and a lot of stack.
static void print_date(char *to, int64_t seconds) {
  static const char names[] = "ThuFriSatSunMonTueWedJanFebMarAprMayJunJulAugSepOctNovDec";
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int day = (int)(seconds / 86400), year = 1970, month = 0;
  const int second = (int)(seconds % 86400), weekday = day % 7;
  for (;; year++) {
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day < 365 + leap) {
      while (day >= lengths[month] + (leap && month == 1)) {
        day -= lengths[month] + (leap && month == 1);
        month++;
      }
      break;
    }
    day -= 365 + leap;
  }
  memcpy(to, "Thu, 01 Jan 1970 00:00:00 GMT", DATE_BYTES);
  memcpy(to, names + (size_t)3 * (size_t)weekday, 3);
  memcpy(to + 8, names + (size_t)3 * (size_t)(7 + month), 3);
  two_digits(to + 5, day + 1);
  two_digits(to + 12, year / 100);
  two_digits(to + 14, year % 100);
  two_digits(to + 17, second / 3600);
  two_digits(to + 20, second / 60 % 60);
  two_digits(to + 23, second % 60);
}

// ---- A connection -----------------------------------------------------------------------------

struct connection {
  struct go_tcp *stream;
  int64_t deadline;        // of reads and writes, in ns of go_nanotime
  int64_t dated;           // when `date` was printed, in seconds
  size_t begin, end;       // in[begin, end) has come and is not used yet
  size_t looked;           // of it, in[begin, begin + looked) has no end of line
  size_t out_bytes;        // of answers that have not left yet
  int64_t body_bytes;      // of the last request, still to come and to be skipped
  bool closing;            // after the answers that are there
  struct request request;  // the one that is being read
  char date[DATE_BYTES];
  char in[IN_BYTES], out[OUT_BYTES];
};

static bool flush(struct connection *c) {
  const size_t bytes = c->out_bytes;
  c->out_bytes = 0;
  return bytes == 0 || go_tcp_write(c->stream, c->out, bytes) >= 0;
}

static void append(struct connection *c, const char *text, size_t bytes) {
  memcpy(c->out + c->out_bytes, text, bytes);
  c->out_bytes += bytes;
}

static void append_text(struct connection *c, const char *text) {
  append(c, text, strlen(text));
}

// Adds the answer to the request, which is over then.  Returns false if the peer is gone.
static bool answer(struct connection *c, enum status status) {
  const struct request *r = &c->request;
  const struct answer *a = &answers[status];
  if (c->out_bytes + ANSWER_BYTES > OUT_BYTES && !flush(c)) return false;
  const int64_t now = time(NULL);
  if (now != c->dated) {
    print_date(c->date, now);
    c->dated = now;
  }
  const bool understood = status == OK || status == NOT_ALLOWED;
  c->closing = !understood || r->close || (r->http10 && !r->keep_alive);
  c->body_bytes = r->body_bytes;
  append_text(c, "HTTP/1.1 ");
  append_text(c, a->status);
  append_text(c, "\r\nDate: ");
  append(c, c->date, DATE_BYTES);
  append_text(c, "\r\n");
  append_text(c, a->fields);
  if (c->closing)
    append_text(c, "Connection: close\r\n");
  else if (r->http10)
    append_text(c, "Connection: keep-alive\r\n");
  append_text(c, "\r\n");
  if (!r->head_only) append_text(c, a->body);
  c->request = (struct request){0};
  return true;
}

// Waits for more, and makes room before.  Returns false at the end of the stream.
static bool fill(struct connection *c) {
  memmove(c->in, c->in + c->begin, c->end - c->begin);
  c->end -= c->begin;
  c->begin = 0;
  const int64_t deadline = go_nanotime() + IDLE_NS + GO_SECOND;
  if (deadline - c->deadline > GO_SECOND) {
    if (go_tcp_deadline(c->stream, GO_TCP_READ | GO_TCP_WRITE, deadline) < 0) return false;
    c->deadline = deadline;
  }
  const int64_t n = go_tcp_read(c->stream, c->in + c->end, IN_BYTES - c->end);
  if (n > 0) c->end += (size_t)n;
  return n > 0;
}

// Skips what is there of a body.  Returns true if that was all of it.
static bool skip_body(struct connection *c) {
  const int64_t there = (int64_t)(c->end - c->begin);
  const int64_t skipped = there < c->body_bytes ? there : c->body_bytes;
  c->begin += (size_t)skipped;
  c->body_bytes -= skipped;
  return c->body_bytes == 0;
}

// Takes a line without its end, if one is there.
static bool take_line(struct connection *c, struct text *line) {
  const char *from = c->in + c->begin;
  const char *end = memchr(from + c->looked, '\n', c->end - c->begin - c->looked);
  if (!end) {
    c->looked = c->end - c->begin;
    return false;
  }
  const size_t bytes = (size_t)(end - from);
  *line = (struct text){from, bytes - (bytes > 0 && end[-1] == '\r')};
  c->looked = 0;
  c->begin += bytes + 1;
  c->request.head_bytes += bytes + 1;
  return true;
}

static bool take(struct connection *c, struct text line) {
  struct request *r = &c->request;
  if (r->head_bytes > IN_BYTES) return answer(c, HEAD_TOO_LARGE);
  if (!r->begun) {
    if (line.n == 0) return true;  // RFC 9112, 2.2: some send one too many after a body
    r->begun = true;
    r->status = take_request_line(r, line);
    return r->status == OK || r->status == NOT_ALLOWED || answer(c, r->status);
  }
  if (line.n == 0) return answer(c, end_of_head(r));
  return take_field(r, line) || answer(c, BAD_REQUEST);
}

// Uses up what is there, line by line.  Returns false if the peer is gone.
static bool use(struct connection *c) {
  struct text line;
  while (!c->closing && skip_body(c) && take_line(c, &line))
    if (!take(c, line)) return false;
  const bool too_large = c->request.head_bytes + c->looked >= IN_BYTES;
  return c->closing || !too_large || answer(c, HEAD_TOO_LARGE);
}

// Lets the peer read the last answer: closing with data unread would reset the connection.  Waits
// for its end of the stream, but not for long.
static void linger(struct connection *c) {
  if (go_tcp_shutdown(c->stream, GO_TCP_WRITE) < 0) return;
  if (go_tcp_deadline(c->stream, GO_TCP_READ, go_nanotime() + GO_SECOND) < 0) return;
  while (go_tcp_read(c->stream, c->in, IN_BYTES) > 0) continue;
}

static void converse(void *arg) {
  struct connection *c = arg;
  while (!c->closing && flush(c) && fill(c) && use(c)) continue;
  if (c->closing && flush(c)) linger(c);
  go_tcp_close(c->stream);
  free(c);
}

// ---- The server -------------------------------------------------------------------------------

static const char *address = "127.0.0.1:0";
static struct go_spawn_options options;

// Without memory for one more connection, the ones that there are go on.
static void serve(struct go_tcp *stream) {
  struct connection *c = calloc(1, sizeof *c);
  if (c) {
    c->stream = stream;
    if (go_spawn(&options, converse, c) == GO_OK) return;
    free(c);
  }
  go_tcp_close(stream);
}

static void listen_on_address(void *arg) {
  (void)arg;
  struct go_tcp *listener, *stream;
  check(go_tcp_listen(address, &listener), address);
  char local[GO_TCP_ADDRESS];
  check(go_tcp_local(listener, local, sizeof local), "go_tcp_local");
  say("listening on %s\n", local);
  for (;;) {
    if (go_tcp_accept(listener, &stream) == GO_OK)
      serve(stream);
    else  // gone again, or too many open files: the next try may do better
      check(go_sleep(10 * GO_MILLISECOND), "go_sleep");
  }
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i += 2) {
    const char *value = argv[i + 1];
    if (strcmp(argv[i], "--help") == 0) {
      say("%s", HELP);
      return 0;
    }
    const bool is_address = strcmp(argv[i], "--address") == 0;
    if (!is_address && strcmp(argv[i], "--growth") != 0)
      misuse("http_hello", "no such option", argv[i]);
    if (!value) misuse("http_hello", "the option wants a value", argv[i]);
    *(is_address ? &address : &options.growth) = value;
  }
  if (options.growth && go_growth_moves(options.growth) < 0)
    misuse("http_hello", "no such strategy", options.growth);
  check(go_run(NULL, listen_on_address, NULL), "go_run");
  return 0;
}
