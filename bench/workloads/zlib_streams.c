// zlib_streams.c: deflate and inflate, each with its z_stream on the stack and on the heap.
//
// zlib's heap state points back to the z_stream (state->strm), and every call checks that the two
// still agree.  A z_stream that has moved with its stack fails that check, or is followed to where
// it no longer is; one on the heap does not move.
#include "bench/workloads/workload.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { PLAIN_BYTES = 24 * 1024, CHUNK = 1024, STACK_NEEDED = 8 * 1024 };

static unsigned char *plain, *packed, *scratch;
static size_t packed_bytes, scratch_bytes;

static int prepare_streams(void) {
  if (document_bytes() < 2 * PLAIN_BYTES)
    return -1;
  scratch_bytes = compressBound(PLAIN_BYTES);
  plain = malloc(PLAIN_BYTES);
  packed = malloc(scratch_bytes);
  scratch = malloc(scratch_bytes);
  if (!plain || !packed || !scratch)
    return -1;
  memcpy(plain, document_text() + document_bytes() / 2, PLAIN_BYTES);
  uLongf n = scratch_bytes;
  if (compress2(packed, &n, plain, PLAIN_BYTES, 6) != Z_OK)
    return -1;
  packed_bytes = n;
  return 0;
}

// Feeds `in` to a stream in chunks, as a program reading a file does, so that many calls into
// the library are made from one frame.  Returns a checksum of the output and the return codes.
static uint64_t pump(z_stream *z, int (*step)(z_stream *, int), const unsigned char *in,
                     size_t in_bytes) {
  uint64_t sum = checksum_seed;
  int code = Z_OK;
  z->next_out = scratch;
  z->avail_out = (uInt)scratch_bytes;
  for (size_t at = 0; at < in_bytes && code == Z_OK; at += CHUNK) {
    const size_t n = in_bytes - at < CHUNK ? in_bytes - at : CHUNK;
    z->next_in = (unsigned char *)in + at;
    z->avail_in = (uInt)n;
    code = step(z, at + n == in_bytes ? Z_FINISH : Z_NO_FLUSH);
  }
  sum = checksum_word(sum, (uint64_t)code);
  sum = checksum_word(sum, z->total_out);
  return checksum_bytes(sum, scratch, z->total_out < scratch_bytes ? z->total_out : 0);
}

static uint64_t deflate_with(z_stream *z) {
  memset(z, 0, sizeof *z);
  if (deflateInit(z, 6) != Z_OK)
    return 0;
  const uint64_t sum = pump(z, deflate, plain, PLAIN_BYTES);
  return checksum_word(sum, (uint64_t)deflateEnd(z));
}

static uint64_t inflate_with(z_stream *z) {
  memset(z, 0, sizeof *z);
  if (inflateInit(z) != Z_OK)
    return 0;
  const uint64_t sum = pump(z, inflate, packed, packed_bytes);
  return checksum_word(sum, (uint64_t)inflateEnd(z));
}

static uint64_t deflate_stack(size_t size) {
  (void)size;
  z_stream z;
  return deflate_with(&z);
}

static uint64_t inflate_stack(size_t size) {
  (void)size;
  z_stream z;
  return inflate_with(&z);
}

static uint64_t on_heap(uint64_t (*with)(z_stream *)) {
  z_stream *z = malloc(sizeof *z);
  if (!z)
    return 0;
  const uint64_t sum = with(z);
  free(z);
  return sum;
}

static uint64_t deflate_heap(size_t size) {
  (void)size;
  return on_heap(deflate_with);
}

static uint64_t inflate_heap(size_t size) {
  (void)size;
  return on_heap(inflate_with);
}

const struct workload workload_zlib_deflate_stack = {
    .name = "zlib_deflate_stack",
    .library = "zlib",
    .does = "deflate 24 KiB in 1 KiB chunks, z_stream in the caller's frame",
    .checkpoint_bytes = STACK_NEEDED,
    .prepare = prepare_streams,
    .run = deflate_stack,
};

const struct workload workload_zlib_deflate_heap = {
    .name = "zlib_deflate_heap",
    .library = "zlib",
    .does = "the same deflate, z_stream on the heap",
    .checkpoint_bytes = STACK_NEEDED,
    .prepare = prepare_streams,
    .run = deflate_heap,
};

const struct workload workload_zlib_inflate_stack = {
    .name = "zlib_inflate_stack",
    .library = "zlib",
    .does = "inflate to 24 KiB in 1 KiB chunks, z_stream in the caller's frame",
    .checkpoint_bytes = STACK_NEEDED,
    .prepare = prepare_streams,
    .run = inflate_stack,
};

const struct workload workload_zlib_inflate_heap = {
    .name = "zlib_inflate_heap",
    .library = "zlib",
    .does = "the same inflate, z_stream on the heap",
    .checkpoint_bytes = STACK_NEEDED,
    .prepare = prepare_streams,
    .run = inflate_heap,
};
