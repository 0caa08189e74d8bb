//! `cache`: which results are kept, are they whole, remove old ones or all.
//!
//! Not here: the doing (`engine/cache/upkeep.rs`).

use serde_json::json;

use super::args::CacheCommand;
use super::cache_explain;
use super::list::local_time;
use super::table::Table;
use crate::engine::clock;
use crate::engine::upkeep::{self, CacheLimits, KeptResult};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::text::{bytes_text, plural, shortened};

/// Where the state of a project is if nobody says anything else.
const DEFAULT_STATE: &str = ".sortie";

/// Runs a command.
///
/// # Errors
/// If the store of results cannot be read or written.
pub(super) fn cache(context: &Context, command: &CacheCommand, out: &mut Out) -> Result<Ending, Failure> {
    if !context.project.state.is_dir() && context.settings.store_dir() != DEFAULT_STATE {
        let message = format!("there is no state folder `{}`", context.project.state.display());
        return Err(Failure::usage(message).help("without `--state` it is `.sortie` in the project"));
    }
    match command {
        CacheCommand::List { json } => list(context, *json, out),
        CacheCommand::Explain(args) => cache_explain::explain(context, args, out),
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
    // All that the store takes, as pruning tells it: more than the files alone.
    let all = upkeep::prune_cache(&context.project, CacheLimits::default(), clock::now(), true)?;
    let bytes = bytes_text(all.in_use + all.freed);
    out.line(format!("{}, {bytes} in the store", plural(found.len(), "result")));
    Ok(Ending::Success)
}

pub(super) fn as_object(it: &KeptResult) -> serde_json::Value {
    json!({
        "key": it.key,
        "name": it.name,
        "kind": if it.is_keyed { "files" } else { "result" },
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
            "type": "sum", "results": seen.results, "artifacts": seen.artifacts, "files": seen.files, "findings": seen.findings, "repaired": repair,
            "is_there": seen.is_there,
        });
        out.line(sum.to_string());
    } else {
        let artifacts = match seen.artifacts {
            0 => String::new(),
            some => format!(", {}", plural(some, "artifact")),
        };
        // Small ones are no files of their own.
        let files = match seen.files {
            0 => String::new(),
            some => format!(", {}", plural(some, "file")),
        };
        let looked = format!("{}{artifacts}{files}", plural(seen.results, "result"));
        let place = context.project.state.join("cache");
        out.line(match (seen.findings, repair) {
            _ if !seen.is_there => {
                format!("there is nothing in `{}`: no result was kept so far", place.display())
            }
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
            "expired_artifacts": done.expired,
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
    if done.expired > 0 {
        let is = if done.expired == 1 { "is" } else { "are" };
        out.line(format!(
            "{} {is} over, and {}",
            plural(done.expired, "artifact"),
            if is_dry { "would go" } else { "gone" }
        ));
    }
    Ok(Ending::Success)
}
