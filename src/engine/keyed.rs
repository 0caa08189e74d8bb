//! Files that are kept between jobs by a key: what a step with `cache-files` does.
//!
//! Not here: how (`cache/keyed`).

pub use super::cache::{FilesRestored, FilesSaved, restore_files, save_files};
