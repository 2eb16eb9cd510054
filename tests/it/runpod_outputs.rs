//! Outputs of RunPod workers in many shapes, and which of them count as answers.

use crate::support::huggingface::SPOKEN;
use crate::support::runpod::{failure, outcome};
use crate::support::runpod_jobs::JobPlan;
use serde_json::{Value, json};
use transcript_summarizer::model::{ErrorKind, Finish, TokenUsage};

const TEXT: &str = "The Zürich board met — twice.";

fn used(prompt_tokens: u64, completion_tokens: u64) -> Option<TokenUsage> {
    Some(TokenUsage {
        prompt_tokens,
        completion_tokens,
    })
}

/// Checks that every output yields [`TEXT`], with the expected finish reason and token usage.
async fn all_hold_the_text(outputs: Vec<(Value, Finish, Option<TokenUsage>)>) {
    for (output, finish, usage) in outputs {
        let answer = outcome(JobPlan::output(output.clone())).await;
        let told = answer
            .as_ref()
            .map(|answer| (answer.text.as_str(), answer.finish, answer.usage));
        assert!(
            matches!(told, Ok(told) if told == (TEXT, finish, usage)),
            "{output}: {told:?}"
        );
    }
}

#[tokio::test]
async fn workers_for_vllm() {
    let chat = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
                      "usage": {"prompt_tokens": 31, "completion_tokens": 8}});
    let completion = json!({"choices": [{"text": TEXT, "finish_reason": "length"}]});
    let parts = json!({"choices": [{"message": {"content": [{"type": "text", "text": "The Zürich "},
                       {"type": "reasoning", "text": "hm"}, {"type": "text", "text": "board met — twice."}],
                       "reasoning_content": "who met?"}, "finish_reason": "eos"}]});
    let old = |tokens: Value, output: u64| json!({"choices": [{"tokens": tokens}], "usage": {"input": 31, "output": output}});
    let batches = json!([
        old(json!(["The Zürich"]), 2),
        old(json!([" board met", " —"]), 6),
        old(json!([" twice."]), 8)
    ]);
    let fragments = json!([
        "data: {\"choices\":[{\"delta\":{\"content\":\"The Zürich board ",
        "met\"}}]}\n\nda",
        "ta: {\"choices\":[{\"delta\":{\"content\":\" — twice.\"},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":31,\"completion_tokens\":8}}\n\ndata: [DONE]\n\n"
    ]);
    let thinking = json!([{"choices": [{"tokens": [format!("<think>who?</think>{TEXT}")]}], "usage": {"input": 31, "output": 99}}]);
    let usage = used(31, 8);
    all_hold_the_text(vec![
        (json!([chat]), Finish::Stop, usage),
        (chat.clone(), Finish::Stop, usage),
        (json!([[chat]]), Finish::Stop, usage),
        (json!([completion]), Finish::Length, None),
        (json!([parts]), Finish::Stop, None),
        (json!([old(json!([TEXT]), 8)]), Finish::Stop, usage),
        (old(json!([TEXT]), 8), Finish::Stop, usage),
        (
            json!([old(json!([TEXT]), 100)]),
            Finish::Length,
            used(31, 100),
        ),
        (batches, Finish::Stop, usage),
        (fragments, Finish::Stop, usage),
        (thinking, Finish::Stop, used(31, 99)),
        (
            json!([{"choices": [{"delta": {"content": TEXT}}]}]),
            Finish::Unknown,
            None,
        ),
    ])
    .await;
}

