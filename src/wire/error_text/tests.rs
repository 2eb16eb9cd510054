//! Tests with error bodies of real servers.

use super::*;

fn check(body: &str, message: &str, code: Option<&str>, kind: Option<&str>) {
    let said = ErrorText::from_text(body);
    assert_eq!(said.message, message, "{body}");
    assert_eq!(said.code.as_deref(), code, "{body}");
    assert_eq!(said.kind.as_deref(), kind, "{body}");
}

#[test]
fn the_error_member_is_read_in_every_form() {
    check(
        r#"{"error":"Invalid username or password."}"#,
        "Invalid username or password.",
        None,
        None,
    );
    check(
        r#"{"error":{"message":"no such model","type":"invalid_request_error","param":"model","code":"model_not_supported"}}"#,
        "no such model",
        Some("model_not_supported"),
        Some("invalid_request_error"),
    );
    check(
        r#"{"error":"{\"error_type\":\"<class 'ValueError'>\",\"error_message\":\"bad input\",\"error_traceback\":\"File x\"}"}"#,
        "bad input",
        None,
        Some("<class 'ValueError'>"),
    );
    check(
        r#"{"error":"Input validation error: too long","error_type":"validation"}"#,
        "Input validation error: too long",
        None,
        Some("validation"),
    );
    check(
        r#"{"error":{"message":"Request failed","http_status_code":422}}"#,
        "Request failed",
        Some("422"),
        None,
    );
}

#[test]
fn flat_and_wrapped_errors_are_read() {
    check(
        r#"{"object":"error","message":"too long","type":"BadRequestError","param":null,"code":400}"#,
        "too long",
        Some("400"),
        Some("BadRequestError"),
    );
    check(r#"{"Message":"denied"}"#, "denied", None, None);
    check(r#"{"detail":"Not Found"}"#, "Not Found", None, None);
    check(
        r#"{"detail":[{"loc":["body","max_tokens"],"msg":"must be positive","type":"value_error","input":"secret words"}]}"#,
        "must be positive (at body.max_tokens)",
        None,
        Some("value_error"),
    );
    check(
        r#"{"detail":"{\"error\":{\"code\":400,\"message\":\"request (9 tokens) exceeds\",\"type\":\"exceed_context_size_error\"}}"}"#,
        "request (9 tokens) exceeds",
        Some("400"),
        Some("exceed_context_size_error"),
    );
    check(r#"{"errors":["one","two","one"]}"#, "one; two", None, None);
    check(
        r#"{"err":"failed","traceback":"File x"}"#,
        "failed",
        None,
        None,
    );
    check(
        r#"{"error":"Generate request failed with status code 400","details":{"error":{"message":"longer"}}}"#,
        "Generate request failed with status code 400; longer",
        None,
        None,
    );
}

#[test]
fn json_is_found_inside_a_sentence() {
    check("use {braces} well", "use {braces} well", None, None);
    check(
        r#"vLLM returned HTTP 400: {"error":{"message":"too long","code":400}}"#,
        "vLLM returned HTTP 400: too long",
        Some("400"),
        None,
    );
}

#[test]
fn json_is_found_inside_the_repr_of_a_worker() {
    for (inner, message) in [
        ("too long", "vLLM returned HTTP 400: too long"),
        (
            r#"it isn\'t \\"x\\""#,
            "vLLM returned HTTP 400: it isn't \"x\"",
        ),
    ] {
        let repr = format!(
            r#"{{'error': {{'message': 'vLLM returned HTTP 400: {{"error":{{"message":"{inner}","type":"BadRequestError","code":400}}}}', 'type': 'worker_error', 'code': None}}}}"#
        );
        check(&repr, message, Some("400"), Some("BadRequestError"));
    }
    // Older workers send a `repr` without JSON. The text is kept as is, which is enough to classify the error.
    let repr = r#"{'error': {'message': "it isn't there", 'type': 'NotFoundError', 'code': 404}}"#;
    check(repr, repr, None, None);
}

#[test]
fn bodies_that_are_not_json_are_read_as_text() {
    check("", "", None, None);
    check(
        "  Internal Server Error\n",
        "Internal Server Error",
        None,
        None,
    );
    check(
        "<!DOCTYPE html><html><head><title>api.runpod.ai | 502: Bad gateway</title></head><body>x</body></html>",
        "api.runpod.ai | 502: Bad gateway",
        None,
        None,
    );
    check(
        "<html><style>p{}</style><body><h1>503</h1> <p>Service Temporarily\nUnavailable</p>",
        "503 Service Temporarily Unavailable",
        None,
        None,
    );
    check("\u{fffd}{", "\u{fffd}{", None, None);
    check("{\"cut\": \"off", "{\"cut\": \"off", None, None);
}

#[test]
fn waiting_times_and_unknown_shapes_are_read() {
    let said =
        ErrorText::from_text(r#"{"error":"Model X is currently loading","estimated_time":20.5}"#);
    assert_eq!(said.wait, Some(Duration::from_millis(20_500)));
    for absurd in ["-1", "1e300", "\"soon\""] {
        let body = format!(r#"{{"error":"x","estimated_time":{absurd}}}"#);
        assert_eq!(ErrorText::from_text(&body).wait, None, "{absurd}");
    }
    assert_eq!(
        ErrorText::from_value(&serde_json::json!({"a": 1})).message,
        r#"{"a":1}"#
    );
    let deep = format!("{}\"x\"{}", r#"{"error":"#.repeat(60), "}".repeat(60));
    assert!(ErrorText::from_text(&deep).message.len() <= deep.len());
}
