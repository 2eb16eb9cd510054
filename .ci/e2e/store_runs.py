"""A job of several slices over a store that has its faults."""

from deliveries import until_done
from results import check_summary
from sample_events import MEETING, created, in_sqs
from scenario import expect
from state import check_nothing_said, expire_leases
from transcripts import transcript

CONCURRENCY = 3
TEXT = transcript(9000, seed=30)


def run(world, store, endpoint, timeout=4):
    world.storage.upload(MEETING, TEXT)
    settings = endpoint.settings(MODEL_CONCURRENCY=str(CONCURRENCY), AWS_LAMBDA_FUNCTION_TIMEOUT=str(timeout))
    with world.function(**settings, AWS_ENDPOINT_URL_S3=store.url) as function:
        # Writes that are refused as the time runs out leave the lease: a queue redelivers after it.
        message = in_sqs(created(world.storage, MEETING))
        deliveries = until_done(function, message, meanwhile=lambda: expire_leases(world.storage))
        expect("timed out" not in function.log, f"the program did not end in time: {function.log[-1000:]}")
    expect(deliveries > 1, "it was done at once, which shows nothing")
    report = check_summary(world.storage, MEETING)
    extra, submits = endpoint.account.extra(), len(endpoint.account.all)
    expect(not extra, f"{sum(extra.values())} of {submits} submissions were not the first of their call")
    expect(report["coverage"]["degraded"] == 0, f"not all is the model's: {report['coverage']}")
    check_nothing_said(world.storage)
    most = endpoint.most_at_once()
    expect(most <= CONCURRENCY, f"{most} calls were in flight with MODEL_CONCURRENCY {CONCURRENCY}")
