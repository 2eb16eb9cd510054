//! SageMaker over real sockets: requests and their signatures, containers and their errors, and complete summaries.

use std::time::Duration;

use crate::support::aws::{error, exception};
use crate::support::behaviour::{Behaviour, End};
use crate::support::chat_server::{ChatRequest, ChatServer};
use crate::support::huggingface::{SPOKEN, assert_discreet, submit};
use crate::support::obedient;
use crate::support::sagemaker::{COMPONENT, ENDPOINT, client, flan_t5, model, runtime, wrapped};
use crate::support::summaries::sample;
use crate::support::tasks::{Faults, toolkit};
use crate::support::workplace::{Workplace, config, meeting};
use serde_json::json;
use transcript_summarizer::job::{JobError, Outcome};
use transcript_summarizer::model::{ErrorKind, ModelError};
use transcript_summarizer::provider::task::EndpointTask::{
    self, Chat, Summarization, TextGeneration,
};
use transcript_summarizer::text::Tokens;
use transcript_summarizer::wire::http::Timeouts;

const MET: &str = "The board met and chose a bid.";

async fn failure(task: EndpointTask, behaviour: Behaviour) -> ModelError {
    let server = runtime(move |_| behaviour.clone()).await;
    let result = submit(&client(&server, task, None, json!({}))).await;
    assert_eq!(server.requests().len(), 1, "a request must be sent once");
    assert_discreet(&result);
    result.unwrap_err()
}

#[tokio::test]
async fn each_task_is_asked_for_in_its_own_format() {
    let server = runtime(|request| match request.body.get("messages") {
        Some(_) => Behaviour::text(MET),
        None => toolkit(request, MET),
    })
    .await;
    let chat = client(
        &server,
        Chat,
        Some(COMPONENT),
        json!({"temperature": 0.3, "model": "m"}),
    );
    assert!(!format!("{chat:?}").contains("AbCdEfGh"));
    let answer = submit(&chat).await.unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.usage.unwrap().prompt_tokens),
        (MET, 100)
    );
    let text = client(&server, TextGeneration, None, json!({"temperature": 0.3}));
    assert_eq!(submit(&text).await.unwrap().text, MET);

    let requests = server.requests();
    let [chat, text] = &requests[..] else {
        panic!("{} requests", requests.len());
    };
    assert_eq!(
        chat.path,
        format!("/endpoints/{ENDPOINT}/invocations-response-stream")
    );
    assert_eq!(
        chat.header("x-amzn-sagemaker-inference-component"),
        Some(COMPONENT)
    );
    assert_eq!(
        (&chat.body["stream"], &chat.body["max_tokens"]),
        (&json!(true), &json!(100))
    );
    assert_eq!(
        (&chat.body["temperature"], &chat.body["model"]),
        (&json!(0.3), &json!("m"))
    );
    assert_eq!(text.path, format!("/endpoints/{ENDPOINT}/invocations"));
    assert_eq!(text.header("x-amzn-sagemaker-inference-component"), None);
    assert_eq!(
        text.body["parameters"],
        json!({"max_new_tokens": 100, "temperature": 0.3})
    );
    assert_eq!(text.body.get("stream"), None);
}

