//! Errors of real endpoints, and what they are taken for.

mod without_status;

use super::*;
use ErrorKind::{
    Ambiguous, BadInput, Configuration, Lost, Overflow, SuspectOutput, Throttled, Transient,
    Warming,
};
use reqwest::header::{HeaderName, HeaderValue};

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
    Endpoint::new(&url, NAMES, None)
}

fn classify(phase: Phase, failure: &Failure) -> ErrorKind {
    endpoint().error(phase, failure, &[]).kind
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
    endpoint.starts_on_demand = true;
    endpoint
        .error(Phase::Submit, &refused(status, &[], body), &[])
        .kind
}

fn in_band(body: &str) -> ErrorKind {
    classify(
        Phase::Submit,
        &Failure::InBand(ErrorText::from_body(body.as_bytes())),
    )
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
