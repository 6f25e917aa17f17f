"""Parts of an HTML page: tables, figures, sections, and the page around them.  page.css is how they
look.  What is given as text is escaped here; what is called html is finished.
"""

import base64
import os
from html import escape

STYLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "page.css")


def td(text, cls=""):
    return "<td%s>%s</td>" % (' class="%s"' % cls if cls else "", escape(str(text)))


def th(text):
    return "<th scope=row>%s</th>" % escape(text)


def table(head, rows, caption, numeric=()):
    """head: cells as text; rows: lists of finished cells; numeric: columns that end at the right.
    The caption names the box that the table scrolls in."""
    top = "".join("<th scope=col%s>%s</th>" % (" class=n" if i in numeric else "",
                                               escape(h).replace("+", "+<wbr>"))
                  for i, h in enumerate(head))
    body = "".join("<tr>%s</tr>\n" % "".join(row) for row in rows)
    return ('<div class=scroll tabindex=0 role=region aria-label="%s"><table><caption>%s</caption>'
            "<thead><tr>%s</tr></thead>\n<tbody>%s</tbody></table></div>\n" % (
                escape(caption, True), escape(caption), top, body))


def details(summary, html):
    return "<details><summary>%s</summary>%s</details>\n" % (escape(summary), html)


def paragraph(text, cls=""):
    return "<p%s>%s</p>\n" % (" class=%s" % cls if cls else "", escape(text)) if text else ""


def bullets(texts):
    return "<ul>%s</ul>\n" % "".join("<li>%s</li>\n" % escape(t) for t in texts) if texts else ""


def _image(svg):
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def figure(svgs, alt, caption):
    """svgs: {"light": svg, "dark": svg}, or None for no figure."""
    if not svgs:
        return ""
    return ('<figure><picture><source media="screen and (prefers-color-scheme: dark)" srcset="%s">'
            '<img src="%s" alt="%s"></picture><figcaption>%s</figcaption></figure>\n' % (
                _image(svgs["dark"]), _image(svgs["light"]), escape(alt, True), escape(caption)))


def section(anchor, title, html):
    return '<section aria-labelledby="%s"><h2 id="%s">%s</h2>\n%s</section>\n' % (
        anchor, anchor, escape(title), html)


def contents(sections):
    """sections: [(anchor, title)]."""
    return '<nav aria-label="Contents"><ul>%s</ul></nav>\n' % "".join(
        '<li><a href="#%s">%s</a></li>\n' % (anchor, escape(title)) for anchor, title in sections)


def page(title, html):
    with open(STYLE, encoding="utf-8") as f:
        style = f.read()
    return ("<!doctype html>\n<html lang=en>\n<head><meta charset=utf-8>\n"
            '<meta name=viewport content="width=device-width, initial-scale=1">\n'
            '<link rel=icon href="data:,">\n'
            "<title>%s</title>\n<style>\n%s</style></head>\n<body>\n"
            '<a class=skip href="#main">Skip to the answer</a>\n<main id=main>\n%s</main>\n'
            "</body>\n</html>\n" % (escape(title), style, html))
