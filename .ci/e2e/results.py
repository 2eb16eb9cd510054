"""What must be true of everything the program writes."""

import json

from scenario import expect

# The fields of _summary.json, and those that are integers.
REPORT_FIELDS = {
    "source": {"bucket", "key", "etag", "version_id", "bytes", "words", "encoding"},
    "summary": {"words", "target_words", "target_reduced", "deviation"},
    "model": {"provider", "model", "context_tokens"},
    "coverage": {"chunks", "summarized", "degraded"},
    "usage": {"calls", "retries", "resubmitted", "prompt_tokens", "completion_tokens"},
}
SECTION_FIELDS = {"title", "words", "target_words", "chunks", "byte_start", "byte_end", "source"}
COUNTS = [
    ("source", "bytes"),
    ("source", "words"),
    ("summary", "words"),
    ("summary", "target_words"),
    *(("coverage", name) for name in REPORT_FIELDS["coverage"]),
    *(("usage", name) for name in REPORT_FIELDS["usage"]),
]
TOP_LEVEL_FIELDS = REPORT_FIELDS.keys() | {"version", "sections", "warnings", "artifacts", "duration_ms", "generator"}
TOLERANCE = 0.05


def check_summary(storage, key, prefix="summaries/"):
    """The report of the summary of `key` in the bucket, after a look at both."""
    source = storage.head(key)
    summary = storage.head(f"{prefix}{key}_summary.txt")
    expect(summary, f"no summary of {key!r}; the bucket has {storage.keys()}")
    expect(
        summary["metadata"].get("source-etag") == source["etag"],
        f"source-etag should be {source['etag']}, metadata is {summary['metadata']}",
    )
    expect(summary["metadata"].get("job-id"), f"no job-id in metadata {summary['metadata']}")
    expect(storage.head(f"{prefix}{key}_summary.json"), f"no report of {key!r}")
    page = storage.head(f"{prefix}{key}_summary.html")
    expect(page and page["content_type"].startswith("text/html"), f"the page of {key!r} is {page}")
    report = check_report(
        storage.read(f"{prefix}{key}_summary.json"), storage.read(f"{prefix}{key}_summary.txt"), storage.read(key)
    )
    seen = {name: report["source"][name] for name in ("bucket", "key", "etag")}
    expected = {"bucket": storage.name, "key": key, "etag": source["etag"]}
    expect(seen == expected, f"the report's source should be {expected}, is {seen}")
    endings = ("_summary.html", "_summary.md", "_chapters.vtt", "_summary.txt")
    beside = [f"{prefix}{key}{ending}" for ending in endings if storage.head(f"{prefix}{key}{ending}")]
    expect(report["artifacts"] == beside, f"the report names {report['artifacts']}, and there is {beside}")
    return report


def check_report(report_text, summary_text, source_text):
    report = json.loads(report_text)
    expect(TOP_LEVEL_FIELDS <= report.keys(), f"the report lacks {TOP_LEVEL_FIELDS - report.keys()}")
    for name, fields in REPORT_FIELDS.items():
        expect(fields <= report[name].keys(), f"the report's {name} lacks {fields - report[name].keys()}")
    for group, name in COUNTS:
        expect(type(report[group][name]) is int, f"{group}.{name} should be an integer, is {report[group][name]!r}")
    expect(report["version"] == 1, f"version is {report['version']}")
    expect(report["source"]["bytes"] == len(source_text.encode()), f"source.bytes is {report['source']['bytes']}")
    expect(report["generator"].startswith("transcript-summarizer/"), f"generator is {report['generator']}")
    check_sections(report)
    check_length(report["summary"], summary_text)
    return report


def check_sections(report):
    expect(report["sections"], "the report has no sections")
    for section in report["sections"]:
        expect(SECTION_FIELDS <= section.keys(), f"a section lacks {SECTION_FIELDS - section.keys()}")
    chunks = [chunk for section in report["sections"] for chunk in section["chunks"]]
    expect(
        chunks == sorted(set(chunks)) and len(chunks) == report["coverage"]["chunks"],
        f"each of {report['coverage']['chunks']} chunks should be in one section, in order: {chunks}",
    )


def check_length(summary, text):
    target, counted = summary["target_words"], len(text.split())
    for words in (summary["words"], counted):
        expect(
            abs(words - target) <= TOLERANCE * target,
            f"{counted} words ({summary['words']} in the report) for a target of {target}",
        )


def check_no_summary(storage):
    summaries = [key for key in storage.keys() if key.endswith("_summary.txt")]
    expect(not summaries, f"there should be no summary, but there is {summaries}")


def check_outcomes(answer, status, keys):
    """`answer` should be that of a direct invocation that gave each of `keys` this status."""
    expect("outcomes" in answer, f"expected outcomes, got {answer}")
    seen = [(outcome["key"], outcome["status"]) for outcome in answer["outcomes"]]
    expect(seen == [(key, status) for key in keys], f"expected {status} for {keys}, got {answer}")
    for outcome in answer["outcomes"]:
        if status == "done":
            key = f"summaries/{outcome['key']}_summary.txt"
            expect(outcome["summary_key"] == key and outcome["words"] > 0, f"outcome {outcome}")
