"""What the function's logs must and must not say; looks at all that was logged before, so it runs last."""

import re

from scenario import SECRETS, expect, scenario
from transcripts import CANARY, WHAT, WHY


@scenario("no log line shows a token or anything that was said")
def nothing_said(world):
    for log in world.logs:
        text = log.read_text(errors="replace")
        for secret in (*SECRETS, CANARY, *WHAT, *WHY):
            expect(secret not in text, f"{log.name} shows {secret!r}")


@scenario("every invocation has JSON log lines with its request id")
def request_ids(world):
    ended = 0
    for log in world.logs:
        text = log.read_text(errors="replace")
        # The emulator counts an invocation before the function has started, which this one did not.
        if "cannot start" in text:
            continue
        lines = [line for line in text.splitlines() if line.startswith("{")]
        # One whose program was killed may not have come to write a line. The emulator reports the end of the others.
        for request_id in set(re.findall(r"END RequestId: (\S+)", text)):
            expect(any(request_id in line for line in lines), f"{log.name} has no JSON line with {request_id}")
            ended += 1
    expect(ended > 0, "the emulator reported no invocation as ended")
