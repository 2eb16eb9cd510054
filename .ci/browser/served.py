"""The page of `serve`, used as people use it: files are dropped, watched until they are finished, read, and compared."""

import contextlib
import os
import pathlib
import re
import subprocess
import tempfile

from checks import AXE, OVERFLOW, RULES

SAMPLE = pathlib.Path("samples/harbor-line-review.txt")

# Drops files as a browser does, by an event with their content.
DROP = """async files => {
  const data = new DataTransfer();
  for (const [name, text] of files) data.items.add(new File([text], name));
  document.querySelector("#drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@contextlib.contextmanager
def server(binary, folder, port=0):
    """The port of a server that is killed at the end."""
    command = [binary, "serve", "--port", str(port), "--dir", folder / "library"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"], "MAX_INPUT_BYTES": "2000000"}, text=True)
    try:
        yield int(re.search(r":(\d+)/", process.stdout.readline()).group(1))
    finally:
        process.kill()
        process.wait()


def complaints(chrome, binary, screenshots):
    """What is wrong with the page, and what it does not do."""
    found = []
    sample = SAMPLE.read_text(encoding="utf-8")
    short = "".join(sample.splitlines(keepends=True)[:60])
    with tempfile.TemporaryDirectory(prefix="transcript-summarizer-served-") as folder:
        folder = pathlib.Path(folder)
        context = chrome.new_context(viewport={"width": 1400, "height": 1000}, color_scheme="light", reduced_motion="reduce")
        context.set_default_timeout(30_000)

        def opened(port):
            tab = context.new_page()
            # Refusals of the server are what is tested here, and a server that is stopped cannot be reached.
            tab.on("console", lambda message: None if "Failed to load resource" in message.text else found.append(f"the console says: {message.text[:200]}"))
            tab.on("pageerror", lambda error: found.append(f"an error: {error}"))
            tab.on("request", lambda request: None if request.url.startswith(f"http://127.0.0.1:{port}/") else found.append(f"asks for {request.url[:80]}"))
            tab.goto(f"http://127.0.0.1:{port}/")
            return tab

        def looked_at(tab, name):
            for width, (across, down) in {"wide": (1400, 1000), "narrow": (400, 800)}.items():
                tab.set_viewport_size({"width": across, "height": down})
                found.extend(f"{name}, {width}: scrolls sideways: {place}" for place in tab.evaluate(OVERFLOW))
                for violation in AXE.run(tab, options=RULES).response["violations"]:
                    found.append(f"{name}, {width}: axe, {violation['id']}: {violation['help']}, as in {violation['nodes'][0]['html'][:120]}")
                tab.screenshot(path=screenshots / f"serve-{name}-{width}.png", full_page=True)
            tab.set_viewport_size({"width": 1400, "height": 1000})

        with server(binary, folder) as port:
            second, tab = opened(port), opened(port)
            looked_at(tab, "empty")
            tab.locator("summary", has_text="Length").click()
            tab.fill("#words", "300")
            tab.evaluate(DROP, [["board.txt", sample], ["review <b>&amp;.txt", short], ["call.vtt", short]])
            for page in (tab, second):
                page.locator("#runs > li.done").nth(2).wait_for()
                page.locator("#runs > li.done a", has_text="Page").nth(2).wait_for()
            bad = [["board.txt", sample], ["empty.txt", ""], ["photo.png", "x"], ["large.txt", "x" * 2_000_001], ["binary.txt", "\0\1\2" * 2000]]
            tab.evaluate(DROP, bad)
            tab.locator("#refused > li").nth(len(bad) - 1).wait_for()
            refused = tab.locator("#refused").inner_text()
            for words in ["there already", "is empty", "not a transcript", "at most 2,000,000", "not plain text"]:
                if words not in refused:
                    found.append(f"no refusal says {words!r}: {refused[:400]!r}")
            looked_at(tab, "used")
            tab.get_by_role("button", name="Upload as board-2.txt").click()
            tab.locator("#runs > li.done", has_text="board-2.txt").locator("a", has_text="Page").wait_for()
            while (dismiss := tab.get_by_role("button", name="Dismiss")).count():
                dismiss.first.click()
            with context.expect_page() as opening:
                tab.locator("#runs > li", has_text="board-2.txt").locator("a", has_text="Page").click()
            page = opening.value
            page.locator("main sup a").first.click()
            if page.locator("mark:target").count() != 1:
                found.append("the source of a sentence is not shown on the page of a summary")
            page.close()
            # What is behind another tab is drawn once a second.
            tab.bring_to_front()
            for name in ["board.txt", "board-2.txt"]:
                tab.locator("#runs > li").filter(has=tab.get_by_text(name, exact=True)).get_by_label("Compare").check()
            tab.locator("#texts article").nth(1).wait_for()
            looked_at(tab, "compared")
        # The server has stopped.
        second.locator("#offline").wait_for()
        with server(binary, folder, port):
            second.locator("#offline").wait_for(state="hidden")
            third = opened(port)
            third.locator("#runs > li.done a", has_text="Page").nth(3).wait_for()
        context.close()
    return [f"serve: {problem}" for problem in dict.fromkeys(found)]
