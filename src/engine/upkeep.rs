//! Looking after the store: is it whole, what may go, taking a copy out.
//!
//! Not here: how (`store/verify.rs`, `store/prune.rs`, `store/export.rs`).

pub use super::store::{
    Doomed, Exported, Finding, Keep, Pruning, Verified, create, export, prune, pruning, verify,
};
