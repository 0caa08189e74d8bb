//! `store`: is everything whole, remove old jobs, take jobs out.
//!
//! Not here: the doing (`engine/store/verify.rs`, `prune.rs` and `export.rs` beside it).

use std::io::{BufWriter, Write};

use serde_json::json;

use super::args::{ExportArgs, PruneArgs, StoreCommand};
use super::list::{local_time, state_word};
use super::pick;
use super::table::Table;
use crate::engine::upkeep::{self, Keep, Pruning};
use crate::engine::{JobFilter, clock};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::text::{bytes_text, plural, shortened};

/// Runs a command.
///
/// # Errors
/// If the store cannot be read or written, or something is wrong with it.
pub(super) fn store(
    context: &Context,
    command: &StoreCommand,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    match command {
        StoreCommand::Verify { json } => verify(context, *json, out),
        StoreCommand::Prune(args) => prune(context, args, out),
        StoreCommand::Export(args) => export(context, args, out, notes),
    }
}

fn verify(context: &Context, as_json: bool, out: &mut Out) -> Result<Ending, Failure> {
    // Many things are wrong for one reason, whose way out is told once.
    let mut told: Option<String> = None;
    let verified = upkeep::verify(&context.project, &mut |finding| {
        if as_json {
            out.line(json!({ "type": "finding", "job": finding.job, "message": finding.message, "help": finding.help }).to_string());
            return;
        }
        let of = finding.job.map_or_else(String::new, |number| format!("job #{number}: "));
        out.line(format!("{of}{}", finding.message));
        if finding.help.is_some() && finding.help != told {
            out.line(format!("  help: {}", finding.help.as_deref().unwrap_or_default()));
            told = finding.help;
        }
    })?;
    let seen = verified.unwrap_or_default();
    if as_json {
        let sum = json!({
            "type": "sum", "jobs": seen.jobs, "events": seen.events, "logs": seen.logs, "findings": seen.findings,
        });
        out.line(sum.to_string());
    } else {
        let looked = format!(
            "{}, {}, {}",
            plural(seen.jobs, "job"),
            plural(seen.events, "event"),
            plural(seen.logs, "log")
        );
        out.line(match seen.findings {
            0 => format!("the store is whole: {looked}"),
            count => format!("{} in {looked}", plural(count, "problem")),
        });
    }
    Ok(if seen.findings == 0 { Ending::Success } else { Ending::Surroundings })
}

fn prune(context: &Context, args: &PruneArgs, out: &mut Out) -> Result<Ending, Failure> {
    let given = (args.keep.map(|it| it as usize), args.older_than, args.max_size);
    let is_given = given != (None, None, None);
    let (count, age, bytes) = if is_given { given } else { context.settings.keep() };
    let keep = Keep { count, age, bytes, interrupted: args.interrupted, without_limit: !is_given };
    let found = upkeep::pruning(&context.project, keep, clock::now())?.unwrap_or_default();
    let done = match args.dry_run {
        true => found,
        false if found.doomed.is_empty() && found.leftovers.is_empty() => found,
        false => upkeep::prune(&context.project, found)?,
    };
    if args.json {
        out.line(pruned_json(&done, args.dry_run));
        return Ok(Ending::Success);
    }
    let mut table = Table::default();
    for it in &done.doomed {
        table.row([
            format!("#{}", it.row.number),
            state_word(&it.row).to_owned(),
            shortened(&it.row.name, 40),
            local_time(it.row.started),
            bytes_text(it.bytes),
            it.why.clone(),
        ]);
    }
    table.print(out);
    for folder in &done.leftovers {
        out.line(format!("{folder}, left of a job that was removed"));
    }
    for (number, why) in done.spared.iter().filter(|(_, why)| why.contains("interrupted")) {
        let hint =
            if *why == upkeep::Pruning::RECOVERABLE { " (`--interrupted` removes it, too)" } else { "" };
        out.line(format!("#{number} stays: {why}{hint}"));
    }
    let bytes = done.doomed.iter().map(|it| it.bytes).sum();
    let verb = if args.dry_run { "would be removed" } else { "removed" };
    out.line(format!(
        "{} {verb} ({} of logs), {} kept ({}); {}",
        plural(done.doomed.len(), "job"),
        bytes_text(bytes),
        done.kept,
        bytes_text(done.kept_bytes),
        limits(keep, is_given)
    ));
    Ok(Ending::Success)
}

/// What was kept by, in words.
fn limits(keep: Keep, is_given: bool) -> String {
    let mut parts = Vec::new();
    parts.extend(keep.count.map(|it| format!("at most {}", plural(it, "job"))));
    parts.extend(keep.age.map(|it| format!("for {}", crate::logic::text::duration(it))));
    parts.extend(keep.bytes.map(|it| format!("with {} of logs", bytes_text(it))));
    let from =
        if is_given { "" } else { ", by the settings `jobs.keep`, `jobs.keep-for` and `jobs.keep-size`" };
    format!("kept are {}{from}", parts.join(", "))
}

fn pruned_json(done: &Pruning, is_dry: bool) -> String {
    let of = |it: &upkeep::Doomed| json!({ "number": it.row.number, "id": &*it.row.id.0, "bytes": it.bytes, "why": it.why });
    let spared: Vec<_> = done.spared.iter().map(|(job, why)| json!({ "number": job, "why": why })).collect();
    json!({
        "dry_run": is_dry,
        "removed": done.doomed.iter().map(of).collect::<Vec<_>>(),
        "leftovers": done.leftovers,
        "kept": done.kept,
        "kept_bytes": done.kept_bytes,
        "spared": spared,
    })
    .to_string()
}

fn export(context: &Context, args: &ExportArgs, out: &mut Out, notes: &mut Out) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    let mut jobs = if args.jobs.is_empty() {
        history.query(&JobFilter::default(), usize::MAX >> 1)?
    } else {
        let find = |it: &String| pick::job(context, &history, it);
        args.jobs.iter().map(find).collect::<Result<_, _>>()?
    };
    jobs.sort_by_key(|row| row.number);
    jobs.dedup_by_key(|row| row.number);
    let mut file = args.to.as_deref().map(upkeep::create).transpose()?.map(BufWriter::new);
    let mut archive = args.logs.as_deref().map(upkeep::create).transpose()?.map(BufWriter::new);
    let archive = archive.as_mut().map(|it| it as &mut dyn Write);
    let written = match &mut file {
        Some(file) => upkeep::export(&history, &jobs, file, archive),
        None => upkeep::export(&history, &jobs, &mut Through(out), archive),
    };
    let done = match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Ending::Success),
        written => {
            written.map_err(|error| Failure::surroundings(format!("it could not be written: {error}")))?
        }
    };
    for missing in &done.missing {
        notes.line(format!("left out: {missing}"));
    }
    let logs = if args.logs.is_some() { format!(", {}", plural(done.logs, "log")) } else { String::new() };
    notes.line(format!("{}, {}{logs}", plural(done.jobs, "job"), plural(done.events, "event")));
    Ok(if done.missing.is_empty() { Ending::Success } else { Ending::Surroundings })
}

/// Writes to where commands print.
struct Through<'a>(&'a mut Out);

impl Write for Through<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.is_closed() {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        self.0.bytes(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush();
        Ok(())
    }
}
