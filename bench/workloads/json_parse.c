// json_parse.c: a recursive-descent JSON parser, one C call per nesting level, over a document
// that is Clang's syntax tree of this very file.
//
// It asks for stack at each level, the way hand-placed checkpoints are used.  Its state lives in
// the caller's frame and is passed down by pointer, and each level links to the one above it, so
// that pointers between frames are plenty.
#include "bench/workloads/workload.h"

#include <string.h>

enum { LEVEL_NEEDS = 1024, MAX_DEPTH = 10000, KEY_BYTES = 96 };

// Where the parser is, and what it has seen.
struct parser {
  const char *at, *end;
  uint64_t sum;
  uint64_t values;
  uint64_t kinds;  // members called "kind": the nodes of the syntax tree
  int deepest;
  bool failed;
};

// One per nesting level, in the frame of that level.
struct level {
  const struct level *up;
  int depth;
  uint64_t members;
};

static void parse_value(struct parser *p, const struct level *up);

static void skip_space(struct parser *p) {
  while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r'))
    p->at++;
}

static bool take(struct parser *p, char c) {
  skip_space(p);
  if (p->at >= p->end || *p->at != c)
    return false;
  p->at++;
  return true;
}

static void expect(struct parser *p, char c) {
  if (!take(p, c))
    p->failed = true;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

static unsigned unicode_escape(struct parser *p) {
  unsigned code = 0;
  for (int i = 0; i < 4; i++) {
    const int digit = p->at < p->end ? hex_digit(*p->at) : -1;
    if (digit < 0) {
      p->failed = true;
      return 0;
    }
    code = code * 16 + (unsigned)digit;
    p->at++;
  }
  return code;
}

static unsigned escape(struct parser *p) {
  static const char names[] = "\"\\/bfnrt", codes[] = "\"\\/\b\f\n\r\t";
  const char c = p->at < p->end ? *p->at++ : 0;
  if (c == 'u')
    return unicode_escape(p);
  const char *name = c ? strchr(names, c) : NULL;
  if (!name) {
    p->failed = true;
    return 0;
  }
  return (unsigned char)codes[name - names];
}

// The opening quote has been taken.  Decodes into text (room bytes, cut where it is longer;
// code points above 255 lose their high bits) and returns a checksum of the whole.
static uint64_t parse_string(struct parser *p, char *text, size_t room) {
  uint64_t sum = checksum_seed;
  size_t n = 0;
  while (!p->failed && p->at < p->end && *p->at != '"') {
    const char c = *p->at++;
    const unsigned code = c == '\\' ? escape(p) : (unsigned char)c;
    sum = checksum_word(sum, code);
    if (n + 1 < room)
      text[n++] = (char)code;
  }
  text[n] = 0;
  expect(p, '"');
  return sum;
}

static uint64_t parse_number(struct parser *p) {
  const char *start = p->at;
  while (p->at < p->end && *p->at && strchr("+-.eE0123456789", *p->at))
    p->at++;
  if (p->at == start)
    p->failed = true;
  return checksum_bytes(checksum_seed, start, (size_t)(p->at - start));
}

static uint64_t parse_word(struct parser *p, const char *word) {
  const size_t n = strlen(word);
  if ((size_t)(p->end - p->at) < n || memcmp(p->at, word, n) != 0) {
    p->failed = true;
    return 0;
  }
  p->at += n;
  return checksum_string(checksum_seed, word);
}

static void parse_object(struct parser *p, struct level *here) {
  char key[KEY_BYTES];
  if (take(p, '}'))
    return;
  do {
    expect(p, '"');
    p->sum = checksum_word(p->sum, parse_string(p, key, sizeof key));
    p->kinds += !strcmp(key, "kind");
    expect(p, ':');
    parse_value(p, here);
    here->members++;
  } while (!p->failed && take(p, ','));
  expect(p, '}');
}

static void parse_array(struct parser *p, struct level *here) {
  if (take(p, ']'))
    return;
  do {
    parse_value(p, here);
    here->members++;
  } while (!p->failed && take(p, ','));
  expect(p, ']');
}

// Mixes in the number of members of every level from here to the root: reads all the frames.
static uint64_t path_sum(const struct level *here) {
  uint64_t sum = 0;
  for (const struct level *l = here; l; l = l->up)
    sum = sum * 31 + l->members;
  return sum;
}

static void parse_scalar(struct parser *p) {
  char text[KEY_BYTES];
  uint64_t sum;
  if (take(p, '"'))
    sum = parse_string(p, text, sizeof text);
  else if (p->at < p->end && *p->at == 't')
    sum = parse_word(p, "true");
  else if (p->at < p->end && *p->at == 'f')
    sum = parse_word(p, "false");
  else if (p->at < p->end && *p->at == 'n')
    sum = parse_word(p, "null");
  else
    sum = parse_number(p);
  p->sum = checksum_word(p->sum, sum);
}

struct value {
  struct parser *p;
  const struct level *up;
};

static void parse_one(void *arg) {
  const struct value *v = arg;
  struct parser *p = v->p;
  struct level here = {.up = v->up, .depth = v->up ? v->up->depth + 1 : 1};
  if (here.depth > p->deepest)
    p->deepest = here.depth;
  if (here.depth > MAX_DEPTH)
    p->failed = true;
  if (p->failed)
    return;
  skip_space(p);
  p->values++;
  if (take(p, '{'))
    parse_object(p, &here);
  else if (take(p, '['))
    parse_array(p, &here);
  else
    parse_scalar(p);
  p->sum = checksum_word(p->sum, path_sum(&here));
}

static void parse_value(struct parser *p, const struct level *up) {
  struct value v = {p, up};
  call_with_stack(LEVEL_NEEDS, parse_one, &v);
}

uint64_t json_checksum(const char *text, size_t n) {
  struct parser p = {.at = text, .end = text + n, .sum = checksum_seed};
  parse_value(&p, NULL);
  skip_space(&p);
  uint64_t sum = checksum_word(checksum_word(p.sum, p.values), p.kinds);
  sum = checksum_word(sum, (uint64_t)p.deepest);
  return checksum_word(sum, p.failed || p.at != p.end ? 1 : 0);
}

static uint64_t run_json(size_t size) {
  (void)size;
  return json_checksum(document_text(), document_bytes());
}

const struct workload workload_json_parse = {
    .name = "json_parse",
    .library = "own code",
    .does = "recursive-descent parse of Clang's syntax tree of the parser; one call per level",
    .checkpoint_bytes = LEVEL_NEEDS,
    .run = run_json,
};
