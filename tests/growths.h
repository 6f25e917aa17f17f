// growths.h: the growth strategies there are.  A test of what holds for all of them, or for those
// that have some property, takes them from here: so a new row of the table is in it.
#ifndef STACKLAB_TESTS_GROWTHS_H_
#define STACKLAB_TESTS_GROWTHS_H_

#include <cctype>
#include <string>
#include <vector>

extern "C" {
#include "runtime/stack/growth/growth.h"
}

// Those that goroutines can have here and of which that is true, in the table's order.
inline std::vector<const char *> Growths(bool (*which)(const rt_growth &) = nullptr) {
  std::vector<const char *> all;
  for (int i = 0; const rt_growth *row = rt_growth_at(i); i++)
    if (!which || which(*row)) all.push_back(row->name);
  return all;
}

// A stack of theirs can grow where it is, by moving its guard.
inline bool IsElastic(const rt_growth &growth) { return growth.decommit != nullptr; }

// One can become smaller: by a copy, or by moving its guard.
inline bool GetsSmaller(const rt_growth &growth) {
  return growth.shrink && (growth.moves || IsElastic(growth));
}

// A name of one, as part of a test's.
inline std::string Plain(std::string growth) {
  for (char &c : growth)
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  return growth;
}

#endif
