//! The command line, run as a process.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::behaviour::Behaviour;
use crate::support::chat_server::ChatServer;
use crate::support::huggingface::TOKEN;
use crate::support::obedient;
use crate::support::runpod_jobs::JobPlan;
use crate::support::runpod_server::{KEY, RunPodServer};
use crate::support::transcribe::{Ending, Transcribe};
use crate::support::workplace::meeting;
use serde_json::{Value, json};
use tempfile::TempDir;
use transcript_summarizer::store::DirStore;

#[path = "../../examples/manual.rs"]
#[allow(dead_code, reason = "its entry point is that of the example")]
mod manual;

/// A directory to run commands in.
pub(crate) struct Shell(TempDir);

impl Shell {
    /// Holds these transcripts, each of another length.
    pub(crate) fn with(files: &[&str]) -> Self {
        let shell = Self(tempfile::tempdir().unwrap());
        for (number, file) in files.iter().enumerate() {
            shell.write(file, meeting(500 + 100 * number));
        }
        shell
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.0.path()).env_clear();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(&[], arguments, b"")
    }

    /// Runs the program with these variables. It gets `input` through a pipe.
    pub(crate) fn run_with(
        &self,
        variables: &[(&str, &str)],
        arguments: &[&str],
        input: &[u8],
    ) -> Ended {
        let mut command = self.command(env!("CARGO_BIN_EXE_transcript-summarizer"));
        command.envs(variables.iter().copied()).args(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        // A program that reads nothing closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap().into()
    }

    /// Paths of all results, sorted.
    fn results(&self, out: &str) -> Vec<String> {
        fn walk(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.ends_with(".metadata") {
                    walk(&path, found);
                } else if path.is_file() {
                    found.push(path);
                }
            }
        }
        let (root, mut found) = (self.path(out), Vec::new());
        walk(&root, &mut found);
        let mut found: Vec<String> = found
            .iter()
            .map(|path| path.strip_prefix(&root).unwrap().display().to_string())
            .filter(|path| path.ends_with("_summary.txt"))
            .collect();
        found.sort();
        found
    }

    pub(crate) fn report(&self, path: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(path)).unwrap()).unwrap()
    }
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.status, Some(0), "{self:?}");
        self
    }

    /// The program ends with this status and exactly this error, whatever the next step is.
    #[track_caller]
    pub(crate) fn fails(self, status: i32, error: &str) {
        assert_eq!(self.status, Some(status), "{self:?}");
        let told: Vec<&str> = self.stderr.split("  next: ").collect();
        assert_eq!(told[0], format!("error: {error}\n"), "{self:?}");
        assert!(told.len() <= 2 && told[1..].iter().all(|next| next.lines().count() == 1));
    }
}

#[test]
fn equal_file_names_are_told_apart_by_their_folders() {
    let shell = Shell::with(&["a/call.txt", "b/call.txt", "b/deep/call.txt", "other.txt"]);
    let run = shell
        .run(&["summarize", "a/call.txt", "b/call.txt", "--out", "two"])
        .succeeds();
    let both = [
        "summaries/a/call.txt_summary.txt",
        "summaries/b/call.txt_summary.txt",
    ];
    assert_eq!(shell.results("two"), both);
    assert!(
        both.iter()
            .all(|path| run.stdout.contains(&format!("two/{path}: "))),
        "{run:?}"
    );
    let bytes = |path: &str| shell.report(path)["source"]["bytes"].as_u64();
    assert_eq!(
        [
            bytes("two/summaries/a/call.txt_summary.json"),
            bytes("two/summaries/b/call.txt_summary.json")
        ],
        ["a/call.txt", "b/call.txt"]
            .map(|path| Some(fs::metadata(shell.path(path)).unwrap().len()))
    );
    shell
        .run(&["summarize", "a/call.txt", "other.txt", "--out", "one"])
        .succeeds();
    assert_eq!(
        shell.results("one"),
        [
            "summaries/call.txt_summary.txt",
            "summaries/other.txt_summary.txt"
        ]
    );

    // From another folder, the names do not depend on how the way up is written.
    shell.write("c/here.txt", "");
    let mut command = shell.command(env!("CARGO_BIN_EXE_transcript-summarizer"));
    let absolute = shell.path("b/deep/call.txt");
    command.current_dir(shell.path("c")).args([
        "summarize",
        "--out",
        "../up",
        "../a/call.txt",
        "./../b/call.txt",
    ]);
    Ended::from(command.arg(absolute).output().unwrap()).succeeds();
    assert_eq!(
        shell.results("up"),
        ["a/call.txt", "b/call.txt", "deep/call.txt"]
            .map(|key| format!("summaries/{key}_summary.txt"))
    );
}

