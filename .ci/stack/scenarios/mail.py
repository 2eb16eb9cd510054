"""Mail about results."""

from scenario import expect, scenario
from transcripts import transcript


@scenario("a summary is announced by one mail that names it")
def summary(stack):
    key = "meetings/harbor review 1+1.txt"
    stack.upload(key, transcript(2000, 4))
    stack.result(key)
    mail = stack.mail.about(f"s3://{stack.storage.name}/summaries/{key}_summary.txt")
    expect("summary is ready" in mail, f"the mail says {mail!r}")


@scenario("a transcript that got no summary is announced by one mail that names the error")
def error(stack):
    stack.upload("meetings/empty.txt", "")
    stack.result("meetings/empty.txt", "_error.json")
    mail = stack.mail.about(f"s3://{stack.storage.name}/summaries/meetings/empty.txt_error.json")
    expect("could not be summarized" in mail, f"the mail says {mail!r}")
