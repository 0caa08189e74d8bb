//! What cells of a job have kept for others, as far as it is known.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::logic::artifact::Artifact;
use crate::logic::job::event::Event;

/// The artifacts of a job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Artifacts {
    /// By name.
    pub published: BTreeMap<Arc<str>, ArtifactView>,
}

/// An artifact, and who published it.
#[derive(Clone, Debug, PartialEq)]
pub struct ArtifactView {
    pub artifact: Artifact,
    pub cell: u32,
    pub run: u32,
}

impl Artifacts {
    pub(super) fn fold(&mut self, event: &Event) {
        if let Event::ArtifactPublished { cell, run, artifact, .. } = event {
            let view = ArtifactView { artifact: (**artifact).clone(), cell: *cell, run: *run };
            self.published.insert(artifact.name.clone(), view);
        }
    }

    /// Returns those that a cell published, in the order of their names.
    pub fn of(&self, cell: u32) -> impl Iterator<Item = &ArtifactView> {
        self.published.values().filter(move |it| it.cell == cell)
    }
}
