"""Uploads that get a summary, whichever way their event arrives."""

from results import check_outcomes, check_summary
from sample_events import MEETING, load
from scenario import expect, extractive, hugging_face, scenario
from state import forget
from transcripts import transcript


def upload(world, *keys):
    for seed, key in enumerate(keys):
        world.storage.upload(key, transcript(2000, seed))


@scenario("a key with blanks, a plus, brackets and umlauts gets its summary beside the same name")
def special_key(world):
    key = "a b+(1)/é ü.txt"
    upload(world, key)
    with world.function(**extractive()) as function:
        answer = function.invoke(load("s3-put-special-key", world.storage))
    check_outcomes(answer, "done", [key])
    check_summary(world.storage, key)


@scenario("an event of several records does all, and two folders with one file name get two summaries")
def several_records(world):
    keys = ["team-a/notes.txt", "team-b/notes.txt"]
    upload(world, *keys)
    with world.function(**extractive()) as function:
        answer = function.invoke(load("s3-multi", world.storage))
    check_outcomes(answer, "done", keys)
    for key in keys:
        check_summary(world.storage, key)
    texts = {world.storage.read(f"summaries/{key}_summary.txt") for key in keys}
    expect(len(texts) == 2, "both summaries are the same")


@scenario("an upload announced through SQS is summarized and acknowledged")
def through_sqs(world):
    acknowledged(world, "sqs-s3")


@scenario("an upload announced through SNS in SQS is summarized and acknowledged")
def through_sns_in_sqs(world):
    acknowledged(world, "sqs-sns-s3")


def acknowledged(world, event):
    upload(world, MEETING)
    with world.function(**extractive()) as function:
        answer = function.invoke(load(event, world.storage))
    expect(answer == {"batchItemFailures": []}, f"expected no failures, got {answer}")
    check_summary(world.storage, MEETING)


@scenario("an upload announced through SNS is summarized")
def through_sns(world):
    summarized(world, "sns-s3", MEETING)


@scenario("an upload announced through EventBridge is summarized, its key taken as it is")
def through_eventbridge(world):
    summarized(world, "eventbridge-object-created", "meetings/harbor line+review.txt")


def summarized(world, event, key):
    upload(world, key)
    with world.function(**extractive()) as function:
        answer = function.invoke(load(event, world.storage))
    check_outcomes(answer, "done", [key])
    check_summary(world.storage, key)


@scenario("results go under OUTPUT_PREFIX, and what lies there is not read")
def other_prefix(world):
    upload(world, MEETING)
    settings = extractive(OUTPUT_PREFIX="results/")
    with world.function(**settings) as function:
        function.invoke(load("s3-put", world.storage))
        check_summary(world.storage, MEETING, prefix="results/")
        before = world.storage.keys()
        own = load("s3-put")
        own["Records"][0]["s3"]["object"]["key"] = f"results/{MEETING}_summary.txt"
        check_outcomes(function.invoke(own), "skipped", [f"results/{MEETING}_summary.txt"])
    expect(world.storage.keys() == before, f"the bucket changed from {before} to {world.storage.keys()}")


@scenario("without a page and Markdown those of an earlier version go; switched on again they are made without a call")
def renderings(world):
    def named(ending):
        return world.storage.head(f"summaries/{MEETING}{ending}")

    upload(world, MEETING)
    with world.function(**hugging_face(world, SUMMARY_FORMAT="markdown")) as function:
        check_outcomes(function.invoke(load("s3-put", world.storage)), "done", [MEETING])
    check_summary(world.storage, MEETING)
    expect(named("_summary.md"), "there is no Markdown")
    world.storage.upload(MEETING, transcript(2000, 77))
    with world.function(**hugging_face(world, SUMMARY_PAGE="off")) as function:
        check_outcomes(function.invoke(load("s3-put", world.storage)), "done", [MEETING])
    expect(not named("_summary.html") and not named("_summary.md"), f"stale: {world.storage.keys()}")
    paid = len(world.chat.requests)
    forget(world.storage)
    with world.function(**hugging_face(world, SUMMARY_FORMAT="markdown")) as function:
        check_outcomes(function.invoke(load("s3-put", world.storage)), "duplicate", [MEETING])
    check_summary(world.storage, MEETING)
    expect(named("_summary.md"), "there is no Markdown")
    expect(len(world.chat.requests) == paid, f"{len(world.chat.requests) - paid} calls for a page")
