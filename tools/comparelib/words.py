"""Figures and lists as people read them."""


def short_time(ns):
    """Three digits with a unit."""
    for unit, scale in (("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9)):
        value = ns / scale
        if value < 999.5 or unit == "s":
            digits = 0 if value >= 100 or unit == "ns" and value >= 10 else 1 if value >= 10 else 2
            return "%.*f %s" % (digits, value, unit)
    return ""


def short_size(size):
    for unit, scale in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= scale:
            return "%g %s" % (round(size / scale, 1), unit)
    return "%d B" % size


def short_ratio(ratio):
    value = ratio["value"] if isinstance(ratio, dict) else ratio
    return "%.0f" % value if value >= 20 else "%.1f" % value if value >= 3 else "%.2f" % value


def percent(share):
    """0.0123 as 1.2%."""
    return "%.*f%%" % (0 if share >= 0.0995 else 1 if share >= 0.00095 else 2, 100 * share)


def bytes_text(n):
    return "{:,.0f} bytes".format(n)


def join(words):
    words = list(words)
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def number(n, noun):
    """3 benchmarks, 1 benchmark."""
    return "{:,} {}{}".format(n, noun, "" if n == 1 else "s")
