"""Checks which rooms of the program import which: only those below, without circles, and pure ones without input and output.

It reads `use` items and paths that begin with `crate::` or `super::`; code that is compiled for tests only does not count.
Every run first finds violations that it has planted itself.
"""

import re
import sys
import tempfile
from pathlib import Path

# Each room may import rooms on the lines after its own. The files on the last line may import each other.
ORDER = [
    ["fuzz"],
    ["main"],
    ["lambda", "cli"],
    ["serve"],
    ["http_api"],
    ["trigger"],
    ["job"],
    ["evaluation"],
    ["document"],
    ["summary"],
    ["transcriber", "speech"],
    ["provider"],
    ["wire"],
    ["model"],
    ["extract"],
    ["prompt"],
    ["transcript"],
    ["text"],
    ["store"],
    ["aws"],
    ["config"],
    ["aside", "run", "clock", "secret", "http", "chain", "hex", "once", "guide"],
]
RANKS = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
ROOT = len(ORDER) - 1

PURE = {"trigger", "evaluation", "document", "prompt", "extract", "transcript", "text"}
# The types of events are data: they bring neither a client nor a runtime.
DATA = {"aws_lambda_events"}
IMPURE = re.compile(r"tokio\w*|aws_\w+|reqwest|hyper\w*|lambda_runtime\w*|http")


def blank(text):
    """The text as spaces, with its line breaks."""
    return re.sub(r"[^\n]", " ", text)


def without_comments_and_strings(code):
    token = re.compile(
        r"//[^\n]*|/\*.*?\*/|b?r(?P<hashes>#*)\".*?\"(?P=hashes)|b?\"(?:\\.|[^\"\\])*\"|b?'(?:\\.[^']*|[^'\\])'", re.DOTALL
    )
    return token.sub(lambda found: blank(found.group()), code)


def end_of_item(code, at):
    """Where the item that begins here ends: after its block, or after its semicolon."""
    depth = 0
    for position in range(at, len(code)):
        character = code[position]
        if character in "{([":
            depth += 1
        elif character in "})]":
            depth -= 1
            if depth == 0 and character == "}":
                return position + 1
        elif character == ";" and depth == 0:
            return position + 1
    return len(code)


def without_tests(code, file, excluded):
    """The code that is also compiled without tests. Files of test modules are added to `excluded`."""
    while found := re.search(r"#\[cfg\(test\)\]", code):
        end = end_of_item(code, found.end())
        item = code[found.end() : end]
        if module := re.search(r"\bmod\s+(\w+)\s*;", item):
            folder = file.parent if file.stem in ("lib", "main", "mod") else file.with_suffix("")
            excluded.add(folder / module.group(1))
        code = code[: found.start()] + blank(code[found.start() : end]) + code[end:]
    return code


def leaves(tree):
    """The paths of a `use` tree, each as a list of names and where it begins in the tree."""

    def walk(at, prefix):
        while True:
            names, first = list(prefix), None
            while found := re.compile(r"\s*(?:::)?\s*(\w+|\*)").match(tree, at):
                first = found.start(1) if first is None else first
                if found.group(1) == "as":
                    at = re.compile(r"\s*\w+").match(tree, found.end()).end()
                    break
                names.append(found.group(1))
                at = found.end()
                nested = re.compile(r"\s*::\s*\{").match(tree, at)
                if nested:
                    at = yield from walk(nested.end(), names)
                    names = None
                    break
            else:
                if found := re.compile(r"\s*(?:::)?\s*\{").match(tree, at):
                    at = yield from walk(found.end(), names)
                    names = None
            if names is not None and first is not None:
                yield names, first
            found = re.compile(r"\s*([,}])").match(tree, at)
            if found is None:
                return at
            at = found.end()
            if found.group(1) == "}":
                return at
            if found := re.compile(r"\s*\}").match(tree, at):
                return found.end()

    yield from walk(0, [])


def paths(code):
    """All paths that tell what is imported: (names, position)."""
    for item in re.finditer(r"(?<!\w)use\s+([^;]*);", code):
        for names, at in leaves(item.group(1)):
            yield names, item.start(1) + at
    without = re.sub(r"(?<!\w)use\s+[^;]*;", lambda found: blank(found.group()), code)
    for found in re.finditer(r"(?<![\w:])(?:\w+\s*::\s*)+\w+", without):
        yield re.split(r"\s*::\s*", found.group()), found.start()


def module_of(file, source):
    """`src/wire/sse.rs` is `[wire, sse]`, `src/main.rs` is `[main]`, `src/lib.rs` is `[]`."""
    parts = list(file.relative_to(source).with_suffix("").parts)
    if parts[-1] == "mod" or parts == ["lib"]:
        parts.pop()
    return parts


def resolve(names, module):
    """The path from the root of the crate, or `None` for a path that leads out of it or to what is in scope already."""
    if names[0] in ("crate", "transcript_summarizer"):
        return names[1:]
    if names[0] not in ("super", "self"):
        return None
    base = list(module)
    names = list(names)
    while names and names[0] in ("super", "self"):
        if names.pop(0) == "super" and base:
            base.pop()
    return base + names


