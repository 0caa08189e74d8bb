//! The row of a form that asks for a profile: what there is to choose, what each does, and what is wrong with it.
//!
//! Pure. Not here: the form (`form.rs`), what a profile makes of a plan (`logic/plan/profile.rs`).

use std::sync::Arc;

use serde_json::Value as Json;

use super::form::{FormRow, plain};

use crate::logic::plan::{self, PlanRequest, inputs};
use crate::logic::playbook::model::{Input, InputKind, Playbook, Profile};
use crate::logic::playbook::source::Span;
use crate::logic::text::{listed, shortened};
use crate::logic::value::Value;

/// What is chosen without a profile.
const NONE: &str = "all stages";

/// Returns the row of a playbook that has profiles. `before` is the one that was chosen last, if it is still there.
pub(super) fn row(playbook: &Playbook, before: Option<&str>) -> Option<FormRow> {
    if playbook.profiles.is_empty() {
        return None;
    }
    let names = playbook.profiles.iter().map(|it| it.name.to_string());
    let input = Input {
        name: "profile".into(),
        span: Span::default(),
        description: None,
        kind: InputKind::Choice { options: std::iter::once(NONE.to_owned()).chain(names).collect() },
        required: false,
        default: Some(Value::string(NONE)),
    };
    let at = playbook.profiles.iter().position(|it| before == Some(&*it.name)).map_or(0, |at| at + 1);
    Some(FormRow::chosen(&input, at))
}

/// Returns the profile of a choice; nothing for the first one.
pub(super) fn at(playbook: &Playbook, choice: usize) -> Option<&Profile> {
    playbook.profiles.get(choice.checked_sub(1)?)
}

/// Returns what a choice does: in the words of the playbook, else in those of sortie.
pub(super) fn about(playbook: &Playbook, profile: Option<&str>) -> String {
    let Some(profile) = playbook.profiles.iter().find(|it| profile == Some(&*it.name)) else {
        return "the playbook as it is, without a profile".to_owned();
    };
    match profile.description.as_deref().map(str::trim) {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => effect(profile),
    }
}

/// Returns what a profile changes: `only build and test; without e2e; depth=3; os=linux,macos`.
pub(super) fn effect(profile: &Profile) -> String {
    let names = |list: &[Arc<str>]| listed(&list.iter().map(|it| &**it).collect::<Vec<_>>(), "and");
    let mut parts = Vec::new();
    if !profile.include.is_empty() {
        parts.push(format!("only {}", names(&profile.include)));
    }
    if !profile.exclude.is_empty() {
        parts.push(format!("without {}", names(&profile.exclude)));
    }
    parts.extend(
        profile.variables.iter().map(|(name, value)| format!("{name}={}", shortened(&plain(value), 60))),
    );
    parts.extend(profile.matrix.iter().map(|(axis, values)| format!("{axis}={}", values.join(","))));
    if parts.is_empty() { "changes nothing".to_owned() } else { parts.join("; ") }
}

/// Returns what is wrong with running a profile with these values, and the way out; what is wrong without it as well is
/// not its fault. While values are missing, the ones that nobody would be surprised by stand in for them.
pub(super) fn trouble(
    playbook: &Arc<Playbook>,
    profile: &str,
    given: Vec<(String, Json)>,
) -> Option<(String, Option<String>)> {
    let inputs = match inputs::check(&playbook.inputs, &given) {
        Ok(_) => given,
        Err(_) => inputs::examples(&playbook.inputs),
    };
    let problems = |profile: Option<&str>| {
        let profile = profile.map(str::to_owned);
        let request = PlanRequest { inputs: inputs.clone(), profile, ..PlanRequest::default() };
        plan::plan(Arc::clone(playbook), &request).err().unwrap_or_default()
    };
    let found = problems(Some(profile));
    let besides = if found.is_empty() { Vec::new() } else { problems(None) };
    found.into_iter().find(|it| !besides.contains(it)).map(|it| match it.slug {
        // Options of a command line help nobody here.
        "nothing-selected" => {
            (it.message, Some("choose another one, or mend its `include` and `exclude`".to_owned()))
        }
        _ => (it.message, it.help),
    })
}
