//! Recordings that a faster-whisper worker on a simulated RunPod endpoint transcribes, from their upload to the published summary.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Notify;
use transcript_summarizer::clock::Clock;
use transcript_summarizer::secret::Secret;
use transcript_summarizer::store::{
    Location, Object, ObjectInfo, PutOptions, Store, StoreResult, Wanted,
};

use crate::support::runpod_faults::{Fault, Route, Trouble};
use crate::support::runpod_jobs::JobPlan;
use crate::support::runpod_server::{KEY as RUNPOD_KEY, RunPodServer};
use crate::support::workplace::{BUCKET, Workplace, event, message};

const KEY: &str = "talk.mp4";
const SUMMARY: &str = "summaries/talk.mp4_summary.txt";
const REPORT: &str = "summaries/talk.mp4_summary.json";
const ERROR: &str = "summaries/talk.mp4_error.json";

/// 2026-11-28, in milliseconds since 1970.
const EPOCH_MS: i64 = 1_795_800_000_000;

/// The time after which the queue delivers a message again.
const VISIBILITY_MS: i64 = 960_000;

const HOUR_MS: i64 = 3_600_000;

/// A store whose objects have links. A process that uses it dies at the effect with this number, before or after it.
#[derive(Debug)]
struct Linked {
    store: Arc<dyn Store>,
    effects: AtomicUsize,
    dies_at: (usize, bool),
    died: Notify,
}

impl Linked {
    fn new(store: Arc<dyn Store>, dies_at: (usize, bool)) -> Arc<Self> {
        Arc::new(Self {
            store,
            effects: AtomicUsize::new(0),
            dies_at,
            died: Notify::new(),
        })
    }

    async fn effect<T>(&self, act: impl Future<Output = T>) -> T {
        let at = self.effects.fetch_add(1, Ordering::SeqCst) + 1;
        if self.dies_at == (at, false) {
            self.die().await;
        }
        let result = act.await;
        if self.dies_at == (at, true) {
            self.die().await;
        }
        result
    }

