// main.c: the command line of the programs that hold cases; bench/hazards/hazards.py runs them all.
//
//   NAME [--list] [--case CASE] [--growth STRATEGY]
//
// Prints JSON, one object a line: a description of each strategy and case with --list, and
// otherwise the verdict on each case under each strategy.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/hazards/judge.h"
#include "runtime/go.h"

static const char usage[] =
    "usage: cases [--list] [--case CASE] [--growth STRATEGY]\n"
    "Runs each case under each strategy in a child process; JSON, one object a line.\n";

static const char *const group_names[] = {"handler", "scan", "guard", "library", "history"};

// A string of ours, or what a dying child has written.
static void print_string(const char *s) {
  putchar('"');
  for (; *s; s++) {
    if (*s == '"' || *s == '\\') putchar('\\');
    if ((unsigned char)*s >= ' ' && (unsigned char)*s < 127) putchar(*s);
  }
  putchar('"');
}

static void list_all(void) {
  const struct rt_growth *g;
  for (int i = 0; (g = rt_growth_at(i)) != NULL; i++) {
    printf("{\"strategy\":\"%s\",\"moves\":%s,\"faults\":%s,\"checkpoints\":%s,\"summary\":",
           g->name, g->moves ? "true" : "false", g->fault ? "true" : "false",
           g->checkpoint ? "true" : "false");
    print_string(g->summary);
    printf("}\n");
  }
  for (const struct hazard *h = hazard_table; h->name; h++) {
    printf("{\"case\":\"%s\",\"group\":\"%s\",\"cause\":", h->name, group_names[h->group]);
    print_string(h->cause);
    printf("}\n");
  }
}

static void run(const struct hazard *h, const struct rt_growth *g) {
  struct judgement j;
  judge(h, g, &j);
  printf("{\"case\":\"%s\",\"growth\":\"%s\",\"verdict\":\"%s\",\"calls\":%u,\"grew\":%u,"
         "\"moved\":%u,\"wrong\":%u,\"detail\":",
         h->name, g->name, verdict_names[j.verdict], j.sweep.begun, j.sweep.grew, j.sweep.moved,
         j.sweep.wrong);
  print_string(j.detail);
  printf("}\n");
  fflush(stdout);
}

static const struct option options[] = {
    {"list", no_argument, NULL, 'l'},
    {"case", required_argument, NULL, 'c'},
    {"growth", required_argument, NULL, 'g'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

int main(int argc, char **argv) {
  const char *only_case = NULL, *only_growth = NULL;
  int c;
  while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (c) {
      case 'l': list_all(); return 0;
      case 'c': only_case = optarg; break;
      case 'g': only_growth = optarg; break;
      case 'h': fputs(usage, stdout); return 0;
      default: return 2;
    }
  }
  for (const struct hazard *h = hazard_table; h->name; h++) {
    if (only_case && strcmp(only_case, h->name) != 0) continue;
    for (int i = 0; rt_growth_at(i); i++)
      if (!only_growth || strcmp(only_growth, rt_growth_at(i)->name) == 0) run(h, rt_growth_at(i));
  }
  return 0;
}
