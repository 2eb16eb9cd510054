//! Bedrock over real sockets: requests and their signatures, answers, failures, and complete summaries.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::aws::{self, error, event, exception};
use crate::support::bedrock::{
    KEY, MODEL, SETTINGS, answer, answer_to, client, client_with, finished, framed, key, model,
    opening, service, signed, text,
};
use crate::support::behaviour::{Behaviour, End};
use crate::support::chat_server::{ChatRequest, ChatServer};
use crate::support::huggingface::{SPOKEN, assert_discreet, submit};
use crate::support::obedient;
use crate::support::summaries::sample;
use crate::support::tasks::Faults;
use crate::support::workplace::{Workplace, config, meeting};
use bytes::Bytes;
use serde_json::json;
use transcript_summarizer::aws::signer::Signer;
use transcript_summarizer::job::{JobError, Outcome};
use transcript_summarizer::model::{ErrorKind, Finish, ModelError, TokenUsage};
use transcript_summarizer::provider::bedrock::Authorization;

const MET: &str = "The board met and chose a bid.";

async fn refused(status: u16, name: &str, message: &str) -> ModelError {
    answer_to(error(status, name, message)).await.unwrap_err()
}

#[tokio::test]
async fn requests_are_signed_and_parameters_sorted_into_their_places() {
    let server = service(|request| answer(request, &finished(MET, "end_turn"))).await;
    let parameters = json!({
        "temperature": 0.3, "top_p": 0.9, "stop": "###", "inferenceConfig": {"topP": 0.8},
        "thinking": {"type": "enabled", "budget_tokens": 1024}, "additionalModelRequestFields": {"top_k": 50},
        "serviceTier": {"type": "flex"}, "performanceConfig": {"latency": "optimized"},
        "requestMetadata": {"team": "a"}, "outputConfig": {"effort": "low"},
        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
    });
    let model = client_with(&server, signed(), parameters);
    assert!(!format!("{model:?}").contains("AbCdEfGh"));
    submit(&model).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!(
        request.path,
        format!("/model/{}/converse-stream", MODEL.replace(':', "%3A"))
    );
    let body = &request.body;
    let inference = &body["inferenceConfig"];
    assert_eq!(
        (
            &inference["maxTokens"],
            &inference["temperature"],
            &inference["stopSequences"]
        ),
        (&json!(100), &json!(0.3), &json!(["###"]))
    );
    assert!(inference["topP"].is_number(), "{inference}");
    assert_eq!(
        body["additionalModelRequestFields"],
        json!({"top_k": 50, "thinking": {"type": "enabled", "budget_tokens": 1024}})
    );
    assert_eq!(body["serviceTier"], json!({"type": "flex"}));
    assert_eq!(body["performanceConfig"], json!({"latency": "optimized"}));
    assert_eq!(body["guardrailConfig"]["guardrailVersion"], "1");
    assert!(request.converse("user").contains(SPOKEN));
    assert!(!request.converse("system").is_empty());
}

