// Writing a growth profile (profilefile.h).  No stdio and no malloc: it may be the last thing that
// the process does, in the fault handler.
//
// What two entries of the table have in common is what their lines say: a function and a line of
// the source, not an address.  So an entry's text is made twice: first only to be hashed, and
// entries of one hash become one row; then to be written.
#include "runtime/sched/profilefile.h"

#include <string.h>
#include "runtime/os/os.h"
#include "runtime/os/throw.h"
#include "runtime/sched/trace.h"
#include "runtime/stack/adapt.h"
#include "runtime/stack/profile.h"

enum { OUT = 4096, NAME = 160, LINE = 240 };

struct row {
  uint64_t hash;
  uint64_t growths, bytes_copied;
  uint32_t at;  // an entry of the table that it stands for
};
static struct row rows[RT_PROFILE_ENTRIES];

static struct {
  go_profile_sink sink;  // NULL: text is only hashed
  void *arg;
  int error;             // of the sink
  uint64_t hash;
  size_t column;         // characters since column_begins
  size_t n;
  char buf[OUT];
} out;

// ---- Text ------------------------------------------------------------------------------------

static void flush(void) {
  if (out.n > 0 && !out.error) out.error = out.sink(out.arg, out.buf, out.n);
  out.n = 0;
}

static void put(char c) {
  out.hash = (out.hash ^ (unsigned char)c) * 0x100000001b3;  // FNV-1a
  out.column++;
  if (!out.sink) return;
  if (out.n == OUT) flush();
  out.buf[out.n++] = c;
}

static void text(const char *s) {
  while (*s) put(*s++);
}

static void number(uint64_t n) {
  struct rt_text t = {.n = 0};
  rt_text_dec(&t, n);
  for (size_t i = 0; i < t.n; i++) put(t.buf[i]);
}

static void right(uint64_t n, size_t width) {
  size_t digits = 1;
  for (uint64_t rest = n; rest >= 10; rest /= 10) digits++;
  for (; digits < width; digits++) put(' ');
  number(n);
}

static void pad_to(size_t column) {
  do put(' ');
  while (out.column < column);
}

static void size(uint32_t bytes) {
  if (bytes >= 1 << 20 && bytes % (1 << 20) == 0)
    number(bytes >> 20), put('M');
  else if (bytes % (1 << 10) == 0)
    number(bytes >> 10), put('K');
  else
    number(bytes);
}

// ---- Rows ------------------------------------------------------------------------------------

static bool by_hash(const struct row *a, const struct row *b) { return a->hash < b->hash; }

static bool by_growths(const struct row *a, const struct row *b) {
  if (a->growths != b->growths) return a->growths > b->growths;
  if (a->bytes_copied != b->bytes_copied) return a->bytes_copied > b->bytes_copied;
  return a->hash < b->hash;
}

// Shell's sort: qsort may allocate.
static void sort(uint32_t n, bool (*before)(const struct row *, const struct row *)) {
  for (uint32_t gap = n / 2; gap > 0; gap /= 2)
    for (uint32_t i = gap; i < n; i++) {
      const struct row r = rows[i];
      uint32_t k = i;
      for (; k >= gap && before(&r, &rows[k - gap]); k -= gap) rows[k] = rows[k - gap];
      rows[k] = r;
    }
}

// One row for all entries with the same text, most growths first.  Returns how many there are.
static uint32_t collect(void (*line)(const struct rt_growsite *), uint64_t rate) {
  const struct rt_growsite *s;
  uint64_t growths, bytes_copied;
  uint32_t n = 0, merged = 0;
  out.sink = NULL;
  for (uint32_t i = 0; (s = rt_profile_at(i, &growths, &bytes_copied)) != NULL; i++) {
    if (growths == 0) continue;
    out.hash = 0xcbf29ce484222325;
    line(s);
    rows[n++] = (struct row){out.hash, growths * rate, bytes_copied * rate, i};
  }
  sort(n, by_hash);
  for (uint32_t i = 0; i < n; i++) {
    if (merged == 0 || rows[merged - 1].hash != rows[i].hash) {
      rows[merged++] = rows[i];
      continue;
    }
    rows[merged - 1].growths += rows[i].growths;
    rows[merged - 1].bytes_copied += rows[i].bytes_copied;
  }
  sort(merged, by_growths);
  return merged;
}

static const struct rt_growsite *site_of(const struct row *r) {
  uint64_t growths, bytes_copied;
  return rt_profile_at(r->at, &growths, &bytes_copied);
}

// ---- The table -------------------------------------------------------------------------------

