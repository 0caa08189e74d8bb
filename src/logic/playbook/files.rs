//! `cache-files` of a step, as the rest of the program uses it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::model::Text;
use super::source::Span;

/// Files that are kept between jobs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CacheFiles {
    pub span: Span,
    /// Below the project, below `~`, or whole.
    pub paths: Vec<Text>,
    pub key: Text,
    /// Beginnings of keys that will do as well, in order.
    pub restore_keys: Vec<Text>,
}

/// What a step is to them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FilesPart {
    /// Puts them back.
    Restore(Arc<CacheFiles>),
    /// Keeps them, at the end of the cell; the number is the step that puts them back.
    Save(usize),
}
