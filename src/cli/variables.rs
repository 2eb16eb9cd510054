//! `variables`: shows the environment variables that the program reads, from the registry that it reads them by.

use clap::Args;
use serde_json::json;

use crate::cli::display;
use crate::config::Variable;
use crate::job::Config;

/// Width of a line, in characters.
const WIDTH: usize = 100;

#[derive(Debug, Args)]
pub(crate) struct Variables {
    /// Show only variables with this in their names, in upper or lower case.
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

/// Shows the variables that are asked for.
///
/// # Errors
/// If there is none.
pub(crate) fn variables(asked: &Variables) -> Result<(), String> {
    let name = asked.name.as_deref().unwrap_or_default();
    let wanted = name.to_uppercase();
    let mut shown = Config::variables();
    shown.retain(|variable| variable.name.contains(&wanted));
    if shown.is_empty() {
        return Err(format!("no variable has {name:?} in its name"));
    }
    for variable in shown {
        let Variable {
            name,
            default,
            note,
            meaning,
        } = variable;
        display::result(
            || json!({"name": name, "default": default, "note": note, "meaning": meaning}),
            || {
                let default = match (default, note) {
                    (None, "") => String::new(),
                    (None, note) => format!("  [{note}]"),
                    (Some(value), note) => format!("  [{}]", format!("{value} {note}").trim_end()),
                };
                format!("{name}{default}")
            },
        );
        for line in indented(meaning) {
            display::print(&line);
        }
        display::print("");
    }
    Ok(())
}

/// The text in indented lines.
fn indented(text: &str) -> Vec<String> {
    let mut lines = vec![String::from("   ")];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("    {word}")),
        }
    }
    lines
}
