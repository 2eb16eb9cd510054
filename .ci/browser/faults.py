"""Faults put into a page, each with a word of the complaint that it must cause."""

import base64
import dataclasses
import hashlib
import re


def restyled(html, old, new):
    """Another style, which the page allows."""
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL).group(1)
    assert old in style, old
    changed = style.replace(old, new)
    digest = lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()  # noqa: E731
    assert digest(style) in html
    return html.replace(style, changed).replace(digest(style), digest(changed))


def in_main(html, element):
    return html.replace("</h1>", f"</h1>{element}", 1)


FAULTS = [
    ("a passage is missing", "leads to 0 places", lambda html: re.sub(r'<mark id="p1"', "<mark", html)),
    ("a passage is there twice", "leads to 2 places", lambda html: in_main(html, '<i id="p1"></i>')),
    ("a passage is hidden", "not seen", lambda html: html.replace('<mark id="p1"', '<mark hidden id="p1"')),
    ("no passage is highlighted", "not highlighted", lambda html: restyled(html, ":target", ":empty:target")),
    ("a link leads out", "leads elsewhere", lambda html: html.replace('href="#p1"', 'href="https://example.org/"')),
    ("a script", "is active: <script", lambda html: in_main(html, "<script>document.title = 1</script>")),
    ("a style that is not allowed", "the console says", lambda html: html.replace("<style>", "<style>p { color: red }", 1)),
    ("a picture from elsewhere", "the console says", lambda html: in_main(html, '<img alt="" src="https://example.org/a.png">')),
    ("too wide", "scrolls sideways", lambda html: restyled(html, "h1 {", "h1 { width: 3000px; }\nh1 {")),
    ("pale words", "color-contrast", lambda html: in_main(html, '<p><font color="#cccccc">Pale words on white.</font></p>')),
    ("no language", "html-has-lang", lambda html: re.sub(r'<html lang="\w+"', "<html", html)),
    ("a sentence is missing", "does not say", lambda html: re.sub(r'<span id="s1">.*?</span>', "", html, count=1)),
    ("prints dark", "prints on", lambda html: restyled(html, "@media print {", "@media print { body { background: #111 !important }")),
]


def planted(page, folder):
    """Name, word and page for each fault."""
    html = page.path.read_text(encoding="utf-8")
    for number, (name, word, fault) in enumerate(FAULTS):
        changed = fault(html)
        assert changed != html, f"cannot plant: {name}"
        path = folder / f"fault-{number}.html"
        path.write_text(changed, encoding="utf-8")
        yield name, word, dataclasses.replace(page, path=path)
