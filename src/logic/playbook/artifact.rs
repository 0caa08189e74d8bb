//! `artifacts` of a stage, as the rest of the program uses it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::model::Text;
use super::source::Span;
use crate::logic::artifact::IfNone;

/// What a stage keeps for others, and what it takes from them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Artifacts {
    pub out: Vec<ArtifactOut>,
    pub into: Vec<ArtifactIn>,
}

/// Files that each cell of a stage publishes when its steps have passed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ArtifactOut {
    pub span: Span,
    pub name: Text,
    /// Patterns of files.
    pub path: Vec<Text>,
    pub if_none: IfNone,
    pub retention: Duration,
    /// Takes files whose path has a part that begins with a dot.
    pub with_hidden: bool,
    /// Takes the place of one that has the name already.
    pub overwrites: bool,
}

/// Files that are there before the first step of each cell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ArtifactIn {
    pub span: Span,
    pub which: Which,
    /// The folder that they go to.
    pub path: Text,
    /// All in that folder, instead of a folder for each.
    pub merge: bool,
}

/// Which artifacts are taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Which {
    Name(Text),
    Pattern(Text),
}
