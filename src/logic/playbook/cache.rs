//! `cache` of a stage or a step, as the rest of the program uses it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::model::Text;
use super::source::Span;
use crate::logic::cache::Share;

/// What the result of a stage or a step depends on, and what it is.
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own")]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CacheRule {
    pub span: Span,
    /// Patterns of files below the root of the project.
    pub inputs: Vec<Text>,
    pub outputs: Vec<Text>,
    /// Names of variables that are handed through, and belong to the key.
    pub env: Vec<Arc<str>>,
    pub tools: Vec<Text>,
    pub key: Option<Text>,
    pub mode: CacheMode,
    pub outputs_exact: bool,
    /// What uses secrets is cached all the same.
    pub with_secrets: bool,
    pub max_size: Option<u64>,
    pub share: Share,
    pub is_strict: bool,
    /// Failures are kept as well, of what makes no files.
    pub failures: bool,
    /// Of `run --cache`: all files of the project are inputs, or those of them that `inputs` name.
    pub whole_project: bool,
}

/// What a cache is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheMode {
    pub reads: bool,
    pub writes: bool,
}

impl Default for CacheMode {
    fn default() -> Self {
        Self { reads: true, writes: true }
    }
}
