//! The README's tables are true.

use std::path::Path;

use transcript_summarizer::config::VARIABLES;

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// First and second cell of the rows of the table that begins with `header`.
fn table(header: &str) -> Vec<(String, String)> {
    let readme = readme();
    let rows = readme
        .split_once(header)
        .expect("the table is there")
        .1
        .lines()
        .skip(2);
    rows.take_while(|row| row.starts_with('|'))
        .map(|row| {
            let mut cells = row
                .trim_matches('|')
                .split(" | ")
                .map(|cell| cell.trim().to_owned());
            (cells.next().unwrap(), cells.next().unwrap())
        })
        .collect()
}

#[test]
fn every_variable_is_documented_with_its_default() {
    let documented = table("| variable | default | meaning |");
    let read: Vec<(String, String)> = VARIABLES
        .iter()
        .map(|variable| (format!("`{}`", variable.name), variable.default.to_owned()))
        .collect();
    assert_eq!(documented, read);
}

#[test]
fn every_sample_event_is_listed() {
    let listed: String = table("| sample | what it is |")
        .into_iter()
        .map(|(names, _)| names)
        .collect();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("events")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            listed.contains(&format!("`{name}`")),
            "{name} is not in the README"
        );
    }
}
