// Mutations of copystack's inputs, in their own words (copystack_fuzz.c): frames that point to each
// other, pointers near every boundary, aliases, pointers that are not aligned.  For libFuzzer
// alone, whose own mutations of plain bytes are one of ours.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

enum { HEADER = 8, RAW_BYTES = 10, WORDS_MAX = 512 };
enum { FIRST, LAST, SMALL, MIDDLE, FIRST_FLIPPED, LAST_FLIPPED, AGAIN, RAW };

static uint32_t state;

static uint32_t below(uint32_t n) {  // xorshift (Marsaglia, "Xorshift RNGs", 2003)
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state % n;
}

static size_t word_bytes(const uint8_t *word) { return word[0] % 8 == RAW ? RAW_BYTES : 2; }

// Where each word begins, and the end after the last whole one; returns how many there are.
static size_t find_words(const uint8_t *data, size_t size, size_t at[WORDS_MAX + 1]) {
  size_t n = 0;
  at[0] = size < HEADER ? size : HEADER;
  while (n < WORDS_MAX && at[n] + 2 <= size && at[n] + word_bytes(data + at[n]) <= size) {
    at[n + 1] = at[n] + word_bytes(data + at[n]);
    n++;
  }
  return n;
}

// Offsets that boundaries care for.
static uint8_t near_offset(void) {
  static const int8_t offsets[] = {0, 1, -1, 2, -2, 7, -7, 8, -8, 9, 16, -16, 64, -64, 127, -128};
  return (uint8_t)offsets[below(sizeof offsets)];
}

// Makes a few words that belong together; returns their bytes, at most 16.
static size_t make_words(uint8_t out[16]) {
  size_t n = 0;
  const uint8_t offset = near_offset();
  switch (below(6)) {
    case 0:  // frames, each with the address of its caller's and one of code
      for (uint8_t i = 0; i < 4; i++) {
        out[n++] = MIDDLE;
        out[n++] = (uint8_t)(offset + 16 * i);
        out[n++] = SMALL;
        out[n++] = offset;
      }
      return n;
    case 1:  // at a boundary
      out[n++] = below(2) ? FIRST : LAST;
      out[n++] = offset;
      return n;
    case 2:  // almost there: one bit is another
      out[n++] = (uint8_t)((below(2) ? FIRST_FLIPPED : LAST_FLIPPED) + 8 * below(32));
      out[n++] = offset;
      return n;
    case 3:  // aliases
      out[n++] = below(2) ? FIRST : MIDDLE;
      out[n++] = offset;
      out[n++] = AGAIN;
      out[n++] = (uint8_t)(1 + below(40));
      return n;
    case 4: {  // not aligned: its low part, then its high part
      const uint8_t shift = (uint8_t)(1 + below(7));
      out[n++] = (uint8_t)(SMALL + 8 * shift);
      out[n++] = offset;
      out[n++] = (uint8_t)(SMALL + 8 * (16 - shift));
      out[n++] = offset;
      return n;
    }
    default:  // many, so that every vector width has whole blocks and a rest
      out[n++] = AGAIN;
      out[n++] = (uint8_t)(below(2) ? 1 + below(255) : 1u << below(8));
      return n;
  }
}

static size_t insert(uint8_t *data, size_t size, size_t most, size_t at) {
  uint8_t words[16];
  const size_t n = make_words(words);
  if (size + n > most) return size;
  memmove(data + at + n, data + at, size - at);
  memcpy(data + at, words, n);
  return size + n;
}

static size_t erase(uint8_t *data, size_t size, size_t lo, size_t hi) {
  memmove(data + lo, data + hi, size - hi);
  return size - (hi - lo);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
  size_t at[WORDS_MAX + 1];
  state = seed | 1;
  if (size < HEADER || most < HEADER + 2 || below(4) == 0)
    return LLVMFuzzerMutate(data, size, most);
  const size_t n = find_words(data, size, at), i = below((uint32_t)n + 1);
  switch (n > 0 ? below(8) : below(3)) {
    case 0:
    case 1:
      return insert(data, size, most, at[i]);
    case 2:  // the bounds, the distance, how the stacks lie
      data[below(HEADER)] = (uint8_t)(below(2) ? below(256) : near_offset());
      return size;
    case 3:
      return i < n ? erase(data, size, at[i], at[i + 1 + below((uint32_t)(n - i))]) : size;
    case 4:  // as far from a boundary as another
      if (i < n) data[at[i] + 1] = near_offset();
      return size;
    case 5:  // another kind, as long as before
      if (i < n && data[at[i]] % 8 != RAW) data[at[i]] = (uint8_t)(below(32) * 8 + below(RAW));
      return size;
    default: {  // one where another was
      const size_t k = below((uint32_t)n);
      if (i < n && word_bytes(data + at[i]) == word_bytes(data + at[k]))
        memmove(data + at[i], data + at[k], word_bytes(data + at[k]));
      return size;
    }
  }
}

// The header of one, its first words, and the last words of the other.
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t most, unsigned seed) {
  size_t at[WORDS_MAX + 1], other_at[WORDS_MAX + 1];
  state = seed | 1;
  if (one_size < HEADER || other_size < HEADER) return 0;
  const size_t n = find_words(one, one_size, at), m = find_words(other, other_size, other_at);
  size_t head = at[below((uint32_t)n + 1)];
  const size_t tail_at = other_at[below((uint32_t)m + 1)];
  size_t tail = other_size - tail_at;
  if (head > most) head = most;
  if (tail > most - head) tail = most - head;
  memcpy(out, one, head);
  memcpy(out + head, other + tail_at, tail);
  return head + tail;
}
