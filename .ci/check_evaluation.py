"""Computes the figures of `evaluate` once more, from its summaries and reports, and compares: ROUGE with the package `rouge-score`.

The data are the project's own dialogues, summarized by the built-in model in two lengths.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
from rouge_score import rouge_scorer, scoring

DATA = Path(__file__).resolve().parent.parent / "samples" / "dialogues.jsonl"
KINDS = ["rouge1", "rouge2", "rougeL"]
MEASURES = ["precision", "recall", "fmeasure"]


def evaluate(binary, out, *options):
    command = [binary, "evaluate", str(DATA), "--out", str(out), "--quiet", *options]
    subprocess.run(command, check=True, env={})
    return json.loads((out / "evaluation.json").read_text(encoding="utf-8"))


def same(found, expected, what, tolerance=1e-9):
    if abs(found - expected) > tolerance:
        sys.exit(f"{what}: the program says {found}, this says {expected}")


def check_scores(found, scorer, transcripts, pairs, out):
    """Each score, and their means with intervals, which are those of other random samples."""
    aggregator = scoring.BootstrapAggregator()
    for one, pair in zip(transcripts, pairs, strict=True):
        summary = (out / one["summary"]).read_text(encoding="utf-8")
        scores = scorer.score(pair["summary"], summary)
        aggregator.add_scores(scores)
        for kind in KINDS:
            for measure in MEASURES:
                expected = getattr(scores[kind], measure)
                same(one["measures"][found][kind][measure], expected, f"{one['input']}: {kind} {measure}")
    return aggregator.aggregate()


def check(evaluation, pairs, out):
    transcripts, figures = evaluation["transcripts"], evaluation["figures"]
    for rouge, use_stemmer in (("rouge", False), ("rouge_stemmed", True)):
        scorer = rouge_scorer.RougeScorer(KINDS, use_stemmer=use_stemmer)
        aggregated = check_scores(rouge, scorer, transcripts, pairs, out)
        for kind in KINDS:
            for measure in MEASURES:
                estimate = figures[rouge][kind][measure]
                values = [one["measures"][rouge][kind][measure] for one in transcripts]
                same(estimate["mean"], numpy.mean(values), f"mean {kind} {measure}")
                for end in ("low", "high"):
                    expected = getattr(getattr(aggregated[kind], end), measure)
                    same(estimate[end], expected, f"{end} end of {kind} {measure}", tolerance=numpy.std(values) / 5)
    tenths = []
    for one, pair in zip(transcripts, pairs, strict=True):
        measures = one["measures"]
        text = (out / one["summary"]).read_text(encoding="utf-8")
        report = json.loads((out / one["summary"].replace("_summary.txt", "_summary.json")).read_text(encoding="utf-8"))
        words, target = len(text.split()), report["summary"]["target_words"]
        same(measures["words"], words, f"{one['input']}: words")
        same(measures["deviation"], words / target - 1, f"{one['input']}: deviation")
        used = numpy.zeros(len(pair["dialogue"].encode()))
        for section in report["sections"]:
            for sentence in section["sentences"]:
                for source in sentence["sources"]:
                    used[source["byte_start"] : source["byte_end"]] = 1
        # Ten parts of equal length, for which each byte is ten.
        tenths.append(numpy.repeat(used, 10).reshape(10, -1).mean(axis=1))
        for place, (found, expected) in enumerate(zip(measures["tenths"], tenths[-1], strict=True)):
            same(found, expected, f"{one['input']}: tenth {place}")
    same(figures["coverage"]["mean"]["mean"], numpy.mean(tenths), "coverage")
    same(figures["coverage"]["untouched"], numpy.mean(numpy.array(tenths) == 0), "untouched tenths")
    off = [one["measures"]["deviation"] for one in transcripts]
    same(figures["length"]["absolute_deviation"]["mean"], numpy.mean(numpy.abs(off)), "absolute deviation")
    same(figures["length"]["within_5_percent"], numpy.mean(numpy.abs(off) <= 0.05), "within 5 %")
    seconds = [one["seconds"] for one in transcripts]
    for percent in (50, 95):
        same(figures["seconds"][f"p{percent}"], numpy.percentile(seconds, percent), f"p{percent}")


def check_comparison(this, that):
    compared = {row["measure"]: row for row in this["against"]["differences"]}
    for kind in KINDS:
        values = [[one["measures"]["rouge"][kind]["fmeasure"] for one in of["transcripts"]] for of in (this, that)]
        differences = numpy.subtract(*values)
        row = compared[kind]
        same(row["difference"]["mean"], numpy.mean(differences), f"difference of {kind}")
        signs = [row["wins"], row["ties"], row["losses"]]
        expected = [int(numpy.sum(numpy.sign(differences) == sign)) for sign in (1, 0, -1)]
        if signs != expected:
            sys.exit(f"{kind}: the program counts {signs} wins, ties and losses, this {expected}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    binary = parser.parse_args().binary
    numpy.random.seed(1)
    pairs = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder) / "first", Path(folder) / "second"
        base = evaluate(binary, first)
        check(base, pairs, first)
        longer = evaluate(binary, second, "--words", "80", "--against", str(first / "evaluation.json"))
        check(longer, pairs, second)
        check_comparison(longer, base)
    print(f"figures of {len(pairs)} dialogues in two lengths, and their comparison: as computed here")


if __name__ == "__main__":
    main()
