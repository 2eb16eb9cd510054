"""A RunPod endpoint without workers. Not in the default run: it takes as long as the program has patience."""

from results import check_no_summary
from runpod_endpoint import endpoint, settings
from sample_events import MEETING, load
from scenario import expect, scenario
from transcripts import transcript


@scenario("RunPod, an endpoint without workers: the error says so, and no job is left in the queue")
def no_workers(world):
    world.storage.upload(MEETING, transcript(2000, seed=10))
    with endpoint(world, "vllm-new", workers=0) as adapter:
        env = settings(adapter, AWS_LAMBDA_FUNCTION_TIMEOUT="240")
        with world.function(**env) as function:
            answer = function.invoke(load("s3-put", world.storage))
        error = answer.get("errorMessage", "")
        expect(MEETING in error and "worker" in error, f"the error should name {MEETING} and the workers: {answer}")
        expect(adapter.operations["health"], f"/health was not asked: {adapter.operations}")
        unaccounted = adapter.jobs.unaccounted()
        expect(not unaccounted, f"{len(unaccounted)} of {len(adapter.jobs.all)} jobs were left in the queue")
    check_no_summary(world.storage)
