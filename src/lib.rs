//! Sortie runs playbooks and puts an operator in the cockpit.
//!
//! Six words hold the whole program, here in reading order: `logic` decides, `port` is the seam, `engine` remembers,
//! `edges` do, `faces` show, `app` wires. Imports go down only: faces to engine to port to logic, and edges to port to
//! logic. `tests/tidy.rs` holds that; `ARCHITECTURE.md` says why.
//!
//! Another program runs playbooks with [`engine`], [`logic`] and two functions of [`app`]. This is all of one:
//!
//! ```no_run
#![doc = include_str!("../tests/examples/library.rs")]
//! ```

pub mod logic;

pub mod port;

pub mod engine;

pub mod edges;

pub mod faces;

pub mod app;
