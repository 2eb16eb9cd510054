"""What an endpoint was asked for, by whom it was waited for, and for how long."""

import collections
import dataclasses
import threading
import time

# An answer that is younger may not have been recorded yet: on a busy machine a write takes its time.
RECORDING_SECONDS = 0.5


@dataclasses.dataclass
class Submission:
    call: str
    began: float
    ended: float | None = None
    # Whoever waited for it is dead.
    abandoned: bool = False

    def is_open(self):
        return self.ended is None and not self.abandoned


class Account:
    """The submissions to an endpoint, refused ones left out."""

    def __init__(self):
        self.lock = threading.Lock()
        self.all = []
        self.most_open = 0

    def begin(self, call):
        with self.lock:
            submission = Submission(call, time.monotonic())
            self.all.append(submission)
            self.most_open = max(self.most_open, sum(other.is_open() for other in self.all))
            return submission

    def end(self, submission):
        with self.lock:
            submission.ended = time.monotonic()

    def abandon(self, moment):
        """Whoever submitted died at `moment`; the calls that were in flight then, or whose answer was on its way."""
        with self.lock:
            for submission in self.all:
                submission.abandoned |= submission.ended is None
            alive = (one for one in self.all if one.ended is None or one.ended > moment - RECORDING_SECONDS)
            return {submission.call for submission in alive}

    def extra(self):
        """Calls that were submitted more than once, and how often too often."""
        with self.lock:
            times = collections.Counter(submission.call for submission in self.all)
        return {call: count - 1 for call, count in times.items() if count > 1}
