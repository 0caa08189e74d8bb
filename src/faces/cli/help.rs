//! `help`: pages that say how something is done, and the help of each command.
//!
//! Not here: the pages (`guide.rs`), what messages mean (`explain.rs`).

use clap::CommandFactory;
use serde_json::{Value as Json, json};

use super::args::{Cli, HelpArgs};
use super::guide::{self, Guide};
use super::paged::{self, Asked};
use super::{explain, markdown, table};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::text::near_miss;

/// Stands above the list of pages.
const INTRODUCTION: &str = "`sortie help NAME` shows one of these pages. `sortie --help` lists the commands, `sortie help COMMAND` \
                            tells more about one.";

/// Runs the command.
///
/// # Errors
/// If there is neither a page nor a command of that name.
pub(super) fn help(context: &Context, args: &HelpArgs, out: &mut Out) -> Result<Ending, Failure> {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    let asked = Asked { raw: args.raw, json: args.json };
    match words[..] {
        [] => contents(context, out, args.json),
        [name] if guide::named(name).is_some() => page(context, out, guide::named(name), asked),
        _ => match command(&words) {
            Some(text) if args.json => {
                out.line(json!({ "command": words.join(" "), "help": text }).to_string())
            }
            Some(text) => {
                let mut lines: Vec<String> = text.trim_end().lines().map(str::to_owned).collect();
                if let [word] = words[..]
                    && let Some(it) = guide::find(word)
                {
                    lines.extend([String::new(), format!("How it is used: sortie help {}", it.name)]);
                }
                paged::lines(context, out, &lines);
            }
            None => {
                let name = words.join("-");
                match guide::find(&name) {
                    Some(it) => page(context, out, Some(it), asked),
                    None => explain::topic(context, out, &name, asked).map_err(|_| unknown(&words))?,
                }
            }
        },
    }
    Ok(Ending::Success)
}

/// Shows a page of the guide.
pub(super) fn page(context: &Context, out: &mut Out, page: Option<&Guide>, asked: Asked) {
    if let Some(page) = page {
        paged::show(context, out, (page.name, page.text), asked);
    }
}

/// Returns the help of a command, as its `--help` prints it.
fn command(words: &[&str]) -> Option<String> {
    let mut command = Cli::command();
    command.build();
    let mut found = &mut command;
    for word in words {
        found = found.find_subcommand_mut(word).filter(|it| !it.is_hide_set())?;
    }
    Some(found.render_long_help().to_string())
}

fn unknown(words: &[&str]) -> Failure {
    let mut command = Cli::command();
    command.build();
    let name = words.join(" ");
    let mut commands: Vec<String> = Vec::new();
    for it in command.get_subcommands() {
        commands.push(it.get_name().to_owned());
        commands.extend(it.get_subcommands().map(|inner| format!("{} {}", it.get_name(), inner.get_name())));
    }
    commands.extend(guide::names().chain(explain::names()).map(str::to_owned));
    let failure = Failure::usage(format!("there is no page and no command `{name}`"));
    match near_miss(&name, commands.iter().map(String::as_str)) {
        Some(near) => failure.help(format!("did you mean `sortie help {near}`?")),
        None => failure.help("`sortie help` lists all pages, `sortie --help` all commands"),
    }
}

/// Lists all pages, in their groups.
fn contents(context: &Context, out: &mut Out, as_json: bool) {
    if as_json {
        let row =
            |group: &str, name: &str, about: &str| json!({ "topic": name, "group": group, "about": about });
        let pages = guide::GROUPS.iter().flat_map(|(group, pages)| {
            pages.iter().map(move |it| row(group, it.name, it.about)).collect::<Vec<_>>()
        });
        let topics = explain::TOPICS.iter().map(|(name, about)| row("reference", name, about));
        out.line(Json::from(pages.chain(topics).collect::<Vec<_>>()).to_string());
        return;
    }
    let columns = table::columns(out).unwrap_or(paged::WIDEST).min(paged::WIDEST);
    let mut lines = markdown::render(INTRODUCTION, columns, out.paint);
    let reference = explain::TOPICS.iter().map(|(name, about)| (*name, *about)).collect();
    let mut groups: Vec<(&str, Vec<(&str, &str)>)> = guide::GROUPS
        .iter()
        .map(|(group, all)| (*group, all.iter().map(|it| (it.name, it.about)).collect()))
        .collect();
    groups.push(("To look up, by `sortie explain NAME`, as is every message", reference));
    let names = groups.iter().flat_map(|(_, rows)| rows).map(|(name, _)| name.len());
    let width = names.max().unwrap_or(0);
    for (group, rows) in groups {
        lines.extend([String::new(), out.paint.bold(group)]);
        for (name, about) in rows {
            let pad = " ".repeat(width - name.len());
            let mut start = format!("  {}{pad}  ", out.paint.code_span(name));
            for line in markdown::render(about, columns.saturating_sub(width + 4), out.paint) {
                lines.push(std::mem::replace(&mut start, " ".repeat(width + 4)) + &line);
            }
        }
    }
    paged::lines(context, out, &lines);
}
