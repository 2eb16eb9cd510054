"""In a browser: the pages of summaries that the real binary makes, as readers and screen readers meet them, and that of `serve`.

Each page is opened wide and narrow, light and dark. Every run first breaks a page in the ways that the checks are for: a check
that cannot fail is none.

Usage: python .ci/browser --binary FILE [--screenshots DIR]
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import faults
import served
import summaries
from checks import complaints
from playwright.sync_api import sync_playwright

BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
WIDTHS = {"wide": (1400, 1000), "narrow": (400, 800)}
SCHEMES = ["light", "dark"]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "transcript-summarizer-ci"


def browser():
    """The path of a browser. Installs Debian's if there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        print("installing a browser", flush=True)
        root = [] if os.geteuid() == 0 else ["sudo"]
        for action in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
            subprocess.run([*root, "apt-get", "--quiet=2", *action], check=True, stdout=subprocess.DEVNULL)
        found = shutil.which("chromium")
    return found or sys.exit("no browser: install chromium or google-chrome")


def check(chrome, page, screenshots, widths=tuple(WIDTHS), schemes=tuple(SCHEMES)):
    """The complaints about a page, each once with all the views that have it."""
    views = {}
    for width in widths:
        across, down = WIDTHS[width]
        for scheme in schemes:
            context = chrome.new_context(
                viewport={"width": across, "height": down}, color_scheme=scheme, reduced_motion="reduce", accept_downloads=False
            )
            # What takes long is done in the views that differ in it: links lead to the same places whatever the colors, and two
            # views have both layouts and both schemes for axe.
            tasks = {"links"} if scheme == "light" else set()
            tasks |= {"axe"} if (width == "wide") == (scheme == "light") else set()
            tasks |= {"print"} if (width, scheme) == ("wide", "light") else set()
            shot = screenshots and screenshots / f"{page.name}-{width}-{scheme}"
            for problem in complaints(context, page, shot, tasks):
                views.setdefault(problem, []).append(f"{width} {scheme}")
            context.close()
    return [f"{page.name}: {problem}  [{', '.join(seen)}]" for problem, seen in views.items()]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--binary", required=True, type=lambda path: pathlib.Path(path).resolve(strict=True))
    options.add_argument("--screenshots", default=CACHE / "pages", type=pathlib.Path, help="where pictures of the pages go")
    given = options.parse_args()
    given.screenshots.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    found, missed = [], 0
    with tempfile.TemporaryDirectory(prefix="transcript-summarizer-pages-") as folder, sync_playwright() as playwright:
        small, *pages = summaries.make(given.binary, pathlib.Path(folder))
        # Its sandbox does not work for root.
        chrome = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox"] if os.geteuid() == 0 else [])
        for name, word, page in faults.planted(small, pathlib.Path(folder)):
            told = check(chrome, page, None, ["wide"], ["light"])
            if not any(word in problem for problem in told):
                print(f"the check missed a planted fault: {name}; it found {told or 'nothing'}")
                missed += 1
        print(f"{len(faults.FAULTS) - missed} of {len(faults.FAULTS)} planted faults found", flush=True)
        for page in pages:
            problems = check(chrome, page, given.screenshots)
            print(f"{page.name}: {len(problems)} complaints, {page.path.stat().st_size // 1000} kB", flush=True)
            found += problems
        problems = served.complaints(chrome, given.binary, given.screenshots)
        print(f"serve: {len(problems)} complaints", flush=True)
        found += problems
        chrome.close()
    print(*found, sep="\n")
    print(f"{len(pages)} pages in {time.monotonic() - began:.0f} s; pictures in {given.screenshots}")
    sys.exit(1 if found or missed else 0)


main()
