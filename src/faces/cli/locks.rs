//! `jobs locks`: what jobs hold that others may want, and who waits for it.
//!
//! Not here: why one job waits (`show.rs`).

use serde_json::{Value as Json, json};

use super::args::LocksArgs;
use super::list::local_time;
use super::table::Table;
use crate::engine::{ClaimRow, History, machine_holder};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::faces::shares;
use crate::faces::signs::State;
use crate::logic::claims::{Blocker, Kind};
use crate::logic::playbook::share::shown;

/// Runs the command.
///
/// # Errors
/// If the store cannot be read.
pub(super) fn locks(context: &Context, args: &LocksArgs, out: &mut Out) -> Result<Ending, Failure> {
    let history = History::open(&context.project)?;
    let rows = history.map_or_else(|| Ok(Vec::new()), |history| history.claims())?;
    if args.json {
        out.line(Json::from(rows.iter().map(row_json).collect::<Vec<_>>()).to_string());
        return Ok(Ending::Success);
    }
    if rows.is_empty() {
        out.line("no job of this project holds a group, a lock or a resource, and none waits for one");
        return Ok(Ending::Success);
    }
    let mut table = Table::default();
    for row in &rows {
        let sign = if row.is_held { State::Running } else { State::Blocked };
        let place = if row.place.is_empty() { String::new() } else { format!(" ({})", row.place) };
        let recover = || context.command(&format!("jobs recover {}", row.job));
        let left =
            if row.is_left { format!("; no engine works on it: `{}`", recover()) } else { String::new() };
        let holder = holder(row).map(|by| format!("; {}", shares::whose(&by))).unwrap_or_default();
        let verb = if row.is_held { "held" } else { "waits" };
        let columns = [
            what(row),
            verb.to_owned(),
            format!("job #{} {}{place}", row.job, row.name),
            format!("since {}{holder}{left}", local_time(row.since)),
        ];
        table.marked(out.paint.sign(sign), 0, columns);
    }
    table.print(out);
    Ok(Ending::Success)
}

/// Returns who has what is waited for, where that may be a job of another project.
fn holder(row: &ClaimRow) -> Option<Blocker> {
    if row.is_held { None } else { machine_holder(&row.claim) }
}

fn what(row: &ClaimRow) -> String {
    let claim = &row.claim;
    match claim.kind {
        Kind::Resource => {
            let (amount, total) = (shown(&claim.name, claim.amount), shown(&claim.name, claim.total));
            format!("{} {amount} of {total}", claim.name)
        }
        kind if claim.is_shared => format!("{} {} (shared)", kind.word(), claim.name),
        kind => format!("{} {}", kind.word(), claim.name),
    }
}

fn row_json(row: &ClaimRow) -> Json {
    let mut object = json!({
        "kind": row.claim.kind,
        "name": row.claim.name,
        "scope": row.claim.reach,
        "state": if row.is_held { "held" } else { "waiting" },
        "job": row.job,
        "playbook": row.name,
        "since": row.since.rfc3339(),
        "owner_alive": !row.is_left,
    });
    if let Some(by) = holder(row) {
        object["holder"] = json!({
            "job": by.job, "playbook": by.name, "cell": by.place, "project": by.project, "since": by.since.rfc3339(),
        });
    }
    if !row.place.is_empty() {
        object["cell"] = row.place.clone().into();
    }
    match row.claim.kind {
        Kind::Lock => object["mode"] = if row.claim.is_shared { "shared" } else { "exclusive" }.into(),
        Kind::Resource => {
            object["amount"] = row.claim.amount.into();
            object["total"] = row.claim.total.into();
        }
        Kind::Group => {}
    }
    object
}
