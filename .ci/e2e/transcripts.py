"""Invented meetings: as long as asked for, always the same for the same seed, nothing twice."""

import random

CANARY = "The safe in the harbor office opens with purple walrus seventy-seven."

SPEAKERS = ["Amara Osei", "Jonas Lindqvist", "Mei Tanaka", "Rafael Duarte", "Ines Novak"]
WHO = ["the dredging crew", "our insurer", "the night shift", "the port authority", "the survey team", "a supplier"]
DID = ["postponed", "measured", "rejected", "approved", "questioned", "repaired", "ordered", "inspected"]
WHAT = [
    "the crane foundations",
    "two replacement pumps",
    "the tide forecast",
    "a cheaper cable route",
    "the fire drill plan",
    "the second loading ramp",
    "a noise complaint",
    "the pilot boat schedule",
]
WHY = [
    "because the ground was softer than expected",
    "after the storm had damaged the eastern wall",
    "so that the ferries can leave on time",
    "although the budget is nearly spent",
    "since nobody had checked the drawings",
    "before the auditors arrive from the capital",
]


def transcript(words, seed):
    """Speaker turns of about `words` words; every turn names a case number of its own, and every fifth says the canary."""
    choice = random.Random(seed).choice
    turns, count = [], 0
    while count < words:
        case = f"Case {len(turns) + 1001} of round {seed}"
        sentences = [f"{choice(WHO).capitalize()} {choice(DID)} {choice(WHAT)} {choice(WHY)}." for _ in range(4)]
        turn = f"{choice(SPEAKERS)}: {case} is next on the list. {' '.join(sentences)}"
        turns.append(turn)
        count += len(turn.split())
    turns[::5] = [f"{turn} {CANARY}" for turn in turns[::5]]
    return "\n\n".join(turns) + "\n"


def case_numbers(text):
    """The marks of a transcript's turns, one each."""
    return [turn.partition(": ")[2].partition(" is next")[0] for turn in text.strip().split("\n\n")]
