"""Makes the summaries whose pages are looked at: by the built-in model, and by a simulated one that makes an outline."""

import json
import os
import pathlib
import subprocess
import sys
from dataclasses import dataclass

sys.path.append(str(pathlib.Path(__file__).parent.parent / "e2e"))
from chat_endpoint import ChatEndpoint  # noqa: E402

HOSTILE = [
    "<script>window.pwned = 1</script>",
    "<img src=x onerror='window.pwned = 1'>",
    "</mark></p></aside></main><style>body { display: none }</style>",
    "<a href=\"javascript:window.pwned = 1\">here</a>",
    "\u202eright to left\u202c and \u2066isolated",
    "&lt;b&gt; &amp;lt; \x07\x1b[31m \"quotes\" 'single'",
    "]]> --> <!-- <svg onload=window.pwned=1> ${7*7} {{7*7}}",
    "x" * 300,
]


@dataclass
class Page:
    """A page, and what its transcript and its report have."""

    name: str
    path: pathlib.Path
    report: dict
    is_hostile: bool = False


def make(binary, folder):
    sample = pathlib.Path("samples/harbor-line-review.txt").read_text(encoding="utf-8")
    with ChatEndpoint() as chat:
        model = {"HF_API_TOKEN": "hf_simulated", "HF_ENDPOINT_URL": chat.url}
        return [
            summarized(binary, folder, "small", "".join(sample.splitlines(keepends=True)[:40]), ["--words", "200"]),
            summarized(binary, folder, "built-in", sample, ["--words", "900"]),
            summarized(binary, folder, "modelled", sample, [], model),
            summarized(binary, folder, "untimed", without_labels(sample), ["--words", "400"]),
            summarized(binary, folder, "arabic", arabic(), ["--words", "150"]),
            summarized(binary, folder, "hostile", hostile(), ["--words", "900"], is_hostile=True),
        ]


def summarized(binary, folder, name, text, options, settings=None, is_hostile=False):
    source = folder / f"{name}.txt"
    source.write_text(text, encoding="utf-8")
    command = [binary, "summarize", source, "--out", folder, *options]
    path = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=path | (settings or {}), capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"{name}: {done.stderr}")
    result = folder / "summaries" / f"{name}.txt_summary"
    report = json.loads(result.with_suffix(".txt_summary.json").read_text(encoding="utf-8"))
    return Page(name, result.with_suffix(".txt_summary.html"), report, is_hostile)


def without_labels(sample):
    turns = (line.split("] ", 1)[-1] for line in sample.splitlines() if line.strip())
    return "\n\n".join(turn.split(": ", 1)[-1] for turn in turns if ": " in turn)


def arabic():
    said = "ناقش المجلس ميزانية الجسر رقم {0} وقرر أن الشركة {0} تسلم القطار قبل الأسبوع {0} من العام القادم."
    return "".join(f"[00:{turn:02}:00] {['ليلى', 'يوسف'][turn % 2]}: {said.format(turn * 7 + 3)}\n" for turn in range(50))


def hostile():
    turns = []
    for turn in range(160):
        name = ["Ada \"<b>\" Lund", "Ben's <i>&amp;", "C" * 400][turn % 3]
        said = f"{HOSTILE[turn % len(HOSTILE)]} We agreed that item{turn} costs {turn * 7 + 100} dollars, and {HOSTILE[turn * 5 % len(HOSTILE)]} too."
        turns.append(f"[00:{turn // 60:02}:{turn % 60:02}] {name}: {said}\n")
    return "".join(turns)
