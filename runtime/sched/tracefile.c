// Writing a trace (tracefile.h).  No stdio: it runs on g0, and on the signal stack at the end.
#include "runtime/sched/tracefile.h"

#include <stddef.h>
#include "runtime/os/os.h"
#include "runtime/sched/sched.h"

enum { OUT = 64 << 10, LINE_MOST = 4 << 10, NAME = 120, NAMES = 256, PS = 1, MS = 2 };

static struct {
  int fd;
  int error;                   // of the first write that failed
  bool named[RT_MAXPROCS];     // Ps whose track has its name
  struct {
    uintptr_t fn;
    char name[NAME];
  } names[NAMES];              // of functions, by a hash of their address
  bool any;                    // there is an event in the file
  size_t n;
  char out[OUT];
} file = {.fd = -1};

// ---- Text ------------------------------------------------------------------------------------

static void put(char c) {
  if (file.n < OUT) file.out[file.n++] = c;
}

static void text(const char *s) {
  while (*s) put(*s++);
}

static void quoted(const char *s) {
  put('"');
  for (; *s; s++) {
    if (*s == '"' || *s == '\\') put('\\');
    put((unsigned char)*s < ' ' ? '?' : *s);
  }
  put('"');
}

static void decimal(uint64_t n) {
  char digits[20];
  int i = 0;
  do {
    digits[i++] = (char)('0' + n % 10);
    n /= 10;
  } while (n);
  while (i > 0) put(digits[--i]);
}

static void micros(int64_t ns) {  // the format's unit, to the nanosecond
  const uint64_t n = ns > 0 ? (uint64_t)ns : 0;
  decimal(n / 1000);
  put('.');
  put((char)('0' + n / 100 % 10));
  put((char)('0' + n / 10 % 10));
  put((char)('0' + n % 10));
}

static void field(const char *name, uint64_t n) {
  put(',');
  quoted(name);
  put(':');
  decimal(n);
}

static void word(const char *name, const char *value) {
  put(',');
  quoted(name);
  put(':');
  quoted(value);
}

static void send(void) {
  for (size_t at = 0; at < file.n && !file.error;) {
    const int64_t n = os_write(file.fd, file.out + at, file.n - at, -1);
    if (n > 0)
      at += (size_t)n;
    else
      file.error = n ? (int)n : GO_ESYSTEM;
  }
  file.n = 0;
}

static const char *name_of(uintptr_t fn) {
  const size_t i = (fn >> 4 ^ fn >> 12) % NAMES;
  if (file.names[i].fn != fn || !file.names[i].name[0]) {
    os_symbol(fn, file.names[i].name, NAME);
    file.names[i].fn = fn;
  }
  return file.names[i].name;
}

// ---- Events ----------------------------------------------------------------------------------

struct track {
  uint32_t group, id;
};

// Begins an event; the caller adds fields and calls end.
static void begin(const char *name, const char *phase, struct track on, int64_t ns) {
  text(file.any ? ",\n{\"name\":" : "[\n{\"name\":");
  file.any = true;
  quoted(name);
  word("ph", phase);
  field("pid", on.group);
  field("tid", on.id);
  text(",\"ts\":");
  micros(ns);
}

static void end(void) {
  put('}');
  if (file.n > OUT - LINE_MOST) send();
}

static void args(uint64_t goid) {
  text(",\"args\":{\"goroutine\":");
  decimal(goid);
}

static void slice(const char *name, const char *category, struct track on,
                  const struct rt_tracerec *r) {
  begin(name, "X", on, r->ns);
  text(",\"dur\":");
  micros(r->end_ns - r->ns);
  word("cat", category);
}

static void instant(const char *name, const char *category, struct track on,
                    const struct rt_tracerec *r) {
  begin(name, "i", on, r->ns);
  word("s", "t");
  word("cat", category);
}

// An arrow from ("s") or to ("f") the slice around ns.
static void arrow(const char *phase, struct track on, int64_t ns, uint64_t id) {
  if (!id) return;
  begin("ready", phase, on, ns);
  word("cat", "ready");
  if (phase[0] == 'f') word("bp", "e");
  field("id", id);
  end();
}

static void name_track(struct track t, const char *what, uint64_t number, bool numbered) {
  begin("thread_name", "M", t, 0);
  text(",\"args\":{\"name\":\"");
  text(what);
  if (numbered) decimal(number);
  text("\"}");
  end();
}

