//! Tests of finish reasons, token usage and errors as endpoints report them.

use super::*;
use serde_json::json;

#[test]
fn every_finish_reason_has_its_meaning() {
    for (expected, names) in [
        (
            Ok(Finish::Stop),
            "stop eos eos_token stop_sequence end_turn COMPLETE",
        ),
        (
            Ok(Finish::Length),
            "length max_tokens model_length model_context_window_exceeded MAX_TOKENS repetition",
        ),
        (
            Ok(Finish::Filter),
            "content_filter content_filtered guardrail_intervened refusal SAFETY",
        ),
        (Err(()), "tool_calls function_call tool_use pause_turn"),
        (
            Err(()),
            "error abort malformed_model_output malformed_tool_use",
        ),
        (Ok(Finish::Unknown), "something_new"),
    ] {
        for name in names.split(' ') {
            assert_eq!(
                finish(Some(&json!(name))).map_err(|_| ()),
                expected,
                "{name}"
            );
            assert_eq!(
                finish(Some(&json!({"type": name}))).map_err(|_| ()),
                expected,
                "{name}"
            );
        }
    }
    for none in [None, Some(&json!(null)), Some(&json!("")), Some(&json!(7))] {
        assert_eq!(finish(none), Ok(Finish::Unknown));
    }
}

#[test]
fn a_missing_finish_reason_is_inferred_from_usage() {
    let usage = |completion_tokens| {
        Some(TokenUsage {
            prompt_tokens: 10,
            completion_tokens,
        })
    };
    assert_eq!(infer(usage(100), 100, true), Finish::Length);
    assert_eq!(infer(usage(99), 100, true), Finish::Stop);
    assert_eq!(infer(usage(99), 100, false), Finish::Unknown);
    assert_eq!(infer(None, 100, true), Finish::Unknown);
}

#[test]
fn tokens_are_read_under_every_name() {
    for (value, expected) in [
        (
            json!({"prompt_tokens": 5, "completion_tokens": 9}),
            Some((5, 9)),
        ),
        (json!({"input_tokens": 5, "output_tokens": 9}), Some((5, 9))),
        (json!({"input": 5, "output": 9}), Some((5, 9))),
        (json!({"generated_tokens": 9}), Some((0, 9))),
        (json!({"prompt_tokens": 5}), Some((5, 0))),
        (json!({"input_tokens": -1, "output_tokens": -1}), None),
        (json!({"output": "They met."}), None),
        (json!(null), None),
    ] {
        let found = usage_in(&value).map(|usage| (usage.prompt_tokens, usage.completion_tokens));
        assert_eq!(found, expected, "{value}");
    }
}

#[test]
fn later_counts_replace_those_that_they_name() {
    let mut answer = AnswerBuilder::default();
    answer.used(None);
    for (prompt_tokens, completion_tokens) in [(5, 1), (0, 9)] {
        answer.used(Some(TokenUsage {
            prompt_tokens,
            completion_tokens,
        }));
    }
    let usage = answer.usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (5, 9));
}

#[test]
fn recognizes_errors() {
    for error in [
        json!({"error": "x"}),
        json!({"error": {"message": "x"}, "text": "They"}),
        json!({"err": "x"}),
        json!({"error_message": "x"}),
        json!({"traceback": "x", "text": ""}),
        json!({"object": "error", "message": "x"}),
        json!({"status": "FAILED", "text": "x"}),
        json!({"success": false, "text": "x"}),
        json!({"ok": false, "text": "x"}),
        json!({"message": "x", "code": 503}),
        json!({"message": "x"}),
        json!({"detail": "x"}),
        json!({"errors": ["x"]}),
    ] {
        assert!(error_in(&error, "text").is_some(), "{error}");
        assert!(error_in(&json!([error]), "text").is_some(), "[{error}]");
    }
    for answer in [
        json!({"text": "They met.", "error": null, "err": "", "ok": true, "status": "success"}),
        json!({"text": "They met.", "message": "done"}),
        json!({"text": "", "detail": "x"}),
        json!({"other": "x"}),
        json!({"error": false}),
        json!("error"),
        json!(null),
    ] {
        assert!(error_in(&answer, "text").is_none(), "{answer}");
    }
    assert!(error_in(&json!({"message": {"content": "x"}}), "message").is_none());
}