#[tokio::test]
async fn other_workers() {
    let sglang = json!({"text": TEXT, "meta_info": {"finish_reason": {"type": "length", "length": 100},
                        "prompt_tokens": 31, "completion_tokens": 100}});
    let tgi: Vec<Value> = TEXT
        .split_inclusive(' ')
        .map(|token| json!({"text": token}))
        .collect();
    let counted = json!({"text": [TEXT], "input_tokens": 31, "output_tokens": 8});
    let responses = json!({"output": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
                           {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": TEXT}]}],
                           "usage": {"input_tokens": 31, "output_tokens": 8}});
    all_hold_the_text(vec![
        (sglang.clone(), Finish::Length, used(31, 100)),
        (json!([sglang]), Finish::Length, used(31, 100)),
        (json!(tgi), Finish::Unknown, None),
        (json!({"text": TEXT, "input_tokens": -1, "output_tokens": -1}), Finish::Unknown, None),
        (counted, Finish::Stop, used(31, 8)),
        (responses, Finish::Stop, used(31, 8)),
        (json!([{"generated_text": TEXT}]), Finish::Unknown, None),
        (json!([{"generated_text": [{"role": "user", "content": "Summarize"}, {"role": "assistant", "content": TEXT}]}]),
         Finish::Unknown, None),
        (json!([{"summary_text": TEXT}]), Finish::Unknown, None),
        (json!({"generated_text": TEXT, "details": {"finish_reason": "eos_token"}}), Finish::Stop, None),
        (json!({"message": {"role": "assistant", "content": TEXT}, "done_reason": "length"}), Finish::Length, None),
    ])
    .await;
}

#[tokio::test]
async fn plain_handlers() {
    let pieces: Vec<&str> = TEXT.split_inclusive(' ').collect();
    let in_a_string =
        json!({"choices": [{"message": {"content": TEXT}, "finish_reason": "length"}]});
    let mut outputs = vec![
        json!(TEXT),
        json!(format!("\n {TEXT}\n")),
        json!(pieces),
        json!({"summary": TEXT, "words": 5, "ok": true, "error": null}),
        json!({"output": {"result": {"response": {"content": TEXT}}}}),
        json!({"status": "success", "message": TEXT}),
        json!({"summary": "", "text": TEXT}),
        json!(json!({"summary": TEXT}).to_string()),
        json!({"output": json!([{"generated_text": TEXT}]).to_string()}),
    ];
    for key in [
        "generated_text",
        "summary_text",
        "summary",
        "text",
        "output",
        "result",
        "response",
        "content",
        "message",
    ] {
        outputs.push(json!({ key: TEXT }));
    }
    let outputs = outputs.into_iter();
    all_hold_the_text(
        outputs
            .map(|output| (output, Finish::Unknown, None))
            .collect(),
    )
    .await;
    all_hold_the_text(vec![(json!(in_a_string.to_string()), Finish::Length, None)]).await;
    // Prose may start like JSON, markup or an error message.
    for prose in [
        "[Applause] The board met.",
        "<b>Board</b> met.",
        "Errors were found by the board.",
        ": so it began",
    ] {
        let answer = outcome(JobPlan::output(json!(prose))).await.unwrap();
        assert_eq!(answer.text, prose);
    }
}

#[tokio::test]
async fn rejects_reasoning_as_an_answer() {
    for output in [
        json!([{"choices": [{"message": {"content": null, "reasoning_content": "hm"}, "finish_reason": "length"}]}]),
        json!("<think>hm"),
        json!({"message": {"role": "assistant", "content": null, "reasoning": "hm"}}),
        json!({"output": [{"type": "reasoning", "summary": [{"text": "hm"}]}]}),
    ] {
        let answer = outcome(JobPlan::output(output.clone())).await.unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.finish),
            ("", Finish::Length),
            "{output}"
        );
    }
}

