//! `evaluate`, run as a process.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::command_line::Shell;
use crate::support::behaviour::Behaviour;
use crate::support::chat_server::ChatServer;
use crate::support::huggingface::TOKEN;
use crate::support::obedient;
use crate::support::workplace::meeting;

const RESULTS: &str = "evaluation/evaluation.json";

fn samples() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/dialogues.jsonl");
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_built_in_model_is_evaluated_once_and_compared() {
    let shell = Shell::with(&[]);
    shell.write("set.jsonl", samples());
    let run = shell.run(&["evaluate", "set.jsonl"]).succeeds();
    for line in [
        "8 transcripts summarized: extractive, as many words as the reference has\n",
        "\n  ROUGE-1      0.",
        "\n  length ",
        "\n  coverage ",
        "\n  unsupported ",
        "\n  seconds ",
        " summaries a minute\n",
        "\n  written to evaluation/evaluation.json\n",
    ] {
        assert!(
            run.stdout.contains(line),
            "{line:?} is not in {}",
            run.stdout
        );
    }
    let first = shell.report(RESULTS);
    assert_eq!(
        (&first["failed"], first["version"].as_u64()),
        (&json!([]), Some(1))
    );
    let transcripts = first["transcripts"].as_array().unwrap();
    assert_eq!(transcripts[6]["input"], "set.jsonl:7");
    for one in transcripts {
        let summary = one["summary"].as_str().unwrap();
        let text = fs::read_to_string(shell.path("evaluation").join(summary)).unwrap();
        let words = text.split_whitespace().count() as u64;
        assert_eq!(one["measures"]["words"].as_u64(), Some(words));
        let recall = one["measures"]["rouge"]["rouge1"]["recall"].as_f64();
        assert!(recall > Some(0.1), "{one}");
        // The built-in model says nothing of its own.
        assert_eq!(one["measures"]["unsupported_numbers"], 0, "{one}");
    }
    let coverage = first["figures"]["coverage"]["mean"]["mean"]
        .as_f64()
        .unwrap();
    assert!((0.2..0.7).contains(&coverage), "{coverage}");

    // Nothing is summarized again, and what is compared with itself is the same.
    let again = ["evaluate", "set.jsonl", "--against", RESULTS];
    let run = shell.run(&again).succeeds();
    let speed = " summaries a minute, when they were made\n";
    assert!(run.stdout.contains(speed), "{run:?}");
    let second = shell.report(RESULTS);
    // Nor is what was measured while they were made.
    assert_eq!(second["figures"]["rouge"], first["figures"]["rouge"]);
    let times = |of: &Value| {
        let all = of["transcripts"].as_array().unwrap().iter();
        let seconds = all.map(|one| one["seconds"].as_f64().unwrap());
        let speed = of["speed"]["summaries_per_minute"].as_f64().unwrap();
        seconds.chain([speed]).collect::<Vec<f64>>()
    };
    for (now, then) in times(&second).into_iter().zip(times(&first)) {
        assert!((now / then - 1.0).abs() < 1e-9, "{now} was {then}");
    }
    let rouge1 = &second["against"]["differences"][0];
    assert_eq!(
        (&rouge1["ties"], &rouge1["wins"]),
        (&json!(8), &json!(0)),
        "{rouge1}"
    );

    // Another configuration, elsewhere.
    let longer = [
        "evaluate",
        "set.jsonl",
        "--words",
        "90",
        "--out",
        "longer",
        "--against",
        RESULTS,
    ];
    let run = shell.run(&longer).succeeds();
    assert!(
        run.stdout.contains("\nagainst extractive, as many words"),
        "{run:?}"
    );
    let row = run
        .stdout
        .lines()
        .rfind(|line| line.starts_with("  coverage   "))
        .unwrap();
    assert!(row.contains('+'), "longer summaries cover more: {row}");
    // Programs are told all of it.
    let run = shell.run(&[&longer[..], &["--json"]].concat()).succeeds();
    let lines = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let (last, transcripts) = lines.split_last().unwrap();
    let written = shell.report("longer/evaluation.json");
    assert_eq!(transcripts.len(), 8);
    for member in ["configuration", "figures", "speed", "against"] {
        assert!(!last[member].is_null(), "{last}");
        assert_eq!(last[member], written[member]);
    }
    assert_eq!(
        (&last["summarized"], &last["failed"]),
        (&json!(8), &json!(0))
    );
    let wrong = shell.run(&["evaluate", "set.jsonl", "--against", "set.jsonl"]);
    let expected =
        "error: --against set.jsonl: expected the evaluation.json of an earlier evaluation: ";
    assert!(
        wrong.status == Some(2) && wrong.stderr.starts_with(expected),
        "{wrong:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_that_was_interrupted_continues_without_paying_again() {
    let (answered, is_down) = (
        Arc::new(Mutex::new(Vec::new())),
        Arc::new(AtomicBool::new(true)),
    );
    let (list, down) = (Arc::clone(&answered), Arc::clone(&is_down));
    let server = ChatServer::start(move |request| {
        if request.message("user").contains("Gasworks") && down.load(Ordering::SeqCst) {
            return Behaviour::status(401, "expired");
        }
        list.lock().unwrap().push(request.raw.clone());
        Behaviour::text(obedient::answer(request.message("user")))
    })
    .await;
    let shell = Shell::with(&[]);
    shell.write("a/good.txt", meeting(700).replace("Gasworks", "Harbor"));
    shell.write("a/good.reference.txt", "They met.");
    let broken = format!("Dana: The Gasworks depot is late.\n{}", meeting(700));
    shell.write("a/broken.txt", broken);
    shell.write("a/broken.ref.json", r#"["They met again."]"#);
    let variables = [("HF_API_TOKEN", TOKEN), ("HF_ENDPOINT_URL", server.url())];
    let evaluate = ["evaluate", "a", "--words", "300", "--at-once", "2"];
    let run = shell.run_with(&variables, &evaluate, b"");
    assert_eq!(run.status, Some(1), "{run:?}");
    assert!(run.stderr.contains("error: a/broken.txt: "), "{run:?}");
    let evaluation = shell.report(RESULTS);
    assert_eq!(evaluation["failed"][0]["input"], "a/broken.txt");
    assert_eq!(evaluation["transcripts"].as_array().unwrap().len(), 1);
    is_down.store(false, Ordering::SeqCst);
    let run = shell.run_with(&variables, &evaluate, b"").succeeds();
    assert!(
        run.stdout
            .starts_with("2 transcripts summarized: huggingface ("),
        "{run:?}"
    );
    let evaluation = shell.report(RESULTS);
    let earlier = ["a/broken.txt", "a/good.txt"].map(|name| {
        let mut all = evaluation["transcripts"].as_array().unwrap().iter();
        all.find(|one| one["input"] == name).unwrap()["is_earlier"] == true
    });
    assert_eq!(earlier, [false, true]);
    assert!(evaluation["figures"]["usage"]["completion_tokens"].as_u64() > Some(300));
    let answered = answered.lock().unwrap();
    let different: HashSet<_> = answered.iter().collect();
    assert_eq!(different.len(), answered.len(), "a request was paid twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_in_which_everything_fails_is_given_up() {
    let server = ChatServer::start(|_| Behaviour::status(401, "expired")).await;
    let shell = Shell::with(&[]);
    shell.write("set.jsonl", samples().repeat(5));
    let variables = [("HF_API_TOKEN", TOKEN), ("HF_ENDPOINT_URL", server.url())];
    let evaluate = ["evaluate", "set.jsonl", "--at-once", "3", "--json"];
    let run = shell.run_with(&variables, &evaluate, b"");
    assert_eq!(run.status, Some(1), "{run:?}");
    assert!(
        run.stderr
            .contains("error: the first 10 transcripts have failed: the rest are left out\n"),
        "{run:?}"
    );
    let evaluation = shell.report(RESULTS);
    let failed = evaluation["failed"].as_array().unwrap().len();
    // Those that were started meanwhile, too.
    assert!((10..=13).contains(&failed), "{failed}");
    assert_eq!(evaluation["figures"], Value::Null);
    let lines: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (last, lines) = lines.split_last().unwrap();
    assert_eq!(
        (&last["figures"], &last["failed"]),
        (&Value::Null, &json!(failed))
    );
    assert_eq!(lines.len(), failed);
    assert!(
        lines
            .iter()
            .all(|line| line["status"] == "failed" && line["error"].is_string())
    );
}

#[test]
fn a_broken_line_is_wrong_usage_and_nothing_is_summarized() {
    let shell = Shell::with(&[]);
    shell.write("set.jsonl", samples() + "{\"dialogue\": \"A: Hello.\"}\n");
    let expected = "set.jsonl, line 9: it has no reference; expected an object with the texts `dialogue`, `document`, `text` or \
                    `transcript`, and `summary`, `reference` or `highlights`";
    shell.run(&["evaluate", "set.jsonl"]).fails(2, expected);
    assert!(!shell.path("evaluation").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_become_a_data_set_without_the_answers_that_were_rejected() {
    let refused = AtomicBool::new(false);
    let server = ChatServer::start(move |request| {
        let prompt = request.message("user");
        if prompt.contains("Gasworks") && !refused.swap(true, Ordering::SeqCst) {
            return Behaviour::text("I'm sorry, but I cannot help with that request.");
        }
        Behaviour::text(obedient::answer(prompt))
    })
    .await;
    let shell = Shell::with(&[]);
    shell.write("one.txt", meeting(700).replace("Gasworks", "Harbor"));
    shell.write(
        "two.txt",
        format!("Dana: The Gasworks depot is late.\n{}", meeting(700)),
    );
    let variables = [("HF_API_TOKEN", TOKEN), ("HF_ENDPOINT_URL", server.url())];
    let summarize = [
        "summarize",
        "one.txt",
        "two.txt",
        "--words",
        "200",
        "--trace",
        "t",
    ];
    shell.run_with(&variables, &summarize, b"").succeeds();
    let sent = server.requests().len();
    assert_eq!(
        fs::read_dir(shell.path("t")).unwrap().count(),
        sent,
        "a file for each call"
    );
    let run = shell.run(&["dataset", "t", "--out", "set"]).succeeds();
    assert!(
        run.stdout.contains("1 transcript\n") && run.stdout.contains("left out: 1 rejected"),
        "{run:?}"
    );
    let examples = |name: &str| {
        let lines = fs::read_to_string(shell.path(name)).unwrap();
        assert!(!lines.contains(TOKEN));
        let examples = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        examples.collect::<Vec<Value>>()
    };
    let (train, validation) = (
        examples("set/train.jsonl"),
        examples("set/validation.jsonl"),
    );
    assert_eq!(train.len() + validation.len(), sent - 1);
    for side in [&train, &validation] {
        let about = |example: &Value| example.to_string().contains("Gasworks");
        assert!(!side.is_empty() && side.iter().all(|one| about(one) == about(&side[0])));
        for example in side {
            let roles = example["messages"]
                .as_array()
                .unwrap()
                .iter()
                .map(|message| &message["role"]);
            assert_eq!(roles.collect::<Vec<_>>(), ["system", "user", "assistant"]);
            assert!(!example.to_string().contains("cannot help"), "{example}");
        }
    }
    let run = shell
        .run(&["dataset", "t", "--out", "again", "--json"])
        .succeeds();
    let lines: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["examples"], train.len());
    assert_eq!(
        fs::read(shell.path("again/train.jsonl")).unwrap(),
        fs::read(shell.path("set/train.jsonl")).unwrap()
    );
    // An earlier set is not lost, and quotations teach nothing.
    shell
        .run(&[
            "summarize",
            "one.txt",
            "--words",
            "200",
            "--trace",
            "q",
            "--out",
            "q-out",
        ])
        .succeeds();
    let set = fs::read(shell.path("set/train.jsonl")).unwrap();
    let replaced =
        "--out set: it holds a data set: each needs a directory of its own; --force replaces it";
    shell
        .run(&["dataset", "q", "--out", "set"])
        .fails(2, replaced);
    let quoted = "the traces have no answer that was used as it came (";
    let run = shell.run(&["dataset", "q", "--out", "set", "--force"]);
    assert!(
        run.status == Some(2) && run.stderr.contains(quoted),
        "{run:?}"
    );
    assert!(
        run.stderr.contains("quoted by the built-in model)"),
        "{run:?}"
    );
    assert_eq!(fs::read(shell.path("set/train.jsonl")).unwrap(), set);
    let both = ["dataset", "t", "q", "--out", "set", "--force"];
    let run = shell.run(&both).succeeds();
    assert!(
        run.stdout.contains(" quoted by the built-in model"),
        "{run:?}"
    );
    assert_eq!(fs::read(shell.path("set/train.jsonl")).unwrap(), set);
    shell.write("u/0001-section-001.json", "{}");
    shell.run(&["dataset", "u", "--out", "fresh"]).fails(
        2,
        "u/0001-section-001.json: expected a request and its answer as --trace of this version writes them: missing field `etag` at \
         line 1 column 2",
    );
}

#[test]
fn the_evaluation_of_another_configuration_is_not_replaced() {
    let shell = Shell::with(&[]);
    let line = samples().lines().next().unwrap().to_owned();
    shell.write("set.jsonl", line);
    shell.run(&["evaluate", "set.jsonl"]).succeeds();
    let first = shell.report(RESULTS);
    let other = ["evaluate", "set.jsonl", "--words", "60"];
    shell.run(&other).fails(
        2,
        "--out evaluation: it holds the evaluation of extractive: each configuration needs a directory of its own; --force replaces it",
    );
    assert_eq!(shell.report(RESULTS), first);
    let forced = [&other[..], &["--force"]].concat();
    shell.run(&forced).succeeds();
    assert_eq!(shell.report(RESULTS)["configuration"]["words"], 60);
}
