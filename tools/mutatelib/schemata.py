"""A source in which all of its mutants lie beside the original, and which one runs is chosen at
run time (mutant schemata: Untch, Offutt and Harrold, ISSTA 1993).  So there is one build.

A site becomes

    (RT_MUTANT(first, n) ? mutants : original)

where the original has the sites within it likewise, and mutants have none: one at a time is chosen.
"""

# What each rewritten source includes.  `reached` says for the first mutant of each site whether the
# site was evaluated; a byte is only ever set to 1, so that threads may do it at once.
HEADER = """\
extern unsigned rt_mutant;
extern unsigned char *rt_mutant_reached;
#define RT_MUTANT(first, n)                                                  \\
  ((void)(rt_mutant_reached[first] || (rt_mutant_reached[first] = 1)),       \\
   rt_mutant - (first) < (n))
"""

# What chooses.  Children of a test inherit the environment.  The map is a file, so that it outlives
# whoever ends by a signal.
CHOOSER = """\
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned char unread[%(count)d];
unsigned char *rt_mutant_reached = unread;
unsigned rt_mutant;

__attribute__((constructor(101))) static void choose(void) {
  const char *which = getenv("RT_MUTANT"), *map = getenv("RT_MUTANT_MAP");
  if (which) rt_mutant = (unsigned)strtoul(which, NULL, 10);
  if (!map) return;
  const int fd = open(map, O_RDWR);
  void *at = mmap(NULL, sizeof unread, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) _exit(97);
  rt_mutant_reached = at;
  close(fd);
}
"""


def chooser(nmutants):
    return CHOOSER % {"count": nmutants + 1}


def convert(site, text):
    return "(%s)(%s)" % ("_Bool" if site.form == "truth" else site.type, text)


def rewrite_site(site, original):
    first, n = site.mutants[0].number, len(site.mutants)
    asked = "RT_MUTANT(%du, %du)" % (first, n)
    if site.form == "jump":
        return "if (%s) {} else %s" % (asked, original)
    chosen = convert(site, site.mutants[-1].text)
    for mutant in reversed(site.mutants[:-1]):
        chosen = "rt_mutant == %du ? %s : %s" % (mutant.number, convert(site, mutant.text), chosen)
    return "(%s ? (%s) : %s)" % (asked, chosen, convert(site, original))


def rewrite(text, sites):
    """The whole source; sites are numbered, and lie within each other or apart."""
    inside = sorted(sites, key=lambda site: (site.start, -site.end))

    def render(start, end, at):
        """text[start:end), with the sites from inside[at] on that lie there; and the next site."""
        parts, place = [], start
        while at < len(inside) and inside[at].start < end:
            site = inside[at]
            parts.append(text[place:site.start])
            within, at = render(site.start, site.end, at + 1)
            parts.append(rewrite_site(site, within))
            place = site.end
        return "".join(parts) + text[place:end], at

    return render(0, len(text), 0)[0]