#[tokio::test]
async fn a_containers_error_counts_as_if_it_had_answered_itself() {
    let throttled = ErrorKind::Throttled { retry_after: None };
    let warming = ErrorKind::Warming { retry_after: None };
    let overflow = |window, prompt_tokens| ErrorKind::Overflow {
        window,
        prompt_tokens,
    };
    let vllm = r#"{"error":{"message":"This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens.","code":400}}"#;
    for (behaviour, kind, words) in [
        (
            wrapped(
                400,
                r#"{"code":400,"type":"InternalServerException","message":"index out of range in self"}"#,
            ),
            overflow(None, None),
            "does not fit",
        ),
        (
            wrapped(400, vllm),
            overflow(Some(4096), Some(5000)),
            "of 4096 tokens",
        ),
        (
            wrapped(
                429,
                r#"{"error":"Model is overloaded","error_type":"overloaded"}"#,
            ),
            throttled,
            "too many requests",
        ),
        (
            wrapped(422, &format!("bad: {SPOKEN}")),
            ErrorKind::BadInput,
            "answered 422",
        ),
        (
            wrapped(500, "CUDA error"),
            ErrorKind::Ambiguous,
            "answered 500: CUDA error",
        ),
        (wrapped(503, "Model is loading"), warming, "is starting"),
        (
            wrapped(0, ""),
            ErrorKind::Ambiguous,
            "within SageMaker's limit of 60 s",
        ),
        (
            wrapped(
                500,
                "Your invocation timed out while waiting for a response from container primary.",
            ),
            ErrorKind::Ambiguous,
            "within SageMaker's limit",
        ),
        (
            error(424, "ModelError", "no more is known"),
            ErrorKind::Ambiguous,
            "failed",
        ),
        (
            error(429, "ModelNotReadyException", "Model is not ready"),
            warming,
            "is starting",
        ),
        (
            error(503, "ServiceUnavailable", "Service is unavailable"),
            ErrorKind::Transient,
            "unavailable",
        ),
        (
            error(500, "InternalFailure", "oops"),
            ErrorKind::Ambiguous,
            "failed",
        ),
        (
            error(530, "InternalDependencyException", "oops"),
            ErrorKind::Ambiguous,
            "failed",
        ),
        (
            error(400, "ThrottlingException", "Rate exceeded"),
            throttled,
            "too many requests",
        ),
        (
            error(400, "ValidationError", "Endpoint x of account 1 not found."),
            ErrorKind::Configuration,
            "check SAGEMAKER_ENDPOINT",
        ),
        (
            error(
                400,
                "ValidationError",
                "Inference Component Name header is required for endpoints with inference components",
            ),
            ErrorKind::Configuration,
            "SAGEMAKER_INFERENCE_COMPONENT",
        ),
        (
            error(
                400,
                "ValidationError",
                "Inference Component has no capacity to process this request.",
            ),
            warming,
            "is starting",
        ),
        (
            error(403, "AccessDeniedException", "User is not authorized"),
            ErrorKind::Configuration,
            "must be allowed sagemaker:InvokeEndpoint on endpoint/summaries-1",
        ),
    ] {
        let error = failure(TextGeneration, behaviour).await;
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_stream_may_fail_in_the_container_or_on_its_way() {
    for (name, payload, words) in [
        (
            "modelStreamError",
            json!({"Message": "slow", "ErrorCode": "ModelInvocationTimeExceeded"}),
            "took too long",
        ),
        (
            "modelStreamError",
            json!({"Message": "gone", "ErrorCode": "StreamBroken"}),
            "failed",
        ),
        (
            "internalStreamFailure",
            json!({"Message": "oops"}),
            "failed",
        ),
    ] {
        let frames = vec![exception(name, &payload)];
        // The frames of an exception are not pieces of a container's reply.
        let broken = Behaviour::Pieces("application/vnd.amazon.eventstream", frames, End::Properly);
        let server = ChatServer::start(move |_| broken.clone()).await;
        let error = submit(&client(&server, Chat, None, json!({})))
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{error}");
        assert!(
            error.message.contains(words) && error.message.contains(name),
            "{error}"
        );
    }
    let cut = Behaviour::Pieces(
        "text/event-stream",
        vec![crate::support::huggingface::piece("The")],
        End::Properly,
    );
    let error = failure(Chat, cut).await;
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{error}");
    assert!(
        error.message.contains("ended before the answer did"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_that_is_too_late_may_have_been_billed() {
    let late = Behaviour::After(Duration::from_secs(60), Box::new(Behaviour::text("late")));
    let server = runtime(move |_| late.clone()).await;
    let mut model = client(&server, TextGeneration, None, json!({}));
    model.timeouts = Timeouts {
        first: Duration::from_millis(300),
        idle: Duration::from_secs(60),
    };
    let error = submit(&model).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{error}");
}

async fn write(
    task: EndpointTask,
    server: &ChatServer,
    settings: &[(&str, &str)],
    text: String,
) -> (Workplace, Result<Outcome, JobError>) {
    let chosen = [
        ("MODEL_PROVIDER", "sagemaker"),
        ("SAGEMAKER_ENDPOINT", ENDPOINT),
        ("SAGEMAKER_TASK", task.name()),
    ];
    let place = Workplace::at_aws(&[&chosen, settings].concat(), model(server, task));
    let upload = place.upload("board.txt", text);
    let ended = place.run(&upload).await;
    (place, ended)
}

fn container(task: EndpointTask, request: &ChatRequest) -> Behaviour {
    match task {
        Chat => Behaviour::text(obedient::answer(request.message("user"))),
        TextGeneration => toolkit(request, &obedient::answer(request.inputs())),
        Summarization => flan_t5(request),
    }
}

#[tokio::test]
async fn every_task_writes_a_whole_summary_in_spite_of_failures() {
    for task in EndpointTask::ALL {
        let faults = Faults::default();
        let [slow, exploded, gateway, loading] = Faults::WORDS;
        let own = |name: &str, message: &str| {
            let headers = vec![
                ("x-amzn-errortype", name.to_owned()),
                ("retry-after", "0.05".to_owned()),
            ];
            Behaviour::Status(429, headers, json!({ "message": message }).to_string())
        };
        let server = runtime(move |request| match faults.kind_of(request) {
            Some(0) => own("ThrottlingException", slow),
            Some(1) => wrapped(500, &format!("{{\"error\":\"the worker {exploded}\"}}")),
            Some(2) => wrapped(502, &format!("<html><title>502 {gateway}</title></html>")),
            Some(_) => own("ModelNotReadyException", loading),
            None => container(task, request),
        })
        .await;
        let (place, ended) = write(task, &server, &[], sample()).await;
        let Ok(Outcome::Done(done)) = ended else {
            panic!("{task:?}: {ended:?}");
        };
        let report = &done.report;
        assert_eq!(report.model.provider, "sagemaker");
        assert!(
            report.summary.deviation.abs() <= 0.05,
            "{task:?}: {:?}",
            report.summary
        );
        assert_eq!(
            report.coverage.degraded, 0,
            "{task:?}: {:?}",
            report.warnings
        );
        assert_eq!(report.coverage.summarized, report.coverage.chunks);
        assert_eq!(report.usage.calls, server.requests().len());
        assert!(report.usage.retries >= 3, "{task:?}: {:?}", report.usage);
        let written = place.read(&done.summary.key);
        for word in Faults::WORDS
            .into_iter()
            .chain(["_text", "OriginalMessage"])
        {
            assert!(!written.contains(word), "{task:?}: {word}");
        }
        // A container that answers in one piece has 60 seconds.
        if task == TextGeneration {
            let limits = server
                .requests()
                .iter()
                .map(|one| one.length("max_new_tokens"))
                .max();
            assert!(limits.unwrap() <= 1100, "{limits:?}");
        }
    }
}

#[tokio::test]
async fn refused_credentials_cost_one_request() {
    let server = ChatServer::start(|_| error(403, "ExpiredTokenException", "expired")).await;
    let (place, ended) = write(Chat, &server, &[], meeting(3000)).await;
    assert!(ended.is_err());
    assert_eq!(server.requests().len(), 1);
    let report = place.read_json("summaries/board.txt_error.json");
    assert_eq!(report["kind"], "ConfigurationError");
    assert!(
        report["message"]
            .as_str()
            .unwrap()
            .contains("the AWS credentials"),
        "{report}"
    );
}

#[tokio::test]
async fn what_does_not_fit_is_split() {
    let server = runtime(|request| {
        let words = request.message("user").split_whitespace().count();
        match words > 2500 {
            true => {
                let tokens = words * 4 / 3;
                let said = format!("Input validation error: `inputs` must have less than 3333 tokens. Given: {tokens}");
                wrapped(422, &json!({"error": said, "error_type": "validation"}).to_string())
            }
            false => container(Chat, request),
        }
    })
    .await;
    let (_, ended) = write(Chat, &server, &[], sample()).await;
    let Ok(Outcome::Done(done)) = ended else {
        panic!("not done: {ended:?}");
    };
    let report = &done.report;
    assert!(
        report.summary.deviation.abs() <= 0.05,
        "{:?}",
        report.summary
    );
    assert_eq!(report.coverage.degraded, 0);
}

#[tokio::test]
async fn throttling_slows_all_calls_down() {
    let is_hit = |number: usize| number % 5 == 1;
    let server = runtime(move |request| match is_hit(request.number) {
        true => {
            let headers = vec![
                ("x-amzn-errortype", "ThrottlingException".to_owned()),
                ("retry-after", "0.05".to_owned()),
            ];
            Behaviour::Status(400, headers, r#"{"message":"Rate exceeded"}"#.to_owned())
        }
        false => container(Chat, request),
    })
    .await;
    let (_, ended) = write(Chat, &server, &[("SUMMARY_WORDS", "900")], meeting(6000)).await;
    let Ok(Outcome::Done(done)) = ended else {
        panic!("not done: {ended:?}");
    };
    let usage = &done.report.usage;
    assert_eq!(usage.resubmitted, 0, "{usage:?}");
    let requests = server.requests();
    let throttled = requests.iter().filter(|one| is_hit(one.number)).count();
    assert_eq!(usage.retries, throttled, "{usage:?}");
}

#[tokio::test]
async fn a_cut_off_answer_is_asked_for_again_or_continued() {
    for is_hit in [|number: usize| number == 2, |number: usize| number % 6 == 3] {
        let server = runtime(move |request| match is_hit(request.number) {
            true => {
                let text = obedient::answer(request.message("user"));
                let half = text.split_inclusive(' ').take(text.split(' ').count() / 2);
                Behaviour::finished(half.collect::<String>(), "length")
            }
            false => container(Chat, request),
        })
        .await;
        let (_, ended) = write(Chat, &server, &[("SUMMARY_WORDS", "900")], meeting(3000)).await;
        let Ok(Outcome::Done(done)) = ended else {
            panic!("not done: {ended:?}");
        };
        let report = &done.report;
        assert!(
            report.summary.deviation.abs() <= 0.05,
            "{:?}",
            report.summary
        );
        assert_eq!(report.coverage.degraded, 0, "{:?}", report.warnings);
    }
}

#[test]
fn settings_are_checked_at_the_start() {
    let provider = |settings: &[(&str, &str)]| config(settings).map(|config| config.provider);
    let endpoint = ("SAGEMAKER_ENDPOINT", ENDPOINT);
    for (task, window) in [
        ("chat", 32_768),
        ("text-generation", 8192),
        ("summarization", 2048),
    ] {
        let provider = provider(&[endpoint, ("SAGEMAKER_TASK", task)]).unwrap();
        assert_eq!(provider.capabilities().provider, "sagemaker");
        assert_eq!(provider.capabilities().context_tokens, Some(Tokens(window)));
        assert_eq!(
            provider.fingerprint(),
            format!("sagemaker {task} {ENDPOINT} - {{}}")
        );
    }
    let refused = |settings: &[(&str, &str)]| provider(settings).unwrap_err().to_string();
    for (settings, words) in [
        (
            vec![("MODEL_PROVIDER", "sagemaker")],
            "SAGEMAKER_ENDPOINT is not set: the name of an endpoint",
        ),
        (
            vec![("SAGEMAKER_ENDPOINT", "https://x")],
            "SAGEMAKER_ENDPOINT is \"https://x\"",
        ),
        (
            vec![endpoint, ("SAGEMAKER_INFERENCE_COMPONENT", "a b")],
            "SAGEMAKER_INFERENCE_COMPONENT is \"a b\"",
        ),
        (
            vec![endpoint, ("SAGEMAKER_TASK", "qa")],
            "one of chat, text-generation, summarization",
        ),
        (
            vec![endpoint, ("MODEL_PARAMETERS", r#"{"max_tokens":9}"#)],
            "with SAGEMAKER_TASK=chat (max_tokens cannot be set",
        ),
        (
            vec![endpoint, ("BEDROCK_MODEL_ID", "m")],
            "BEDROCK_MODEL_ID and SAGEMAKER_ENDPOINT are both set",
        ),
    ] {
        let error = refused(&settings);
        assert!(error.contains(words), "{error}");
    }
}