static void table_row(const struct rt_growsite *s) {
  enum { BY = 13, ENTRY = 24, SITE = 40 };
  char name[NAME], line[LINE];
  out.column = 0;
  size(s->from_bytes);
  text(" -> ");
  size(s->to_bytes);
  pad_to(BY);
  text(s->cause < RT_CAUSES ? rt_tracecause_names[s->cause] : "?");
  pad_to(ENTRY);
  os_symbol(s->entry, name, sizeof name);
  text(name);
  pad_to(SITE);
  const uintptr_t pc = s->nframes > 0 ? s->frames[0] : s->entry;
  os_symbol(pc, name, sizeof name);
  os_line(pc, line, sizeof line);
  text(name);
  if (!line[0]) return;
  text(" (");
  text(line);
  put(')');
}

static void share(uint64_t part, uint64_t of) {  // in percent
  const uint64_t thousandths = of ? (part * 1000 + of / 2) / of : 0;
  right(thousandths / 10, 4);
  put('.');
  number(thousandths % 10);
  put('%');
}

static void heading(const struct rt_profile_totals *t, uint64_t growths) {
  text("growth profile: ");
  number(t->growths);
  text(" growths");
  if (t->rate > 1) {
    text(", one in ");
    number(t->rate);
    text(" recorded (");
    number(t->recorded);
    text("); what follows is times ");
    number(t->rate);
  }
  if (t->dropped > 0) {
    text("; dropped, because the table was full: ");
    number(t->dropped);
  }
  put('\n');
  if (growths == 0) return;
  text("growths  share     copied  stack size   by         entry           site\n");
}

static void write_learnt(void) {
  enum { SIZE = 11, TRIALS = 20, ENTRY = 30 };
  struct rt_adapt_entry e;
  char name[NAME];
  bool any = false;
  for (uint32_t i = 0; rt_adapt_at(i, &e) && !out.error; i++) {
    if (e.size == 0) continue;
    if (!any) text("\nfirst sizes learnt (GO_STACKADAPT)\n   starts  size     trial in  entry\n");
    any = true;
    out.column = 0;
    right(e.larger, 9);
    pad_to(SIZE);
    size((uint32_t)e.size);
    pad_to(TRIALS);
    number(e.every);
    pad_to(ENTRY);
    os_symbol(e.fn, name, sizeof name);
    text(name);
    put('\n');
  }
}

static void write_table(const struct rt_profile_totals *t, go_profile_sink sink) {
  const uint32_t n = collect(table_row, t->rate);
  out.sink = sink;
  uint64_t growths = 0;
  for (uint32_t i = 0; i < n; i++) growths += rows[i].growths;
  heading(t, growths);
  for (uint32_t i = 0; i < n && !out.error; i++) {
    right(rows[i].growths, 7);
    share(rows[i].growths, growths);
    right(rows[i].bytes_copied, 11);
    text("  ");
    table_row(site_of(&rows[i]));
    put('\n');
  }
  write_learnt();
}

// ---- Folded stacks ---------------------------------------------------------------------------

static void folded_name(const char *name) {
  for (; *name; name++) put(*name == ';' || *name == '\n' ? ':' : *name);
}

// "entry;caller;site": Brendan Gregg's format.
static void folded_row(const struct rt_growsite *s) {
  char entry[NAME], name[NAME];
  os_symbol(s->entry, entry, sizeof entry);
  folded_name(entry);
  if (s->cut) text(";...");
  for (int i = s->nframes - 1; i >= 0; i--) {
    os_symbol(s->frames[i], name, sizeof name);
    // The outermost is the entry itself.
    if (i == s->nframes - 1 && !s->cut && strcmp(name, entry) == 0) continue;
    put(';');
    folded_name(name);
  }
}

static void write_folded(const struct rt_profile_totals *t, go_profile_sink sink, bool bytes) {
  const uint32_t n = collect(folded_row, t->rate);
  out.sink = sink;
  for (uint32_t i = 0; i < n && !out.error; i++) {
    folded_row(site_of(&rows[i]));
    put(' ');
    number(bytes ? rows[i].bytes_copied : rows[i].growths);
    put('\n');
  }
}

int rt_profilefile_write(enum go_profile_format format, go_profile_sink sink, void *arg) {
  struct rt_profile_totals t;
  rt_profile_read(&t);
  out.arg = arg;
  out.error = 0;
  out.n = 0;
  if (format == GO_PROFILE_TABLE)
    write_table(&t, sink);
  else
    write_folded(&t, sink, format == GO_PROFILE_FOLDED_BYTES);
  flush();
  return out.error;
}
