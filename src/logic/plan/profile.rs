//! What a profile makes of a request: what is asked for by options goes before what the profile says.

use std::borrow::Cow;

use super::{PlanProblem, PlanRequest, PlannedStage, Selected};
use crate::logic::playbook::model::{Playbook, Profile};
use crate::logic::text::{listed_names, near_miss};
use crate::logic::value::{Object, Value};

/// Finds the profile that a request names.
pub(super) fn find<'p>(
    playbook: &'p Playbook,
    request: &PlanRequest,
    problems: &mut Vec<PlanProblem>,
) -> Option<&'p Profile> {
    let wanted = request.profile.as_deref()?;
    let found = playbook.profiles.iter().find(|it| it.name.eq_ignore_ascii_case(wanted));
    if found.is_none() {
        let names: Vec<&str> = playbook.profiles.iter().map(|it| &*it.name).collect();
        let help = match near_miss(wanted, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "this playbook has no profiles".to_owned(),
            None => format!("there is {}", listed_names(&names, "and")),
        };
        problems.push(PlanProblem {
            slug: "unknown-profile",
            message: format!("there is no profile `{wanted}`"),
            help: Some(help),
        });
    }
    found
}

/// Returns the request with the axes of a profile, where nobody asked for others.
pub(super) fn with_axes<'r>(profile: Option<&Profile>, request: &'r PlanRequest) -> Cow<'r, PlanRequest> {
    let Some(profile) = profile.filter(|it| !it.matrix.is_empty()) else { return Cow::Borrowed(request) };
    let is_asked = |axis: &str| request.matrix.iter().any(|(asked, _)| asked.eq_ignore_ascii_case(axis));
    let own = profile.matrix.iter().filter(|(axis, _)| !is_asked(axis)).cloned();
    let matrix = own.chain(request.matrix.iter().cloned()).collect();
    Cow::Owned(PlanRequest { matrix, ..request.clone() })
}

/// Returns the context `vars`: what the playbook says, a profile in its place, and what was asked for before both.
pub(super) fn vars(playbook: &Playbook, profile: Option<&Profile>, request: &PlanRequest) -> Value {
    let mut vars: Object = playbook.vars.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    for (name, value) in profile.iter().flat_map(|it| &it.variables) {
        vars.insert(name.clone(), value.clone());
    }
    for (name, value) in &request.vars {
        vars.insert(name.as_str(), Value::string(value.as_str()));
    }
    Value::object(vars)
}

/// Leaves out what a profile leaves out, unless somebody named what is to run.
pub(super) fn select(
    profile: Option<&Profile>,
    playbook: &Playbook,
    request: &PlanRequest,
    stages: &mut [PlannedStage],
) {
    let Some(profile) = profile.filter(|_| request.only.is_empty()) else { return };
    for (stage, planned) in playbook.stages.iter().zip(stages).filter(|(stage, _)| stage.frame.is_none()) {
        let is_named = |list: &[std::sync::Arc<str>]| list.iter().any(|name| **name == *stage.id);
        if is_named(&profile.exclude) {
            planned.selected = Selected::No(format!("left out by the profile `{}`", profile.name));
        } else if !profile.include.is_empty() && !is_named(&profile.include) && !stage.is_final {
            planned.selected = Selected::No(format!("not in the profile `{}`", profile.name));
        }
    }
}