#[test]
fn results_are_lines_of_json_for_programs() {
    let shell = Shell::with(&["call.txt"]);
    shell.write("empty.txt", " \n");
    let lines = |run: &Ended| -> Vec<Value> {
        let lines = run.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let summarize = [
        "summarize",
        "--json",
        "call.txt",
        "empty.txt",
        "gone.txt",
        "--words",
        "200",
    ];
    let run = shell.run(&summarize);
    let [done, empty, gone] = &lines(&run)[..] else {
        panic!("{run:?}");
    };
    assert_eq!((run.status, &done["status"]), (Some(1), &"done".into()));
    let text = fs::read_to_string(shell.path(done["summary"].as_str().unwrap())).unwrap();
    assert_eq!(done["words"], text.split_whitespace().count());
    assert!(shell.path(done["page"].as_str().unwrap()).is_file());
    assert_eq!(
        (&empty["input"], &empty["status"]),
        (&"empty.txt".into(), &"rejected".into())
    );
    assert_eq!(
        (&gone["status"], &gone["error"]),
        (&"failed".into(), &"there is no such file".into())
    );

    // Once more, with nothing else on the terminal.
    let again = [
        "summarize",
        "call.txt",
        "--words",
        "200",
        "--json",
        "--quiet",
    ];
    let run = shell.run(&again).succeeds();
    assert_eq!(lines(&run)[0]["status"], "duplicate");
    assert_eq!(run.stderr, "");
    let run = shell
        .run(&["plan", "call.txt", "--words", "200", "--json"])
        .succeeds();
    assert_eq!(lines(&run)[0]["target_words"], 200);
    let run = shell
        .run(&["--quiet", "summarize", "call.txt", "--out", "quiet"])
        .succeeds();
    assert_eq!((&*run.stdout, &*run.stderr), ("", ""));
    assert_eq!(shell.results("quiet"), ["summaries/call.txt_summary.txt"]);
    let run = shell.run(&["summarize", "gone.txt", "--quiet"]);
    run.fails(1, "gone.txt: there is no such file");
}

#[test]
fn the_manual_and_the_completions_know_all_commands() {
    let dir = tempfile::tempdir().unwrap();
    manual::write(dir.path()).unwrap();
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    let page = read("transcript-summarizer.1");
    assert!(
        page.contains("Exit status: 0 done, 1 failed, 2 wrong usage."),
        "{page}"
    );
    assert!(read("transcript-summarizer-evaluate.1").contains("\\-\\-against"));
    for name in [
        "transcript-summarizer.bash",
        "_transcript-summarizer",
        "transcript-summarizer.fish",
    ] {
        let text = read(name);
        for word in [
            "summarize",
            "plan",
            "evaluate",
            "dataset",
            "instructions",
            "quiet",
        ] {
            assert!(text.contains(word), "{word} is not in {name}");
        }
    }
}

#[test]
fn wishes_are_shown_by_plan_and_obeyed() {
    let shell = Shell::with(&[]);
    shell.write("call.txt", meeting(3000));
    shell.write(
        "wishes.txt",
        "\u{feff}Name every cost, and leave out what is said about the staff.\n",
    );
    let missed: String = (1..7).map(|i| format!("h{i} = H{i}\n")).collect();
    shell.write(
        "glossary",
        format!("depot = Depot\nsea horse = Seahorse\n{missed}"),
    );
    shell.write("names", "Lee Ng = Lee Nguyen\nMay = Mae\n");
    let lists = [("GLOSSARY", "glossary"), ("SPEAKER_NAMES", "names")];
    let wishes = [
        "call.txt",
        "--language",
        "de",
        "--instructions",
        "wishes.txt",
    ];
    let plan = shell
        .run_with(&lists, &[&["plan"], &wishes[..]].concat(), b"")
        .succeeds();
    for line in [
        "  language    de\n",
        "  wishes      60 characters: “Name every cost, and leave out what is …”\n",
        "  names       2 entries, 1 found in the transcript; not found: May (as a label)\n",
        "  glossary    8 entries, 1 found in the transcript; not found: sea horse, h1, h2, h3, h4 and 2 more\n",
        "  note        the built-in model quotes what was said: the wished instructions and language are ignored\n",
    ] {
        assert!(plan.stdout.contains(line), "{line} in {}", plan.stdout);
    }
    let plain = shell.run(&["plan", "call.txt"]).succeeds();
    assert!(!plain.stdout.contains("language") && !plain.stdout.contains("glossary"));
    let arguments = [&["summarize", "--out", "out"], &wishes[..]].concat();
    shell.run_with(&lists, &arguments, b"").succeeds();
    let summary = fs::read_to_string(shell.path("out/summaries/call.txt_summary.txt")).unwrap();
    assert!(
        summary.contains("Lee Nguyen") && !summary.contains("Lee Ng "),
        "{summary}"
    );
    let piped = [
        "plan",
        "call.txt",
        "--instructions",
        "-",
        "--language",
        "en",
    ];
    let piped = shell.run_with(&[], &piped, b"Costs.").succeeds();
    for line in [
        "6 characters: “Costs.”\n",
        "the wished instructions are ignored\n",
    ] {
        assert!(piped.stdout.contains(line), "{line} in {}", piped.stdout);
    }
    // Another glossary is another job.
    shell.write("glossary", "depot = Yard\n");
    let again = shell.run_with(&lists, &arguments, b"").succeeds();
    assert!(!again.stdout.contains("exists already"), "{again:?}");
    let again = shell.run_with(&lists, &arguments, b"").succeeds();
    assert!(again.stdout.contains("exists already"), "{again:?}");
}

#[test]
fn wrong_wishes_are_wrong_usage() {
    let shell = Shell::with(&["call.txt"]);
    shell.write("long.txt", "ü".repeat(2001));
    shell.write("broken", "# names\nspk_0 Dana\n");
    for (variables, option, error) in [
        (
            &[][..],
            &["--language", "german"][..],
            "--language is \"german\": expected a BCP 47 code such as de or pt-BR, or auto for the language of the transcript",
        ),
        (
            &[],
            &["--instructions", "long.txt"],
            "--instructions long.txt has 2001 characters: expected at most 2000",
        ),
        (
            &[],
            &["--instructions", "none.txt"],
            "--instructions none.txt: expected a text file, or - for standard input: No such file or directory (os error 2)",
        ),
        (
            &[],
            &["--instructions", "-", "-"],
            "standard input cannot be both the instructions and a transcript",
        ),
        (
            &[("SPEAKER_NAMES", "broken")],
            &[],
            "SPEAKER_NAMES is \"broken\", where line 2 has no `=`; expected UTF-8 text with a line `heard = right` for each \
             entry and `#` before comments",
        ),
        (
            &[("GLOSSARY", "none")],
            &[],
            "GLOSSARY is \"none\", which cannot be read; expected the name of a file of UTF-8 text with a line `heard = right` for each entry and `#` \
             before comments: No such file or directory (os error 2)",
        ),
    ] {
        let arguments = [&["plan", "call.txt"], option].concat();
        shell.run_with(variables, &arguments, b"").fails(2, error);
    }
}

#[test]
fn a_file_that_is_named_twice_is_summarized_once() {
    let shell = Shell::with(&["a/call.txt"]);
    let run = shell
        .run(&[
            "summarize",
            "--words",
            "200",
            "a/call.txt",
            "a/../a/call.txt",
        ])
        .succeeds();
    assert!(
        run.stderr
            .contains("note: a/../a/call.txt is the same as a/call.txt"),
        "{run:?}"
    );
    let pages = run.stdout.matches("_summary.html").count();
    assert_eq!((run.stdout.lines().count(), pages), (2, 1), "{run:?}");
    assert_eq!(shell.results("."), ["summaries/call.txt_summary.txt"]);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_elsewhere_is_followed_and_keeps_its_name() {
    let shell = Shell::with(&["far/away/call.txt"]);
    fs::create_dir(shell.path("here")).unwrap();
    std::os::unix::fs::symlink("../far/away/call.txt", shell.path("here/monday.txt")).unwrap();
    let run = shell
        .run(&["summarize", "here/monday.txt", "far/away/call.txt"])
        .succeeds();
    assert_eq!(shell.results("."), ["summaries/monday.txt_summary.txt"]);
    assert!(
        run.stderr
            .contains("note: far/away/call.txt is the same as here/monday.txt"),
        "{run:?}"
    );
}

#[test]
fn standard_input_is_summarized_and_planned() {
    let shell = Shell::with(&[]);
    let text = meeting(30_000);
    for name in ["-", "/dev/stdin"] {
        let run = shell.run_with(
            &[],
            &["summarize", name, "--out", "o", "--words", "300"],
            text.as_bytes(),
        );
        let run = run.succeeds();
        assert!(
            run.stdout
                .starts_with("o/summaries/stdin.txt_summary.txt: "),
            "{run:?}"
        );
        let report = shell.report("o/summaries/stdin.txt_summary.json");
        assert_eq!(report["source"]["bytes"], text.len());
        let plan = shell
            .run_with(&[], &["plan", name], text.as_bytes())
            .succeeds();
        assert!(
            plan.stdout.contains("  summary     4,000 words: "),
            "{plan:?}"
        );
    }
    assert_eq!(shell.results("o"), ["summaries/stdin.txt_summary.txt"]);
    let rejected = "standard input: the file is empty: there is nothing to summarize";
    shell.run(&["plan", "-"]).fails(1, rejected);
    let run = shell.run(&["summarize", "-"]);
    assert!(
        run.status == Some(1) && run.stderr.contains(rejected),
        "{run:?}"
    );
    assert_eq!(
        shell.report("summaries/stdin.txt_error.json")["kind"],
        "NotText"
    );
}

#[cfg(unix)]
#[test]
fn named_pipes_and_process_substitution_are_read_once() {
    let shell = Shell::with(&["call.txt"]);
    let program = env!("CARGO_BIN_EXE_transcript-summarizer");
    let script = format!(
        "mkfifo pipe.txt && cat call.txt > pipe.txt & sleep 0.1; '{program}' summarize pipe.txt <(cat call.txt) --out o"
    );
    let run = shell
        .command("/bin/bash")
        .args(["-c", &script])
        .env("PATH", "/usr/bin:/bin")
        .output();
    Ended::from(run.unwrap()).succeeds();
    let results = shell.results("o");
    assert!(
        results.len() == 2 && results[1] == "summaries/pipe.txt_summary.txt",
        "{results:?}"
    );
    for path in results {
        let report = shell.report(&format!(
            "o/{}",
            path.replace("_summary.txt", "_summary.json")
        ));
        assert_eq!(
            report["source"]["bytes"],
            fs::metadata(shell.path("call.txt")).unwrap().len()
        );
    }
}

#[test]
fn an_input_larger_than_allowed_is_not_read_to_its_end() {
    let shell = Shell::with(&["call.txt"]);
    let text = meeting(1000);
    let limit = [("MAX_INPUT_BYTES", "1000")];
    let run = shell.run_with(&limit, &["summarize", "-"], text.as_bytes());
    assert!(
        run.status == Some(1)
            && run
                .stderr
                .contains("standard input: it has more than 1000 bytes"),
        "{run:?}"
    );
    if Path::new("/dev/zero").exists() {
        let run = shell.run_with(&limit, &["plan", "/dev/zero"], b"");
        assert!(
            run.status == Some(1) && run.stderr.contains("more than 1000 bytes"),
            "{run:?}"
        );
    }
}

#[test]
fn plan_and_summarize_agree_on_the_length() {
    let shell = Shell::with(&["call.txt"]);
    for (words, shown) in [
        ("200", "  summary     200 words: "),
        ("5000", "less than the 5,000 asked for"),
    ] {
        let run = shell
            .run(&["plan", "--words", words, "call.txt"])
            .succeeds();
        assert!(
            run.stdout.starts_with("call.txt\n") && run.stdout.contains(shown),
            "{run:?}"
        );
    }
    shell
        .run(&["summarize", "--words", "200", "call.txt"])
        .succeeds();
    assert_eq!(
        shell.report("summaries/call.txt_summary.json")["summary"]["target_words"],
        200
    );
    assert_eq!(shell.results("."), ["summaries/call.txt_summary.txt"]);
}

#[test]
fn wrong_usage_has_status_2_and_one_line() {
    let shell = Shell::with(&["call.txt"]);
    for (arguments, error) in [
        (
            &["summarize", "-", "/dev/stdin"][..],
            "standard input can be read only once, and is named 2 times",
        ),
        (
            &["plan", "s3://only"],
            "s3://only is not the address of an object: expected s3://bucket/key",
        ),
        (
            &["summarize", "s3://a/x.txt", "s3://b/x.txt"],
            "s3://a/x.txt and s3://b/x.txt would have the same summary: use a command for each, with different directories after \
             --out",
        ),
    ] {
        shell.run(arguments).fails(2, error);
    }
    let run = shell.run(&["summarize", "--\u{1b}]0;own\u{7}.txt"]);
    assert!(
        run.status == Some(2) && run.stderr.contains("\\u{1b}]0;own"),
        "{run:?}"
    );
    assert!(!run.stderr.contains(|c: char| c.is_control() && c != '\n'));
    let run = shell.run(&["call.txt"]);
    assert!(
        run.status == Some(2) && run.stderr.contains("did you mean `summarize call.txt`?"),
        "{run:?}"
    );
    let run = shell.run_with(&[("INPUT_SUFFIXES", "txt")], &["plan", "call.txt"], b"");
    run.fails(2, "INPUT_SUFFIXES is \"txt\": expected endings with their dots, separated by commas, such as .txt,.vtt");
    for arguments in [
        &["plan"][..],
        &["plan", ""],
        &["plan", "--words", "3", "call.txt"],
        &["sumarize"],
    ] {
        let run = shell.run(arguments);
        assert!(
            run.status == Some(2) && run.stderr.starts_with("error: ") && run.stdout.is_empty(),
            "{run:?}"
        );
    }
}

#[test]
fn failures_have_status_1_and_name_paths_as_they_were_written() {
    let shell = Shell::with(&["call.txt", "folder/call.txt"]);
    for (arguments, error) in [
        (
            &["summarize", "./gone.txt"][..],
            "./gone.txt: there is no such file",
        ),
        (
            &["plan", "folder/"],
            "folder/: a directory, not a file: name the transcripts in it, folder/*.txt",
        ),
        (
            &["plan", "call.txt/x"],
            "call.txt/x: it cannot be read: Not a directory (os error 20)",
        ),
        (
            &["summarize", "call.txt", "--out", "call.txt"],
            "--out call.txt: no file can be created there: not a directory",
        ),
        (
            &["summarize", "call.txt", "--trace", "call.txt/t"],
            "--trace call.txt/t: no file can be created there: not a directory",
        ),
        (
            &["summarize", "call.txt", "--trace", "call.txt"],
            "--trace call.txt: no file can be created there: not a directory",
        ),
    ] {
        shell.run(arguments).fails(1, error);
    }
    assert!(!shell.path("summaries").exists(), "nothing was written");
    // One failure does not keep the others from being summarized.
    let run = shell.run(&["summarize", "gone.txt", "call.txt"]);
    assert_eq!(run.status, Some(1), "{run:?}");
    assert_eq!(shell.results("."), ["summaries/call.txt_summary.txt"]);
    // Where a result has to go, there is a folder.
    fs::create_dir_all(shell.path("o/summaries/call.txt_summary.txt")).unwrap();
    let run = shell.run(&["summarize", "call.txt", "--out", "./o"]);
    assert!(
        run.status == Some(1)
            && run
                .stderr
                .contains("could not write ./o/summaries/call.txt_summary.txt: "),
        "{run:?}"
    );
    assert!(!run.stderr.contains("s3://"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_when_results_cannot_be_kept() {
    let server =
        ChatServer::start(|request| Behaviour::text(obedient::answer(request.message("user"))))
            .await;
    let shell = Shell::with(&["call.txt"]);
    let variables = [("HF_API_TOKEN", TOKEN), ("HF_ENDPOINT_URL", server.url())];
    let run = |arguments: &[&str]| shell.run_with(&variables, arguments, b"");
    run(&[
        "summarize",
        "call.txt",
        "--trace",
        "t",
        "--out",
        "call.txt/o",
    ])
    .fails(
        1,
        "--out call.txt/o: no file can be created there: not a directory",
    );
    assert!(server.requests().is_empty());
    run(&["summarize", "call.txt", "--out", "o"]).succeeds();
    assert!(!server.requests().is_empty());
    assert_eq!(shell.results("o"), ["summaries/call.txt_summary.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_made_again_is_told_unless_it_is_to_be_quiet() {
    for quiet in [false, true] {
        let failed = AtomicBool::new(false);
        let server = ChatServer::start(move |request| match failed.swap(true, Ordering::SeqCst) {
            false => Behaviour::status(503, "no worker"),
            true => Behaviour::text(obedient::answer(request.message("user"))),
        })
        .await;
        let shell = Shell::with(&["call.txt"]);
        let variables = [("HF_API_TOKEN", TOKEN), ("HF_ENDPOINT_URL", server.url())];
        let arguments = ["summarize", "call.txt", "--out", "o", "--quiet"];
        let arguments = &arguments[..if quiet { 5 } else { 4 }];
        let run = shell.run_with(&variables, arguments, b"").succeeds();
        assert_eq!(
            run.stderr.contains("call failed, trying again"),
            !quiet,
            "{run:?}"
        );
        assert!(!quiet || run.stderr.is_empty(), "{run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_key_does_not_replace_a_paid_summary_by_quotations() {
    let server =
        ChatServer::start(|request| Behaviour::text(obedient::answer(request.message("user"))))
            .await;
    let shell = Shell::with(&["call.txt"]);
    let variables = [("HF_API_TOKEN", TOKEN), ("HF_ENDPOINT_URL", server.url())];
    let paid = shell.run_with(&variables, &["summarize", "call.txt"], b"");
    let paid = paid.succeeds();
    assert!(!paid.stderr.contains("built-in"), "{paid:?}");
    let summary = || fs::read_to_string(shell.path("summaries/call.txt_summary.txt")).unwrap();
    let written = summary();
    let refused = shell.run(&["summarize", "call.txt"]);
    assert_eq!(refused.status, Some(1));
    let told =
        "error: call.txt: the summary of this name was written by huggingface openai/gpt-oss-120b";
    assert!(refused.stderr.starts_with(told), "{refused:?}");
    assert_eq!(summary(), written);
    shell
        .run(&["summarize", "call.txt", "--out", "o"])
        .succeeds();
    shell.run(&["summarize", "call.txt", "--force"]).succeeds();
    assert_ne!(summary(), written);
    // What it wrote itself, it may replace.
    let shorter = ["summarize", "call.txt", "--words", "60"];
    shell.run(&shorter).succeeds();
}

#[test]
fn what_is_replaced_is_told() {
    let shell = Shell::with(&["call.txt"]);
    let summarize = ["summarize", "call.txt"];
    let first = shell.run(&summarize).succeeds();
    assert!(!first.stderr.contains("replaces"), "{first:?}");
    assert!(!shell.run(&summarize).succeeds().stderr.contains("replaces"));
    let shorter = shell.run(&["summarize", "call.txt", "--words", "60"]);
    let told = "note: it replaces an earlier summary, which the built-in model wrote";
    assert!(shorter.succeeds().stderr.contains(told));
    // Another meeting, in a folder of its own.
    shell.write("tuesday/call.txt", meeting(4000));
    let other = shell.run(&["summarize", "tuesday/call.txt"]).succeeds();
    let told = "note: it replaces the summary that the built-in model wrote of another file with this name";
    assert!(other.stderr.contains(told), "{other:?}");
    shell.write("o/summaries/call.txt_summary.txt", "Somebody's own.");
    let there = ["summarize", "call.txt", "--out", "o"];
    let told = "call.txt: where its summary would be is another file, which this program did not write: choose another --out, or add \
                --force";
    shell.run(&there).fails(1, told);
    let forced = shell.run(&[&there[..], &["--force"]].concat());
    assert!(!forced.succeeds().stderr.contains("replaces"));
}

#[test]
fn results_that_cannot_be_written_are_a_failure() {
    let shell = Shell::with(&["call.txt"]);
    for arguments in [
        &["plan", "call.txt"][..],
        &["summarize", "call.txt", "--json"],
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let ended = shell
            .command(env!("CARGO_BIN_EXE_transcript-summarizer"))
            .args(arguments)
            .stdout(full)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{told}");
        let reason = "error: standard output cannot be written to: No space left on device";
        assert_eq!(told.matches(reason).count(), 1, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_sends_nothing_unless_it_probes() {
    let server =
        ChatServer::start(|request| Behaviour::text(obedient::answer(request.message("user"))))
            .await;
    server.say(
        "/v1/models",
        json!({"data": [{"id": "m", "max_model_len": 8192}]}),
    );
    let shell = Shell::with(&["call.txt"]);
    let variables = [
        ("HF_API_TOKEN", TOKEN),
        ("HF_ENDPOINT_URL", server.url()),
        ("PRICE_INPUT_PER_MTOK", "1"),
        ("PRICE_OUTPUT_PER_MTOK", "2"),
    ];
    let run = |arguments: &[&str]| shell.run_with(&variables, arguments, b"").succeeds();
    let plan = run(&["plan", "call.txt"]).stdout;
    assert!(server.requests().is_empty() && server.asked().is_empty());
    let probed = run(&["plan", "call.txt", "--probe"]).stdout;
    assert_eq!(server.asked(), ["/v1/models"]);
    assert_eq!(server.requests().len(), 1);
    assert!(server.requests()[0].message("user").contains("about"));
    let added = probed.strip_prefix(plan.trim_end()).unwrap();
    for expected in [
        "the endpoint says 8,192 tokens; MODEL_CONTEXT_TOKENS is 32,768: set it to that, or requests are refused",
        " words asked for, ",
        " tokens a second",
        "at this rate it takes about 1 second, and cost about 0.",
    ] {
        assert!(added.contains(expected), "{expected}: {added}");
    }
    assert!(!added.contains("expect a poor summary"), "{added}");
    assert!(shell.results(".").is_empty(), "{:?}", shell.results("."));
    // A model that writes twelve words whatever it is asked for, and one that declines.
    for (text, verdict) in [
        (
            "The depot is late and nobody knows why it was not ordered.",
            "writes less than half of what it is asked for",
        ),
        ("I'm sorry, but I cannot help with that.", "a refusal"),
    ] {
        let weak = ChatServer::start(move |_| Behaviour::text(text)).await;
        let variables = [("HF_ENDPOINT_URL", weak.url()), ("HF_MODEL", "tiny")];
        let run = shell.run_with(&variables, &["plan", "call.txt", "--probe"], b"");
        let shown = run.succeeds().stdout;
        assert!(shown.contains(verdict), "{verdict}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_hugging_faces_own_tools_is_sent_to_a_server_on_this_machine() {
    let shell = Shell::with(&["call.txt"]);
    shell.write("home/.cache/huggingface/token", "hf_of_login\n");
    let (home, file) = (shell.path("home"), "home/.cache/huggingface/token");
    for (variable, value, sent) in [
        ("HF_TOKEN", "hf_own", "Bearer hf_own"),
        ("HOME", home.to_str().unwrap(), "Bearer hf_of_login"),
        ("HF_TOKEN_PATH", file, "Bearer hf_of_login"),
    ] {
        let server =
            ChatServer::start(|request| Behaviour::text(obedient::answer(request.message("user"))))
                .await;
        let variables = [(variable, value), ("HF_ENDPOINT_URL", server.url())];
        let probe = ["plan", "call.txt", "--probe"];
        shell.run_with(&variables, &probe, b"").succeeds();
        let requests = server.requests();
        assert_eq!(
            requests[0].header("authorization"),
            Some(sent),
            "{variable}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_fails_no_more_is_sent_than_is_planned() {
    for words in [1500, 6000, 15_000] {
        let server =
            ChatServer::start(|request| Behaviour::text(obedient::answer(request.message("user"))))
                .await;
        let shell = Shell::with(&[]);
        shell.write("call.txt", meeting(words));
        let variables = [("HF_API_TOKEN", TOKEN), ("HF_ENDPOINT_URL", server.url())];
        let run = |arguments: &[&str]| shell.run_with(&variables, arguments, b"").succeeds();
        let plan = run(&["plan", "call.txt", "--json"]).stdout;
        let plan: Value = serde_json::from_str(&plan).unwrap();
        run(&["summarize", "call.txt"]);
        let (sent, planned) = (server.requests().len(), plan["calls"].as_u64().unwrap());
        assert!(
            sent as u64 * 10 <= planned * 11,
            "{words}: {sent} of {planned}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_not_sent_in_a_batch() {
    let server =
        RunPodServer::start(|job| JobPlan::text(&obedient::answer(job.message("user")))).await;
    let url = server.url();
    let variables = [
        ("RUNPOD_API_KEY", KEY),
        ("RUNPOD_ENDPOINT_URL", &*url),
        ("RUNPOD_BATCH", "true"),
    ];
    let shell = Shell::with(&["call.txt"]);
    let run = shell.run_with(&variables, &["plan", "call.txt", "--probe"], b"");
    let shown = run.succeeds().stdout;
    assert!(shown.contains(" tokens a second"), "{shown}");
    assert_eq!((server.submits(), server.batches().len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_does_not_make_a_resumed_run_pay_again() {
    let answered = Arc::new(Mutex::new(Vec::new()));
    let (list, is_down) = (Arc::clone(&answered), Arc::new(AtomicBool::new(true)));
    let down = Arc::clone(&is_down);
    let server = ChatServer::start(move |request| {
        if request.number >= 2 && down.load(Ordering::SeqCst) {
            return Behaviour::status(401, "expired");
        }
        list.lock().unwrap().push(request.raw.clone());
        Behaviour::text(obedient::answer(request.message("user")))
    })
    .await;
    let shell = Shell::with(&[]);
    shell.write("call.txt", meeting(4000));
    let variables = [
        ("HF_API_TOKEN", TOKEN),
        ("HF_ENDPOINT_URL", server.url()),
        ("MODEL_CONCURRENCY", "1"),
    ];
    let summarize = ["summarize", "call.txt", "--trace", "t"];
    let run = shell.run_with(&variables, &summarize, b"");
    assert!(
        run.status == Some(1) && run.stderr.contains("refused the token"),
        "{run:?}"
    );
    assert_eq!(answered.lock().unwrap().len(), 2);
    is_down.store(false, Ordering::SeqCst);
    shell.run_with(&variables, &summarize, b"").succeeds();
    let answered = answered.lock().unwrap();
    let different: HashSet<_> = answered.iter().collect();
    assert_eq!(different.len(), answered.len(), "a request was paid twice");
    let traced = fs::read_dir(shell.path("t")).unwrap().count();
    assert!(
        traced >= answered.len(),
        "{traced} of {} are in the trace",
        answered.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_traced_is_used() {
    let shell = Shell::with(&[]);
    shell.write("call.txt", meeting(4000));
    let folder = shell.path("t");
    let server = ChatServer::start(move |request| {
        if request.number == 0 {
            let _ = fs::remove_dir_all(&folder);
            fs::write(&folder, "in the way").unwrap();
        }
        Behaviour::text(obedient::answer(request.message("user")))
    })
    .await;
    let variables = [("HF_API_TOKEN", TOKEN), ("HF_ENDPOINT_URL", server.url())];
    let summarize = ["summarize", "call.txt", "--trace", "t"];
    let run = shell.run_with(&variables, &summarize, b"").succeeds();
    assert!(run.stderr.contains("could not write a trace"), "{run:?}");
    let asked: Vec<_> = server
        .requests()
        .iter()
        .map(|one| one.raw.clone())
        .collect();
    let different: HashSet<_> = asked.iter().collect();
    assert_eq!(different.len(), asked.len(), "a request was paid twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_for_a_server_that_is_down_is_told() {
    let first = ChatServer::start(|_| Behaviour::text("never")).await;
    let address = first.address();
    drop(first);
    let url = format!("http://{address}/v1");
    let shell = Shell::with(&["call.txt"]);
    let run = tokio::task::spawn_blocking(move || {
        let variables = [("HF_API_TOKEN", TOKEN), ("HF_ENDPOINT_URL", url.as_str())];
        shell.run_with(&variables, &["summarize", "call.txt"], b"")
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _server = ChatServer::start_at(address, |request| {
        Behaviour::text(obedient::answer(request.message("user")))
    })
    .await;
    let run = run.await.unwrap().succeeds();
    let told = run
        .stderr
        .lines()
        .filter(|line| line.contains("waiting for it, up to 15 min"));
    let told: Vec<&str> = told.collect();
    assert!(
        matches!(&told[..], [line] if line.contains(&address.to_string())),
        "{run:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_hugging_faces_own_tools_are_used() {
    let server =
        ChatServer::start(|request| Behaviour::text(obedient::answer(request.message("user"))))
            .await;
    let url = ("HF_ENDPOINT_URL", server.url());
    for (variables, token) in [
        (vec![("HF_TOKEN", "hf_ofTools"), url], "hf_ofTools"),
        (
            vec![("HF_TOKEN", "hf_ofTools"), ("HF_API_TOKEN", "hf_own"), url],
            "hf_own",
        ),
        (vec![("HOME", "."), url], "hf_ofLogin"),
        (vec![("HF_HOME", ".cache/huggingface"), url], "hf_ofLogin"),
        (
            vec![("HF_TOKEN_PATH", "elsewhere"), ("HOME", "."), url],
            "hf_elsewhere",
        ),
    ] {
        let shell = Shell::with(&["call.txt"]);
        shell.write(".cache/huggingface/token", "hf_ofLogin\n");
        shell.write("elsewhere", "hf_elsewhere");
        shell
            .run_with(&variables, &["summarize", "call.txt"], b"")
            .succeeds();
        let requests = server.requests();
        let sent = requests.last().unwrap().header("authorization");
        assert_eq!(
            sent,
            Some(format!("Bearer {token}").as_str()),
            "{variables:?}"
        );
    }
    // A login alone is no reason to send anything.
    let shell = Shell::with(&["call.txt"]);
    shell.write(".cache/huggingface/token", "hf_ofLogin\n");
    let home = [("HOME", ".")];
    let run = shell
        .run_with(&home, &["summarize", "call.txt"], b"")
        .succeeds();
    assert!(
        run.stderr
            .contains("the built-in model is used; MODEL_PROVIDER=huggingface"),
        "{run:?}"
    );
    let chosen = [("HOME", "."), ("MODEL_PROVIDER", "extractive")];
    let run = shell
        .run_with(&chosen, &["plan", "call.txt"], b"")
        .succeeds();
    assert!(!run.stderr.contains("note:"), "{run:?}");
}

#[test]
fn the_last_line_names_the_page_also_of_a_summary_that_exists() {
    let shell = Shell::with(&["team/call.txt"]);
    let summarize = ["summarize", "team/call.txt", "--words", "200", "--out", "o"];
    let off = [("SUMMARY_PAGE", "off")];
    let page = shell.path("o/summaries/call.txt_summary.html");
    let run = shell.run_with(&off, &summarize, b"").succeeds();
    assert!(!run.stdout.contains("page:") && !page.exists(), "{run:?}");
    // The state is gone by now.
    for settings in [&[][..], &[], &off] {
        let run = shell.run_with(settings, &summarize, b"").succeeds();
        assert!(run.stdout.contains("exists already"), "{run:?}");
        let last = run.stdout.lines().last();
        assert_eq!(last, Some("  page: o/summaries/call.txt_summary.html"));
        assert!(page.exists());
    }
    let run = shell.run(&["summarize", "team/call.txt", "--words", "210"]);
    let last = run.stdout.lines().last();
    assert_eq!(last, Some("  page: summaries/call.txt_summary.html"));
}

#[test]
fn results_that_a_pattern_finds_are_left_out() {
    let shell = Shell::with(&["call.txt"]);
    let markdown = [("SUMMARY_FORMAT", "markdown")];
    let words = ["--words", "200"];
    let arguments = [&["summarize", "call.txt"][..], &words].concat();
    shell.run_with(&markdown, &arguments, b"").succeeds();
    let found =
        ["json", "html", "md", "txt"].map(|ending| format!("summaries/call.txt_summary.{ending}"));
    let mut found: Vec<&str> = found.iter().map(String::as_str).collect();
    found.push("summaries/call.txt_chapters.vtt");
    assert!(found.iter().all(|path| shell.path(path).exists()));
    let arguments = [&["plan", "call.txt"][..], &found, &words].concat();
    let run = shell.run(&arguments).succeeds();
    assert_eq!(run.stdout.matches("  summary  ").count(), 1, "{run:?}");
    for path in &found {
        let note = format!(
            "note: {path} is one of this program's results and left out; standard input takes it all the same: - <{path}\n"
        );
        assert!(run.stderr.contains(&note), "{run:?}");
    }
    let error = format!(
        "{}: expected a transcript, not a result of this program; to summarize it all the same, use standard input: - <FILE",
        found.join(", ")
    );
    shell
        .run(&[&["summarize"][..], &found].concat())
        .fails(2, &error);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_in_s3_is_waited_for() {
    let shell = Shell::with(&[]);
    shell.write("bucket/calls/talk.mp4", b"\0");
    let store = Arc::new(DirStore::new(shell.0.path()));
    let transcribe = Arc::new(Transcribe::start(store).await);
    let store_dir = [("STORE_DIR", shell.0.path().to_str().unwrap())];
    let variables = [&transcribe.variables()[..], &store_dir].concat();
    let spoken = tokio::spawn({
        let transcribe = Arc::clone(&transcribe);
        async move {
            transcribe.until_started().await;
            let text =
                "We agreed that the depot opens in May and costs 4 million dollars. ".repeat(40);
            transcribe.end(&Ending::Said(text)).await;
        }
    });
    let run = |input: &str| shell.run_with(&variables, &["summarize", input, "--out", "out"], b"");
    let ended = tokio::task::block_in_place(|| run("s3://bucket/calls/talk.mp4")).succeeds();
    spoken.await.unwrap();
    let note = "s3://bucket/calls/talk.mp4: it is being transcribed; waiting for its transcript";
    assert_eq!(ended.stderr.matches(note).count(), 1, "{}", ended.stderr);
    let report = shell.path("out/summaries/calls/talk.mp4_summary.json");
    let report: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    assert_eq!(report["source"]["key"], "calls/talk.mp4");
    tokio::task::block_in_place(|| run("bucket/calls/talk.mp4")).fails(
        1,
        "bucket/calls/talk.mp4: recordings are transcribed in S3, or on the page of `serve`: upload it and name it as s3://bucket/key",
    );
    assert_eq!(transcribe.starts(), 1);
}

#[test]
fn a_recording_without_a_transcriber_is_called_one() {
    let shell = Shell::with(&[]);
    shell.write("talk.MP3", b"ID3\x03\0\0");
    for (command, advice) in [
        (
            "summarize",
            "set TRANSCRIBER, and name it as s3://bucket/key",
        ),
        ("plan", "give `plan` its transcript"),
    ] {
        let message = format!("talk.MP3: it is a recording: {advice}");
        shell.run(&[command, "talk.MP3"]).fails(1, &message);
    }
}

#[test]
fn a_plan_names_the_fallback_and_its_cost() {
    let shell = Shell::with(&["call.txt"]);
    let mut variables = vec![
        ("HF_API_TOKEN", "hf_x"),
        ("FALLBACK_BEDROCK_MODEL_ID", "eu.amazon.nova-lite-v1:0"),
        ("FALLBACK_AFTER", "90"),
    ];
    let plan = |variables: &[_]| shell.run_with(variables, &["plan", "call.txt"], b"");
    let line = |cost: &str| {
        format!(
            "  fallback    eu.amazon.nova-lite-v1:0{cost}, if the first model is refused, without credits or down for 90 s\n"
        )
    };
    let run = plan(&variables).succeeds();
    assert!(run.stdout.contains(&line("")), "{}", run.stdout);
    variables.extend([
        ("PRICE_INPUT_PER_MTOK", "1"),
        ("PRICE_OUTPUT_PER_MTOK", "1"),
        ("FALLBACK_PRICE_INPUT_PER_MTOK", "2"),
        ("FALLBACK_PRICE_OUTPUT_PER_MTOK", "2"),
    ]);
    let run = plan(&variables).succeeds();
    let cost = |before: &str| -> f64 {
        let (_, rest) = run.stdout.split_once(before).unwrap();
        let (_, rest) = rest.split_once("about ").unwrap();
        rest.split([',', '\n']).next().unwrap().parse().unwrap()
    };
    let (first, second) = (cost("  cost "), cost("  fallback "));
    assert!(
        first > 0.0 && (second - 2.0 * first).abs() < 0.0002,
        "{}",
        run.stdout
    );
    variables.push(("FALLBACK_MODEL_CONTEXT_TOKENS", "8192"));
    let run = plan(&variables);
    assert!(
        run.stderr
            .contains("FALLBACK_MODEL_CONTEXT_TOKENS is \"8192\""),
        "{run:?}"
    );
}
