//! Errors inside a success, headers that overrule, and calls without a reply.

use super::*;

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
        silent: false,
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
            Configuration,
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

#[test]
fn jobs_without_an_answer() {
    use crate::wire::failure::JobEnd;

    let ended = |end, text: &str| {
        classify(
            Phase::Poll,
            false,
            &Failure::Job(end, ErrorText::from_text(text)),
        )
    };
    let failed = ErrorKind::JobFailed { timed_out: false };
    let timed_out = ErrorKind::JobFailed { timed_out: true };
    // What passes can be run again if the job failed, and only be asked for anew if it is done.
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
        assert_eq!(ended(JobEnd::Cancelled, text), Configuration, "{text}");
    }
    let garbled = Failure::Garbled("x".to_owned());
    assert_eq!(classify(Phase::Submit, false, &garbled), Ambiguous);
    assert_eq!(classify(Phase::Poll, false, &garbled), Transient);
    for unhealthy in [0, 2] {
        let idle = Failure::NoWorkers { unhealthy };
        assert_eq!(classify(Phase::Poll, false, &idle), Configuration);
    }
}

#[test]
fn error_messages_are_told_from_prose() {
    for text in [
        "Error: no",
        "  ERROR: no",
        "Traceback (most recent call last):\n",
        "vLLM returned HTTP 500: x",
        "Exception: é",
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
