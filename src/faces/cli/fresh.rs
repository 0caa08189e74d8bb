//! A new job from the playbook of an earlier one as the file is now, asked for as that one was.
//!
//! Nothing here prints or asks on the terminal. Not here: that the file changed (`engine/watching`), running a job on that
//! has ended (`retry.rs`).

use std::sync::Arc;

use super::begin::Caught;
use super::{opened, pick, prepare, run};
use crate::engine::{self, JobId};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::faces::show::Shown;
use crate::logic::plan::PlanRequest;
use crate::logic::playbook::gate::GateRules;
use crate::logic::view::JobView;

/// Starts a new job in this process, without asking anybody anything. `may_begin` is asked once, when only the start itself is
/// left to be done.
///
/// # Errors
/// What the command line would have printed; nothing, if it may not begin any more.
pub fn fresh(context: &Context, job: &JobId, may_begin: &dyn Fn() -> bool) -> Result<Shown, Vec<String>> {
    let caught = Caught::default();
    let mut notes = caught.out();
    let prepared = prepared(context, job, &mut notes);
    let (start, view) = prepared.map_err(|failure| caught.told(context, &mut notes, &failure))?;
    if !may_begin() {
        return Err(Vec::new());
    }
    match engine::start(&context.project, start, context.outside.world) {
        Ok(running) => Ok(Shown::ours(running, view)),
        Err(error) => Err(caught.told(context, &mut notes, &error.into())),
    }
}

fn prepared(context: &Context, job: &JobId, notes: &mut Out) -> Result<(engine::Start, JobView), Failure> {
    let ahead = engine::get_ready(context.outside.world);
    let history = pick::history(context)?;
    let row = history.row(job)?;
    let mut request = today(context, history.request(job)?);
    drop(history);
    let path = pick::playbook_path(context, &row).display().to_string();
    let (opened, playbook) = opened::open_to_run(&context.project, &path, notes)?;
    prepare::containers(context, &playbook, &mut request);
    let plan = crate::logic::plan::plan(Arc::new(playbook), &request)
        .map_err(|problems| prepare::told(notes, &problems, Ending::Usage))?;
    prepare::warn(notes, &plan);
    let env = prepare::env(&request)?;
    let view = JobView::of_plan(&plan);
    let wanted = run::Wanted {
        opened,
        plan,
        request,
        env,
        retry_of: Some(row.number),
        id: None,
        said: Vec::new(),
        ahead,
    };
    let start = run::prepared(context, wanted, false, &mut prepare::nobody, notes)?;
    Ok((start, view))
}

/// Returns what was asked for then, as it is meant today: who may answer at gates and what there is of everything are matters
/// of the settings, and what was to be made anew was made anew.
pub(super) fn today(context: &Context, earlier: PlanRequest) -> PlanRequest {
    let settings = &context.settings;
    let gates = GateRules {
        groups: settings.groups(),
        claims_count: settings.claims_count(),
        unattended: earlier.gates.unattended,
    };
    let cache = crate::logic::plan::CacheRequest { refresh: false, ..earlier.cache };
    PlanRequest { gates, totals: settings.totals(), cache, ..earlier }
}