#[tokio::test]
async fn rejects_outputs_without_a_text() {
    let deep = json!({"output": {"output": {"output": {"output": {"output": {"output": {"output": TEXT}}}}}}});
    let cases = vec![
        (json!([]), "an empty list"),
        (json!({}), "an object without a text"),
        (json!(7), "no text"),
        (json!(true), "no text"),
        (json!(""), "an empty text"),
        (json!([""]), "an empty text"),
        (
            json!({"id": "x", "object": "list", "data": [SPOKEN]}),
            "an object without a text",
        ),
        (deep, "an object without a text"),
        (json!([{"choices": []}]), "a list of 1 without a text"),
        (
            json!([{"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}]),
            "an empty text",
        ),
        (
            json!([{"choices": [{"message": {"content": "x"}, "finish_reason": "tool_calls"}]}]),
            "tool_calls",
        ),
        (
            json!([{"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]}]),
            "content filter",
        ),
        (
            json!("<!DOCTYPE html><html><title>502 Bad Gateway</title></html>"),
            "a web page: 502 Bad Gateway",
        ),
        (
            json!(["<ht", "ml><body>nginx</body></html>"]),
            "a web page: nginx",
        ),
        (json!("{\"words\": 7}"), "without a text"),
        (json!("{\"summary\": \"The bo"), "broken JSON"),
        // A Python literal is data too and must not be published.
        (json!(format!("{{'summary': '{TEXT}'}}")), "broken JSON"),
        (json!(format!("[{{'summary': '{TEXT}'}}]")), "broken JSON"),
        (
            json!(json!(json!({"text": TEXT}).to_string()).to_string()),
            "data in a string",
        ),
        (json!("[1, 2]"), "without a text"),
        (
            json!([{"role": "user", "content": SPOKEN}]),
            "without a text",
        ),
    ];
    for (output, words) in cases {
        let error = failure(JobPlan::output(output.clone())).await;
        let kind = match words {
            "content filter" => ErrorKind::Filtered,
            _ => ErrorKind::SuspectOutput,
        };
        assert_eq!(error.kind, kind, "{output}: {error}");
        assert!(error.message.contains(words), "{output}: {error}");
    }
    let error = failure(JobPlan::without_output()).await;
    assert_eq!(error.kind, ErrorKind::SuspectOutput);
    assert!(
        error.message.contains("was paid, but has no output"),
        "{error}"
    );
}

#[tokio::test]
async fn errors_in_the_place_of_an_answer() {
    let overflow = ErrorKind::Overflow {
        window: Some(4096),
        prompt_tokens: Some(5000),
    };
    let too_long = "This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens";
    for (output, kind) in [
        (
            json!([{"error": {"message": too_long, "type": "BadRequestError", "code": 400}}]),
            overflow,
        ),
        (
            json!({"object": "error", "message": too_long, "code": 400}),
            overflow,
        ),
        (
            json!(format!(
                "{{'error': {{'message': \"{too_long}\", 'code': 400}}}}"
            )),
            overflow,
        ),
        (
            json!({"error": "Generate request failed with status code 400", "details": "bad"}),
            ErrorKind::BadInput,
        ),
        (
            json!([{"choices": [{"message": {"content": TEXT}, "error": {"message": "bad", "code": 422}}]}]),
            ErrorKind::BadInput,
        ),
        (
            json!({"status": "error", "message": "model not found"}),
            ErrorKind::Configuration,
        ),
        (
            json!({"success": false, "message": "vLLM returned HTTP 401"}),
            ErrorKind::Configuration,
        ),
        // Billed, and not retryable under the same ticket because its status is COMPLETED.
        (json!({"error": "CUDA out of memory"}), ErrorKind::Ambiguous),
        (
            json!([{"text": TEXT}, {"error": "engine is dead"}]),
            ErrorKind::Ambiguous,
        ),
        (json!("Error: something broke"), ErrorKind::Ambiguous),
        (
            json!("Traceback (most recent call last):\n  File x"),
            ErrorKind::Ambiguous,
        ),
        (
            json!({"message": "overloaded", "code": 503}),
            ErrorKind::Ambiguous,
        ),
    ] {
        let error = failure(JobPlan::output(output.clone())).await;
        assert_eq!(error.kind, kind, "{output}: {error}");
        assert!(!error.message.contains("Zürich"), "{error}");
    }
}
