//! `schema`: what editors need to complete, explain and check the files that people write.
//!
//! Not here: making it (`logic/playbook/schema`), how to tell an editor (`assets/explain/editors.md`).

use super::args::{SchemaArgs, SchemaKind};
use crate::engine::reports::{self, Kind};
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::playbook::schema;

/// Files that `--out` may replace: earlier schemas.
const SCHEMA: Kind = Kind {
    is_one: |start| {
        start.trim_start().starts_with("{\n  \"$schema\": ") && start.contains("\"title\": \"Sortie ")
    },
    words: "schemas",
    one: "schema of sortie",
};

/// Prints or writes a schema.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn schema(args: &SchemaArgs, out: &mut Out) -> Result<Ending, Failure> {
    let made = match args.kind {
        SchemaKind::Playbook => schema::playbook(),
        SchemaKind::Action => schema::action(),
        SchemaKind::Settings => schema::settings(),
        SchemaKind::Keymap => schema::keymap(),
    };
    let text = format!("{made:#}\n");
    let Some(path) = &args.out else {
        out.bytes(text.as_bytes());
        return Ok(Ending::Success);
    };
    let shown = path.display();
    reports::write_kind(path, text.as_bytes(), &SCHEMA).map_err(|error| {
        Failure::surroundings(format!("the schema cannot be written to `{shown}`: {error}"))
            .help("name a new file in a folder that you may write to")
    })?;
    if !reports::is_own_output(path) {
        out.line(format!("the schema is in `{shown}`; `sortie explain editors` says how an editor finds it"));
    }
    Ok(Ending::Success)
}
