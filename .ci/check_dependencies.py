"""Holds what is compiled into the function to the bans, licences and sources of .github/deny.toml.

cargo-deny does this and more, but would be compiled for minutes before it could be asked, and the advisories it fetches need a
git host. So it runs in GitHub's workflow, and these three run everywhere, on what cargo itself says is compiled in.
"""

import re
import subprocess
import sys
import tomllib

CONFIGURATION = ".github/deny.toml"
# Name, version, and where it comes from if that is not the public registry; its licence.
LINE = re.compile(r"(?P<name>\S+) v(?P<version>[0-9]\S*)(?P<origin> \(.*\))?\|(?P<licence>.*)")


def compiled(target):
    """Every crate that is compiled for the target, without those of tests."""
    command = ["cargo", "tree", "--locked", "--edges", "normal,build", "--target", target]
    command += ["--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return sorted(set(output.splitlines()))


def is_licensed(expression, allowed):
    """Whether an SPDX expression can be met with the allowed licences. `/` is how `OR` used to be written."""
    tokens = re.findall(r"\(|\)|[^\s()]+(?: WITH \S+)?", expression.replace("/", " OR "))

    def either():
        met = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            met = both() or met
        return met

    def both():
        met = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            met = one() and met
        return met

    def one():
        token = tokens.pop(0)
        if token != "(":
            return token in allowed
        met = either()
        tokens.pop(0)
        return met

    return bool(tokens) and either() and not tokens


def is_banned(name, version, ban):
    banned, _, below = ban["crate"].partition(":<")
    return name == banned and (not below or int(version.split(".")[0]) < int(below))


def complaints(line, configuration, root):
    crate = LINE.fullmatch(line)
    if crate is None:
        yield f"cargo's answer is not understood: {line}"
        return
    what = f"{crate['name']} {crate['version']}"
    for ban in configuration["bans"]["deny"]:
        if is_banned(crate["name"], crate["version"], ban):
            yield f"{what} must not be used: {ban['reason']}"
    if not is_licensed(crate["licence"], configuration["licenses"]["allow"]):
        yield f"{what} has the licence {crate['licence'] or 'of nobody'}"
    if crate["origin"] not in (None, " (proc-macro)") and crate["name"] != root:
        yield f"{what} does not come from the public registry:{crate['origin']}"


# A check that cannot fail is none.
PLANTED = [
    "ring v0.17.14|Apache-2.0 AND ISC",
    "hyper v0.14.32|MIT",
    "copyleft v1.0.0|GPL-3.0-only",
    "half v1.0.0|MIT AND GPL-3.0-only",
    "grouped v1.0.0|(MIT OR Apache-2.0) AND GPL-3.0-only",
    "except v1.0.0|GPL-2.0-only WITH Classpath-exception-2.0",
    "unlicensed v1.0.0|",
    "forked v1.0.0 (https://example.org/fork.git#0123abcd)|MIT",
]


def main():
    with open(CONFIGURATION, "rb") as file:
        configuration = tomllib.load(file)
    with open("Cargo.toml", "rb") as file:
        root = tomllib.load(file)["package"]["name"]
    crates = {line for target in configuration["graph"]["targets"] for line in compiled(target)}
    found = [text for line in sorted(crates) for text in complaints(line, configuration, root)]
    found += [f"a planted fault was missed: {line}" for line in PLANTED if not list(complaints(line, configuration, root))]
    print("\n".join([*found, f"{len(crates)} crates, {len(found)} complaints"]))
    return 1 if found or not crates else 0


sys.exit(main())
