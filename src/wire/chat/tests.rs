//! Tests with completions from many servers, whole and streamed.

use super::*;
use crate::model::{Answer, Finish};
use crate::wire::answer::Reader;
use crate::wire::failure::Cause;

/// The answer read from `pieces`, with a limit of 100 tokens.
fn read(pieces: &[&[u8]]) -> Result<Answer, Failure> {
    let mut reader = Reader::new(Completion);
    for piece in pieces {
        if reader.push(piece)? {
            break;
        }
    }
    reader.finish(100)
}

fn stream(events: &[Value], end: &str) -> String {
    let events: String = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    events + end
}

fn delta(delta: Value, finish: Value) -> Value {
    json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": null})
}

fn whole(message: Value, finish: Value) -> Result<Answer, Failure> {
    let body = json!({"choices": [{"index": 0, "message": message, "finish_reason": finish}],
                      "usage": {"prompt_tokens": 10, "completion_tokens": 20}});
    read(&[body.to_string().as_bytes()])
}

fn text(result: Result<Answer, Failure>) -> (String, Finish) {
    let answer = result.unwrap();
    (answer.text, answer.finish)
}

#[test]
fn half_of_a_surrogate_pair_is_one_broken_character() {
    let content = r#""C:\\ud800 \\\" \ud83d\ude00 \ud83d, \ude00\u0041 \ud83d""#;
    let said = "C:\\ud800 \\\" \u{1f600} \u{fffd}, \u{fffd}A \u{fffd}";
    let body =
        format!(r#"{{"choices":[{{"message":{{"content":{content}}},"finish_reason":"stop"}}]}}"#);
    assert_eq!(
        text(read(&[body.as_bytes()])),
        (said.to_owned(), Finish::Stop)
    );
    let event = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"content\":{content}}},\"finish_reason\":\"stop\"}}]}}\n\ndata: [DONE]\n\n"
    );
    assert_eq!(
        text(read(&[event.as_bytes()])),
        (said.to_owned(), Finish::Stop)
    );
    assert!(read(&[br#"{"choices": \ud800}"#]).is_err());
}

#[test]
fn a_stream_split_anywhere_gives_the_same_answer() {
    let body = stream(
        &[
            delta(json!({"role": "assistant", "content": ""}), json!("")),
            delta(json!({"content": "Das Zürcher "}), json!(null)),
            delta(
                json!({"content": [{"type": "text", "text": "Bud"}, {"type": "image_url"}, "get."]}),
                json!(null),
            ),
            delta(json!({"content": null}), json!("stop")),
            json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}}),
        ],
        ": bye\r\n\r\ndata: [DONE]\n\n",
    );
    let body = body.as_bytes();
    let expected = read(&[body]).unwrap();
    assert_eq!(expected.text, "Das Zürcher Budget.");
    assert_eq!(expected.finish, Finish::Stop);
    let usage = expected.usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (10, 20));
    for at in 0..=body.len() {
        let (head, tail) = body.split_at(at);
        assert_eq!(read(&[head, tail]).unwrap(), expected, "split at {at}");
    }
    let marked = [b"\xef\xbb\xbf".as_slice(), body].concat();
    assert_eq!(read(&[&marked]).unwrap(), expected);
    assert_eq!(read(&[b" \n: waiting\n", b"\n", body]).unwrap(), expected);
}

