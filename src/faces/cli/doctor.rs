//! `doctor`: what is there and what is not, each with a cure.
//!
//! Not here: levels and cures (`logic/doctor`), finding the facts out (`edges/survey.rs`, `engine/store/examine.rs`), what
//! playbooks need (`doctor_playbooks.rs`).

use serde_json::{Value as Json, json};

use super::args::DoctorArgs;
use super::doctor_playbooks::needs;
use super::table::columns;
use crate::engine::upkeep::examine;
use crate::engine::{History, keymaps, themes};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::modes::{self, Face};
use crate::faces::out::Out;
use crate::logic::doctor::{Facts, Finding, Level, Program, Terminal, has_problem, judge};
use crate::logic::keymap;

/// Columns where there is no terminal.
const WIDTH: usize = 100;
/// Columns of the level and of what a finding is about, with what parts them.
const LEVEL: usize = 9;
const ABOUT: usize = 12;
/// Jobs whose processes are looked for, the newest ones.
const LOOKED_AT: usize = 1000;

/// Runs the command.
///
/// # Errors
/// None of its own: whatever cannot be looked at is a finding.
pub(super) fn doctor(context: &Context, args: &DoctorArgs, out: &mut Out) -> Result<Ending, Failure> {
    let facts = facts(context, out);
    let found = judge(&facts);
    if args.json {
        let count = |level| found.iter().filter(|it| it.level == level).count();
        let report = json!({
            "version": facts.program.version,
            "root": facts.root.0,
            "state": facts.machine.state.path,
            "problems": count(Level::Problem),
            "warnings": count(Level::Warning),
            "notes": count(Level::Note),
            "findings": found.iter().map(finding_json).collect::<Vec<Json>>(),
        });
        out.line(report.to_string());
    } else {
        print(&found, out);
    }
    Ok(if has_problem(&found) { Ending::Surroundings } else { Ending::Success })
}

fn finding_json(it: &Finding) -> Json {
    json!({ "about": it.about, "level": it.level.word(), "says": it.says, "cure": it.cure })
}

fn facts(context: &Context, out: &Out) -> Facts {
    let project = &context.project;
    let store = examine(project);
    let history = History::peek(project);
    let rows = history.and_then(|history| history.jobs(LOOKED_AT).ok()).unwrap_or_default();
    let over: std::collections::HashSet<&str> =
        rows.iter().filter(|row| row.outcome.is_some()).map(|row| &*row.id.0).collect();
    let mark = [".sortie", ".git"].into_iter().find(|mark| project.root.join(mark).exists());
    let path =
        std::env::current_exe().map_or_else(|_| "sortie".to_owned(), |path| path.display().to_string());
    Facts {
        program: Program { version: env!("CARGO_PKG_VERSION"), is_debug: cfg!(debug_assertions), path },
        terminal: terminal(context, out),
        root: (project.root.display().to_string(), mark),
        machine: (context.outside.survey)(&project.state, &|job| over.contains(job)),
        store,
        keep: context.settings.keep(),
        caller: context.command("").trim_end().to_owned(),
        settings: (context.outside.settings_problems)(&project.root),
        theme: theme(context),
        keymap: keymap(context),
        playbooks: needs(context),
    }
}

fn terminal(context: &Context, out: &Out) -> Terminal {
    let around = &context.surroundings;
    let (face, why) = modes::choose(context.settings.ui(), around);
    let why = why.or_else(|| match face {
        Face::Plain if around.is_ci => Some("the variable CI is set".to_owned()),
        Face::Plain if around.is_accessible => Some("the variable ACCESSIBLE is set".to_owned()),
        _ => None,
    });
    let face = match face {
        Face::Full => "on the full screen",
        Face::Inline => "with bars",
        Face::Plain => "line by line",
        Face::Json => "as JSON",
    };
    let locale = around.locale.to_lowercase();
    let size = out.is_terminal.then(|| rustix::termios::tcgetwinsize(std::io::stdout()).ok()).flatten();
    Terminal {
        is_there: out.is_terminal,
        term: around.term.clone(),
        size: size.map(|size| (size.ws_col, size.ws_row)).filter(|(columns, _)| *columns > 0),
        has_colors: out.paint.color,
        is_utf8: locale.contains("utf-8") || locale.contains("utf8"),
        is_ascii: context.settings.ascii(),
        face: (face, why),
    }
}

fn theme(context: &Context) -> (String, Option<String>) {
    let name = context.settings.theme();
    let places = themes::Places { user: context.surroundings.themes.as_deref(), root: &context.project.root };
    let wrong = match themes::open(places, name) {
        Err(error) => Some(error.message),
        Ok(reading) => {
            let faults = reading.faults.iter().flat_map(|(_, faults)| faults);
            faults.map(|fault| fault.message.clone()).next()
        }
    };
    (name.to_owned(), wrong)
}

fn keymap(context: &Context) -> Option<String> {
    match keymaps::open(context.surroundings.keymap.as_deref()?) {
        Err(error) => Some(error.message),
        Ok(source) => {
            let source = source?;
            keymap::told(&source, &keymap::read(&source).found)
        }
    }
}

fn print(found: &[Finding], out: &mut Out) {
    let width = columns(out).unwrap_or(WIDTH).clamp(40, 120);
    for it in found {
        let word = level(it.level, out);
        let indent = LEVEL + ABOUT;
        let mut lines = wrapped(&it.says, width - indent).into_iter();
        let first = lines.next().unwrap_or_default();
        let pad = " ".repeat(LEVEL - it.level.word().len());
        out.line(format!("{word}{pad}{:ABOUT$}{first}", it.about));
        for line in lines {
            out.line(format!("{}{line}", " ".repeat(indent)));
        }
        for (at, line) in it.cure.iter().flat_map(|cure| wrapped(cure, width - indent - 2)).enumerate() {
            let arrow = match (at, out.paint.ascii) {
                (0, false) => "→ ",
                (0, true) => "> ",
                _ => "  ",
            };
            out.line(format!("{}{arrow}{}", " ".repeat(indent), out.paint.bold(&line)));
        }
    }
    let count = |level| found.iter().filter(|it| it.level == level).count();
    let many = |level: Level, word: &str| match count(level) {
        0 => None,
        1 => Some(format!("1 {word}")),
        many => Some(format!("{many} {word}s")),
    };
    let parts = [(Level::Problem, "problem"), (Level::Warning, "warning"), (Level::Note, "note")];
    let parts: Vec<String> = parts.into_iter().filter_map(|(level, word)| many(level, word)).collect();
    out.line("");
    out.line(match (parts.is_empty(), has_problem(found)) {
        (true, _) => "everything is as it should be".to_owned(),
        (false, true) => parts.join(", "),
        (false, false) => format!("{}; nothing keeps jobs from running", parts.join(", ")),
    });
}

fn level(level: Level, out: &Out) -> String {
    let word = level.word();
    match level {
        Level::Ok => out.paint.dim(word),
        Level::Note => word.to_owned(),
        Level::Warning => out.paint.warned(word),
        Level::Problem => out.paint.failed(word),
    }
}

/// Breaks a text between words into lines of that many characters; a longer word stands alone.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
