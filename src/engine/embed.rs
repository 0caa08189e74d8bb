//! For programs that run playbooks with the library: from a file to what [`super::start`] takes, in one step.
//!
//! Not here: asking anybody anything. Secrets are left to the caller, who puts them into the result.

use std::sync::Arc;

use serde_json::Value as Json;

use super::begin::{Ahead, Start};
use super::{EngineError, OnLoss, Project, library};
use crate::logic::plan::{PlanRequest, plan};

/// Finds a playbook by path or name, reads, checks and plans it with these inputs, to be started in the name of `actor`.
/// The processes of the job are stopped if this program dies.
///
/// # Errors
/// If there is no such playbook, it says something wrong, or the inputs do not fit; the first problem of several.
pub fn prepare(
    project: &Project,
    playbook: &str,
    inputs: &[(&str, &str)],
    actor: &str,
) -> Result<Start, EngineError> {
    let mut opened = library::open(project, &library::find(project, playbook)?)?;
    let wrong = |message: &str, help: Option<&String>| {
        let error = EngineError::usage(format!("`{playbook}`: {message}"));
        match help {
            Some(help) => error.help(help.as_str()),
            None => error,
        }
    };
    let Some(read) = opened.reading.playbook.take() else {
        let files = opened.files();
        let first = files.iter().rev().find_map(|(_, found)| found.first());
        let message = first.map_or("it is no playbook", |it| it.message.as_str());
        return Err(wrong(message, first.and_then(|it| it.help.as_ref())));
    };
    let given = inputs.iter().map(|(name, value)| ((*name).to_owned(), Json::String((*value).to_owned())));
    let request = PlanRequest { inputs: given.collect(), ..PlanRequest::default() };
    let plan = plan(Arc::new(read), &request).map_err(|problems| {
        let first = problems.first();
        let message = first.map_or("there is no plan for it", |it| it.message.as_str());
        wrong(message, first.and_then(|it| it.help.as_ref()))
    })?;
    Ok(Start {
        source: opened.source,
        path: opened.path,
        plan,
        request,
        env: Vec::new(),
        secrets: Vec::new(),
        actor: actor.to_owned(),
        on_loss: OnLoss::Stop,
        retry_of: None,
        fired: None,
        id: None,
        ahead: Ahead::default(),
    })
}
