//! The tables in the README match the code.

use std::path::Path;

use transcript_summarizer::config::Variable;
use transcript_summarizer::job::Config;

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The cells of the table whose first line starts with `header`, row by row.
fn table(header: &str) -> Vec<Vec<String>> {
    let readme = readme();
    let rows = readme
        .split_once(header)
        .expect("the table is there")
        .1
        .lines()
        .skip(2);
    rows.take_while(|row| row.starts_with('|'))
        .map(|row| {
            let cells = row.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

#[test]
fn every_variable_is_documented_with_its_default_and_its_meaning() {
    let documented = table("| variable | default | meaning |");
    let row = |variable: Variable| {
        let name = format!("`{}`", variable.name);
        vec![name, default(variable), variable.meaning.to_owned()]
    };
    let read: Vec<_> = Config::variables().into_iter().map(row).collect();
    assert_eq!(documented, read);
}

fn default(variable: Variable) -> String {
    match (variable.default, variable.note) {
        (None, "") => "–".to_owned(),
        (None, note) => note.to_owned(),
        (Some(value), note) => format!("`{value}` {note}").trim_end().to_owned(),
    }
}

#[test]
fn every_sample_event_is_listed() {
    let listed: String = table("| sample | what it is |")
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("events")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            listed.contains(&format!("`{name}`")),
            "{name} is not in the README"
        );
    }
}