    async fn die(&self) {
        self.died.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl Store for Linked {
    async fn get(&self, at: &Location, wanted: &Wanted) -> StoreResult<Object> {
        self.effect(self.store.get(at, wanted)).await
    }

    async fn head(&self, at: &Location) -> StoreResult<ObjectInfo> {
        self.effect(self.store.head(at)).await
    }

    async fn put(&self, at: &Location, body: Bytes, options: PutOptions) -> StoreResult<String> {
        self.effect(self.store.put(at, body, options)).await
    }

    async fn delete(&self, at: &Location, if_match: Option<&str>) -> StoreResult<()> {
        self.effect(self.store.delete(at, if_match)).await
    }

    async fn link(&self, at: &Location, _: Option<&str>, lasts: Duration) -> StoreResult<Secret> {
        let key =
            percent_encoding::utf8_percent_encode(&at.key, percent_encoding::NON_ALPHANUMERIC);
        let (bucket, seconds) = (&at.bucket, lasts.as_secs());
        Ok(Secret::new(format!(
            "https://{bucket}.s3.example.org/{key}?X-Amz-Expires={seconds}&X-Amz-Signature=5ec7e7"
        )))
    }
}

/// A bucket with one recording, an endpoint, and the time.
struct Scene {
    place: Workplace,
    server: RunPodServer,
    now_ms: AtomicI64,
}

impl Scene {
    /// The jobs of the endpoint end as `plan` says, once they are let.
    async fn new(plan: JobPlan, settings: &[(&str, &str)]) -> Self {
        let plan = plan.executing_for(Duration::from_secs(3600));
        let server = RunPodServer::start(move |_| plan.clone()).await;
        let url = server.url();
        let own = [
            ("TRANSCRIBER", "runpod"),
            ("TRANSCRIBER_RUNPOD_ENDPOINT_URL", &url),
            ("TRANSCRIBER_RUNPOD_API_KEY", RUNPOD_KEY),
            ("MODEL_PROVIDER", "extractive"),
            ("SUMMARY_WORDS", "200"),
        ];
        let place = Workplace::configured(&[&own, settings].concat())
            .await
            .unwrap();
        let linked = Linked::new(place.store(), (0, false));
        let place = place
            .through(linked)
            .transcribing(SdkConfig::builder().build());
        place.upload(KEY, b"\0\0\0\x20ftypisom");
        Self {
            place,
            server,
            now_ms: AtomicI64::new(EPOCH_MS),
        }
    }

    fn wait(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        Clock::simulated(self.now_ms.load(Ordering::SeqCst))
    }

    /// Whether the message with this body stays in the queue.
    async fn stays(&self, body: &Value) -> bool {
        let records = json!({"Records": [message("m", body)]});
        let answer = self.place.answer_at(records, self.clock()).await.unwrap();
        !answer["batchItemFailures"].as_array().unwrap().is_empty()
    }

    /// The status of the only upload of a direct invocation.
    async fn status(&self, body: &Value) -> Value {
        let answer = self.place.answer_at(body.clone(), self.clock()).await;
        answer.unwrap()["outcomes"][0]["status"].clone()
    }

    /// Lets all jobs end.
    fn end(&self) {
        for job in self.server.jobs() {
            self.server.finish(&job.id);
        }
    }

    fn error(&self) -> Value {
        self.place.read_json(ERROR)
    }
}

/// The event of an object in its current version.
async fn current(place: &Workplace, key: &str) -> Value {
    let at = Location::new(BUCKET, key);
    let info = place.store().head(&at).await.unwrap();
    let mut event = event(&[&key.replace('%', "%25").replace('+', "%2B")]);
    event["Records"][0]["s3"]["object"]["eTag"] = json!(info.etag);
    event
}

/// The output of the stock worker for a talk about `subject`.
pub(crate) fn said(subject: &str) -> JobPlan {
    let segment = |at: usize| {
        let text = format!(
            " On the {subject} we agreed that item{at} costs {at}00 dollars and vendor{at} delivers it in week {at}."
        );
        json!({"id": at, "seek": at * 600, "start": at as f64 * 6.0, "end": at as f64 * 6.0 + 5.5, "text": text,
            "tokens": [50364, 1282, at], "temperature": 0.0, "avg_logprob": -0.2, "compression_ratio": 1.4, "no_speech_prob": 0.01})
    };
    let segments: Vec<Value> = (1..60).map(segment).collect();
    let text = segments
        .iter()
        .filter_map(|segment| segment["text"].as_str());
    JobPlan::output(
        json!({"segments": segments, "detected_language": "en", "transcription": text.collect::<String>(),
        "translation": null, "device": "cuda", "model": "turbo"}),
    )
}

/// A failure of the stock worker, which raises Python's errors.
fn raised(message: &str) -> JobPlan {
    let error = json!({"error_type": "<class 'Exception'>", "error_message": message, "error_traceback": "Traceback …",
        "hostname": "h", "worker_id": "w", "runpod_version": "1.12.0"});
    JobPlan::failed(error.to_string())
}

#[tokio::test]
async fn a_message_stays_until_the_summary_exists_and_a_look_costs_one_request() {
    let scene = Scene::new(said("depot"), &[]).await;
    let (place, server) = (&scene.place, &scene.server);
    let upload = current(place, KEY).await;
    for polls in 0..3 {
        assert!(scene.stays(&upload).await);
        assert_eq!((server.submits(), server.polls()), (1, polls));
        scene.wait(VISIBILITY_MS);
    }
    assert!(!place.exists(ERROR) && !place.exists(SUMMARY));
    scene.end();
    assert!(!scene.stays(&upload).await);
    assert_eq!(scene.status(&upload).await, "duplicate");
    assert_eq!((server.submits(), server.polls()), (1, 3));
    assert!(place.read(SUMMARY).contains("depot"));
    let source = &place.read_json(REPORT)["source"];
    assert_eq!(
        (&source["key"], &source["format"]),
        (&json!(KEY), &json!("whisper"))
    );
    let transcript = source["transcript_key"].as_str().unwrap();
    assert!(
        place
            .read(transcript)
            .contains("\"detected_language\":\"en\"")
    );
    let page = place.read("summaries/talk.mp4_summary.html");
    assert!(page.contains("0:06"), "the page has no times");

    let body = &server.jobs()[0].body;
    let link =
        "https://transcripts.s3.example.org/talk%2Emp4?X-Amz-Expires=43200&X-Amz-Signature=5ec7e7";
    let input = json!({"audio": link, "model": "turbo", "enable_vad": true});
    let policy = json!({"executionTimeout": 10_800_000, "ttl": 43_200_000});
    assert_eq!(*body, json!({"input": input, "policy": policy}));
    // The transcript's own event is one about the recording.
    let own = current(place, transcript).await;
    assert_eq!(scene.status(&own).await, "duplicate");
}

#[tokio::test]
async fn a_hundred_deliveries_at_once_start_one_job() {
    let scene = Scene::new(said("depot"), &[]).await;
    let upload = current(&scene.place, KEY).await;
    let all = join_all((0..100).map(|_| scene.stays(&upload))).await;
    assert!(all.into_iter().all(|stays| stays));
    scene.end();
    join_all((0..100).map(|_| scene.stays(&upload))).await;
    assert_eq!(scene.status(&upload).await, "duplicate");
    assert_eq!(scene.server.submits(), 1);
}

/// Kills the process of the delivery with this number at an effect. Returns the summary, and whether it came to that.
async fn killed(delivery: usize, dies_at: (usize, bool)) -> (String, bool) {
    let mut scene = Scene::new(said("depot"), &[]).await;
    let case = format!("delivery {delivery}, {dies_at:?}");
    let upload = current(&scene.place, KEY).await;
    if delivery == 1 {
        assert!(scene.stays(&upload).await);
        scene.wait(VISIBILITY_MS);
        scene.end();
    }
    let whole = scene.place.store();
    let dying = Linked::new(Arc::clone(&whole), dies_at);
    scene.place = scene.place.through(dying.clone());
    let is_killed = tokio::select! {
        biased;
        () = dying.died.notified() => true,
        _ = scene.stays(&upload) => false,
    };
    let submits = scene.server.submits();
    scene.place = scene.place.through(whole);
    for _ in 0..3 {
        scene.wait(VISIBILITY_MS);
        scene.end();
        scene.stays(&upload).await;
    }
    assert_eq!(scene.status(&upload).await, "duplicate", "{case}");
    // Only the submission whose ticket was not stored yet is made again.
    let tickets = scene.server.states();
    assert!(
        tickets.len() <= 2 && (tickets.len() == 1 || submits == 1),
        "{case}: {tickets:?}"
    );
    if delivery == 1 {
        assert_eq!(tickets.len(), 1, "{case}");
    }
    (scene.place.read(SUMMARY), is_killed)
}

#[tokio::test]
async fn a_killed_process_neither_loses_nor_repeats_a_transcription() {
    let (reference, _) = killed(0, (usize::MAX, false)).await;
    let mut repeated = 0;
    for (delivery, step) in [(0, 1), (1, 4)] {
        for at in (1..).step_by(step) {
            let mut any = false;
            for after in [false, true] {
                let (summary, is_killed) = killed(delivery, (at, after)).await;
                assert_eq!(summary, reference, "delivery {delivery}, {at} {after}");
                any |= is_killed;
            }
            repeated += usize::from(any);
            if !any {
                break;
            }
        }
    }
    assert!(repeated > 10, "there are effects to die at");
}

#[tokio::test]
async fn a_submission_that_may_have_been_accepted_is_made_once_more_and_then_seldom() {
    let scene = Scene::new(said("depot"), &[]).await;
    let upload = current(&scene.place, KEY).await;
    scene
        .server
        .fail_always(Route::Run, Fault::After(Trouble::gateway()));
    for (wait, submits) in [(0, 1), (VISIBILITY_MS, 2), (VISIBILITY_MS, 2), (HOUR_MS, 3)] {
        scene.wait(wait);
        assert!(scene.stays(&upload).await);
        assert_eq!(scene.server.submits(), submits);
    }
    scene.server.heal(Route::Run);
    scene.wait(3 * HOUR_MS);
    assert!(scene.stays(&upload).await);
    scene.end();
    assert!(!scene.stays(&upload).await);
    assert!(scene.place.exists(SUMMARY) && !scene.place.exists(ERROR));
}

#[tokio::test]
async fn a_recording_that_cannot_be_transcribed_is_rejected_once_and_for_all() {
    for reason in [
        "[Errno 1094995529] Invalid data found when processing input: '/tmp/x.mp4'",
        "tuple index out of range",
        "max() arg is an empty sequence",
    ] {
        let scene = Scene::new(raised(reason), &[]).await;
        let upload = current(&scene.place, KEY).await;
        assert!(scene.stays(&upload).await);
        scene.end();
        for _ in 0..2 {
            scene.wait(VISIBILITY_MS);
            assert!(!scene.stays(&upload).await);
            let error = scene.error();
            assert_eq!(
                (&error["kind"], &error["retryable"]),
                (&json!("NotTranscribed"), &json!(false))
            );
            assert!(
                error["message"].as_str().unwrap().contains(reason),
                "{error}"
            );
        }
        assert_eq!(scene.server.submits(), 1);
    }
}

#[tokio::test]
async fn a_failure_that_can_be_fixed_is_reported_and_started_afresh_ever_more_seldom() {
    let plan = raised(
        "[Errno 2] No such file or directory: 'None' https://b.s3.example.org/x.mp4?X-Amz-Signature=5ec7e7",
    );
    for plan in [
        plan,
        JobPlan::timed_out(),
        JobPlan::cancelled(),
        JobPlan::without_output(),
        JobPlan::output(json!({"images": []})),
    ] {
        let scene = Scene::new(plan, &[]).await;
        let upload = current(&scene.place, KEY).await;
        // Started, failed, started again, failed; and an hour of rest.
        for (submits, is_reported) in [(1, false), (1, true), (2, true), (2, true), (2, true)] {
            assert!(scene.stays(&upload).await);
            assert_eq!(scene.server.submits(), submits);
            assert_eq!(scene.place.exists(ERROR), is_reported);
            scene.end();
            scene.wait(VISIBILITY_MS);
        }
        let error = scene.error();
        assert_eq!(
            (&error["kind"], &error["retryable"]),
            (&json!("TranscriberError"), &json!(true))
        );
        let told = error["message"].as_str().unwrap();
        for words in [
            "transcription on RunPod failed",
            "s3:GetObject",
            "s3://transcripts/talk.mp4",
        ] {
            assert!(told.contains(words), "{told}");
        }
        assert!(!told.contains("5ec7e7"), "{told}");
        scene.wait(HOUR_MS);
        assert!(scene.stays(&upload).await);
        assert_eq!(scene.server.submits(), 3);
    }
}

#[tokio::test]
async fn an_expired_result_is_transcribed_once_more() {
    let scene = Scene::new(said("depot"), &[]).await;
    let upload = current(&scene.place, KEY).await;
    assert!(scene.stays(&upload).await);
    let id = scene.server.jobs()[0].id.clone();
    scene.server.forget(&id);
    // A job may be unknown for a moment after its submission.
    assert!(scene.stays(&upload).await);
    assert_eq!(scene.server.submits(), 1);
    scene.wait(VISIBILITY_MS);
    assert!(scene.stays(&upload).await);
    assert_eq!(scene.server.submits(), 2);
    scene.end();
    assert!(!scene.stays(&upload).await);
    assert!(scene.place.exists(SUMMARY) && !scene.place.exists(ERROR));
}

#[tokio::test]
async fn a_full_endpoint_is_waited_for_and_a_refused_key_is_named() {
    let scene = Scene::new(said("depot"), &[]).await;
    let upload = current(&scene.place, KEY).await;
    scene
        .server
        .fail_always(Route::Run, Fault::Before(Trouble::busy(30)));
    assert!(scene.stays(&upload).await);
    assert!(!scene.place.exists(ERROR));
    assert_eq!(scene.server.submits(), 3);
    scene
        .server
        .fail_always(Route::Run, Fault::Before(Trouble::status(401, "")));
    assert!(scene.stays(&upload).await);
    let error = scene.error();
    assert_eq!(error["retryable"], true);
    let told = error["message"].as_str().unwrap();
    assert!(told.contains("check TRANSCRIBER_RUNPOD_API_KEY"), "{told}");
    assert!(!told.contains("X-Amz"), "{told}");
    scene.server.heal(Route::Run);
    assert!(scene.stays(&upload).await);
    scene
        .server
        .fail_next(Route::Status, [Fault::Before(Trouble::busy(30))]);
    scene.end();
    assert!(!scene.stays(&upload).await);
    assert_eq!(scene.server.jobs().len(), 1);
    assert!(scene.place.exists(SUMMARY) && !scene.place.exists(ERROR));
}

#[tokio::test]
async fn an_overwritten_recording_is_superseded_in_each_phase() {
    let scene = Scene::new(said("depot"), &[]).await;
    let old = current(&scene.place, KEY).await;
    assert!(scene.stays(&old).await);
    scene.place.upload(KEY, b"another take");
    let new = current(&scene.place, KEY).await;
    assert_eq!(scene.status(&old).await, "superseded");
    assert!(scene.stays(&new).await);
    scene.end();
    assert_eq!(scene.status(&old).await, "superseded");
    assert_eq!(scene.status(&new).await, "done");
    assert_eq!(scene.status(&old).await, "superseded");
    assert_eq!(scene.server.submits(), 2);
}

#[tokio::test]
async fn silence_is_the_error_of_an_empty_transcript() {
    let silence = json!({"segments": [], "detected_language": "en", "transcription": "", "translation": null});
    let scene = Scene::new(JobPlan::output(silence), &[]).await;
    let upload = current(&scene.place, KEY).await;
    assert!(scene.stays(&upload).await);
    scene.end();
    assert!(!scene.stays(&upload).await);
    let error = scene.error();
    assert_eq!(
        (&error["kind"], &error["retryable"]),
        (&json!("NotText"), &json!(false))
    );
    let told = error["message"].as_str().unwrap();
    assert!(told.contains("the transcript is empty"), "{error}");
}

#[tokio::test]
async fn keys_of_all_kinds_are_transcribed() {
    let scene = Scene::new(said("depot"), &[]).await;
    // A file name in the bucket's directory has at most 255 bytes.
    let long = format!("{}/{}.webm", "é".repeat(110), "a b".repeat(60));
    for key in ["a b+(1)/é %2F!.MP3", &long] {
        scene.place.upload(key, key);
        let upload = current(&scene.place, key).await;
        assert!(scene.stays(&upload).await, "{key}");
        scene.end();
        assert_eq!(scene.status(&upload).await, "done", "{key}");
        let summary = format!("summaries/{key}_summary.txt");
        assert!(scene.place.exists(&summary), "{key}");
    }
    assert_eq!(scene.server.submits(), 2);
}
