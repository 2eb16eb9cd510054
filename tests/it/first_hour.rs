//! The first hour with the command line: progress, several files, failures and their reasons.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::command_line::{Ended, Shell};
use crate::support::behaviour::Behaviour;
use crate::support::chat_server::{ChatRequest, ChatServer};
use crate::support::huggingface::TOKEN;
use crate::support::obedient;
use crate::support::workplace::meeting;

fn obedient(request: &ChatRequest) -> Behaviour {
    Behaviour::text(obedient::answer(request.message("user")))
}

/// Runs the program against a server.
fn run(shell: &Shell, server: &ChatServer, arguments: &[&str]) -> Ended {
    let variables = [("HF_API_TOKEN", TOKEN), ("HF_ENDPOINT_URL", server.url())];
    tokio::task::block_in_place(|| shell.run_with(&variables, arguments, b""))
}

/// The phase, the answered and the expected calls in each line about progress.
fn progress(run: &Ended) -> Vec<(String, usize, usize)> {
    let lines = run.stderr.lines().filter_map(|line| {
        let (_, told) = line.split_once(": ")?;
        let (told, _) = told.split_once(" calls, ")?;
        let (phase, calls) = told.rsplit_once(", ")?;
        let (done, of) = calls.split_once(" of ")?;
        Some((phase.to_owned(), done.parse().ok()?, of.parse().ok()?))
    });
    lines.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_names_phases_counts_calls_and_is_not_full_before_the_end() {
    let shell = Shell::with(&[]);
    shell.write("call.txt", meeting(4000));
    let server = ChatServer::start(obedient).await;
    let told = progress(&run(&shell, &server, &["summarize", "call.txt"]).succeeds());
    let mut phases: Vec<&str> = told.iter().map(|(phase, ..)| phase.as_str()).collect();
    phases.dedup();
    let expected = ["reading", "outline", "sections", "length", "last read"];
    assert_eq!(phases[..5], expected);
    assert!(told.iter().all(|(_, done, of)| done < of), "{told:?}");
    let answered = told.iter().map(|(_, done, _)| *done);
    assert_eq!(answered.max(), Some(server.requests().len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_is_no_progress_and_is_not_tried_with_every_file() {
    let files = ["a.txt", "b.txt", "c.txt", "d.txt"];
    let shell = Shell::with(&files);
    let server = ChatServer::start(|_| Behaviour::status(401, "expired")).await;
    let arguments = [&["summarize", "--jobs", "1"][..], &files].concat();
    let ended = run(&shell, &server, &arguments);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(progress(&ended).iter().all(|(_, done, _)| *done == 0));
    assert_eq!(ended.stderr.matches("refused the token").count(), 1);
    let last = ended.stderr.lines().last().unwrap();
    let tally = "0 done, 1 failed, 3 not tried: what is wrong would be wrong for them, too";
    assert_eq!(last, tally);
    let next = "  next: fix what the message names, and run the same command again: nothing that was paid for is requested again";
    assert!(ended.stderr.contains(next), "{}", ended.stderr);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files_are_worked_on_at_a_time_and_counted_at_the_end() {
    let shell = Shell::with(&["a.txt", "b.txt", "c.txt"]);
    // Nobody is answered before both transcripts have asked.
    let together = Arc::new(tokio::sync::Barrier::new(2));
    let server = ChatServer::start(move |request| match request.number {
        0 | 1 => Behaviour::Together(Arc::clone(&together), Box::new(obedient(request))),
        _ => obedient(request),
    })
    .await;
    let files = [
        "summarize",
        "--jobs",
        "2",
        "a.txt",
        "b.txt",
        "gone.txt",
        "c.txt",
    ];
    let ended = run(&shell, &server, &files);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_eq!(ended.stderr.lines().last(), Some("3 done, 1 failed"));
    assert_eq!(ended.stdout.matches(" wanted, ").count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_trouble_is_waited_for() {
    let shell = Shell::with(&["call.txt"]);
    let server = ChatServer::start(|request| match request.number {
        0 | 1 => Behaviour::status(500, "out of memory"),
        _ => obedient(request),
    })
    .await;
    let ended = run(&shell, &server, &["summarize", "call.txt"]).succeeds();
    assert_eq!(ended.stderr.matches("; trying again in 1 s").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_answer_has_its_reason_in_the_message_and_in_the_trace() {
    let shell = Shell::with(&["call.txt"]);
    let refusal = "I'm sorry, but I cannot help with that request.";
    let server = ChatServer::start(move |_| Behaviour::text(refusal)).await;
    let ended = run(&shell, &server, &["summarize", "call.txt", "--trace", "t"]);
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.contains("a refusal"), "{}", ended.stderr);
    let next =
        "  next: look at the model's answers with `transcript-summarizer summarize --trace DIR`";
    assert!(ended.stderr.contains(next), "{}", ended.stderr);
    let files = fs::read_dir(shell.path("t")).unwrap();
    let traced = files.map(|file| fs::read(file.unwrap().path()).unwrap());
    let traced: Vec<Value> = traced
        .map(|file| serde_json::from_slice(&file).unwrap())
        .collect();
    let of_sections = traced.iter().filter(|trace| trace["task"] == "section");
    let reasons: Vec<&Value> = of_sections.map(|trace| &trace["reason"]).collect();
    assert!(
        !reasons.is_empty() && reasons.contains(&&"a refusal".into()),
        "{reasons:?}"
    );
    assert!(
        traced.iter().all(|trace| trace["reason"].is_string()),
        "{traced:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_deleted_meanwhile_is_said_to_be() {
    let shell = Shell::with(&["call.txt"]);
    let (path, calls) = (shell.path("call.txt"), AtomicUsize::new(0));
    let server = ChatServer::start(move |request| {
        if calls.fetch_add(1, Ordering::SeqCst) == 0 {
            fs::remove_file(&path).unwrap();
        }
        obedient(request)
    })
    .await;
    let ended = run(&shell, &server, &["summarize", "call.txt"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let error = "error: call.txt: it was deleted while it was read";
    assert!(ended.stderr.contains(error), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superseded_run_leaves_no_answers_behind() {
    let shell = Shell::with(&["call.txt"]);
    let (path, calls) = (shell.path("call.txt"), AtomicUsize::new(0));
    let server = ChatServer::start(move |request| {
        if calls.fetch_add(1, Ordering::SeqCst) == 0 {
            fs::write(&path, meeting(600)).unwrap();
        }
        obedient(request)
    })
    .await;
    let ended = run(&shell, &server, &["summarize", "call.txt"]);
    let error = "error: call.txt: it was overwritten while it was read";
    assert!(ended.stderr.contains(error), "{}", ended.stderr);
    let left = fs::read_dir(shell.path("summaries/.work")).unwrap();
    let left: Vec<_> = left.map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left, ["habits"]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_is_for_nobody_else_and_a_trace_pays_nothing_again() {
    use std::os::unix::fs::PermissionsExt;
    let shell = Shell::with(&[]);
    shell.write("call.txt", meeting(4000));
    let mode = |path: &str| fs::metadata(shell.path(path)).unwrap().permissions().mode() & 0o777;
    let server = ChatServer::start(|request| match request.number {
        0 => obedient(request),
        _ => Behaviour::status(401, "\u{1b}]0;own\u{7}expired \u{9b}2J\u{202e}"),
    })
    .await;
    let traced = ["summarize", "call.txt", "--trace", "t"];
    let ended = run(&shell, &server, &traced);
    assert_eq!(ended.status, Some(1));
    let is_obeyed = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!ended.stderr.contains(is_obeyed), "{ended:?}");
    assert_eq!((mode("t"), mode("summaries/.work")), (0o700, 0o700));
    for file in fs::read_dir(shell.path("t")).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let mended = ChatServer::start(obedient).await;
    run(&shell, &mended, &traced).succeeds();
    assert_ne!(mode("summaries"), 0o700, "results are for everybody");
    let paid = mended.requests().len();
    let again = run(&shell, &mended, &traced).succeeds();
    assert_eq!(mended.requests().len(), paid);
    assert!(again.stderr.contains("nothing is traced"), "{again:?}");
}

#[test]
fn the_built_in_model_takes_time_too() {
    let shell = Shell::with(&[]);
    shell.write("call.txt", meeting(4000));
    shell.run(&["summarize", "call.txt"]).succeeds();
    let report = fs::read(shell.path("summaries/call.txt_summary.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert!(report["duration_ms"].as_u64().unwrap() > 0);
}

#[test]
fn a_misspelt_variable_is_named_and_costs_have_a_currency() {
    let shell = Shell::with(&["call.txt"]);
    let mut variables = vec![
        ("HF_API_TOKEN", "hf_x"),
        ("MODEL_CONTEXT_TOKEN", "65536"),
        ("PRICE_INPUT_PER_MTOK", "1"),
        ("PRICE_OUTPUT_PER_MTOK", "2"),
        ("PRICE_CURRENCY", "EUR"),
    ];
    let plan = |variables: &[_]| shell.run_with(variables, &["plan", "call.txt"], b"");
    let ended = plan(&variables).succeeds();
    let note = "note: MODEL_CONTEXT_TOKEN is set, but there is no such variable: did you mean MODEL_CONTEXT_TOKENS?\n";
    assert_eq!(ended.stderr, note);
    let cost = ended.stdout.lines().find(|line| line.starts_with("  cost"));
    assert!(cost.unwrap().ends_with(" EUR"), "{}", ended.stdout);
    variables.retain(|(name, _)| *name != "MODEL_CONTEXT_TOKEN");
    variables.push(("PRICE_CURRENCY", "euros"));
    let error =
        "PRICE_CURRENCY is \"euros\": expected a code of three capital letters, such as EUR";
    plan(&variables).fails(2, error);
}

#[test]
fn a_profile_that_does_not_work_is_one_sentence() {
    let shell = Shell::with(&["call.txt"]);
    shell.write(
        "config",
        "[profile sso]\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-central-1\n\
         sso_account_id = 123456789012\nsso_role_name = reader\nregion = eu-central-1\n\
         [profile process]\ncredential_process = /bin/true\nregion = eu-central-1\n",
    );
    let config = shell.path("config");
    for (profile, arguments) in [
        ("sso", ["plan", "s3://bucket/call.txt"]),
        ("process", ["plan", "s3://bucket/call.txt"]),
        ("sso", ["summarize", "call.txt"]),
    ] {
        let variables = [
            ("AWS_CONFIG_FILE", config.to_str().unwrap()),
            ("AWS_PROFILE", profile),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("BEDROCK_MODEL_ID", "eu.amazon.nova-lite-v1:0"),
        ];
        let ended = shell.run_with(&variables, &arguments, b"");
        assert_eq!(ended.status, Some(1), "{ended:?}");
        let errors = ended
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "));
        let told: Vec<&str> = errors.collect();
        assert_eq!(told.len(), 1, "{ended:?}");
        let help = "`eval \"$(aws configure export-credentials --format env)\"`";
        assert!(told[0].contains(help), "{ended:?}");
        for foreign in ["WARN", "cargo", "feature", "ProfileFile"] {
            assert!(!ended.stderr.contains(foreign), "{foreign}: {ended:?}");
        }
    }
}