def allowed(room, other):
    return room == other or RANKS[other] > RANKS[room] or RANKS[room] == RANKS[other] == ROOT


def circle(edges):
    """Nodes that lead back to the first of them, or `None`."""
    done = set()

    def visit(node, trail):
        if node in trail:
            return trail[trail.index(node) :] + [node]
        if node in done:
            return None
        for following in sorted(edges.get(node, ())):
            if found := visit(following, trail + [node]):
                return found
        done.add(node)
        return None

    return next((found for node in sorted(edges) if (found := visit(node, []))), None)


def violations(source):
    """All violations below this folder, each as one line."""
    excluded, codes = set(), {}
    for file in sorted(source.rglob("*.rs")):
        code = without_comments_and_strings(file.read_text(encoding="utf-8"))
        codes[file] = without_tests(code, file, excluded)
    found, edges, places = [], {}, {}
    for file, code in codes.items():
        if any(folder == file.with_suffix("") or folder in file.parents for folder in excluded):
            continue
        module = module_of(file, source)
        if not module:
            continue
        room = module[0]
        shown = file.relative_to(source.parent)
        if room not in RANKS:
            found.append(f"{shown}:1: {room} is not in the order of rooms, which is at the top of {Path(__file__).name}")
            continue
        seen = set()
        for names, at in paths(code):
            line = code.count("\n", 0, at) + 1
            place = f"{shown}:{line}"
            target = resolve(names, module)
            if target is None:
                crate = names[0]
                if room in PURE and IMPURE.fullmatch(crate) and crate not in DATA and (crate, line) not in seen:
                    seen.add((crate, line))
                    found.append(f"{place}: {room} is pure and uses {crate}: no runtime, no AWS and no HTTP in it")
                continue
            if not target or target[0] not in RANKS or (tuple(target[:2]), line) in seen:
                continue
            seen.add((tuple(target[:2]), line))
            other = target[0]
            if other == room:
                # Folders in a room: the room's own file joins them, and does not count.
                if len(module) > 1 and len(target) > 1 and module[1] != target[1]:
                    pair = (f"{room}/{module[1]}", f"{room}/{target[1]}")
                    if all((source / folder).is_dir() for folder in pair):
                        edges.setdefault(pair[0], set()).add(pair[1])
                        places.setdefault(pair, place)
                continue
            edges.setdefault(room, set()).add(other)
            places.setdefault((room, other), place)
            if not allowed(room, other):
                found.append(f"{place}: {room} imports {other}: imports lead downwards, and {other} is not below {room}")
            elif room in PURE and other == "http":
                found.append(f"{place}: {room} is pure and uses the HTTP client")
    if trail := circle(edges):
        steps = ", ".join(f"{a} imports {b} ({places[(a, b)]})" for a, b in zip(trail, trail[1:]))
        found.append(f"a circle: {steps}")
    return found


PLANTED = {
    "wire.rs": "use std::fmt;\nuse crate::{\n    model::Kind,\n    provider::{AnyModel, runpod},\n};\n",
    "config.rs": "use crate::secret::Secret;\nfn f() { crate::summary::plan() }\n",
    "provider.rs": "use crate::wire::sse;\n",
    "text.rs": "// use tokio::fs;\nconst S: &str = \"tokio::fs\";\nfn f() { let _ = tokio::time::sleep; }\n",
    "trigger/key.rs": "use aws_lambda_events::sqs;\nuse super::super::lambda::answer as a;\nuse reqwest::Url as U;\n",
    "model/call.rs": "#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod more {\n    use crate::provider::X;\n}\n",
    "model/call/tests.rs": "use crate::cli::Y;\n",
    "summary/a/x.rs": "use crate::summary::b::X;\n",
    "summary/b/x.rs": "use super::super::a::X;\n",
    "odd.rs": "",
}
EXPECTED = [
    "src/config.rs:2: config imports summary",
    "src/odd.rs:1: odd is not in the order",
    "src/text.rs:3: text is pure and uses tokio",
    "src/trigger/key.rs:2: trigger imports lambda",
    "src/trigger/key.rs:3: trigger is pure and uses reqwest",
    "src/wire.rs:4: wire imports provider",
    "a circle: ",
]


def self_check():
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        for name, code in PLANTED.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text(code, encoding="utf-8")
        found = sorted(set(violations(source)), key=lambda line: (line.startswith("a circle"), line))
        if len(found) != len(EXPECTED) or not all(map(str.startswith, found, EXPECTED)):
            sys.exit("the check of imports does not find what was planted:\n" + "\n".join(found))
        # With the first circle gone, the one between folders is found.
        (source / "wire.rs").write_text("use crate::model::Kind;\n", encoding="utf-8")
        if not any(line.startswith("a circle: summary/a imports summary/b") for line in violations(source)):
            sys.exit("the check of imports does not find the circle between folders that was planted")


def main():
    self_check()
    found = violations(Path(__file__).resolve().parent.parent / "src")
    for line in found:
        print(line)
    if not found:
        print("imports lead downwards only")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
