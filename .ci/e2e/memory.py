"""How much memory the program may take: 25 MB, and 1.3 times the object."""

from bootstrap import peak_bytes
from deliveries import delivered
from sample_events import created, in_sqs
from scenario import expect
from transcripts import transcript

MEGABYTE = 1_000_000
BASE_BYTES, PER_BYTE = 25 * MEGABYTE, 1.3
# A build for tests is larger by itself: it may take so much on top of what it takes for a small transcript.
DEBUG_BYTES = 20 * MEGABYTE


class Memory:
    """Of a function that has just started: it is given a small transcript, and then whatever is to be measured."""

    def __init__(self, world, function):
        self.function = function
        self.release = world.release
        world.storage.upload("small.txt", transcript(3000, seed=20))
        small = in_sqs(created(world.storage, "small.txt"))
        expect(delivered(function, small), f"a small transcript was not summarized: {function.log[-1000:]}")
        self.small = peak_bytes(function)

    def check(self, name, read):
        """That the peak is not too much for so many bytes."""
        peak = peak_bytes(self.function)
        base = BASE_BYTES if self.release else self.small + DEBUG_BYTES
        most = base + PER_BYTE * read
        seen = f"{name}: {peak / MEGABYTE:.1f} MB for {read} bytes, {self.small / MEGABYTE:.1f} for a small transcript"
        print(f"     {seen}")
        expect(peak <= most, f"{seen}, {most / MEGABYTE:.1f} are allowed")
