//! Jobs whose whole summary a worker writes, with their processes killed at every effect.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use crate::support::faulty::process::{Fate, When};
use crate::support::faulty::scene::{KEY, QUEUE, REPORT, SUMMARY, Scene, Setup, simulate};
use crate::support::links;
use crate::support::workplace::meeting;

const WHOLE: Setup = Setup {
    task: "transcript",
    summary_words: "150",
    // Longer than an invocation.
    work_ms: (1_200_000, 1_300_000),
    ..QUEUE
};

const INVOCATION: Duration = Duration::from_secs(900);

/// Until the message is visible again.
const PAUSE: Duration = Duration::from_secs(60);

/// Delivers an upload, with the process of the first or the second delivery killed at an effect, until it is done. Returns whether
/// it came to the kill.
fn killed(output: &Value, delivery: usize, at: usize, when: When) -> bool {
    simulate(async {
        let case = format!("delivery {delivery}, {at} {when:?}");
        let scene = Scene::new(WHOLE);
        scene.endpoint().answer_transcripts(output);
        let upload = scene.disk().upload(KEY, meeting(600));
        let (mut is_killed, mut lost) = (false, 0);
        for nth in 0..8 {
            let fate = match nth == delivery {
                true => Fate::Dies { at, when },
                false => Fate::Lives,
            };
            let process = scene.process(fate);
            match scene.run(&process, &upload, Some(INVOCATION)).await {
                Some(Ok(_)) => break,
                Some(Err(error)) => assert!(error.passes(), "{case}: {error}"),
                None => {
                    is_killed = true;
                    lost = scene.in_flight().len();
                }
            }
            sleep(PAUSE).await;
        }
        scene.check(&[output["summary"].as_str().unwrap()]);
        assert_eq!(scene.disk().writes(|key| key == SUMMARY).len(), 1, "{case}");
        let jobs = scene.endpoint().jobs();
        assert_eq!(
            jobs.len(),
            1 + lost,
            "{case}: only what nobody had heard of is submitted again"
        );
        // An intent without a ticket counts, whether or not the job was submitted.
        let usage = &scene.disk().read_json(REPORT)["usage"];
        let calls = usage["calls"].as_u64().unwrap() as usize;
        assert!((jobs.len()..=2).contains(&calls), "{case}: {usage}");
        assert_eq!(usage["resubmitted"], calls - 1, "{case}");
        is_killed
    })
}

#[test]
fn a_job_is_submitted_once_wherever_its_process_dies() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let output = runtime.block_on(links::output(meeting(600), WHOLE.summary_words));
    for delivery in [0, 1] {
        let mut at = 1;
        while [When::Before, When::After].map(|when| killed(&output, delivery, at, when))
            == [true; 2]
        {
            at += 1;
        }
        assert!(at > 5, "delivery {delivery} has {at} effects");
    }
}
