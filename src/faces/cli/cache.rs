//! `cache`: which results are kept, are they whole, remove old ones or all.
//!
//! Not here: the doing (`engine/cache/upkeep.rs`).

use serde_json::json;

use super::args::CacheCommand;
use super::list::local_time;
use super::table::Table;
use crate::engine::clock;
use crate::engine::upkeep::{self, CacheLimits, KeptResult};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::text::{bytes_text, plural, shortened};

/// Runs a command.
///
/// # Errors
/// If the store of results cannot be read or written.
pub(super) fn cache(context: &Context, command: &CacheCommand, out: &mut Out) -> Result<Ending, Failure> {
    match command {
        CacheCommand::List { json } => list(context, *json, out),
        CacheCommand::Verify { repair, json } => verify(context, *repair, *json, out),
        CacheCommand::Prune { unused, max_size, dry_run, json } => {
            let limits = match (unused, max_size) {
                (None, None) => CacheLimits::default(),
                _ => CacheLimits { unused: *unused, bytes: *max_size },
            };
            prune(context, limits, *dry_run, *json, out)
        }
        CacheCommand::Clear => {
            let freed = upkeep::clear_cache(&context.project)?;
            out.line(format!("all results are removed, {} came free", bytes_text(freed)));
            Ok(Ending::Success)
        }
    }
}

fn list(context: &Context, as_json: bool, out: &mut Out) -> Result<Ending, Failure> {
    let found = upkeep::cached(&context.project)?;
    if as_json {
        out.line(json!(found.iter().map(as_object).collect::<Vec<_>>()).to_string());
        return Ok(Ending::Success);
    }
    let mut table = Table::default();
    for it in &found {
        table.row([
            it.key[..12].to_owned(),
            shortened(&it.name, 50),
            plural(it.files as usize, "file"),
            bytes_text(it.bytes),
            format!("by #{}", it.made_by),
            format!("used {}", local_time(it.used)),
            it.branch.clone().unwrap_or_default(),
        ]);
    }
    table.print(out);
    let bytes = found.iter().map(|it| it.bytes).sum();
    out.line(format!("{}, {}", plural(found.len(), "result"), bytes_text(bytes)));
    Ok(Ending::Success)
}

fn as_object(it: &KeptResult) -> serde_json::Value {
    json!({
        "key": it.key,
        "name": it.name,
        "files": it.files,
        "bytes": it.bytes,
        "made_by": it.made_by,
        "made": it.made.rfc3339(),
        "used": it.used.rfc3339(),
        "trust": it.trust,
        "share": it.share,
        "branch": it.branch,
    })
}

fn verify(context: &Context, repair: bool, as_json: bool, out: &mut Out) -> Result<Ending, Failure> {
    let seen = upkeep::verify_cache(&context.project, repair, &mut |finding| {
        out.line(if as_json {
            json!({ "type": "finding", "message": finding }).to_string()
        } else {
            finding
        });
    })?;
    let is_well = seen.findings == 0 || repair;
    if as_json {
        let sum = json!({
            "type": "sum", "results": seen.results, "files": seen.files, "findings": seen.findings, "repaired": repair,
        });
        out.line(sum.to_string());
    } else {
        let looked = format!("{}, {}", plural(seen.results, "result"), plural(seen.files, "file"));
        out.line(match (seen.findings, repair) {
            (0, _) => format!("the store of results is whole: {looked}"),
            (count, true) => format!("{} in {looked}, removed", plural(count, "problem")),
            (count, false) => {
                format!(
                    "{} in {looked}; `sortie cache verify --repair` removes what is damaged",
                    plural(count, "problem")
                )
            }
        });
    }
    Ok(if is_well { Ending::Success } else { Ending::Surroundings })
}

fn prune(
    context: &Context,
    limits: CacheLimits,
    is_dry: bool,
    as_json: bool,
    out: &mut Out,
) -> Result<Ending, Failure> {
    let done = upkeep::prune_cache(&context.project, limits, clock::now(), is_dry)?;
    if as_json {
        let gone = done.gone.iter().map(|(it, why)| {
            let mut object = as_object(it);
            object["why"] = json!(why);
            object
        });
        let sum = json!({
            "dry_run": is_dry,
            "removed": gone.collect::<Vec<_>>(),
            "kept": done.kept,
            "freed_bytes": done.freed,
            "kept_bytes": done.in_use,
        });
        out.line(sum.to_string());
        return Ok(Ending::Success);
    }
    let mut table = Table::default();
    for (it, why) in &done.gone {
        table.row([
            shortened(&it.name, 50),
            bytes_text(it.bytes),
            format!("used {}", local_time(it.used)),
            (*why).to_owned(),
        ]);
    }
    table.print(out);
    out.line(format!(
        "{} {} ({}), {} kept ({})",
        plural(done.gone.len(), "result"),
        if is_dry { "would be removed" } else { "removed" },
        bytes_text(done.freed),
        done.kept,
        bytes_text(done.in_use),
    ));
    Ok(Ending::Success)
}
