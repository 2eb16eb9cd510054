//! Complete summaries with every type of RunPod worker, over real sockets, with and without injected failures.

use std::time::Duration;

use crate::support::obedient;
use crate::support::runpod_jobs::{JobPlan, SubmittedJob};
use crate::support::runpod_server::{LongPoll, RunPodServer};
use crate::support::runpod_shapes::{FOREIGN, Shape, fault_of, is_hit};
use crate::support::workplace::Workplace;
use futures_util::future::join_all;
use transcript_summarizer::job::{Done, Outcome};

fn sample() -> String {
    std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/samples/harbor-line-review.txt"
    ))
    .unwrap()
}

struct Written {
    done: Box<Done>,
    text: String,
    server: RunPodServer,
}

/// Summarizes the sample with workers whose output has this shape.
async fn written(shape: Shape, long_poll: LongPoll, faulty: bool) -> Written {
    let plan = move |job: &SubmittedJob| {
        let text = obedient::answer(job.message("user"));
        let work = Duration::from_millis(40);
        fault_of(job)
            .filter(|_| faulty)
            .unwrap_or_else(|| JobPlan::output(shape.output(job, &text)).executing_for(work))
    };
    let server = RunPodServer::start(plan).await;
    server.set_long_poll(long_poll);
    if faulty {
        server.mix_faults(shape as usize);
    }
    let place = Workplace::runpod(&server.url(), &[("CHUNK_TOKENS", "1200")]).await;
    let upload = place.upload("board.txt", sample());
    let done = match place.run(&upload).await {
        Ok(Outcome::Done(done)) => done,
        other => panic!("{shape:?}, {long_poll:?}: {other:?}"),
    };
    Written {
        text: place.read(&done.summary.key),
        done,
        server,
    }
}

/// Checks that the summary has the right length, covers every section, is written by the model, and contains only its text.
fn assert_is_a_summary(written: &Written, case: &str) {
    let report = &written.done.report;
    assert_eq!(report.model.provider, "runpod");
    assert_eq!(report.summary.target_words, 4000);
    assert!(
        report.summary.deviation.abs() <= 0.05,
        "{case}: {:?}, {:?}",
        report.summary,
        report.warnings
    );
    let coverage = report.coverage;
    assert_eq!(
        (coverage.summarized, coverage.degraded),
        (coverage.chunks, 0),
        "{case}: {:?}",
        report.warnings
    );
    for word in FOREIGN {
        assert!(
            !written.text.contains(word),
            "{case}: {word} in {}",
            written.text
        );
    }
    assert_eq!(
        written.server.unaccounted(),
        Vec::<String>::new(),
        "{case}: jobs that nobody heard of again"
    );
}

/// Checks that the usage in the report matches what the server saw.
fn assert_usage_is_true(written: &Written, shape: Shape, case: &str) {
    let (usage, server) = (&written.done.report.usage, &written.server);
    assert_eq!(usage.calls, server.submits(), "{case}");
    let (prompts, answers) = (usage.prompt_tokens, usage.completion_tokens);
    if shape.counts_tokens() {
        // A word counts as a token: the whole transcript was read twice, and a whole summary was written.
        let words = written.done.report.source.words.unwrap();
        assert!(
            (2 * words..8 * words).contains(&prompts),
            "{case}: {usage:?}"
        );
        assert!((3600..9000).contains(&answers), "{case}: {usage:?}");
    } else {
        assert_eq!((prompts, answers), (0, 0), "{case}: nothing was reported");
    }
}

#[tokio::test]
async fn every_kind_of_worker_writes_it() {
    let runs = Shape::ALL.map(|shape| async move {
        let written = written(shape, LongPoll::Held, false).await;
        let case = format!("{shape:?}");
        assert_is_a_summary(&written, &case);
        assert_usage_is_true(&written, shape, &case);
        let (usage, server) = (&written.done.report.usage, &written.server);
        assert_eq!((usage.retries, usage.resubmitted), (0, 0), "{case}");
        assert_eq!(server.submits(), server.jobs().len(), "{case}");
        assert_eq!(
            server.polls(),
            server.submits(),
            "{case}: one question each"
        );
        assert_eq!(server.executions(), server.submits(), "{case}");
        usage.calls
    });
    let calls = join_all(runs).await;
    // The shape of the output has no influence on the number of requests.
    assert!(calls.iter().all(|n| *n == calls[0]), "{calls:?}");
}

#[tokio::test]
async fn every_kind_of_worker_writes_it_in_spite_of_failures() {
    let modes = [LongPoll::Held, LongPoll::Unknown];
    let cases = modes
        .into_iter()
        .flat_map(|mode| Shape::ALL.map(|shape| (shape, mode)));
    let runs = cases.map(|(shape, mode)| async move {
        let written = written(shape, mode, true).await;
        let case = format!("{shape:?}, {mode:?}");
        assert_is_a_summary(&written, &case);
        assert_usage_is_true(&written, shape, &case);
        let (usage, server) = (&written.done.report.usage, &written.server);
        let jobs = server.jobs().len();
        let failed = (0..jobs).filter(|&number| is_hit(number)).count();
        assert!(
            failed >= 4 && failed * 10 >= jobs,
            "{case}: {failed} failed"
        );
        assert!(server.retries() >= 2, "{case}: failed jobs are run again");
        // Retries include refused submissions, at least one of them possibly billed, and jobs that were run again.
        assert!(usage.retries >= 4, "{case}: {usage:?}");
        assert!(server.submits() > server.jobs().len(), "{case}");
        eprintln!(
            "{case}: {} words, {usage:?}, {} jobs, {failed} failed, {} executions, {} polls, {} ms",
            written.done.report.summary.words,
            server.jobs().len(),
            server.executions(),
            server.polls(),
            written.done.report.duration_ms
        );
    });
    join_all(runs).await;
}