static void write_run(const struct rt_tracerec *r, struct track on) {
  static const char *const thens[RT_THENS] = {"park", "yield", "preempt", "syscall", "leave",
                                              "end", "die"};
  slice(name_of(r->arg[0]), "run", on, r);
  args(r->goid);
  word("then", r->how < RT_THENS ? thens[r->how] : "?");
  if (r->how == RT_THEN_PARK)
    word("reason", rt_waitreason_name((enum rt_waitreason)r->reason));
  put('}');
  end();
  arrow("f", on, r->ns, r->flow);
}

static void write_growth(const struct rt_tracerec *r, struct track on) {
  slice(r->arg[1] == r->arg[0]  ? "move stack"
        : r->arg[1] < r->arg[0] ? "shrink stack"
                                : "grow stack",
        "growth", on, r);
  args(r->goid);
  word("by", r->how < RT_CAUSES ? rt_tracecause_names[r->how] : "?");
  field("from", r->arg[0]);
  field("to", r->arg[1]);
  field("copied", r->arg[2]);
  field("adjusted", r->arg[3]);
  put('}');
  end();
}

static void write_instant(const struct rt_tracerec *r, struct track on) {
  switch (r->kind) {
    case RT_TRACE_CREATE:
      instant("create", "run", on, r);
      args(r->goid);
      field("by", r->arg[1]);
      word("entry", name_of(r->arg[0]));
      break;
    case RT_TRACE_READY:
      instant("ready", "ready", on, r);
      args(r->goid);
      field("by", r->arg[0]);
      break;
    case RT_TRACE_STEAL:
      instant("steal", "steal", on, r);
      args(r->goid);
      field("from", r->arg[0]);
      break;
    default:
      instant("handoff", "syscall", on, r);
      text(",\"args\":{\"by\":");
      quoted(r->arg[0] ? "go_blocking" : "sysmon");
  }
  put('}');
  end();
  arrow("s", on, r->ns, r->flow);
}

static void write_record(const struct rt_tracerec *r, uint32_t m) {
  const bool on_p = r->p >= 0 && r->p < RT_MAXPROCS;
  const struct track on = on_p ? (struct track){PS, (uint32_t)r->p} : (struct track){MS, m};
  if (on_p && !file.named[r->p]) {
    file.named[r->p] = true;
    name_track(on, "P", (uint64_t)r->p, true);
  }
  switch (r->kind) {
    case RT_TRACE_NONE:
      return;
    case RT_TRACE_RUN:
      write_run(r, on);
      return;
    case RT_TRACE_GROWTH:
      write_growth(r, on);
      return;
    case RT_TRACE_SYSCALL:
      slice("system call", "syscall", on, r);
      args(r->goid);
      field("kept_p", r->arg[0]);
      break;
    case RT_TRACE_NETPOLL:
      slice("netpoll", "netpoll", on, r);
      text(",\"args\":{\"events\":");
      decimal(r->arg[0]);
      field("ready", r->arg[1]);
      break;
    case RT_TRACE_WRITE:
      slice("write trace", "trace", on, r);
      text(",\"args\":{\"events\":");
      decimal(r->arg[0]);
      break;
    default:
      write_instant(r, on);
      return;
  }
  put('}');
  end();
}

// ---- The file --------------------------------------------------------------------------------

static void name_group(uint32_t group, const char *name) {
  begin("process_name", "M", (struct track){group, 0}, 0);
  text(",\"args\":{\"name\":");
  quoted(name);
  put('}');
  end();
  begin("process_sort_index", "M", (struct track){group, 0}, 0);
  text(",\"args\":{\"sort_index\":");
  decimal(group);
  put('}');
  end();
}

int rt_tracefile_open(const char *path) {
  const int fd = os_create(path);
  if (fd < 0) return fd;
  file.fd = fd;
  file.error = 0;
  file.n = 0;
  for (int i = 0; i < RT_MAXPROCS; i++) file.named[i] = false;
  file.any = false;
  (void)name_of((uintptr_t)rt_tracefile_open);  // the first name of all takes a while
  name_group(PS, "Ps: goroutines that run");
  name_group(MS, "Ms: system calls and the poller");
  send();
  return 0;
}

void rt_tracefile_thread(uint32_t m, bool sysmon) {
  name_track((struct track){MS, m}, sysmon ? "sysmon" : "M", m, !sysmon);
  send();
}

void rt_tracefile_write(const struct rt_tracerec *recs, uint32_t n, uint32_t m) {
  for (uint32_t i = 0; i < n; i++) write_record(&recs[i], m);
  send();
}

int rt_tracefile_close(int64_t ns, uint64_t dropped) {
  begin("end of trace", "i", (struct track){PS, 0}, ns);
  word("s", "g");
  text(",\"args\":{\"dropped\":");
  decimal(dropped);
  put('}');
  end();
  text("\n]\n");
  send();
  os_close(file.fd);
  file.fd = -1;
  return file.error;
}
