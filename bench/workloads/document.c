// document.c: access to the document that document.S holds.
#include "bench/workloads/workload.h"

extern const char document_begin[], document_end[];

const char *document_text(void) {
  return document_begin;
}

size_t document_bytes(void) {
  return (size_t)(document_end - document_begin);
}
