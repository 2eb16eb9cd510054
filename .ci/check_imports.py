#!/usr/bin/env python3
"""Checks which room of src imports which: downwards only, no circle, and no waiting or sending in pure rooms.

Reads `use` lines and paths that begin with `crate::`, outside `#[cfg(test)]` modules. Usage: check_imports.py [SRC]
"""

import pathlib
import re
import sys

# Each room may use those below it. Files at the root of src that have no row of their own may be used by all.
ORDER = [
    ["main"],
    ["lib"],
    ["lambda", "cli"],
    ["trigger"],
    ["job"],
    ["document"],
    ["summary"],
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
    ["run", "http"],
    ["clock", "secret", "chain", "hex"],
]
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
PURE = {"trigger", "document", "prompt", "extract", "transcript", "text"}
IMPURE = re.compile(r"\b(tokio|reqwest|hyper|lambda_runtime|aws_config|aws_sdk_\w+|aws_smithy_\w+)::")


def production_lines(path):
    """The lines of a file without its test modules and comments, with their numbers."""
    skipping = None
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if skipping is not None:
            if line == skipping + "}" or (skipping_one and stripped.endswith(";")):
                skipping = None
            continue
        if stripped.startswith("#[cfg(test)]"):
            skipping = line[: len(line) - len(line.lstrip())]
            following = lines[number] if number < len(lines) else ""
            skipping_one = following.strip().endswith(";")
            continue
        if not stripped.startswith("//"):
            yield number, line


def imports(path):
    """The rooms that a file imports, with the lines that do so."""
    statement = ""
    for number, line in production_lines(path):
        # A `use` of several rooms may span lines.
        statement = statement + line if statement else line
        if re.match(r"\s*(pub(\([^)]*\))? )?use ", statement) and ";" not in statement:
            continue
        grouped = re.match(r"\s*(?:pub(?:\([^)]*\))? )?use crate::\{(.*)\}", statement)
        if grouped:
            inner = re.sub(r"\{[^{}]*\}", "", grouped.group(1))
            for room in re.findall(r"(?:^|,)\s*(\w+)", inner):
                yield number, room, statement
        for room in re.findall(r"\bcrate::(\w+)", statement):
            yield number, room, statement
        statement = ""


def complaints(src):
    for path in sorted(src.rglob("*.rs")):
        parts = path.relative_to(src).parts
        room = parts[0].removesuffix(".rs")
        if "tests" in parts or path.name == "tests.rs" or room in ("main", "lib"):
            continue
        for number, other, _ in imports(path):
            where = f"{path}:{number}: {room} imports {other}"
            if other == room or other not in RANK:
                continue
            if room == "config":
                yield f"{where}: config imports no room"
            elif RANK[other] <= RANK[room]:
                yield f"{where}: only rooms below it"
        if room in PURE:
            for number, line in production_lines(path):
                if found := IMPURE.search(line):
                    yield f"{path}:{number}: {room} is pure and names {found.group(1)}"


def self_check():
    """A planted violation of each rule is found."""
    import tempfile

    planted = {
        "text/words.rs": "use crate::transcript::Chunk;\n",
        "prompt.rs": "use crate::{\n    text::{a, b},\n    job::App,\n};\nasync fn wait() { tokio::time::sleep(x).await }\n",
        "config.rs": "fn f() { crate::clock::now() }\n",
        "job.rs": "#[cfg(test)]\nmod tests {\n    use crate::lambda::answer;\n}\nuse crate::store::Store;\n",
    }
    expected = ["config imports clock", "prompt imports job", "prompt is pure and names tokio", "text imports transcript"]
    with tempfile.TemporaryDirectory() as directory:
        src = pathlib.Path(directory)
        for name, content in planted.items():
            (src / name).parent.mkdir(exist_ok=True)
            (src / name).write_text(content, encoding="utf-8")
        found = list(complaints(src))
    missed = [rule for rule in expected if not any(rule in complaint for complaint in found)]
    if missed or len(found) != len(expected):
        sys.exit(f"the check itself is broken: missed {missed}, found {found}")


if __name__ == "__main__":
    self_check()
    found = list(complaints(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "src")))
    print("\n".join(found) or "imports: downwards only")
    sys.exit(bool(found))
