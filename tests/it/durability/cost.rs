//! The overhead of the ledger when nothing fails.

use transcript_summarizer::job::{App, Outcome};

use crate::support::faulty::process::Fate;
use crate::support::faulty::scene::{KEY, QUEUE, SYNC, Scene, meeting, simulate};

fn is_state(key: &str) -> bool {
    key.contains(".work/")
}

#[test]
fn three_small_writes_for_each_call_at_most() {
    for setup in [QUEUE, SYNC] {
        let run = |durable| {
            simulate(async {
                let scene = Scene::new(setup);
                let upload = scene.disk().upload(KEY, meeting("depot"));
                let process = scene.process(Fate::Lives);
                let app = App {
                    durable,
                    ..scene.app(&process)
                };
                let began = tokio::time::Instant::now();
                let ended = app.run(&upload, &scene.endless()).await;
                assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
                let disk = scene.disk();
                let calls = scene.endpoint().submits().len();
                let lease = disk.asked("put", |key| key.ends_with("run.json"));
                let writes = disk.asked("put", is_state) - lease;
                let state = ["get", "head", "put", "delete"].map(|name| disk.asked(name, is_state));
                (
                    calls,
                    writes,
                    lease,
                    state,
                    disk.requests(),
                    began.elapsed(),
                )
            })
        };
        let (calls, writes, lease, state, _, took) = run(true);
        let (_, none, _, _, _, without) = run(false);
        eprintln!(
            "queues: {}: {calls} calls, {writes} writes for them and {lease} for the lease, get/head/put/delete {state:?}; {took:?} \
             against {without:?} without",
            setup.queues
        );
        assert_eq!(none, 0);
        // One more tells later jobs how long the model's answers are.
        assert_eq!(writes, calls * if setup.queues { 3 } else { 2 } + 1);
        assert!(lease <= 2 + took.as_secs() as usize / 30);
        assert_eq!(
            (state[0], state[1], state[3]),
            (1, 0, 0),
            "reads, look-ups and removals"
        );
        assert!(took.as_secs_f64() < without.as_secs_f64() * 1.03);
    }
}
