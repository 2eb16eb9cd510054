//! Every error that was seen or read about (WIRE.md 2, 7, 9), and what is to be done about it.

use super::*;
use ModelErrorKind::{
    Ambiguous, BadInput, Configuration, Lost, Overflow, SuspectOutput, Throttled, Transient,
    Warming,
};
use reqwest::header::{HeaderName, HeaderValue};

fn seconds(seconds: f64) -> Option<Duration> {
    Some(Duration::from_secs_f64(seconds))
}

fn classify(phase: Phase, on_demand: bool, failure: &Failure) -> ModelErrorKind {
    let said = match failure {
        Failure::Refused { body, .. } => ErrorText::from_body(body),
        Failure::InBand(said) => said.clone(),
        Failure::Connect(message) => ErrorText::from_text(message),
        _ => ErrorText::default(),
    };
    kind(
        cause(phase, on_demand, failure, &said, SystemTime::now()),
        phase,
    )
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

/// What a paid request to the router makes of a status and body.
fn router(status: u16, body: &str) -> ModelErrorKind {
    classify(Phase::Submit, false, &refused(status, &[], body))
}

fn dedicated(status: u16, body: &str) -> ModelErrorKind {
    classify(Phase::Submit, true, &refused(status, &[], body))
}

fn in_band(body: &str) -> ModelErrorKind {
    classify(
        Phase::Submit,
        false,
        &Failure::InBand(ErrorText::from_body(body.as_bytes())),
    )
}

const THROTTLED: ModelErrorKind = Throttled { retry_after: None };
const WARMING: ModelErrorKind = Warming { retry_after: None };

fn overflow(window: u64, prompt: u64) -> ModelErrorKind {
    let some = |n| (n > 0).then_some(n);
    Overflow {
        window: some(window),
        prompt_tokens: some(prompt),
    }
}

#[test]
fn statuses_of_the_router() {
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
fn statuses_of_endpoints_of_ones_own() {
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
fn requests_that_are_too_long() {
    for (text, window, prompt) in [
        (
            "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (3976 in the messages, 1024 in the completion).",
            4096,
            3976,
        ),
        (
            "This model's maximum context length is 32,768 tokens. However, your request has 40,001 input tokens.",
            32768,
            40001,
        ),
        (
            "You passed 9000 input tokens and requested 1024 output tokens. However, the model's context length is only 8192 tokens, resulting in a maximum input length of 7168 tokens.",
            8192,
            9000,
        ),
        (
            "You passed 90000 input characters and requested 1024 output tokens. However, the model's context length is only 8192 tokens",
            8192,
            0,
        ),
        (
            "This model's maximum context length is 8192 tokens. However, you requested 1024 output tokens and your prompt contains at least 7169 input tokens, for a total of at least 8193 tokens.",
            8192,
            7169,
        ),
        (
            "Input length (9000) exceeds model's maximum context length (8192)",
            8192,
            9000,
        ),
        (
            "The decoder prompt (length 40000) is longer than the maximum model length of 32768. Make sure that `max_model_len` is no smaller.",
            32768,
            40000,
        ),
        (
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 1024 `max_new_tokens`",
            4096,
            5000,
        ),
        (
            "Input validation error: `inputs` must have less than 1024 tokens. Given: 2048",
            1024,
            2048,
        ),
        (
            "request (9001 tokens) exceeds the available context size (4096 tokens), try increasing it",
            4096,
            9001,
        ),
        (
            "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
            8192,
            9000,
        ),
        (
            "Please reduce the length of the messages. Current length is 9000 while limit is 8192",
            8192,
            9000,
        ),
        (
            "prompt is too long: 211234 tokens > 200000 maximum",
            200000,
            211234,
        ),
        (
            "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000",
            200000,
            188240,
        ),
        (
            "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens.",
            272000,
            300000,
        ),
        (
            "max_tokens=9000 cannot be greater than max_model_len=8192. Please request fewer output tokens.",
            8192,
            0,
        ),
        ("max_tokens must be at least 1, got -512.", 0, 0),
        (
            "Request too large for model `x` in organization `o` on tokens per minute (TPM): Limit 6000, Requested 12841, please reduce your message size",
            6000,
            0,
        ),
        (
            "The prompt (total length 5000) is too long to fit into the model (context length 4096).",
            4096,
            5000,
        ),
        (
            "Malformed input request: expected maxLength: 100000, actual: 120000",
            0,
            0,
        ),
        ("input is too long for requested model", 0, 0),
        ("Input exceeds the context window of this model", 0, 0),
        (
            "too large for model with 32768 maximum context length",
            32768,
            0,
        ),
        (
            "The input token count (200000) exceeds the maximum number of tokens allowed (131072).",
            131072,
            0,
        ),
        ("maximum input length is 7168 tokens", 7168, 0),
        ("index out of range in self", 0, 0),
    ] {
        let body =
            serde_json::json!({"error": {"message": text, "type": "BadRequestError", "code": 400}});
        assert_eq!(
            router(400, &body.to_string()),
            overflow(window, prompt),
            "{text}"
        );
    }
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
fn errors_inside_a_success() {
    let repr = r#"{'error': {'message': 'vLLM returned HTTP 400: {"error":{"message":"This model\'s maximum context length is 4096 tokens. However, your request has 5000 input tokens","type":"BadRequestError","code":400}}', 'type': 'worker_error', 'code': None}}"#;
    for (body, expected) in [
        (repr, overflow(4096, 5000)),
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
fn headers_and_phases() {
    let submit = |failure: &Failure| classify(Phase::Submit, false, failure);
    let poll = |failure: &Failure| classify(Phase::Poll, false, failure);
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
    let timeout = Failure::Timeout {
        after: Duration::from_secs(1),
        answering: false,
    };
    let broken = Failure::Disconnected("reset".to_owned());
    for failure in [timeout, broken] {
        assert_eq!(submit(&failure), Ambiguous);
        assert_eq!(poll(&failure), Transient);
    }
    assert_eq!(submit(&Failure::Unusable("null".to_owned())), SuspectOutput);
    assert_eq!(poll(&Failure::Lost("no output".to_owned())), Lost);
    assert_eq!(submit(&Failure::Unsendable("x".to_owned())), Configuration);
}

#[test]
fn connections_that_do_not_come_about() {
    let dns = "client error (Connect): dns error: failed to lookup address information: ";
    for (text, expected) in [
        (
            "client error (Connect): tcp connect error: Connection refused (os error 111)"
                .to_owned(),
            Transient,
        ),
        (format!("{dns}Name or service not known"), Configuration),
        (
            format!("{dns}Temporary failure in name resolution"),
            Transient,
        ),
        (
            "client error (Connect): invalid peer certificate: UnknownIssuer".to_owned(),
            Configuration,
        ),
        (
            "client error (Connect): received corrupt message of type InvalidContentType"
                .to_owned(),
            Transient,
        ),
        (
            "client error (Connect): deadline has elapsed".to_owned(),
            Transient,
        ),
    ] {
        assert_eq!(
            classify(Phase::Submit, false, &Failure::Connect(text.clone())),
            expected,
            "{text}"
        );
    }
}
