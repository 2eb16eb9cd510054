"""Makes the summaries whose pages are looked at: by the built-in model, and by a simulated one that makes an outline."""

import json
import os
import pathlib
import subprocess
import sys
from dataclasses import dataclass

sys.path.append(str(pathlib.Path(__file__).parent.parent / "e2e"))
from chat_endpoint import ChatEndpoint  # noqa: E402

# The readers of transcripts take tags for markup and leave them out, so these are broken, or written as text twice over.
HOSTILE = [
    "&amp;lt;script&amp;gt;window.pwned = 1&amp;lt;/script&amp;gt;",
    "&lt;img src=x onerror=window.pwned=1 //",
    "&lt;/mark&lt;/aside&lt;style body { display: none }",
    "&lt;a href=javascript:window.pwned=1 x",
    "\u202eright to left\u202c and \u2066isolated",
    "&lt;svg/onload=window.pwned=1 \"quotes\" 'single' \x07\x1b[31m",
    "]]&gt; &lt;!-- ${7*7} {{7*7}} \" autofocus onfocus=window.pwned=1 x=\"",
]

# What a model adds to its answers.
INJECTED = " The chair said <script>window.pwned = 1</script> and <img src=x onerror=window.pwned=1> about the 3 items."


@dataclass
class Page:
    """A page, and what its transcript and its report have."""

    name: str
    path: pathlib.Path
    report: dict
    is_hostile: bool = False


def make(binary, folder):
    sample = pathlib.Path("samples/harbor-line-review.txt").read_text(encoding="utf-8")
    with ChatEndpoint() as chat, HostileEndpoint() as injector:
        injecting = {"HF_API_TOKEN": "hf_simulated", "HF_ENDPOINT_URL": injector.url}
        model = {"HF_API_TOKEN": "hf_simulated", "HF_ENDPOINT_URL": chat.url}
        return [
            summarized(binary, folder, "small", "".join(sample.splitlines(keepends=True)[:40]), ["--words", "200"]),
            summarized(binary, folder, "built-in", sample, ["--words", "900"]),
            summarized(binary, folder, "modelled", sample, [], model),
            summarized(binary, folder, "untimed", without_labels(sample), ["--words", "400"]),
            summarized(binary, folder, "arabic", arabic(), ["--words", "150"]),
            summarized(binary, folder, "hostile", hostile(), ["--words", "900"], is_hostile=True),
            summarized(binary, folder, "hostile-model", hostile(), ["--words", "900"], injecting, is_hostile=True),
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
    cues = []
    for turn in range(300):
        name = ["Ada &lt;b&gt; &amp;quot; Lund", "Ben's &lt;i", "C" * 80][turn % 3]
        said = f"We agreed that item{turn} costs {turn * 7 + 100} dollars, {HOSTILE[turn % len(HOSTILE)]}, and so on for week {turn}."
        times = [f"00:{second // 60:02}:{second % 60:02}.000" for second in (turn * 4, turn * 4 + 3)]
        cues.append(f"{times[0]} --> {times[1]}\n<v {name}>{said}</v>\n")
    return "\n".join(["WEBVTT\n", *cues])


class HostileEndpoint(ChatEndpoint):
    """Puts markup into its answers."""

    def take(self, path, headers, body):
        status, answer = super().take(path, headers, body)
        answer["choices"][0]["message"]["content"] += INJECTED
        return status, answer
