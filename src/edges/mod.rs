//! DO. Everything that touches the world: each kind one folder or file.
//!
//! What is not here: decisions (no retry policy, no ordering), wording for screens, the store.
#![expect(clippy::disallowed_methods, reason = "this layer is where files, processes and clocks are touched")]

pub mod containers;
pub mod detached;
pub mod digest;
pub mod editor;
pub mod guard;
pub mod headless;
pub mod hook;
pub mod keeper;
pub mod manual;
pub mod probe_tools;
pub mod repository;
pub mod secrets;
pub mod sidecar;
pub mod signals;
pub mod survey;
pub mod trust;
