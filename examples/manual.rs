//! Writes the pages of the manual, and completions for bash, zsh and fish, into a directory: `cargo run --example manual -- DIR`.

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::Shell;
use transcript_summarizer::cli::Cli;

pub(crate) fn write(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    clap_mangen::generate_to(Cli::command(), dir)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), env!("CARGO_PKG_NAME"), dir)?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir: PathBuf = std::env::args_os()
        .nth(1)
        .ok_or("expected a directory")?
        .into();
    Ok(write(&dir)?)
}
