"""The same binary as a command."""

from results import check_report
from scenario import REPOSITORY, TOKEN, expect, hugging_face, scenario
from storage import BUCKET, CREDENTIALS
from transcripts import transcript


@scenario("summarize needs no key and no environment, and writes each sample's summary")
def samples(world):
    inputs = sorted((REPOSITORY / "samples").glob("*.txt"))
    expect(inputs, "there are no samples")
    here = world.directory()
    succeeds(world.run("summarize", *inputs, cwd=here))
    for sample in inputs:
        report = check_files(here, sample.name, sample.read_text())
        expect(report["summary"]["target_words"] == 4000, f"{sample.name} should get 4000 words: {report['summary']}")


@scenario("summarize reads s3:// objects and writes under --out")
def from_s3(world):
    text = transcript(2000, seed=5)
    world.storage.upload("meetings/review.txt", text)
    out = world.directory()
    env = CREDENTIALS | {"AWS_ENDPOINT_URL_S3": world.storage.url}
    succeeds(world.run("summarize", f"s3://{BUCKET}/meetings/review.txt", "--out", out, "--words", "500", **env))
    check_files(out, "meetings/review.txt", text)


@scenario("--trace writes what was asked and answered, and not the token")
def trace(world):
    here, traces = world.directory(), world.directory()
    (here / "review.txt").write_text(transcript(2000, seed=6))
    succeeds(world.run("summarize", "review.txt", "--trace", traces, cwd=here, **hugging_face(world)))
    traced = [path.read_text() for path in traces.rglob("*") if path.is_file()]
    expect(traced, "nothing was traced")
    expect(not any(TOKEN in text for text in traced), "the token is in the trace")


@scenario("plan sends nothing")
def plan(world):
    here = world.directory()
    (here / "review.txt").write_text(transcript(6000, seed=7))
    printed = succeeds(world.run("plan", "review.txt", cwd=here, **hugging_face(world)))
    expect(printed.strip(), "nothing was printed")
    expect(not world.chat.requests, f"{len(world.chat.requests)} requests were sent")
    expect([path.name for path in here.iterdir()] == ["review.txt"], "files were written")


@scenario("exit status is 1 for a failure, 2 for wrong usage, and a wrong setting is named")
def exit_status(world):
    here = world.directory()
    missing = world.run("summarize", "nowhere.txt", cwd=here)
    expect(missing.returncode == 1 and "nowhere.txt" in missing.stderr, described(missing))
    usage = world.run("sumarize", cwd=here)
    expect(usage.returncode == 2, described(usage))
    (here / "review.txt").write_text(transcript(500, seed=8))
    setting = world.run("summarize", "review.txt", cwd=here, MODEL_PROVIDER="oracle")
    expect(setting.returncode != 0, described(setting))
    for named in ("MODEL_PROVIDER", "oracle", "extractive"):
        expect(named in setting.stderr, described(setting))


def succeeds(command):
    expect(command.returncode == 0, described(command))
    return command.stdout + command.stderr


def described(command):
    return f"exit status {command.returncode}, stdout {command.stdout[-500:]!r}, stderr {command.stderr[-500:]!r}"


def check_files(out, key, source_text):
    summary, report = (out / f"summaries/{key}_summary.{suffix}" for suffix in ("txt", "json"))
    for path in (summary, report):
        expect(path.is_file(), f"{path.name} is not under {out / 'summaries'}")
    return check_report(report.read_text(), summary.read_text(), source_text)
