//! `fmt`: lays playbooks out.
//!
//! Not here: the layout (`logic/author/format`), writing (`engine/rewrite.rs`).

use std::io::Read;
use std::path::{Path, PathBuf};

use super::args::FmtArgs;
use super::opened::{self, look};
use crate::engine::rewrite::{self, Original};
use crate::engine::{Project, library};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::faces::{diff, report};
use crate::logic::author::format;
use crate::logic::diag::Diagnostic;
use crate::logic::playbook::{self, source::Source};
use crate::logic::text::plural;

/// How many playbooks there were of each kind.
#[derive(Default)]
struct Count {
    all: usize,
    changed: usize,
    refused: usize,
}

/// Runs the command.
///
/// # Errors
/// If a playbook cannot be found, laid out, or written.
pub(super) fn format(
    context: &Context,
    args: &FmtArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let root = &context.project.root;
    if args.playbooks.iter().any(|it| it == "-") {
        if args.playbooks.len() > 1 {
            return Err(Failure::usage("`-` stands for standard input, and stands alone"));
        }
        return standard(args, out, notes);
    }
    let mut paths: Vec<PathBuf> = if args.playbooks.is_empty() { library::list(root) } else { Vec::new() };
    for wanted in &args.playbooks {
        paths.push(opened::find(&context.project, wanted, notes)?);
    }
    if paths.is_empty() {
        out.line("this project has no playbooks; they belong into the folder `playbooks`");
        return Ok(Ending::Success);
    }
    let mut count = Count::default();
    for path in &paths {
        one(&context.project, path, args, &mut count, (out, notes))?;
    }
    if count.changed + count.refused == 0 {
        out.line(format!("{} looked at: all of them are laid out", plural(count.all, "playbook")));
    }
    Ok(ending(&count, args))
}

fn ending(count: &Count, args: &FmtArgs) -> Ending {
    match count {
        Count { refused: 1.., .. } => Ending::Usage,
        Count { changed: 1.., .. } if args.check => Ending::JobFailed,
        _ => Ending::Success,
    }
}

fn one(
    project: &Project,
    path: &Path,
    args: &FmtArgs,
    count: &mut Count,
    (out, notes): (&mut Out, &mut Out),
) -> Result<(), Failure> {
    let (opened, original): (_, Original) = rewrite::open(project, path)?;
    let (source, file) = (&opened.source, opened.source.name.to_string());
    count.all += 1;
    let laid_out = match original.text() {
        None => Err(opened.reading.diagnostics.clone()),
        Some(_) => format::is_one_of_ours(source).and_then(|()| format::format(source)),
    };
    let text = match laid_out {
        Ok(text) => text,
        Err(problems) => {
            count.refused += 1;
            refused(source, &problems, notes);
            return Ok(());
        }
    };
    if *text == *source.text {
        return Ok(());
    }
    count.changed += 1;
    if args.diff {
        diff::print(out, &file, &source.text, &text);
    }
    if !args.check && !args.diff {
        original.write(&text)?;
    }
    if args.check || !args.diff {
        out.line(if args.check { format!("{file} would change") } else { format!("{file} laid out") });
    }
    Ok(())
}

fn refused(source: &Source, problems: &[Diagnostic], notes: &mut Out) {
    notes.bytes(report::draw(&[(source, problems)], look(notes)).as_bytes());
    notes.line(format!("{}: not laid out", source.name));
    notes.flush();
}

/// Lays out what comes from standard input.
fn standard(args: &FmtArgs, out: &mut Out, notes: &mut Out) -> Result<Ending, Failure> {
    let mut bytes = Vec::new();
    // One byte more than a playbook may have is enough to see that it is too large.
    let most = playbook::SIZE_LIMIT as u64 + 1;
    let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
    read.map_err(|error| Failure::surroundings(format!("standard input cannot be read: {error}")))?;
    let file = "standard input";
    let (source, reading) = playbook::read_bytes(file, &bytes);
    let is_text = playbook::text_of(file, bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)).is_some();
    let lay_out = || format::is_one_of_ours(&source).and_then(|()| format::format(&source));
    let laid_out = if is_text { lay_out() } else { Err(reading.diagnostics) };
    let text = match laid_out {
        Ok(text) => text,
        Err(problems) => {
            refused(&source, &problems, notes);
            return Ok(Ending::Usage);
        }
    };
    let is_changed = *text != *source.text;
    if args.diff {
        diff::print(out, file, &source.text, &text);
    } else if args.check {
        out.line(if is_changed { "standard input would change" } else { "standard input is laid out" });
    } else {
        out.bytes(text.as_bytes());
    }
    Ok(if args.check && is_changed { Ending::JobFailed } else { Ending::Success })
}
