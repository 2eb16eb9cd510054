//! Tests with task replies of every form, whole and streamed.

use super::*;
use crate::model::{Answer, Finish};
use crate::wire::answer::Reader;
use crate::wire::failure::Cause;
use serde_json::json;

fn read(format: TaskReply<'_>, body: &str, max_tokens: usize) -> Result<Answer, Failure> {
    let mut reader = Reader::new(format);
    reader.push(body.as_bytes())?;
    reader.finish(max_tokens)
}

#[test]
fn texts_of_every_shape_are_read() {
    for body in [
        json!([{"generated_text": "They met."}]),
        json!({"generated_text": "They met."}),
        json!([[{"generated_text": "They met."}]]),
        json!("They met."),
        json!(["They met."]),
        json!({"text": "They met.", "error": null}),
        json!({"generated_text": "Who? </think> They met."}),
        json!([{"generated_text": " Tell me.\n\nThey met."}]),
    ] {
        let answer = read(TaskReply::generation("Tell me."), &body.to_string(), 9).unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.finish, answer.usage),
            ("They met.", Finish::Unknown, None),
            "{body}"
        );
    }
    for body in [
        json!([{"summary_text": "Tell me. They met."}]),
        json!({"summary_text": "Tell me. They met."}),
        json!("Tell me. They met."),
    ] {
        let answer = read(TaskReply::default(), &body.to_string(), 9).unwrap();
        assert_eq!(answer.text, "Tell me. They met.");
    }
}

#[test]
fn answers_that_used_up_the_limit_are_cut_off() {
    let details = |reason: &str, tokens: u64| json!([{"generated_text": "They", "details": {"finish_reason": reason, "generated_tokens": tokens}}]);
    for (body, expected) in [
        (details("length", 3), Finish::Length),
        (details("eos_token", 9), Finish::Stop),
        (details("stop_sequence", 3), Finish::Stop),
        (details("", 9), Finish::Length),
        (details("", 8), Finish::Stop),
    ] {
        let answer = read(TaskReply::generation("x"), &body.to_string(), 9).unwrap();
        assert_eq!(answer.finish, expected, "{body}");
    }
}

#[test]
fn a_stream_split_anywhere_gives_the_same_answer() {
    let stream = "data:{\"token\":{\"text\":\"Zü\",\"special\":false},\"generated_text\":null}\n\n\
                  data:{\"token\":{\"text\":\"rich\",\"special\":false},\"generated_text\":null}\n\n\
                  data:{\"token\":{\"text\":\"</s>\",\"special\":true},\"generated_text\":\"\",\"details\":null}\n\n";
    for at in 0..stream.len() {
        let (head, tail) = stream.as_bytes().split_at(at);
        let mut reader = Reader::new(TaskReply::generation("x"));
        reader.push(head).unwrap();
        assert!(reader.push(tail).unwrap());
        let answer = reader.finish(100).unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.finish),
            ("Zürich", Finish::Stop)
        );
        assert_eq!(answer.usage.unwrap().completion_tokens, 3);
    }
    let open = stream.trim_end();
    assert_eq!(
        read(TaskReply::generation("x"), open, 3).unwrap().finish,
        Finish::Length
    );
    let broken = stream.get(..stream.len() - 30).unwrap();
    assert!(matches!(
        read(TaskReply::generation("x"), broken, 9),
        Err(Failure::Known(Cause::Disconnected, _))
    ));
}

#[test]
fn rejects_replies_without_a_text() {
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "[{}]",
        "7",
        r#"{"generated_text":" "}"#,
        "<html>x</html>",
        "oops",
        "data: oops\n\n",
    ] {
        let result = read(TaskReply::generation("x"), body, 9);
        assert!(
            matches!(result, Err(Failure::Known(Cause::Unusable, _))),
            "{body}: {result:?}"
        );
    }
    for body in [
        r#"{"error":"x"}"#,
        r#"[{"error":"x"}]"#,
        r#"{"detail":"x"}"#,
        "data:{\"error\":\"x\",\"error_type\":\"generation\"}\n\n",
    ] {
        let result = read(TaskReply::generation("x"), body, 9);
        assert!(
            matches!(result, Err(Failure::InBand(_))),
            "{body}: {result:?}"
        );
    }
    let cut = read(TaskReply::generation("x"), r#"[{"generated_text":"They"#, 9);
    assert!(
        matches!(cut, Err(Failure::Known(Cause::Disconnected, _))),
        "{cut:?}"
    );
}
