#!/usr/bin/python3
"""The report in a real browser: it renders whole, asks for nothing, fits a phone, can be read in
both colour schemes and on paper, and every link in it leads somewhere."""

import json
import os
import shutil
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tools"), HERE]

import fixed  # noqa: E402
from comparelib import headline, plots, report  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
WIDTHS = (320, 360, 412)  # phones, in CSS pixels
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--hide-scrollbars"]

# Of every text that is shown: its colour, the first ground below it that is not transparent, and
# whether it counts as large.  Returns those whose contrast is below what WCAG 2.2 AA asks for.
CONTRAST = """
const numbers = (s) => s.match(/[\\d.]+/g).map(Number);
const light = (c) => { const f = (v) => { v /= 255;
    return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); };
  return 0.2126 * f(c[0]) + 0.7152 * f(c[1]) + 0.0722 * f(c[2]); };
const ground = (e) => { for (; e; e = e.parentElement) {
    const c = numbers(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; }
  return [255, 255, 255]; };
const low = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let texts = 0;
while (walk.nextNode()) {
  const e = walk.currentNode.parentElement, style = getComputedStyle(e);
  if (!walk.currentNode.data.trim() || !e.checkVisibility()) continue;
  texts++;
  const [a, b] = [light(numbers(style.color)), light(ground(e))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
  if (ratio < (size >= 24 || bold && size >= 18.66 ? 3 : 4.5))
    low.push(ratio.toFixed(2) + ' ' + walk.currentNode.data.trim().slice(0, 40));
}
return [texts, low];
"""

# What sticks out of the page to the right and does not lie in a box that scrolls.
OVERFLOW = """
const wide = document.documentElement.clientWidth;
const out = [...document.querySelectorAll('body *')].filter((e) =>
  e.checkVisibility() && !e.closest('.scroll table') && !e.closest('.skip') &&
  e.getBoundingClientRect().right > wide + 0.5);
return [document.documentElement.scrollWidth, wide, out.map((e) => e.tagName + ' ' + e.className +
  ' ' + e.textContent.slice(0, 30))];
"""


