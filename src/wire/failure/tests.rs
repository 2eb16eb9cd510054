//! Tests that classify error responses of real endpoints.

use super::*;
use ErrorKind::{
    Ambiguous, BadInput, Configuration, Lost, Overflow, SuspectOutput, Throttled, Transient,
    Warming,
};
use reqwest::header::{HeaderName, HeaderValue};
use std::time::Duration;

fn seconds(seconds: f64) -> Option<Duration> {
    Some(Duration::from_secs_f64(seconds))
}

const NAMES: SettingNames = SettingNames {
    token: "HF_API_TOKEN",
    model: "HF_MODEL",
    url: "HF_ENDPOINT_URL",
};

fn endpoint() -> Endpoint {
    let url = Url::parse("https://host:8443/v1").unwrap();
    Endpoint::new(&url, NAMES)
}

fn classify(phase: Phase, failure: &Failure) -> ErrorKind {
    endpoint().error(phase, failure, &[], &[]).kind
}

fn no_connection(error: &str) -> Failure {
    Cause::of_connection(error).seen(error)
}

fn refused(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Failure {
    Failure::Refused {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect(),
        body: body.as_bytes().to_vec(),
    }
}

fn router(status: u16, body: &str) -> ErrorKind {
    classify(Phase::Submit, &refused(status, &[], body))
}

fn dedicated(status: u16, body: &str) -> ErrorKind {
    let mut endpoint = endpoint();
    endpoint.site = Site::Dedicated;
    endpoint
        .error(Phase::Submit, &refused(status, &[], body), &[], &[])
        .kind
}

fn in_band(body: &str) -> ErrorKind {
    classify(Phase::Submit, &Failure::InBand(ErrorText::from_text(body)))
}

const THROTTLED: ErrorKind = Throttled { retry_after: None };
const WARMING: ErrorKind = Warming { retry_after: None };

fn overflow(window: u64, prompt: u64) -> ErrorKind {
    let some = |n| (n > 0).then_some(n);
    Overflow {
        window: some(window),
        prompt_tokens: some(prompt),
    }
}

#[test]
fn refusals_of_the_router_are_classified() {
    for (status, body, expected) in [
        (
            400,
            r#"{"error":"The requested model 'a/b' is not supported by any provider you have enabled."}"#,
            Configuration,
        ),
        (
            400,
            r#"{"error":"Model not supported by provider novita"}"#,
            Configuration,
        ),
        (
            400,
            r#"{"error":{"message":"no","type":"invalid_request_error","param":"model","code":"model_not_supported"}}"#,
            Configuration,
        ),
        (
            401,
            r#"{"error":"Invalid username or password."}"#,
            Configuration,
        ),
        (
            401,
            "Invalid credentials in Authorization header; rate limit",
            Configuration,
        ),
        (
            402,
            r#"{"error":"You have depleted your monthly included credits. Purchase pre-paid credits"}"#,
            Configuration,
        ),
        (
            429,
            r#"{"error":"You have exceeded your monthly included credits for Inference Providers."}"#,
            Configuration,
        ),
        (
            429,
            r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details","code":"insufficient_quota"}}"#,
            Configuration,
        ),
        (
            403,
            r#"{"error":"insufficient permissions"}"#,
            Configuration,
        ),
        (404, r#"{"error":"Not Found"}"#, Configuration),
        (
            404,
            r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}"#,
            Configuration,
        ),
        (405, r#"{"detail":"Method Not Allowed"}"#, Configuration),
        (
            410,
            r#"{"error":"https://api-inference.huggingface.co is no longer supported. Please use https://router.huggingface.co instead."}"#,
            Configuration,
        ),
        (301, "", Configuration),
        (308, "", Configuration),
        (
            501,
            r#"{"error":{"type":"not_supported_error"}}"#,
            Configuration,
        ),
        (413, "Payload Too Large", overflow(0, 0)),
        (429, "Too Many Requests", THROTTLED),
        (429, "", THROTTLED),
        (
            429,
            r#"{"error":"Model is overloaded","error_type":"overloaded"}"#,
            THROTTLED,
        ),
        (529, "overloaded", THROTTLED),
        (
            500,
            r#"{"error":"Request throttled, please wait"}"#,
            THROTTLED,
        ),
        (
            422,
            r#"{"error":"`temperature` must be strictly positive","error_type":"validation"}"#,
            BadInput,
        ),
        (400, r#"{"error":{"message":"bad","code":400}}"#, BadInput),
        (
            400,
            r#"{"error":{"code":"string_above_max_length","message":"maximum context length"}}"#,
            BadInput,
        ),
        (408, "", Ambiguous),
        (
            424,
            r#"{"error":"Request failed during generation","error_type":"generation"}"#,
            Ambiguous,
        ),
        (425, "", Transient),
        (
            500,
            r#"{"error":"Model too busy, unable to get response in less than 120 second(s)"}"#,
            Ambiguous,
        ),
        (500, "Internal Server Error", Ambiguous),
        (
            502,
            "<html><title>502 Bad Gateway</title></html>",
            Ambiguous,
        ),
        (503, "Service Temporarily Unavailable", Transient),
        (503, r#"{"error":"Model X is currently loading"}"#, WARMING),
        (504, "", Ambiguous),
        (
            520,
            "<title>x | 520: Web server is returning an unknown error</title>",
            Ambiguous,
        ),
        (524, "", Ambiguous),
        (521, "", Transient),
        (522, "", Transient),
    ] {
        assert_eq!(router(status, body), expected, "{status} {body}");
    }
    let loading = r#"{"error":"Model X is currently loading","estimated_time":20.0}"#;
    assert_eq!(
        router(503, loading),
        Warming {
            retry_after: seconds(20.0)
        }
    );
    let groq = "Rate limit reached for model `x` on tokens per minute (TPM): Limit 6000, Used 5800, Requested 900. Please try again in 7.66s.";
    assert_eq!(
        router(429, groq),
        Throttled {
            retry_after: seconds(7.66)
        }
    );
}

#[test]
fn a_window_that_slots_share_is_no_prompt_that_is_too_long() {
    let full = r#"{"error":{"code":500,"message":"Context size has been exceeded.","type":"server_error"}}"#;
    assert_eq!(router(500, full), ErrorKind::Crowded);
    assert_eq!(in_band(full), ErrorKind::Crowded);
    let job = Failure::Job(JobEnd::Failed, ErrorText::from_text(full));
    let failed = ErrorKind::JobFailed { timed_out: false };
    assert_eq!(classify(Phase::Poll, &job), failed);
}

#[test]
fn a_failure_names_its_request() {
    for (id, expected) in [
        ("Root=1-67", ""),
        ("req_8f-1", " to request req_8f-1"),
        ("", ""),
    ] {
        let failure = refused(500, &[("x-request-id", id)], "Internal Error");
        let message = endpoint().error(Phase::Submit, &failure, &[], &[]).message;
        let expected = format!("(host:8443 answered 500{expected}: Internal Error)");
        assert!(message.ends_with(&expected), "{message}");
    }
}

#[test]
fn a_key_that_is_echoed_as_the_id_of_a_request_is_not_shown() {
    let key = "hf_AbCdEfGhIjKlMnOp";
    let failure = refused(500, &[("x-request-id", key)], "Internal Error");
    let error = endpoint().error(Phase::Submit, &failure, &[Secret::new(key)], &[]);
    assert!(
        error
            .message
            .ends_with("to request [secret]: Internal Error)"),
        "{error}"
    );
}

#[test]
fn advice_depends_on_what_the_endpoint_is() {
    use Site::{Dedicated, LoadBalancer, Server, Service, ThisMachine};
    let said = |site, failure: &Failure| {
        let mut endpoint = endpoint();
        endpoint.site = site;
        endpoint.error(Phase::Submit, failure, &[], &[]).message
    };
    let models = "its /v1/models lists the models";
    for site in [Service, Dedicated, LoadBalancer, Server, ThisMachine] {
        let is_own = matches!(site, LoadBalancer | Server | ThisMachine);
        for status in [400, 404] {
            let unknown = refused(status, &[], "model not found");
            let message = said(site, &unknown);
            assert_eq!(message.contains(models), is_own, "{site:?}: {message}");
            assert!(message.contains("HF_MODEL"), "{site:?}: {message}");
        }
        let token = said(site, &refused(401, &[], ""));
        assert!(
            token.contains("refused the token: check HF_API_TOKEN"),
            "{token}"
        );
        assert_eq!(
            token.contains("RunPod key"),
            site == LoadBalancer,
            "{token}"
        );
        let unreachable = said(site, &no_connection("connection refused"));
        let is_here = unreachable.contains("start the server on this machine");
        assert_eq!(is_here, site == ThisMachine, "{unreachable}");
        assert!(unreachable.contains("HF_ENDPOINT_URL"), "{unreachable}");
    }
}

#[test]
fn refusals_of_dedicated_endpoints_are_classified() {
    let paused = "Bad Request: The endpoint is paused, ask a maintainer to restart it";
    for (status, body, expected) in [
        (400, paused, Configuration),
        (503, "", WARMING),
        (502, "<html>Bad Gateway</html>", WARMING),
        (
            503,
            r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#,
            WARMING,
        ),
        (504, "", Ambiguous),
        (500, "", Ambiguous),
        (
            400,
            r#"{"error":"CUDA out of memory. Tried to allocate 2 GiB"}"#,
            Transient,
        ),
        (
            400,
            r#"{"error":"CUDA error: device-side assert triggered"}"#,
            Transient,
        ),
        (
            400,
            r#"{"error":"The read operation timed out"}"#,
            Transient,
        ),
        (
            400,
            r#"{"error":"Body needs to provide a inputs key"}"#,
            BadInput,
        ),
        (
            400,
            r#"{"error":"The following `model_kwargs` are not used by the model: ['x']"}"#,
            BadInput,
        ),
        (
            422,
            r#"{"error":"x","error_type":"template_error"}"#,
            BadInput,
        ),
    ] {
        assert_eq!(dedicated(status, body), expected, "{status} {body}");
    }
}

#[test]
fn requests_that_are_too_long_are_recognized() {
    let vllm = r#"{"object":"error","message":"This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens","type":"BadRequestError","code":400}"#;
    assert_eq!(router(400, vllm), overflow(4096, 5000));
    let tgi = r#"{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 1024 `max_new_tokens`","error_type":"validation"}"#;
    assert_eq!(router(422, tgi), overflow(4096, 5000));
    let groq = r#"{"error":{"message":"Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 12841","code":"rate_limit_exceeded"}}"#;
    assert_eq!(router(429, groq), overflow(6000, 0));
    assert_eq!(router(413, groq), overflow(6000, 0));
    let by_code = r#"{"error":{"message":"too big","code":"context_length_exceeded"}}"#;
    assert_eq!(router(400, by_code), overflow(0, 0));
    let rewrapped = r#"{"detail":"{\"error\":{\"code\":400,\"message\":\"request (9001 tokens) exceeds the available context size (4096 tokens)\",\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":9001,\"n_ctx\":4096}}"}"#;
    assert_eq!(router(500, rewrapped), overflow(4096, 9001));
    assert_eq!(router(429, by_code), THROTTLED);
    assert_eq!(router(402, by_code), Configuration);
}

#[test]
fn errors_inside_a_success_are_classified() {
    let repr = r#"{'error': {'message': 'vLLM returned HTTP 400: {"error":{"message":"This model\'s maximum context length is 4096 tokens. However, your request has 5000 input tokens","type":"BadRequestError","code":400}}', 'type': 'worker_error', 'code': None}}"#;
    for (body, expected) in [
        (repr, overflow(4096, 5000)),
        (
            r#"{'message': "it isn't there", 'type': 'NotFoundError', 'code': 404}"#,
            Configuration,
        ),
        (
            "{'message': 'no', 'type': 'BadRequestError', 'code': None}",
            BadInput,
        ),
        (
            r#"{"error":{"message":"template","http_status_code":422}}"#,
            BadInput,
        ),
        (r#"{"error":{"message":"x","code":429}}"#, THROTTLED),
        (r#"{"error":{"message":"x","code":"503"}}"#, Transient),
        (
            r#"{"error":"vLLM returned HTTP 404: no such model"}"#,
            Configuration,
        ),
        (r#"{"error":"vLLM returned HTTP 502: x"}"#, Ambiguous),
        (
            r#"{"error":"Generate request failed with status code 400","details":"bad"}"#,
            BadInput,
        ),
        (
            r#"{"object":"error","message":"x","type":"BadRequestError","code":null}"#,
            BadInput,
        ),
        (
            r#"{"error":{"message":"x","type":"invalid_request_error"}}"#,
            BadInput,
        ),
        (
            r#"{"error":"vLLM server process is not running; worker is unhealthy"}"#,
            Transient,
        ),
        (
            r#"{"error":"Request to vLLM failed: connection reset"}"#,
            Transient,
        ),
        (r#"{"error":"CUDA out of memory"}"#, Transient),
        (r#"{"error":"upstream exploded"}"#, Ambiguous),
        (
            r#"{"error":"x","error_type":"incomplete_generation"}"#,
            Ambiguous,
        ),
    ] {
        assert_eq!(in_band(body), expected, "{body}");
    }
}

#[test]
fn headers_and_the_phase_of_a_call_count() {
    let submit = |failure: &Failure| classify(Phase::Submit, failure);
    let poll = |failure: &Failure| classify(Phase::Poll, failure);
    let after =
        |status, headers: &[(&'static str, &'static str)]| submit(&refused(status, headers, ""));
    assert_eq!(
        after(429, &[("retry-after", "12")]),
        Throttled {
            retry_after: seconds(12.0)
        }
    );
    assert_eq!(
        after(429, &[("ratelimit", "\"api\";r=0;t=55")]),
        Throttled {
            retry_after: seconds(55.0)
        }
    );
    assert_eq!(
        after(503, &[("retry-after", "30")]),
        Warming {
            retry_after: seconds(30.0)
        }
    );
    assert_eq!(after(429, &[("x-should-retry", "false")]), BadInput);
    assert_eq!(after(500, &[("x-should-retry", "false")]), BadInput);
    assert_eq!(after(400, &[("x-should-retry", "true")]), Transient);
    assert_eq!(after(401, &[("x-should-retry", "true")]), Configuration);

    assert_eq!(poll(&refused(404, &[], "")), Lost);
    assert_eq!(poll(&refused(500, &[], "")), Transient);
    assert_eq!(poll(&refused(401, &[], "")), Configuration);
    let timeout = Cause::TimedOut.seen("gave no complete answer");
    let broken = Cause::Disconnected.seen("reset");
    for failure in [timeout, broken] {
        assert_eq!(submit(&failure), Ambiguous);
        assert_eq!(poll(&failure), Transient);
    }
    assert_eq!(submit(&Cause::Unusable.seen("null")), SuspectOutput);
    assert_eq!(poll(&Cause::Lost.seen("no output")), Lost);
    assert_eq!(submit(&Cause::Unsendable.seen("x")), Configuration);
}

#[test]
fn classifies_failed_connections() {
    let dns = "client error (Connect): dns error: failed to lookup address information: ";
    for (text, expected) in [
        (
            "client error (Connect): tcp connect error: Connection refused (os error 111)"
                .to_owned(),
            ErrorKind::Unreachable,
        ),
        (format!("{dns}Name or service not known"), Configuration),
        (
            format!("{dns}Temporary failure in name resolution"),
            ErrorKind::Unreachable,
        ),
        (
            "client error (Connect): invalid peer certificate: UnknownIssuer".to_owned(),
            Configuration,
        ),
        (
            "client error (Connect): received corrupt message of type InvalidContentType"
                .to_owned(),
            Configuration,
        ),
        (
            "client error (Connect): deadline has elapsed".to_owned(),
            ErrorKind::Unreachable,
        ),
    ] {
        assert_eq!(
            classify(Phase::Submit, &no_connection(&text)),
            expected,
            "{text}"
        );
    }
}

#[test]
fn jobs_without_an_answer_are_classified() {
    let ended =
        |end, text: &str| classify(Phase::Poll, &Failure::Job(end, ErrorText::from_text(text)));
    let failed = ErrorKind::JobFailed { timed_out: false };
    let timed_out = ErrorKind::JobFailed { timed_out: true };
    // After a transient error, a failed job can be run again, but a completed one can only be submitted as a new job.
    for (text, of_failed, of_completed) in [
        ("", failed, Ambiguous),
        ("boom", failed, Ambiguous),
        ("CUDA out of memory", failed, Ambiguous),
        ("vLLM returned HTTP 429: busy", failed, Ambiguous),
        ("vLLM returned HTTP 503: starting", failed, Ambiguous),
        ("Model X is currently loading", failed, Ambiguous),
        ("executionTimeout exceeded", timed_out, Ambiguous),
        ("vLLM returned HTTP 400: no", BadInput, BadInput),
        ("Job input must contain one of: prompt", BadInput, BadInput),
        ("prompt is a required input.", BadInput, BadInput),
        ("vLLM returned HTTP 403: no", Configuration, Configuration),
        ("Model not found", Configuration, Configuration),
        ("Job ID not found", Lost, Lost),
        ("prompt is too long", overflow(0, 0), overflow(0, 0)),
    ] {
        assert_eq!(ended(JobEnd::Failed, text), of_failed, "{text}");
        assert_eq!(ended(JobEnd::Completed, text), of_completed, "{text}");
        assert_eq!(ended(JobEnd::TimedOut, text), timed_out, "{text}");
        assert_eq!(
            ended(JobEnd::Cancelled, text),
            ErrorKind::Cancelled,
            "{text}"
        );
    }
    let garbled = Cause::Garbled.seen("x");
    assert_eq!(classify(Phase::Submit, &garbled), Ambiguous);
    assert_eq!(classify(Phase::Poll, &garbled), Transient);
    for cause in [Cause::NoWorkers, Cause::Unhealthy] {
        let idle = cause.seen("jobs wait in its queue");
        assert_eq!(classify(Phase::Poll, &idle), Configuration);
    }
}

#[test]
fn recognizes_error_messages() {
    for text in [
        "Error: no",
        "  ERROR: no",
        "Traceback (most recent call last):\n",
        "vLLM returned HTTP 500: x",
        "Exception: é",
        "{'error': {'message': 'no'}}",
        "[{'error': 'no'}]",
    ] {
        assert!(is_error_text(text), "{text}");
    }
    for text in [
        "",
        "é",
        "Errors abound.",
        "The error: a typo.",
        "Exceptional.",
    ] {
        assert!(!is_error_text(text), "{text}");
    }
}

/// Every cause has an error kind and a sentence without unfilled placeholders.
#[test]
fn every_cause_has_a_kind_and_a_sentence() {
    let job = |end, text| Failure::Job(end, ErrorText::from_text(text));
    let timed_out = ErrorKind::JobFailed { timed_out: true };
    let failed = ErrorKind::JobFailed { timed_out: false };
    for (failure, kind, message) in [
        (
            no_connection("connection refused"),
            ErrorKind::Unreachable,
            "the endpoint cannot be reached: check the network and HF_ENDPOINT_URL (host:8443: connection refused)",
        ),
        (
            no_connection("dns error"),
            Configuration,
            "the endpoint's host was not found: check HF_ENDPOINT_URL and the network (host:8443: dns error)",
        ),
        (
            no_connection("invalid peer certificate: Expired"),
            Configuration,
            "the endpoint's certificate is not valid for it or not trusted here: check HF_ENDPOINT_URL \
             (host:8443: invalid peer certificate: Expired)",
        ),
        (
            no_connection("corrupt message"),
            Configuration,
            "the endpoint's port does not speak TLS: check HF_ENDPOINT_URL (host:8443: corrupt message)",
        ),
        (
            Cause::Unsendable.seen("builder error"),
            Configuration,
            "the request cannot be put into HTTP: check HF_API_TOKEN for line breaks and the like (host:8443: builder error)",
        ),
        (
            Cause::TimedOut.seen("gave no complete answer within 1.5 s"),
            Ambiguous,
            "the endpoint took too long (host:8443: gave no complete answer within 1.5 s)",
        ),
        (
            Cause::TimedOut.seen("went silent for 1.5 s"),
            Ambiguous,
            "the endpoint took too long (host:8443: went silent for 1.5 s)",
        ),
        (
            Cause::Disconnected.seen("reset"),
            Ambiguous,
            "the connection broke before the answer was complete (host:8443: reset)",
        ),
        (
            Cause::Garbled.seen("7 bytes that are no JSON"),
            Ambiguous,
            "the endpoint's reply is not what was expected (host:8443: 7 bytes that are no JSON)",
        ),
        (
            refused(500, &[], ""),
            Ambiguous,
            "the endpoint failed, perhaps with the work already done (host:8443 answered 500)",
        ),
        (
            refused(401, &[], "who?"),
            Configuration,
            "the endpoint refused the token: check HF_API_TOKEN, which must hold a valid token that may call this endpoint \
             (host:8443 answered 401: who?)",
        ),
        (
            refused(402, &[], ""),
            Configuration,
            "no credits are left: buy credits for the account of HF_API_TOKEN, or set a token of another account \
             (host:8443 answered 402)",
        ),
        (
            refused(403, &[], ""),
            Configuration,
            "the token lacks a permission: allow the token in HF_API_TOKEN to call this endpoint (host:8443 answered 403)",
        ),
        (
            refused(404, &[], ""),
            Configuration,
            "the endpoint knows no such model or path: check HF_MODEL and HF_ENDPOINT_URL (host:8443 answered 404)",
        ),
        (
            refused(400, &[], "unknown model"),
            Configuration,
            "the endpoint does not serve this model: check HF_MODEL, or set HF_ENDPOINT_URL to one that does \
             (host:8443 answered 400: unknown model)",
        ),
        (
            refused(410, &[], ""),
            Configuration,
            "the endpoint's address is no longer served: set HF_ENDPOINT_URL to the new one (host:8443 answered 410)",
        ),
        (
            refused(400, &[], "The endpoint is paused"),
            Configuration,
            "the endpoint is paused: resume it, or set HF_ENDPOINT_URL to another one \
             (host:8443 answered 400: The endpoint is paused)",
        ),
        (
            refused(307, &[("location", "https://b/?key=1")], ""),
            Configuration,
            "the endpoint redirects, which is not followed: set HF_ENDPOINT_URL to the address it leads to \
             (host:8443 answered 307: https://b/)",
        ),
        (
            refused(429, &[], ""),
            THROTTLED,
            "too many requests (host:8443 answered 429)",
        ),
        (
            refused(429, &[("retry-after", "7")], ""),
            Throttled {
                retry_after: seconds(7.0),
            },
            "too many requests: the endpoint asks to wait 7 s (host:8443 answered 429)",
        ),
        (
            refused(503, &[("retry-after", "7")], ""),
            Warming {
                retry_after: seconds(7.0),
            },
            "the endpoint is starting, for 7 s by its own estimate (host:8443 answered 503)",
        ),
        (
            refused(413, &[], ""),
            overflow(0, 0),
            "the request does not fit into the model's window; MODEL_CONTEXT_TOKENS must not be more than the server's window \
             (host:8443 answered 413)",
        ),
        (
            refused(
                400,
                &[],
                "request (9001 tokens) exceeds the available context size (4096 tokens)",
            ),
            overflow(4096, 9001),
            "the request does not fit into the model's window of 4096 tokens, with 9001 tokens; MODEL_CONTEXT_TOKENS must not be \
             more than the server's window (host:8443 answered 400: request (9001 tokens) exceeds the available context size (4096 tokens))",
        ),
        (
            refused(503, &[], ""),
            Transient,
            "the endpoint is unavailable for the moment (host:8443 answered 503)",
        ),
        (
            refused(400, &[], "CUDA error"),
            Transient,
            "the endpoint's worker failed for lack of memory, GPU or time (host:8443 answered 400: CUDA error)",
        ),
        (
            Failure::InBand(ErrorText::from_text("status code 422")),
            BadInput,
            "the endpoint refuses this request (host:8443 answered: status code 422)",
        ),
        (
            job(JobEnd::Failed, "boom"),
            failed,
            "the job failed, for reasons that may pass (host:8443: job FAILED: boom)",
        ),
        (
            job(JobEnd::TimedOut, ""),
            timed_out,
            "the job took too long, or no worker started it in time (host:8443: job TIMED_OUT)",
        ),
        (
            job(JobEnd::Cancelled, ""),
            ErrorKind::Cancelled,
            "the job was cancelled or the endpoint's queue was purged: send the transcript again once that is over \
             (host:8443: job CANCELLED)",
        ),
        (
            job(JobEnd::Completed, "boom"),
            Ambiguous,
            "the worker returned an error instead of an answer (host:8443: job COMPLETED: boom)",
        ),
        (
            Cause::NoWorkers.seen("jobs wait in its queue"),
            Configuration,
            "the endpoint has no workers, so no job will ever start: its max workers is 0, or the provider has set it to 0 after a \
             week without requests; raise max workers in the settings of the endpoint in HF_ENDPOINT_URL \
             (host:8443: jobs wait in its queue)",
        ),
        (
            Cause::Unhealthy.seen("jobs wait in its queue"),
            Configuration,
            "all workers of the endpoint are unhealthy, so no job will start: read their logs, and check image, model and GPU \
             in the settings of the endpoint in HF_ENDPOINT_URL (host:8443: jobs wait in its queue)",
        ),
        (
            Cause::Lost.seen("no job j"),
            Lost,
            "the endpoint no longer knows the job (host:8443: no job j)",
        ),
        (
            Cause::Unusable.seen("an empty text"),
            SuspectOutput,
            "the endpoint's answer holds no usable text (host:8443: an empty text)",
        ),
    ] {
        let error = endpoint().error(Phase::Submit, &failure, &[], &[]);
        assert_eq!((error.kind, error.message.as_str()), (kind, message));
    }
}