#[test]
fn what_has_come_of_a_stream_is_kept() {
    let interrupted = |events: &[Value], end: &str| {
        let mut reader = Reader::new(Completion);
        reader.push(stream(events, end).as_bytes()).unwrap();
        let answer = reader.interrupted(100)?;
        Some((answer.text, answer.finish, answer.is_interrupted))
    };
    let words = |text: &str| delta(json!({ "content": text }), json!(null));
    let thought = delta(json!({"reasoning": "Who?"}), json!(null));
    let begun = |text: &str| Some((text.to_owned(), Finish::Length, true));
    for (events, end, expected) in [
        (
            vec![thought.clone(), words("They met."), words(" Th")],
            "",
            begun("They met. Th"),
        ),
        (
            vec![words("<think>Who?</think>They met.")],
            "data: {\"cho",
            begun("They met."),
        ),
        (vec![words("They met.<|im_e")], "", begun("They met.")),
        (vec![words("<think>Who? They")], "", None),
        (vec![thought], "", None),
        (vec![], ": waiting\n\n", None),
        (
            vec![delta(json!({"refusal": "No."}), json!(null)), words("No.")],
            "",
            None,
        ),
        // It is complete but for its usage.
        (
            vec![words("They met."), delta(json!({}), json!("stop"))],
            "",
            Some(("They met.".to_owned(), Finish::Stop, false)),
        ),
    ] {
        assert_eq!(interrupted(&events, end), expected, "{events:?}");
    }
    let mut whole = Reader::new(Completion);
    whole
        .push(br#"{"choices":[{"message":{"content":"They met"#)
        .unwrap();
    assert!(whole.interrupted(100).is_none());
}

#[test]
fn streams_may_end_in_several_ways() {
    let words = delta(json!({"content": "Words."}), json!(null));
    let last = delta(json!({}), json!("length"));
    let no_mark = stream(&[words.clone(), last.clone()], "");
    assert_eq!(
        text(read(&[no_mark.as_bytes()])),
        ("Words.".to_owned(), Finish::Length)
    );
    let unclosed = stream(std::slice::from_ref(&words), &format!("data: {last}"));
    assert_eq!(
        text(read(&[unclosed.as_bytes()])),
        ("Words.".to_owned(), Finish::Length)
    );
    let no_reason = stream(std::slice::from_ref(&words), "data: [DONE]\n\n");
    assert_eq!(
        text(read(&[no_reason.as_bytes()])),
        ("Words.".to_owned(), Finish::Unknown)
    );
    let used_up = json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 100}});
    let inferred = stream(&[words.clone(), used_up], "data: [DONE]\n\n");
    assert_eq!(
        text(read(&[inferred.as_bytes()])),
        ("Words.".to_owned(), Finish::Length)
    );
    for broken in [
        stream(std::slice::from_ref(&words), ""),
        stream(&[words], "data: {\"choi"),
        ": nothing\n\n".to_owned(),
    ] {
        let failure = read(&[broken.as_bytes()]).unwrap_err();
        assert!(
            matches!(failure, Failure::Known(Cause::Disconnected, _)),
            "{failure:?}"
        );
    }
}

#[test]
fn events_need_no_empty_lines_between_them() {
    let body = stream(
        &[
            delta(json!({"content": "a"}), json!(null)),
            delta(json!({"content": "b"}), json!("stop")),
        ],
        "",
    );
    let body = body.replace("\n\n", "\n");
    assert_eq!(text(read(&[body.as_bytes()])).0, "ab");
}

#[test]
fn whole_answers_are_read() {
    let expected = ("Words.".to_owned(), Finish::Stop);
    assert_eq!(
        text(whole(json!({"content": "Words.\n"}), json!("stop"))),
        expected
    );
    let parts = json!([{"type": "text", "text": "Wor"}, {"type": "reasoning", "text": "hm"}, {"text": "ds."}]);
    assert_eq!(
        text(whole(json!({"content": parts}), json!("eos"))),
        expected
    );
    assert_eq!(
        text(whole(
            json!({"content": "<think>hm</think>Words."}),
            json!("stop")
        )),
        expected
    );
    assert_eq!(
        text(whole(json!({"content": "Wor"}), json!("length"))),
        ("Wor".to_owned(), Finish::Length)
    );
    assert_eq!(
        text(whole(json!({"content": "Words."}), json!("content_filter"))).1,
        Finish::Filter
    );
    let no_usage = br#"{"choices":[{"text":"Words.","finish_reason":"stop"}],"usage":null}"#;
    let answer = read(&[no_usage]).unwrap();
    assert_eq!((answer.text.as_str(), answer.usage), ("Words.", None));
}

#[test]
fn an_answer_of_reasoning_alone_counts_as_cut_off() {
    let empty = (String::new(), Finish::Length);
    for (message, finish) in [
        (json!({"content": null, "reasoning": "hm"}), "length"),
        (json!({"content": "<think>hm"}), "stop"),
        (json!({"content": "<think>hm"}), "length"),
        (json!({"content": ""}), "length"),
    ] {
        assert_eq!(text(whole(message, json!(finish))), empty);
    }
}

#[test]
fn a_finished_answer_in_the_field_for_reasoning_is_a_candidate() {
    for name in ["reasoning", "reasoning_content"] {
        let answer = whole(json!({"content": null, name: "Words."}), json!("stop")).unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.is_reasoning),
            ("Words.", true)
        );
        let both = whole(json!({"content": "Text.", name: "hm"}), json!("stop")).unwrap();
        assert_eq!((both.text.as_str(), both.is_reasoning), ("Text.", false));
    }
}

