"""Uploads that get a summary."""

from deployment import eventually
from results import check_summary
from scenario import expect, scenario
from transcripts import transcript


@scenario("an upload whose key has blanks, é, +, % and & gets its summary, report and page; these are not summarized again")
def hard_key(stack):
    key = "meetings/a b+(1) 100%25 & é/ü=?#.txt"
    stack.upload(key, transcript(2000, 1))
    stack.result(key)
    check_summary(stack.storage, key)
    # The summary ends like a transcript, so it comes through the queue too.
    own = f"summaries/{key}_summary.txt"
    eventually(
        lambda: any('"skipped"' in line and own in line for line in stack.said()),
        lambda: f"the summary was not skipped: {stack.said()}",
    )
    stack.quiet()
    nested = [found for found in stack.storage.keys() if found.startswith("summaries/summaries/")]
    expect(not nested, f"results of results: {nested}")


@scenario("an ending that is not watched is left alone")
def other_ending(stack):
    stack.upload("meetings/slides.pdf", b"%PDF-1.7")
    stack.upload("meetings/after.txt", transcript(2000, 2))
    stack.result("meetings/after.txt")
    expect("slides.pdf" not in str(stack.said()), f"the function was called: {stack.said()}")