#[tokio::test]
async fn a_key_is_sent_instead_of_a_signature() {
    let server = service(|request| answer(request, &finished(MET, "end_turn"))).await;
    submit(&client_with(&server, key(KEY), json!({})))
        .await
        .unwrap();
    let request = &server.requests()[0];
    assert_eq!(
        request.header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    assert_eq!(request.header("x-amz-date"), None);

    let wrong = submit(&client_with(
        &server,
        key("bedrock-api-key-wrong"),
        json!({}),
    ))
    .await;
    assert_discreet(&wrong);
    let error = wrong.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Configuration);
    assert!(
        error.message.contains("check AWS_BEARER_TOKEN_BEDROCK"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_is_the_text_of_its_blocks() {
    for (stop, expected) in [
        ("end_turn", Finish::Stop),
        ("stop_sequence", Finish::Stop),
        ("max_tokens", Finish::Length),
        ("model_context_window_exceeded", Finish::Length),
        ("guardrail_intervened", Finish::Filter),
        ("content_filtered", Finish::Filter),
    ] {
        let server = service(move |request| answer(request, &finished(MET, stop))).await;
        let found = submit(&client(&server)).await.unwrap();
        assert_eq!(
            (found.text.as_str(), found.finish),
            (MET, expected),
            "{stop}"
        );
        // Cached tokens are tokens of the prompt.
        let usage = found.usage.unwrap();
        let request = &server.requests()[0];
        let words = request.converse("system") + " " + &request.converse("user");
        let prompt_tokens = words.split_whitespace().count() as u64;
        assert_eq!(
            usage,
            TokenUsage {
                prompt_tokens,
                completion_tokens: 7
            }
        );
    }
    for stop in ["tool_use", "malformed_model_output", "malformed_tool_use"] {
        let server = service(move |request| answer(request, &finished(MET, stop))).await;
        let error = submit(&client(&server)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::SuspectOutput, "{error}");
        assert!(error.message.contains(stop), "{error}");
    }
    let server = service(|request| answer(request, &finished("", "guardrail_intervened"))).await;
    let error = submit(&client(&server)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Filtered, "{error}");
}

#[tokio::test]
async fn frames_are_read_however_they_are_split() {
    let stop = event("messageStop", json!({"stopReason": "end_turn"}).to_string());
    let frames = [
        opening(),
        vec![text("The board met. "), text("Это всё."), stop],
    ]
    .concat();
    let bytes = frames.concat();
    for size in [1, 7, 16, 100, bytes.len()] {
        let pieces = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
        let found = answer_to(framed(pieces, End::Properly)).await.unwrap();
        assert_eq!(
            found.text, "The board met. Это всё.",
            "{size} bytes at a time"
        );
    }
    // Only the usage is lost with the rest of a stream.
    let found = answer_to(framed(frames, End::Silence)).await.unwrap();
    assert_eq!((found.finish, found.usage), (Finish::Stop, None));

    let mut damaged = bytes;
    damaged[40] ^= 1;
    let error = answer_to(framed(vec![damaged.into()], End::Properly))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{error}");
}

#[tokio::test]
async fn a_stream_without_a_stop_is_broken_off() {
    let begun = [opening(), vec![text("The board met.")]].concat();
    for (frames, end, words) in [
        (begun.clone(), End::Properly, "ended before the answer did"),
        (begun.clone(), End::Abort, "connection broke"),
        (begun.clone(), End::Reset, "connection broke"),
        (begun, End::Silence, "went silent for 1 s"),
        (Vec::new(), End::Silence, "went silent for 1 s"),
    ] {
        let error = answer_to(framed(frames, end)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
}

#[tokio::test]
async fn exceptions_in_a_stream_are_failures_like_those_before_it() {
    let throttled = ErrorKind::Throttled { retry_after: None };
    let overflow = ErrorKind::Overflow {
        window: Some(200_000),
        prompt_tokens: Some(200_049),
    };
    for (name, payload, expected) in [
        (
            "throttlingException",
            json!({"message": "Too many tokens, please wait before trying again."}),
            throttled,
        ),
        (
            "throttlingException",
            json!({"message": "Too many tokens per day, please wait"}),
            ErrorKind::QuotaSpent,
        ),
        (
            "serviceUnavailableException",
            json!({"message": "busy"}),
            ErrorKind::Transient,
        ),
        (
            "internalServerException",
            json!({"message": "oops"}),
            ErrorKind::Ambiguous,
        ),
        (
            "modelStreamErrorException",
            json!({"message": "gone", "originalStatusCode": 500}),
            ErrorKind::Ambiguous,
        ),
        (
            "modelStreamErrorException",
            json!({"message": "slow", "originalStatusCode": 429}),
            throttled,
        ),
        (
            "modelStreamErrorException",
            json!({"message": "gone"}),
            ErrorKind::Ambiguous,
        ),
        (
            "validationException",
            json!({"message": "prompt is too long: 200049 tokens > 200000 maximum"}),
            overflow,
        ),
        (
            "validationException",
            json!({"message": format!("bad text: {SPOKEN}")}),
            ErrorKind::BadInput,
        ),
        (
            "newException",
            json!({"message": "?"}),
            ErrorKind::Ambiguous,
        ),
    ] {
        let frames = [
            opening(),
            vec![text("The board"), exception(name, &payload)],
        ]
        .concat();
        let error = answer_to(framed(frames, End::Properly)).await.unwrap_err();
        assert_eq!(error.kind, expected, "{name}: {error}");
        assert!(error.message.contains(name), "{error}");
    }
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let throttled = ErrorKind::Throttled { retry_after: None };
    let loading = ErrorKind::Warming { retry_after: None };
    let overflow = |window, prompt_tokens| ErrorKind::Overflow {
        window,
        prompt_tokens,
    };
    for (status, name, message, kind, words) in [
        (
            403,
            "AccessDeniedException",
            "User: arn:aws:sts::1:assumed-role/r is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:eu-west-1::foundation-model/x",
            ErrorKind::Configuration,
            "must be allowed bedrock:InvokeModelWithResponseStream and bedrock:InvokeModel on eu.anthropic",
        ),
        (
            403,
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.",
            ErrorKind::Configuration,
            "request it in the Bedrock console",
        ),
        (
            404,
            "ResourceNotFoundException",
            "Model use case details have not been submitted for this account.",
            ErrorKind::Configuration,
            "use case details",
        ),
        (
            404,
            "ResourceNotFoundException",
            "This model version has reached the end of its life.",
            ErrorKind::Configuration,
            "BEDROCK_MODEL_ID, or set AWS_REGION",
        ),
        (
            400,
            "ValidationException",
            "Invocation of model ID x with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile",
            ErrorKind::Configuration,
            "set BEDROCK_MODEL_ID to the id of one",
        ),
        (
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
            ErrorKind::Configuration,
            "check BEDROCK_MODEL_ID",
        ),
        (
            403,
            "ExpiredTokenException",
            "The security token included in the request is expired",
            ErrorKind::Configuration,
            "renew what has expired",
        ),
        (
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            ErrorKind::Configuration,
            "does not accept the AWS credentials",
        ),
        (
            429,
            "ThrottlingException",
            "Too many tokens, please wait before trying again.",
            throttled,
            "too many requests",
        ),
        (
            400,
            "ThrottlingException",
            "Rate exceeded",
            throttled,
            "too many requests",
        ),
        (
            429,
            "ThrottlingException",
            "Too many tokens per day, please wait before trying again.",
            ErrorKind::QuotaSpent,
            "quota for today",
        ),
        (
            400,
            "ServiceQuotaExceededException",
            "Your request exceeds the service quota for your account.",
            throttled,
            "too many requests",
        ),
        (
            429,
            "ModelNotReadyException",
            "The model is not ready",
            loading,
            "is starting",
        ),
        (
            503,
            "ServiceUnavailableException",
            "Too many connections, please wait before trying again.",
            throttled,
            "too many requests",
        ),
        (
            503,
            "ServiceUnavailableException",
            "Bedrock is unable to process your request.",
            ErrorKind::Transient,
            "unavailable",
        ),
        (
            408,
            "ModelTimeoutException",
            "The model took too long",
            ErrorKind::Ambiguous,
            "took too long",
        ),
        (
            424,
            "ModelErrorException",
            "The model failed",
            ErrorKind::Ambiguous,
            "failed",
        ),
        (
            500,
            "InternalServerException",
            "oops",
            ErrorKind::Ambiguous,
            "failed",
        ),
        (
            400,
            "ValidationException",
            "Input is too long for requested model.",
            overflow(None, None),
            "does not fit",
        ),
        (
            400,
            "ValidationException",
            "The model returned the following errors: prompt is too long: 200049 tokens > 200000 maximum",
            overflow(Some(200_000), Some(200_049)),
            "of 200000 tokens",
        ),
        (
            400,
            "ValidationException",
            "Too many input tokens. Max input tokens: 8192, request input token count: 9279",
            overflow(Some(8192), Some(9279)),
            "of 8192 tokens",
        ),
        (
            400,
            "ValidationException",
            "1 validation error detected: temperature",
            ErrorKind::BadInput,
            "refuses this request",
        ),
        (502, "", "", ErrorKind::Ambiguous, "failed"),
    ] {
        let error = refused(status, name, message).await;
        assert_eq!(error.kind, kind, "{name} {message}: {error}");
        assert!(error.message.contains(words), "{error}");
        assert!(
            error.message.contains(&format!("answered {status} {name}")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_wrong_secret_or_none_is_named_and_not_shown() {
    let server = service(|request| answer(request, &finished(MET, "end_turn"))).await;
    let wrong = Authorization::Signature(aws::signer("bedrock", "another-secret-AbCdEfGh"));
    let result = submit(&client_with(&server, wrong, json!({}))).await;
    assert_discreet(&result);
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Configuration);
    assert!(
        error
            .message
            .contains("does not accept the AWS credentials"),
        "{error}"
    );
    assert!(error.message.contains("[secret]"), "{error}");

    let none = Signer::new(None, "bedrock", aws::REGION);
    let none = Authorization::Signature(none);
    let error = submit(&client_with(&server, none, json!({})))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Configuration);
    assert!(
        error
            .message
            .contains("no usable AWS credentials: give the function a role"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1, "nothing is sent unsigned");
}

/// A model that refuses streams, system prompts and long answers, one after the other.
fn modest(request: &ChatRequest) -> Behaviour {
    let invalid = |what: &str| error(400, "ValidationException", what);
    let limit = request.body["inferenceConfig"]["maxTokens"]
        .as_u64()
        .unwrap();
    if request.path.ends_with("-stream") {
        invalid("The model is unsupported for streaming")
    } else if request.body.get("system").is_some() {
        invalid("This model doesn't support system messages. Try again without a system message.")
    } else if limit > 60 {
        invalid(
            "The maximum tokens you requested exceeds the model limit of 60. Try again with a maximum tokens value that is lower than 60.",
        )
    } else {
        answer(request, &finished(MET, "end_turn"))
    }
}

#[tokio::test]
async fn what_a_model_does_not_support_is_left_out_from_then_on() {
    let server = service(modest).await;
    let model = client(&server);
    for _ in 0..3 {
        let error = submit(&model).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Transient, "{error}");
        assert!(error.message.contains("sent again without it"), "{error}");
    }
    let found = submit(&model).await.unwrap();
    assert_eq!((found.text.as_str(), found.finish), (MET, Finish::Stop));
    let last = server.requests().pop().unwrap();
    // The rules of the system prompt are sent all the same.
    assert!(last.converse("user").len() > last.converse("system").len() + SPOKEN.len());
    assert_eq!(
        last.body["messages"][0]["content"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

async fn write(
    server: &ChatServer,
    settings: &[(&str, &str)],
    text: String,
) -> (Workplace, Result<Outcome, JobError>) {
    let place = Workplace::at_aws(&[&SETTINGS, settings].concat(), model(server));
    let upload = place.upload("board.txt", text);
    let ended = place.run(&upload).await;
    (place, ended)
}

fn obey(request: &ChatRequest) -> Behaviour {
    answer(
        request,
        &finished(&obedient::answer(&request.converse("user")), "end_turn"),
    )
}

#[tokio::test]
async fn a_whole_summary_in_spite_of_failures() {
    let faults = Faults::default();
    let [slow, exploded, gateway, loading] = Faults::WORDS;
    let soon = |behaviour| match behaviour {
        Behaviour::Status(status, mut headers, body) => {
            headers.push(("retry-after", "0.05".to_owned()));
            Behaviour::Status(status, headers, body)
        }
        other => other,
    };
    let server = service(move |request| match faults.kind_of(request) {
        Some(0) => soon(error(
            429,
            "ThrottlingException",
            &format!("{slow}, please wait"),
        )),
        Some(1) => error(
            500,
            "InternalServerException",
            &format!("the worker {exploded}"),
        ),
        Some(2) => {
            let gone = exception("modelStreamErrorException", &json!({ "message": gateway }));
            framed(
                [opening(), vec![text("The board"), gone]].concat(),
                End::Properly,
            )
        }
        Some(_) => soon(error(429, "ModelNotReadyException", loading)),
        None => obey(request),
    })
    .await;
    let (place, ended) = write(&server, &[], sample()).await;
    let Ok(Outcome::Done(done)) = ended else {
        panic!("not done: {ended:?}");
    };
    let report = &done.report;
    assert_eq!(report.model.provider, "bedrock");
    assert!(
        report.summary.deviation.abs() <= 0.05,
        "{:?}",
        report.summary
    );
    assert_eq!(
        (report.coverage.summarized, report.coverage.degraded),
        (report.coverage.chunks, 0)
    );
    assert_eq!(report.usage.calls, server.requests().len());
    assert!(report.usage.retries >= 3, "{:?}", report.usage);
    let written = place.read(&done.summary.key);
    for word in Faults::WORDS {
        assert!(!written.contains(word), "{word}");
    }
    let most = report.source.words.unwrap() * 8;
    assert!(
        (1..most).contains(&report.usage.prompt_tokens),
        "{:?}",
        report.usage
    );
}

#[tokio::test]
async fn a_modest_model_writes_a_whole_summary_too() {
    let server = service(|request| match modest(request) {
        Behaviour::Status(_, _, body) if !body.contains("model limit") => modest(request),
        _ => obey(request),
    })
    .await;
    let (_, ended) = write(&server, &[("SUMMARY_WORDS", "900")], meeting(3000)).await;
    assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
    let requests = server.requests();
    assert!(
        requests
            .iter()
            .filter(|one| one.path.ends_with("-stream"))
            .count()
            <= 2
    );
}

#[tokio::test]
async fn refused_credentials_cost_one_request() {
    let server = service(|_| error(403, "UnrecognizedClientException", "invalid")).await;
    let (place, ended) = write(&server, &[], sample()).await;
    let error = ended.unwrap_err();
    assert!(
        !error.passes() || place.exists("summaries/board.txt_error.json"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);
    let report = place.read_json("summaries/board.txt_error.json");
    assert_eq!(report["kind"], "ConfigurationError");
}

#[tokio::test]
async fn a_spent_quota_ends_the_invocation_and_not_the_message() {
    let spent = Arc::new(AtomicBool::new(true));
    let is_spent = Arc::clone(&spent);
    let server = service(move |request| match is_spent.load(Ordering::Relaxed) {
        true => error(
            429,
            "ThrottlingException",
            "Too many tokens per day, please wait",
        ),
        false => obey(request),
    })
    .await;
    let settings = [("SUMMARY_WORDS", "900")];
    let (place, ended) = write(&server, &settings, meeting(3000)).await;
    let error = ended.unwrap_err();
    assert!(error.passes(), "{error}");
    assert_eq!(server.requests().len(), 1);
    assert!(!place.exists("summaries/board.txt_summary.txt"));
    spent.store(false, Ordering::Relaxed);
    let ended = place.run(&Workplace::announced("board.txt")).await;
    let Ok(Outcome::Done(done)) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(done.report.usage.resubmitted, 0);
}

#[tokio::test]
async fn what_does_not_fit_is_split() {
    let server = service(|request| {
        let words = request.converse("user").split_whitespace().count();
        match words > 2500 {
            true => error(400, "ValidationException",
                &format!("Too many input tokens. Max input tokens: 2500, request input token count: {words}")),
            false => obey(request),
        }
    })
    .await;
    let (_, ended) = write(&server, &[], sample()).await;
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
    let server = service(|request| match request.number % 5 {
        1 => {
            let headers = vec![
                ("x-amzn-errortype", "ThrottlingException".to_owned()),
                ("retry-after", "0.05".to_owned()),
            ];
            Behaviour::Status(
                429,
                headers,
                r#"{"message":"Too many requests"}"#.to_owned(),
            )
        }
        _ => obey(request),
    })
    .await;
    let (_, ended) = write(&server, &[("SUMMARY_WORDS", "900")], meeting(6000)).await;
    let Ok(Outcome::Done(done)) = ended else {
        panic!("not done: {ended:?}");
    };
    let usage = &done.report.usage;
    assert_eq!(usage.resubmitted, 0, "{usage:?}");
    let throttled = server
        .requests()
        .iter()
        .filter(|one| one.number % 5 == 1)
        .count();
    assert_eq!(usage.retries, throttled, "{usage:?}");
}

#[test]
fn settings_are_checked_at_the_start() {
    let provider = |settings: &[(&str, &str)]| config(settings).map(|config| config.provider);
    let chosen = provider(&[("BEDROCK_MODEL_ID", MODEL)]).unwrap();
    let capabilities = chosen.capabilities();
    assert_eq!(
        (capabilities.provider, capabilities.model.as_deref()),
        ("bedrock", Some(MODEL))
    );
    assert_eq!(chosen.fingerprint(), format!("bedrock {MODEL} {{}}"));
    let secret = ("AWS_BEARER_TOKEN_BEDROCK", KEY);
    let with_key = provider(&[("BEDROCK_MODEL_ID", MODEL), secret]).unwrap();
    assert!(!format!("{with_key:?}").contains("AbCdEfGh"));
    let refused = |settings: &[(&str, &str)]| provider(settings).unwrap_err().to_string();
    let error = refused(&[("MODEL_PROVIDER", "bedrock")]);
    assert!(
        error.starts_with("BEDROCK_MODEL_ID is not set: the id of a model"),
        "{error}"
    );
    let error = refused(&[("BEDROCK_MODEL_ID", "claude haiku?")]);
    assert!(
        error.starts_with("BEDROCK_MODEL_ID is \"claude haiku?\""),
        "{error}"
    );
    for (parameters, words) in [
        (
            r#"{"maxTokens":9}"#,
            "maxTokens cannot be set: the limit follows",
        ),
        (
            r#"{"inferenceConfig":{"maxTokens":9}}"#,
            "inferenceConfig cannot be set: the limit follows",
        ),
        (r#"{"system":"x"}"#, "system cannot be set"),
        (r#"{"modelId":"x"}"#, "set BEDROCK_MODEL_ID"),
    ] {
        let error = refused(&[
            ("BEDROCK_MODEL_ID", MODEL),
            ("MODEL_PARAMETERS", parameters),
        ]);
        assert!(
            error.starts_with("MODEL_PARAMETERS is ") && error.contains(words),
            "{error}"
        );
    }
}

/// Runs the program with these variables on a short meeting; returns what it has written on standard error.
async fn program(variables: &[(&'static str, String)]) -> (bool, String) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("board.txt"), meeting(600)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_transcript-summarizer"));
    command
        .args(["summarize", "board.txt", "--words", "200"])
        .current_dir(dir.path())
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("BEDROCK_MODEL_ID", MODEL)
        .envs(variables.iter().map(|(name, value)| (name, value)));
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap());
    let said = String::from_utf8(ended.await.unwrap().stderr).unwrap();
    let summary = dir.path().join("summaries/board.txt_summary.txt");
    (summary.exists(), said)
}

#[tokio::test]
async fn region_credentials_and_address_come_from_the_environment() {
    let server = service(obey).await;
    let variable = |name, value: &str| (name, value.to_owned());
    let address = variable("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &server.at(""));
    let credentials = [
        variable("AWS_ACCESS_KEY_ID", aws::KEY_ID),
        variable("AWS_SECRET_ACCESS_KEY", aws::SECRET),
        variable("AWS_SESSION_TOKEN", aws::SESSION),
        address.clone(),
    ];
    let region = variable("AWS_REGION", aws::REGION);
    let (is_done, said) =
        program(&[&credentials[..], std::slice::from_ref(&region)].concat()).await;
    assert!(is_done && !said.contains("AbCdEfGh"), "{said}");

    let key = variable("AWS_BEARER_TOKEN_BEDROCK", KEY);
    let (is_done, said) = program(&[region.clone(), key, address]).await;
    assert!(is_done && !said.contains("AbCdEfGh"), "{said}");

    let sent = server.requests().len();
    let (is_done, said) = program(&credentials).await;
    assert!(!is_done && said.contains("AWS_REGION is not set"), "{said}");
    let elsewhere = variable("AWS_ENDPOINT_URL", "http://bedrock.example.org");
    let (is_done, said) = program(&[region, elsewhere]).await;
    assert!(!is_done && said.contains("unencrypted"), "{said}");
    assert_eq!(server.requests().len(), sent);
}