#[test]
fn a_stream_ends_with_its_turn_or_its_first_repetitions() {
    let piece = |text: &str| {
        let event = delta(json!({ "content": text }), json!(null));
        format!("data: {event}\n\n").into_bytes()
    };
    for (start, more, text, finish) in [
        ("They met.", "<|im_end|>", "They met.", Finish::Stop),
        ("They met.", "</s>", "They met.", Finish::Stop),
        (
            "",
            "It was so again, as they said. ",
            "It was so",
            Finish::Length,
        ),
    ] {
        let mut reader = Reader::new(Completion);
        let mut count = 0;
        while count < 1000
            && !reader
                .push(&piece(if count == 0 { start } else { more }))
                .unwrap()
        {
            count += 1;
        }
        assert!(count < 200, "{count} pieces of {more:?}");
        let answer = reader.finish(5000).unwrap();
        assert!(answer.text.starts_with(text), "{}", answer.text);
        assert_eq!(answer.finish, finish, "{more}");
    }
    // Marks between channels end nothing.
    let mut reader = Reader::new(Completion);
    for text in [
        "<|channel|>analysis<|message|>hm<|end|>",
        "<|start|>assistant<|channel|>final<|message|>They met.",
    ] {
        assert!(!reader.push(&piece(text)).unwrap());
    }
}

#[test]
fn rejects_a_success_without_a_text() {
    for (body, expected) in [
        ("", "an empty body"),
        ("null", "JSON without choices"),
        ("[]", "JSON without choices"),
        (r#"{"choices":null}"#, "JSON without choices"),
        (r#"{"choices":[]}"#, "JSON without choices"),
        ("<html><title>Welcome</title></html>", "a web page: Welcome"),
        ("internal nonsense", "17 bytes that are no JSON"),
        (
            r#"{"choices":[{"message":{"content":" "},"finish_reason":"stop"}]}"#,
            "an empty text",
        ),
        (
            r#"{"choices":[{"message":{"content":null,"refusal":"I can't"}}]}"#,
            "no text",
        ),
        (
            r#"{"choices":[{"message":{"content":"x"},"finish_reason":"tool_calls"}]}"#,
            "generation ended with \"tool_calls\"",
        ),
        ("data: [DONE]\n\n", "a stream without choices"),
        (
            "data: plain words\n\ndata: [DONE]\n\n",
            "an event that is no JSON",
        ),
    ] {
        match read(&[body.as_bytes()]) {
            Err(Failure::Withheld(_)) => {}
            Err(Failure::Known(Cause::Unusable, what)) => {
                assert_eq!(what, expected);
            }
            other => panic!("{body}: {other:?}"),
        }
    }
    let cut = read(&[br#"{"choices":[{"mess"#]).unwrap_err();
    assert!(
        matches!(cut, Failure::Known(Cause::Disconnected, _)),
        "{cut:?}"
    );
}

#[test]
fn errors_inside_a_success_are_found() {
    let words = delta(json!({"content": "Words."}), json!(null)).to_string();
    let in_stream = format!(
        "data: {words}\n\ndata: {{\"error\":{{\"message\":\"broke\",\"http_status_code\":422}}}}\n\ndata: [DONE]\n\n"
    );
    for body in [
        r#"{"choices":null,"error":{"message":"broke"}}"#,
        r#"{"err":"broke","traceback":"File x"}"#,
        r#"{"object":"error","message":"broke","code":400}"#,
        r#"{"detail":"broke"}"#,
        r#"{"choices":[{"error":{"message":"broke"},"finish_reason":"error"}]}"#,
        in_stream.as_str(),
    ] {
        match read(&[body.as_bytes()]) {
            Err(Failure::InBand(said)) => assert_eq!(said.message, "broke", "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    let none =
        r#"{"error":null,"err":"","choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}"#;
    assert_eq!(text(read(&[none.as_bytes()])).0, "x");
}

#[test]
fn text_generated_before_an_error_is_not_repeated() {
    let body = r#"{"error":{"code":500},"choices":[{"message":{"content":"Dana sold it."}}]}"#;
    match read(&[body.as_bytes()]) {
        Err(Failure::InBand(said)) => assert_eq!(said.message, r#"{"error":{"code":500}}"#),
        other => panic!("{other:?}"),
    }
}
