//! `man`: the manual, a page for each command, made of the same words as `--help`.
//!
//! Not here: showing a page on a terminal (`edges/manual.rs`).

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::args::{Cli, ManArgs};
use crate::engine::clock;
use crate::engine::reports::{self, Kind};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::text::{near_miss, plural};

/// Files that `--out` may replace: earlier pages.
const PAGE: Kind = Kind {
    is_one: |start| start.contains(".TH sortie"),
    words: "manual pages",
    one: "manual page of sortie",
};

/// Prints, shows or writes pages.
///
/// # Errors
/// If there is no such command, or a page cannot be written.
pub(super) fn man(context: &Context, args: &ManArgs, out: &mut Out) -> Result<Ending, Failure> {
    let pages = pages();
    if let Some(folder) = &args.out {
        for (name, text) in &pages {
            let path = folder.join(format!("{name}.1"));
            reports::write_kind(&path, text.as_bytes(), &PAGE).map_err(|error| {
                Failure::surroundings(format!("`{}` cannot be written: {error}", path.display()))
                    .help("name a folder that you may write to")
            })?;
        }
        out.line(format!("{} in `{}`", plural(pages.len(), "page"), folder.display()));
        return Ok(Ending::Success);
    }
    let wanted = std::iter::once("sortie")
        .chain(args.command.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join("-");
    let Some((_, page)) = pages.iter().find(|(name, _)| *name == wanted) else {
        let shown = args.command.join(" ");
        let names = pages.iter().map(|(name, _)| name.trim_start_matches("sortie-"));
        let failure = Failure::usage(format!("there is no command `{shown}`"));
        return Err(match near_miss(&shown.replace(' ', "-"), names) {
            Some(near) => failure.help(format!("did you mean `{}`?", near.replace('-', " "))),
            None => failure.help("`sortie --help` lists the commands"),
        });
    };
    if out.is_terminal && context.surroundings.stdin {
        out.flush();
        match (context.outside.show_manual)(page) {
            Some(Ok(())) => return Ok(Ending::Success),
            Some(Err(error)) => {
                return Err(Failure::surroundings(format!("the manual cannot be shown: {error}"))
                    .help("print it: sortie man | cat"));
            }
            None => {}
        }
    }
    out.bytes(page.as_bytes());
    Ok(Ending::Success)
}

/// Returns the pages with their names, `sortie` first.
fn pages() -> Vec<(String, String)> {
    let mut whole = Cli::command();
    // This gives each command its whole name: `sortie-jobs-retry`.
    whole.build();
    let mut found = Vec::new();
    let today = clock::now().rfc3339();
    add(&whole, today.get(..10).unwrap_or_default(), &mut found);
    found
}

fn add(command: &Command, today: &str, found: &mut Vec<(String, String)>) {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let source = format!("sortie {}", env!("CARGO_PKG_VERSION"));
    let mut page = Vec::new();
    // Writing to memory does not fail.
    let man = Man::new(command.clone()).manual("Sortie").source(source).date(today);
    if man.render(&mut page).is_ok() {
        found.push((name, tidied(&String::from_utf8_lossy(&page))));
    }
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        add(inner, today, found);
    }
}

/// Returns a page without what readers of manual pages complain about: breaks around an empty line, and spaces at the ends
/// of lines. Examples get a heading of their own, and their lines stay lines.
fn tidied(page: &str) -> String {
    let page = page.replace("\n.br\n\n.br\n", "\n.sp\n");
    let page = match page.split_once(".SH EXTRA\n") {
        Some((before, behind)) => {
            let (extra, after) = match behind.find("\n.SH ") {
                Some(at) => behind.split_at(at + 1),
                None => (behind, ""),
            };
            let (heading, extra) = match extra.strip_prefix("Examples:\n") {
                Some(examples) => ("EXAMPLES", examples),
                None => ("NOTES", extra),
            };
            format!("{before}.SH {heading}\n.nf\n{}\n.fi\n{after}", extra.trim_end())
        }
        None => page,
    };
    page.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
