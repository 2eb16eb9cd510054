//! Errors inside a success, headers that overrule a status, calls without a reply, and jobs.

use super::*;

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
fn failed_connections_are_told_apart() {
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
            classify(Phase::Submit, &Failure::Connect(text.clone())),
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
    assert_eq!(classify(Phase::Submit, &garbled), Ambiguous);
    assert_eq!(classify(Phase::Poll, &garbled), Transient);
    for unhealthy in [0, 2] {
        let idle = Failure::NoWorkers { unhealthy };
        assert_eq!(classify(Phase::Poll, &idle), Configuration);
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

/// The one table of causes: each has a kind, and a sentence whose placeholders are all filled in.
#[test]
fn every_cause_has_a_kind_and_a_sentence() {
    let text = |text: &str| text.to_owned();
    let job = |end, text| Failure::Job(end, ErrorText::from_text(text));
    let timed_out = ErrorKind::JobFailed { timed_out: true };
    let failed = ErrorKind::JobFailed { timed_out: false };
    let after = Duration::from_millis(1500);
    for (failure, kind, message) in [
        (
            Failure::Connect(text("connection refused")),
            Transient,
            "the endpoint cannot be reached: check the network and HF_ENDPOINT_URL (host:8443: connection refused)",
        ),
        (
            Failure::Connect(text("dns error")),
            Configuration,
            "the endpoint's host does not exist: check HF_ENDPOINT_URL (host:8443: dns error)",
        ),
        (
            Failure::Connect(text("invalid peer certificate: Expired")),
            Configuration,
            "the endpoint's certificate is not valid for it or not trusted here: check HF_ENDPOINT_URL \
             (host:8443: invalid peer certificate: Expired)",
        ),
        (
            Failure::Connect(text("corrupt message")),
            Configuration,
            "the endpoint's port does not speak TLS: check HF_ENDPOINT_URL (host:8443: corrupt message)",
        ),
        (
            Failure::Unsendable(text("builder error")),
            Configuration,
            "the request cannot be put into HTTP: check HF_API_TOKEN for line breaks and the like (host:8443: builder error)",
        ),
        (
            Failure::Timeout {
                after,
                silent: false,
            },
            Ambiguous,
            "the endpoint took too long (host:8443 gave no complete answer within 1.5 s)",
        ),
        (
            Failure::Timeout {
                after,
                silent: true,
            },
            Ambiguous,
            "the endpoint took too long (host:8443 went silent for 1.5 s)",
        ),
        (
            Failure::Disconnected(text("reset")),
            Ambiguous,
            "the connection broke before the answer was complete (host:8443: reset)",
        ),
        (
            Failure::Garbled(text("7 bytes that are no JSON")),
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
            "the endpoint does not serve this model: check HF_MODEL, or set HF_ENDPOINT_URL to an endpoint that does \
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
            "the request does not fit into the model's window (host:8443 answered 413)",
        ),
        (
            refused(
                400,
                &[],
                "request (9001 tokens) exceeds the available context size (4096 tokens)",
            ),
            overflow(4096, 9001),
            "the request does not fit into the model's window of 4096 tokens, with 9001 tokens (host:8443 answered 400: \
             request (9001 tokens) exceeds the available context size (4096 tokens))",
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
            "the job took too long, or no worker began it in time (host:8443: job TIMED_OUT)",
        ),
        (
            job(JobEnd::Cancelled, ""),
            Configuration,
            "somebody cancelled the job or purged the endpoint's queue: send the transcript again once that is over \
             (host:8443: job CANCELLED)",
        ),
        (
            job(JobEnd::Completed, "boom"),
            Ambiguous,
            "the worker put out an error in place of an answer (host:8443: job COMPLETED: boom)",
        ),
        (
            Failure::NoWorkers { unhealthy: 0 },
            Configuration,
            "the endpoint has no workers, so no job will ever begin: its max workers is 0, or the provider has set it to 0 after a \
             week without requests; raise max workers in the settings of the endpoint in HF_ENDPOINT_URL \
             (host:8443: jobs wait in its queue)",
        ),
        (
            Failure::NoWorkers { unhealthy: 2 },
            Configuration,
            "all workers of the endpoint are unhealthy, so no job will begin: read their logs, and check image, model and GPU \
             in the settings of the endpoint in HF_ENDPOINT_URL (host:8443: jobs wait in its queue)",
        ),
        (
            Failure::Lost(text("no job j")),
            Lost,
            "the endpoint no longer knows the job (host:8443: no job j)",
        ),
        (
            Failure::Unusable(text("an empty text")),
            SuspectOutput,
            "the endpoint's answer holds no usable text (host:8443: an empty text)",
        ),
    ] {
        let error = endpoint().error(Phase::Submit, &failure, &[]);
        assert_eq!((error.kind, error.message.as_str()), (kind, message));
    }
}