def start(folder):
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    options = Options()
    options.binary_location = CHROMIUM
    for flag in FLAGS + ["--user-data-dir=" + os.path.join(folder, "profile")]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    os.environ.setdefault("HOME", folder)
    return webdriver.Chrome(service=Service(DRIVER), options=options)


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="page-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        document = fixed.make()
        document["answers"] = headline.answers(document)
        cls.path = os.path.join(cls.folder, "report.html")
        with open(cls.path, "w", encoding="utf-8") as f:
            f.write(report.render(document, plots.draw_all(document, cls.folder)))
        cls.browser = start(cls.folder)
        cls.addClassCleanup(cls.browser.quit)

    def setUp(self):
        self.look()

    def look(self, scheme="light", media="screen", width=1280, path=None):
        """Loads the page anew, as someone with that scheme and screen."""
        from selenium.webdriver.support.ui import WebDriverWait
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "media": media, "features": [{"name": "prefers-color-scheme", "value": scheme}]})
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500})
        # A busy system may not give the window the focus.
        self.browser.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
        for kind in ("browser", "performance"):
            self.browser.get_log(kind)
        self.browser.get("file://" + (path or self.path))
        # On a busy system, get() has been seen to return with half of a large page there.
        WebDriverWait(self.browser, 60).until(
            lambda b: b.execute_script("return document.readyState") == "complete")

    def ask(self, script):
        return self.browser.execute_script(script)

    def test_it_says_nothing_on_the_console_and_asks_for_nothing_else(self):
        self.assertEqual(self.browser.get_log("browser"), [])
        asked = []
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            self.assertNotEqual(message["method"], "Network.loadingFailed", message)
            if message["method"] == "Network.requestWillBeSent":
                asked.append(message["params"]["request"]["url"][:40])
        self.assertIn(("file://" + self.path)[:40], asked)
        self.assertEqual([url for url in asked if not url.startswith(("file://", "data:"))], [])
        self.assertEqual(len([url for url in asked if url.startswith("file://")]), 1)

    def test_a_page_that_asks_for_something_would_be_seen(self):
        path = os.path.join(self.folder, "bad.html")
        with open(path, "w", encoding="utf-8") as f:
            f.write("<img src=nowhere.png><script>console.error('oh')</script>")
        self.look(path=path)
        said = [entry["message"] for entry in self.browser.get_log("browser")]
        self.assertTrue(any("oh" in s for s in said) and any("nowhere" in s for s in said), said)

    def test_every_figure_is_drawn_in_both_schemes(self):
        state = ("return [...document.images].map((i) => [i.complete && i.naturalWidth > 100,"
                 "i.alt.length > 60, i.currentSrc])")
        light = self.ask(state)
        self.look("dark")
        dark = self.ask(state)
        self.assertEqual(len(light), len(plots.FIGURES))
        for image in light + dark:
            self.assertEqual(image[:2], [True, True])
        for a, b in zip(light, dark):
            self.assertNotEqual(a[2], b[2])

    def test_every_figure_has_its_figures_in_a_table(self):
        self.assertEqual(self.ask(
            "return [...document.images].filter((i) =>"
            "!i.closest('section').querySelector('table')).map((i) => i.alt)"), [])

    def test_text_can_be_read_in_both_schemes_and_in_every_table(self):
        for scheme in ("light", "dark"):
            self.look(scheme)
            self.ask("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            texts, low = self.ask(CONTRAST)
            self.assertGreater(texts, 500)
            self.assertEqual(low, [], scheme)

    def test_text_that_cannot_be_read_would_be_seen(self):
        self.ask("document.querySelector('h1').style.color = '#bbb'")
        self.assertEqual(len(self.ask(CONTRAST)[1]), 1)

    def test_the_schemes_differ(self):
        def ground():
            return self.ask("return getComputedStyle(document.body).backgroundColor")
        light = ground()
        self.look("dark")
        self.assertNotEqual(light, ground())

    def test_it_fits_a_phone_with_everything_open(self):
        for width in WIDTHS:
            self.look(width=width)
            self.ask("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            scroll, wide, out = self.ask(OVERFLOW)
            self.assertEqual((wide, out), (width, []))
            self.assertLessEqual(scroll, wide)

    def test_what_does_not_fit_would_be_seen(self):
        self.look(width=360)
        self.ask("document.querySelector('h1').style.width = '500px'")
        self.assertGreater(len(self.ask(OVERFLOW)[2]), 0)

    def test_every_link_leads_somewhere(self):
        links = self.ask("return [...document.links].map((a) => a.getAttribute('href'))")
        self.assertGreater(len(links), 10)
        for href in links:
            self.assertTrue(href.startswith("#"), href)
            self.ask("location.hash = ''; window.scrollTo(0, 0)")
            found = self.ask("document.querySelector('a[href=\"%s\"]').click();"
                             "const e = document.getElementById('%s');"
                             "return e && [location.hash, e.getBoundingClientRect().top < 800]"
                             % (href, href[1:]))
            self.assertEqual(found, [href, True], href)
        ids = self.ask("return [...document.querySelectorAll('[id]')].map((e) => e.id)")
        self.assertEqual(len(ids), len(set(ids)))

    def test_headings_come_in_order_and_the_language_is_told(self):
        levels = self.ask("return [...document.querySelectorAll('h1,h2,h3,h4')]"
                          ".map((h) => Number(h.tagName[1]))")
        self.assertEqual((levels[0], levels.count(1)), (1, 1))
        for before, after in zip(levels, levels[1:]):
            self.assertLessEqual(after, before + 1)
        self.assertEqual(self.ask("return document.documentElement.lang"), "en")
        self.assertIn("stacklab", self.browser.title)

    def test_tables_are_told_to_those_who_hear_them(self):
        self.assertEqual(self.ask(
            "return [...document.querySelectorAll('table')].filter((t) => !t.caption ||"
            "[...t.querySelectorAll('th')].some((h) => !h.scope)).length"), 0)
        self.assertEqual(self.ask(
            "return [...document.querySelectorAll('.scroll')].filter((b) => b.tabIndex != 0 ||"
            "!b.getAttribute('aria-label')).length"), 0)

    def test_the_first_stop_of_the_keyboard_skips_to_the_answer(self):
        self.assertEqual(self.ask("const a = document.querySelector('a'); a.focus();"
                                  "return [a.className, a.getBoundingClientRect().left >= 0]"),
                         ["skip", True])

    def test_on_paper_it_is_light_and_all_of_it_is_there(self):
        self.look("dark", media="print")
        ground, closed, hidden = self.ask(
            "const d = [...document.querySelectorAll('details')];"
            "return [getComputedStyle(document.body).backgroundColor,"
            "d.filter((e) => !e.open).length, d.filter((e) =>"
            "e.querySelector('table') && !e.querySelector('td').checkVisibility()).length]")
        self.assertEqual((ground, hidden), ("rgb(255, 255, 255)", 0))
        self.assertGreater(closed, 5)
        pdf = self.browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})
        self.assertTrue(pdf["data"].startswith("JVBERi"))  # %PDF

    def test_what_programs_said_is_text(self):
        text = self.ask("return document.body.textContent")
        self.assertIn("<b>bold</b> failed", text)
        self.assertIn("lib <1>", text)

    def test_what_others_measure_has_its_sections(self):
        text = self.ask("return document.body.textContent")
        for part in ("ring, 100 goroutines under mover: hung", "Peer & Co, create: crashes",
                     "Memory given back", "1.25/run", "apt-get install absent",
                     "a reason for xored", "hazards", "Growth on several Ms at once",
                     "Link order moves"):
            self.assertIn(part, text)


if __name__ == "__main__":
    for name, found in (("chromium", CHROMIUM), ("chromedriver", DRIVER)):
        if not found:
            print("SKIPPED: %s is not installed (tools/setup --for test)" % name)
            sys.exit(0)
    unittest.main(verbosity=1)
