use super::*;
use crate::summary::check::tests::{GOOD, SOURCE};
use crate::summary::check::{Expected, Severity, check};
use crate::summary::told::Told;
use crate::wire::template;

const INSTRUCTIONS: &str = "You write one section of a long written summary of a transcript. Other sections cover the other parts.\n\
    - No remarks about the task, the transcript or the length. End with a complete sentence.\n\
    Part 3 of 11 of the transcript.\nLength: about 450 words, in about 5 paragraphs.\n\
    The part of the transcript:\n<<<c0ffee00\n\nc0ffee00>>>\n\
    Write the section now: the heading, an empty line, the text, in the length given above.";

/// What a reader would get of an answer that came over the wire like this, and whether it is refused.
fn read(answer: &str, source: &str) -> (String, bool) {
    let (text, _) = template::strip(answer);
    let told = Told::of_section(&text);
    let expected = Expected {
        words: words::count(&told.text),
        source,
        notes: "",
        instructions: INSTRUCTIONS,
        fence: "c0ffee00",
        language: None,
    };
    let problems = check(&told.text, told.flaw, &expected);
    let is_refused = problems
        .iter()
        .any(|problem| problem.severity() == Severity::Fatal);
    (told.text, is_refused)
}

fn unescaped(line: &str) -> String {
    line.replace("\\n", "\n")
        .replace("\\t", "\t")
        .replace("\\\"", "\"")
        .replace("\\\\", "\\")
}

fn assert_none(wrong: &[String]) {
    let (count, all) = (wrong.len(), wrong.join("\n"));
    assert!(wrong.is_empty(), "{count} are wrong:\n{all}");
}

/// Each line of the file: whether the answer is mended or refused, the kind of its flaw, and the answer, in which `{good}` is good
/// prose.
#[test]
fn each_spoiled_answer_is_mended_or_refused() {
    let lines = include_str!("../../../tests/answers/spoiled.tsv").lines();
    let lines: Vec<&str> = lines.collect();
    let mut wrong = Vec::new();
    for line in &lines {
        let [wanted, kind, answer] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("no three fields in {line}");
        };
        let answer = unescaped(answer).replace("{good}", GOOD);
        let (text, is_refused) = read(&answer, SOURCE);
        let is_right = match wanted {
            "mended" => !is_refused && text == GOOD,
            _ => is_refused,
        };
        if !is_right {
            wrong.push(format!(
                "{kind}: {answer:?} became {text:?}, refused: {is_refused}"
            ));
        }
    }
    assert!(lines.len() >= 150, "{} answers", lines.len());
    assert_none(&wrong);
}

/// A false alarm costs a paid request.
#[test]
fn good_answers_are_left_alone() {
    let lines: Vec<&str> = include_str!("../../../tests/answers/good.txt")
        .lines()
        .collect();
    let mut wrong = Vec::new();
    for line in &lines {
        let answer = unescaped(line);
        let (text, is_refused) = read(&answer, &answer);
        if is_refused || !answer.ends_with(&text) || text.len() * 3 < answer.len() * 2 {
            wrong.push(format!(
                "{answer:?} became {text:?}, {:?}",
                flaw(&answer, true)
            ));
        }
    }
    assert!(lines.len() >= 40, "{} answers", lines.len());
    assert_none(&wrong);
}

#[test]
fn notes_may_tell_who_speaks() {
    let notes = "1. Dana: the depot is late.\n2. Dana: until March 27.\nLee: ask the city.\nLee: by December.";
    assert_eq!(flaw(notes, false), None);
    assert_eq!(flaw("{\"notes\": []}", false), Some(Flaw::Data));
}
