//! The README and the manual match the code.

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use serde_json::Value;
use transcript_summarizer::cli::Cli;
use transcript_summarizer::config::Variable;
use transcript_summarizer::job::Config;

use crate::command_line::Shell;

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(in_repository(path)).unwrap()
}

/// The cells of the table in `page` whose first line starts with `header`, row by row.
fn table(page: &str, header: &str) -> Vec<Vec<String>> {
    let page = read(page);
    let rows = page
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

/// The README and the pages of the manual.
fn pages() -> Vec<String> {
    let files = fs::read_dir(in_repository("src/guide")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let guide = names.map(|name| format!("src/guide/{name}"));
    guide.chain(["README.md".to_owned()]).collect()
}

fn registered(name: &str) -> Option<Variable> {
    let name = name.strip_prefix("FALLBACK_").unwrap_or(name);
    let mut all = Config::variables().into_iter();
    all.find(|variable| {
        variable
            .name
            .strip_prefix("FALLBACK_")
            .unwrap_or(variable.name)
            == name
    })
}

#[test]
fn every_variable_is_shown_with_its_default_and_its_meaning() {
    let shell = Shell::with(&[]);
    let shown = shell.run(&["variables"]).succeeds().stdout;
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = words(&shown);
    for variable in Config::variables() {
        let default = variable.default.unwrap_or_default();
        let default = format!("{default} {}", variable.note);
        let head = match default.trim() {
            "" => variable.name.to_owned(),
            default => format!("{} [{default}]", variable.name),
        };
        let expected = words(&format!("{head} {}", variable.meaning));
        assert!(shown.contains(&expected), "{expected}");
    }
}

#[test]
fn variables_are_found_by_a_part_of_their_names() {
    let shell = Shell::with(&[]);
    let shown = shell.run(&["--json", "variables", "sagemaker"]).succeeds();
    let names: Vec<String> = shown
        .stdout
        .lines()
        .map(|line| {
            let variable: Value = serde_json::from_str(line).unwrap();
            variable["name"].as_str().unwrap().to_owned()
        })
        .collect();
    assert!(names.len() > 1, "{names:?}");
    assert!(names.iter().all(|name| name.contains("SAGEMAKER")));
    let error = "no variable has \"sagemeker\" in its name";
    shell.run(&["variables", "sagemeker"]).fails(2, error);
}

#[test]
fn the_variables_in_the_readme_have_the_defaults_of_the_program() {
    let rows = table("README.md", "| variable | default | meaning |");
    assert!(rows.len() >= 8);
    for row in rows {
        let variable = registered(row[0].trim_matches('`')).expect(&row[0]);
        let default = variable.default.map(|value| format!("`{value}`"));
        assert_eq!(row[1], default.as_deref().unwrap_or("–"), "{}", row[0]);
    }
}

/// Words in capitals that other programs and services define.
const FOREIGN: [&str; 5] = [
    "AWS_REGION",
    "DEAD_LETTER_QUEUE_ARN",
    "QUEUE_ARN",
    "CARGO_TARGET_DIR",
    "AWS_PROFILE",
];

#[test]
fn the_pages_name_no_variable_that_does_not_exist() {
    for page in pages() {
        let text = read(&page);
        let of_a_name =
            |letter: char| letter.is_ascii_uppercase() || letter == '_' || letter.is_ascii_digit();
        for name in text.split(|letter| !of_a_name(letter)) {
            let is_name = name.contains('_') && !name.starts_with('_') && !name.ends_with('_');
            let is_known = FOREIGN.contains(&name)
                || name.starts_with("CAPABILITY_")
                || registered(name).is_some();
            // `S3InventoryReport_CSV_20211130` is a format.
            let is_format = name.ends_with(|last: char| last.is_ascii_digit());
            assert!(!is_name || is_known || is_format, "{page}: {name}");
        }
    }
}

#[test]
fn every_command_is_in_the_readme() {
    let listed: Vec<String> = table("README.md", "| command | what it does |")
        .into_iter()
        .map(|row| {
            let command = row[0].trim_matches('`').split(' ').next().unwrap();
            command.to_owned()
        })
        .collect();
    let cli = Cli::command();
    let commands: Vec<&str> = cli
        .get_subcommands()
        .map(|command| command.get_name())
        .collect();
    assert_eq!(listed, commands);
}

#[test]
fn every_link_leads_to_a_file_or_a_heading() {
    for page in pages() {
        let text = read(&page);
        let folder = in_repository(&page);
        for link in text.split("](").skip(1) {
            let (link, _) = link.split_once(')').unwrap();
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let file = folder.parent().unwrap().join(file);
            assert!(file.exists(), "{page}: {link}");
            let is_there = heading.is_empty() || headings(&file).contains(&heading.to_owned());
            assert!(is_there, "{page}: {link}");
        }
    }
}

/// The anchors of a page's headings.
fn headings(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            line.trim_start_matches(['#', ' '])
                .to_lowercase()
                .replace(' ', "-")
        })
        .collect()
}

#[test]
fn the_readme_can_be_read_in_five_minutes() {
    assert!(read("README.md").len() <= 12_000);
}

#[test]
fn the_costs_in_the_readme_are_what_a_plan_computes() {
    let rows = table(
        "README.md",
        "| model | window | price in, out | a transcript |",
    );
    assert!(rows.len() >= 3);
    let shell = Shell::with(&[]);
    let sample = in_repository("samples/harbor-line-review.txt");
    for row in rows {
        let model = match row[0].contains('/') {
            true => ("HF_MODEL", row[0].as_str()),
            false => ("BEDROCK_MODEL_ID", row[0].as_str()),
        };
        let key = match model.0 {
            "HF_MODEL" => ("HF_API_TOKEN", "hf_x"),
            _ => ("AWS_REGION", "eu-central-1"),
        };
        let (input, output) = row[2].split_once(", ").unwrap();
        let variables = [
            model,
            key,
            ("MODEL_CONTEXT_TOKENS", &row[1]),
            ("PRICE_INPUT_PER_MTOK", input.trim_start_matches('$')),
            ("PRICE_OUTPUT_PER_MTOK", output.trim_start_matches('$')),
        ];
        let plan = ["--json", "plan", sample.to_str().unwrap()];
        let plan = shell.run_with(&variables, &plan, b"").succeeds().stdout;
        let plan: Value = serde_json::from_str(&plan).unwrap();
        let cost = format!("${:.4}", plan["cost"].as_f64().unwrap());
        assert_eq!(row[3], cost, "{}", row[0]);
    }
}

#[test]
fn the_parameters_of_a_deployment_are_those_of_the_template() {
    let template = read("template.yaml");
    let mut named = 0;
    for page in [pages(), vec!["samconfig.toml".to_owned()]].concat() {
        let text = read(&page).replace("parameter_overrides = ", "--parameter-overrides ");
        for line in text.split("--parameter-overrides ").skip(1) {
            let line = line.lines().next().unwrap();
            let pairs = line
                .split([' ', '"', '`'])
                .filter_map(|pair| pair.split_once('='));
            // That of a release has two more, for its zip.
            for (name, _) in pairs.filter(|(name, _)| !name.starts_with("CodeS3")) {
                assert!(
                    template.contains(&format!("\n  {name}:\n")),
                    "{page}: {name}"
                );
                named += 1;
            }
        }
    }
    assert!(named >= 10, "{named}");
}

#[test]
fn every_sample_event_is_listed() {
    let listed: String = table("src/guide/developing.md", "| sample | what it is |")
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    for entry in fs::read_dir(in_repository("events")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            listed.contains(&format!("`{name}`")),
            "{name} is not in the manual"
        );
    }
}
