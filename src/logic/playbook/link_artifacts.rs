//! Artifacts across calls: whether what a called playbook takes is kept by something that its caller waits for, and the other
//! way round.
//!
//! Not here: stages of one file (`read_artifacts.rs`), what is there when a job runs (`logic/job/artifacts.rs`). Start with
//! `Link::check_artifacts`. Only the playbook that was asked for is judged, as a job of its own: who else may call it or the
//! others is not known.

use super::artifact::Which;
use super::call::{Call, DEEPEST};
use super::link::Link;
use super::model::{Playbook, Stage};
use super::read_artifacts::{fits, needed};
use crate::logic::diag::Diagnostic;

impl Link {
    /// Finds artifacts that are taken and that nothing keeps, in a playbook that people run.
    pub(super) fn check_artifacts(&self, playbook: &Playbook, found: &mut Vec<Diagnostic>) {
        if playbook.is_only_called {
            return;
        }
        for (at, which) in self.unmet(playbook, 0) {
            let stage = &playbook.stages[at];
            let (Which::Name(text) | Which::Pattern(text)) = which;
            let (id, name) = (&stage.id, text.template.source());
            let keepers = playbook.stages.iter().enumerate().filter(|(other, it)| {
                *other != at && fits(which).is_some_and(|fits| self.keeps(it, &*fits, 0))
            });
            let help = match keepers.map(|(_, it)| &it.id).next() {
                Some(keeper) => format!("`{keeper}` keeps it; add `{keeper}` to the `needs` of `{id}`"),
                None => {
                    format!(
                        "let a stage that `{id}` needs keep it: `artifacts: {{out: [{{name: {name}, path: ...}}]}}`"
                    )
                }
            };
            let (span, message) = match &stage.call {
                Some(call) => (
                    call.span,
                    format!(
                        "`./{}` takes an artifact `{name}`, and no stage that `{id}` needs keeps it",
                        call.path
                    ),
                ),
                None => (text.span, format!("no stage that `{id}` needs keeps an artifact `{name}`")),
            };
            found.push(Diagnostic::error("artifact-unknown", span, message).help(help));
        }
    }

    /// Returns what stages of a file take, or take by what they call, that nothing in the file keeps before: each with its stage.
    fn unmet<'p>(&'p self, playbook: &'p Playbook, depth: usize) -> Vec<(usize, &'p Which)> {
        let mut found = Vec::new();
        for (at, stage) in playbook.stages.iter().enumerate() {
            let mut wanted: Vec<&Which> =
                stage.artifacts.iter().flat_map(|it| &it.into).map(|it| &it.which).collect();
            // Circles and what is too deep are told elsewhere.
            if let Some(callee) = self.callee(stage.call.as_deref()).filter(|_| depth <= DEEPEST) {
                wanted.extend(self.unmet(callee, depth + 1).into_iter().map(|(_, which)| which));
            }
            if wanted.is_empty() {
                continue;
            }
            let needed = needed(&playbook.stages, at);
            let is_kept = |which: &Which| {
                fits(which).is_none_or(|fits| {
                    needed.iter().any(|&need| self.keeps(&playbook.stages[need], &*fits, 0))
                })
            };
            found.extend(wanted.into_iter().filter(|which| !is_kept(which)).map(|which| (at, which)));
        }
        found
    }

    /// Says whether a stage, or what it calls, may keep an artifact of such a name.
    fn keeps(&self, stage: &Stage, fits: &super::read_artifacts::Fits, depth: usize) -> bool {
        if stage.artifacts.iter().flat_map(|it| &it.out).any(|out| fits(&out.name.template)) {
            return true;
        }
        let Some(call) = stage.call.as_deref() else { return false };
        // What could not be read may keep anything.
        let Some(callee) = self.callee(Some(call)).filter(|_| depth <= DEEPEST) else { return true };
        callee.stages.iter().any(|inner| self.keeps(inner, fits, depth + 1))
    }

    fn callee(&self, call: Option<&Call>) -> Option<&Playbook> {
        self.files.get(&call?.path)?.playbook.as_deref()
    }
}
