"""What the simulated model writes: prose of the length asked for, about the transcript it was shown."""

import itertools
import re

OPENINGS = ["The meeting heard that", "One speaker explained how", "It was reported that", "The group then noted that"]
LINKS = ["while others added that", "and it was agreed that", "which raised the question whether", "so they noted that"]
PIECE = 5
# The part of one of several sections: its number, the fence, and the text.
SECTION = r"of the transcript for section (\d+)[^\n]*:\n<<<([0-9a-f]{8,})\n(.*?)\n\2>>>"


def answer(prompt):
    """About as many words as `prompt` asks for, in sentences that quote the transcript in pieces of a few words."""
    if "TOPIC:" in prompt:
        return outline(prompt)
    if "FIND:" in prompt or "WRONG:" in prompt:
        return "NONE"
    asked = int(re.search(r"(\d+) words", prompt).group(1))
    sections = re.findall(SECTION, prompt, re.DOTALL)
    told = [f"## {number}. Matters\n\n{prose(text, asked // len(sections))}" for number, _, text in sections]
    return "\n\n".join(told) or prose(fenced(prompt), asked)


def prose(text, asked):
    """About as many words about a text."""
    shown = text.split()
    # Spread over the whole block, so that nothing is told twice and no part is left out.
    pieces_wanted = asked // (PIECE * 2) + 2
    starts = range(0, len(shown), max(PIECE, len(shown) // pieces_wanted))
    pieces = untold(shown, itertools.cycle(starts))
    words = []
    for opening, link in itertools.cycle(zip(OPENINGS, LINKS)):
        if len(words) >= asked:
            break
        words += f"{opening} {next(pieces)}, {link} {next(pieces)}.".split()
    return " ".join(words[:asked]).rstrip(".,") + "."


def untold(shown, starts):
    """Pieces that begin at `starts`, or a little later where the same words were told before: meetings have formulas."""
    told = set()
    for start in starts:
        near = (" ".join(shown[at : at + PIECE]).rstrip(".,:") for at in range(start, start + 4 * PIECE))
        piece = next((piece for piece in near if piece and piece not in told), " ".join(shown[start : start + PIECE]))
        told.add(piece)
        yield piece.rstrip(".,:")


def outline(prompt):
    """As many topics as are asked for, at equal distances."""
    wanted = int(re.search(r"about (\d+) TOPIC", prompt).group(1))
    lines = re.findall(r"^\[(\d+)\] (.*)$", fenced(prompt), re.MULTILINE)
    topics = [lines[index * len(lines) // wanted] for index in range(wanted)]
    return "\n".join(f"TOPIC: {number} | 3 | {' '.join(said.split()[1:8])}" for number, said in topics)


def fenced(prompt):
    """The longest text between fences of hex digits; else the whole prompt."""
    texts = [text for _, text in re.findall(r"<<<([0-9a-f]{8,})\n(.*?)\n\1>>>", prompt, re.DOTALL)]
    return max(texts, key=len, default=prompt)
