"""A large transcript, with either kind of model."""

from deliveries import until_done
from memory import MEGABYTE, Memory
from sample_events import created, in_sqs
from scenario import expect, extractive, scenario
from slow_chat import SlowChat
from transcripts import transcript

def summarized(world, megabytes, settings):
    size = megabytes * MEGABYTE
    text = transcript(size // 5, seed=28)[:size]
    world.storage.upload("large.txt", text)
    with world.function(world.release, **settings) as function:
        memory = Memory(world, function)
        until_done(function, in_sqs(created(world.storage, "large.txt")), most=3)
        expect(world.storage.head("summaries/large.txt_summary.txt"), f"no summary: {function.log[-1000:]}")
        memory.check(f"{megabytes} MB", len(text.encode()))


@scenario("a transcript of 10 MB and the built-in model: within 25 MB + 1.3 times its size")
def built_in(world):
    summarized(world, 10, extractive())


@scenario("a transcript of 5 MB and a chat endpoint: within 25 MB + 1.3 times its size")
def chat(world):
    with SlowChat((0, 0.05)) as endpoint:
        summarized(world, 5, endpoint.settings(CHUNK_TOKENS="6000"))
