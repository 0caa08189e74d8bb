//! Profiles: named choices of variables, stages and matrix values.
//!
//! Not here: what becomes of a plan by one (`logic/plan/profile.rs`).

use std::sync::Arc;

use super::decode::Reader;
use super::keys::Place;
use super::model::{Profile, Stage};
use super::tree::NodeId;
use crate::logic::diag::Diagnostic;
use crate::logic::text::near_miss;

impl Reader<'_> {
    /// Reads `profiles`.
    pub(super) fn profiles(&mut self, id: NodeId, stages: &[Stage]) -> Vec<Profile> {
        let mut profiles = Vec::new();
        for (name, span, value) in
            self.members(id, "a map of profiles, each with `variables`, `include` or the like")
        {
            if !self.check_id(name, span, "a profile") {
                continue;
            }
            let Some(fields) = self.fields(value, Place::Profile) else { continue };
            let description =
                fields.get("description").and_then(|id| self.text(id, "text")).map(str::to_owned);
            profiles.push(Profile {
                name: Arc::from(name),
                span,
                description,
                variables: fields.get("variables").map(|id| self.vars(id)).unwrap_or_default(),
                include: fields
                    .get("include")
                    .map(|id| self.stages_of_profile(id, stages))
                    .unwrap_or_default(),
                exclude: fields
                    .get("exclude")
                    .map(|id| self.stages_of_profile(id, stages))
                    .unwrap_or_default(),
                matrix: fields.get("matrix").map(|id| self.axes_of_profile(id)).unwrap_or_default(),
            });
        }
        profiles
    }

    fn stages_of_profile(&mut self, id: NodeId, stages: &[Stage]) -> Vec<Arc<str>> {
        let mut found: Vec<Arc<str>> = Vec::new();
        for (name, span) in self.texts(id, "a list of stages") {
            match stages.iter().find(|stage| stage.id.eq_ignore_ascii_case(name)) {
                Some(stage) => found.push(Arc::clone(&stage.id)),
                None => {
                    let mut problem =
                        Diagnostic::error("unknown-stage", span, format!("there is no stage `{name}`"));
                    let near = near_miss(name, stages.iter().map(|stage| &*stage.id));
                    problem.help = near.map(|near| format!("did you mean `{near}`?"));
                    self.report(problem);
                }
            }
        }
        found
    }

    fn axes_of_profile(&mut self, id: NodeId) -> Vec<(String, Vec<String>)> {
        let mut axes = Vec::new();
        for (name, span, value) in self.members(id, "a map of axes, each with a list of values") {
            self.check_id(name, span, "an axis");
            let values: Vec<String> =
                self.texts(value, "a list of values").into_iter().map(|(text, _)| text.to_owned()).collect();
            if values.is_empty() {
                self.report(
                    Diagnostic::error("matrix-axis-empty", span, format!("the axis `{name}` has no values"))
                        .help("give it values, or leave it out"),
                );
                continue;
            }
            axes.push((name.to_owned(), values));
        }
        axes
    }
}
