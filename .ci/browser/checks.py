"""What must be true of a page in one view."""

import re

from axe_playwright_python.sync_playwright import Axe

AXE = Axe()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}

# Where each link leads, as seen after it was followed: the first ones by clicks, the others by their address, which takes no
# time. The page scrolls at once, because motion is reduced.
FOLLOW = """async () => {
  const problems = [];
  const told = (problem, link) => problems.push(`${problem}: ${link.outerHTML.slice(0, 80)}`);
  const ground = element => getComputedStyle(element).backgroundColor;
  const inSight = box => box.width > 0 && box.height > 0 && box.top < innerHeight && box.bottom > 0 && box.left < innerWidth && box.right > 0;
  const links = [...document.querySelectorAll("a")];
  const grounds = new Map([...document.querySelectorAll("mark[id]")].map(mark => [mark, ground(mark)]));
  for (const [nth, link] of links.entries()) {
    const address = link.getAttribute("href") ?? "";
    if (!/^#[\\w-]+$/.test(address)) { told("leads elsewhere", link); continue; }
    const found = document.querySelectorAll(`[id="${address.slice(1)}"]`);
    if (found.length !== 1) { told(`leads to ${found.length} places`, link); continue; }
    const place = found[0];
    if (nth < 12) { link.click(); await new Promise(requestAnimationFrame); } else location.hash = address;
    const isShown = place.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    if (!isShown || ![...place.getClientRects()].some(inSight)) told("leads to a place that is not seen", link);
    else if (document.querySelector(":target") !== place) told("is not followed", link);
    else if (grounds.has(place) && ground(place) === grounds.get(place)) told("leads to a place that is not highlighted", link);
  }
  if (links.length < 10) problems.push(`there are only ${links.length}`);
  return problems;
}"""

# What the page says of the summary, without the marks of sources.
SAID = """() => {
  const main = document.querySelector("main").cloneNode(true);
  main.querySelectorAll("sup").forEach(mark => mark.remove());
  return main.textContent;
}"""

# Whatever is wider than what it stands in.
OVERFLOW = """() => [document.documentElement, ...document.querySelectorAll("body *")]
  .filter(element => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1
    && (element === document.documentElement || !["visible", "hidden", "clip"].includes(getComputedStyle(element).overflowX)))
  .map(element => `${element.tagName} is ${element.scrollWidth} pixels wide in ${element.clientWidth}`)"""

# Elements and attributes that run, load or send something.
ACTIVE = """() => [...document.querySelectorAll("*")].flatMap(element => {
  const names = element.getAttributeNames().filter(name => /^(on|src|style|action|formaction|ping|xlink)/.test(name));
  const isActive = /^(script|iframe|frame|object|embed|img|image|form|input|button|base|link|audio|video|foreignobject|animate|set)$/i;
  return isActive.test(element.localName) || names.length ? [element.outerHTML.slice(0, 80)] : [];
})"""


def complaints(context, page, shot, tasks):
    """The complaints about `page`. A picture is kept at `shot`, if that is given. `tasks` are of links, print and axe."""
    tab = context.new_page()
    heard = []
    tab.on("console", lambda message: heard.append(f"the console says: {message.text[:160]}"))
    tab.on("pageerror", lambda error: heard.append(f"an error: {error}"))
    tab.on("dialog", lambda dialog: (heard.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
    tab.on("request", lambda request: heard.append(f"asks for {request.url[:80]}") if request.url != page.path.as_uri() else None)
    tab.goto(page.path.as_uri())
    found = [f"is active: {element}" for element in tab.evaluate(ACTIVE)]
    found += [f"scrolls sideways: {place}" for place in tab.evaluate(OVERFLOW)]
    found += said(tab, page)
    if shot:
        tab.screenshot(path=f"{shot}.png")
    if "links" in tasks:
        found += [f"a link {problem}" for problem in tab.evaluate(FOLLOW)]
    if "print" in tasks:
        found += printed(tab, shot)
    if "axe" in tasks:
        for violation in AXE.run(tab, options=RULES).response["violations"]:
            where = violation["nodes"][0]
            found.append(f"axe, {violation['id']}: {violation['help']}, as in {where['html'][:120]}")
    if page.is_hostile:
        if tab.evaluate("typeof window.pwned") != "undefined":
            found.append("what was said is run")
        found += [f"shows no {text}" for text in ("<img", "<svg", "pwned") if text not in tab.evaluate("document.body.textContent")]
    # Heard while all of this was done.
    return found + heard


def said(tab, page):
    """The summary is on the page: the overview, the lists and the sections."""
    plain = lambda text: re.sub(r"[\s\u202a-\u202e\u2066-\u2069\x00-\x1f\x7f]+", "", text)  # noqa: E731
    shown = plain(tab.evaluate(SAID))
    report = page.report
    texts = [report["overview"] or ""]
    texts += [line for section in report["sections"] for line in [section["title"], *section["text"].split("\n")]]
    lists = ("people", "decisions", "positions", "actions", "open_questions", "figures", "terms")
    texts += [entry["text"] for name in lists for entry in report[name]]
    for text in texts:
        if plain(text.removeprefix("- ")) not in shown:
            yield f"does not say: {text[:80]}"


def printed(tab, shot):
    tab.emulate_media(media="print", color_scheme="dark")
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    if ground not in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"):
        yield f"prints on {ground}"
    sheets = tab.pdf(path=f"{shot}.pdf" if shot else None, format="A4").count(b"/Type /Page\n")
    if sheets < 1:
        yield "prints nothing"
    tab.emulate_media(media="screen", color_scheme="light")
