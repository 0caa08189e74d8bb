//! The command line where its first word is `run`, which is wanted fast: to build all other commands takes as long as to
//! look up a hundred results.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use super::args::{Cli, Command, Global, RunArgs};
use super::tips;

#[derive(Debug, Parser)]
#[command(name = "sortie", disable_help_subcommand = true)]
struct Quick {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Only,
}

#[derive(Debug, Subcommand)]
enum Only {
    #[command(visible_alias = "r")]
    Run(Box<RunArgs>),
}

/// Parses a command line: name of the program, words.
///
/// # Errors
/// Those of the whole command line, help and version included.
pub fn parse(words: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let words: Vec<OsString> = words.collect();
    if words.get(1).is_some_and(|word| word == "run" || word == "r")
        && let Ok(Quick { global, command: Only::Run(args) }) = Quick::try_parse_from(&words)
    {
        return Ok(Cli { global, command: Some(Command::Run(args)) });
    }
    // What is wrong is told by the one that knows all words.
    Cli::try_parse_from(&words).map_err(|error| {
        let words: Vec<String> = words.iter().map(|it| it.to_string_lossy().into_owned()).collect();
        tips::near_only(error, &words)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_parsed_quickly_is_the_same() {
        let lines = [
            "sortie run",
            "sortie r ci --ui plain --max-parallel 8",
            "sortie run ci --color never --state x --ascii --cache --watch",
            "sortie run ci --help",
            "sortie run --no-such-thing",
            "sortie run ci ci",
            "sortie --color never run ci",
            "sortie ru",
            "sortie",
        ];
        for line in lines {
            let words = || line.split(' ').map(OsString::from);
            let told: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let whole = Cli::try_parse_from(words()).map_err(|error| tips::near_only(error, &told));
            let quick = parse(words());
            assert_eq!(
                quick.map_err(|error| error.render().to_string()).map(|it| format!("{it:?}")),
                whole.map_err(|error| error.render().to_string()).map(|it| format!("{it:?}")),
                "{line}"
            );
        }
    }
}
