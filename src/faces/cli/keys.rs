//! `keys`: what each key does where, and whether a person's own keymap is right.
//!
//! Not here: what keymaps say (`logic/keymap`), finding the file (`engine/keymaps.rs`).

use serde_json::{Value as Json, json};

use super::args::KeysArgs;
use super::opened::look;
use super::table::Table;
use crate::engine::keymaps;
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::faces::report;
use crate::logic::diag::{Diagnostic, Severity};
use crate::logic::keymap::{self, Bound, Keymap, Place, Reading};
use crate::logic::playbook::source::Source;
use crate::logic::text::plural;

/// Runs the command.
///
/// # Errors
/// If the file that was named is not there, or none can be read.
pub(super) fn keys(
    context: &Context,
    args: &KeysArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let source = open(context, args)?;
    let Reading { keymap, found } = match &source {
        Some(source) => keymap::read(source),
        None => Reading { keymap: Keymap::default(), found: Vec::new() },
    };
    let is_broken = found.iter().any(|it| it.severity == Severity::Error);
    match (args.check, args.json) {
        (true, true) => out.line(report::to_json(&files(source.as_ref(), &found)).to_string()),
        (true, false) => check(context, (source.as_ref(), &found), &keymap, out),
        (false, true) => out.line(all(source.as_ref(), &keymap, &found).to_string()),
        (false, false) => {
            list(&keymap, out);
            close(context, source.as_ref(), &keymap, out);
            let drawn = report::draw(&files(source.as_ref(), &found), look(notes));
            notes.bytes(drawn.as_bytes());
        }
    }
    Ok(if args.check && is_broken { Ending::Usage } else { Ending::Success })
}

fn open(context: &Context, args: &KeysArgs) -> Result<Option<Source>, Failure> {
    if let Some(path) = &args.file {
        if !path.exists() {
            return Err(Failure::usage(format!("there is no file `{}`", path.display())));
        }
        return Ok(keymaps::open(path)?);
    }
    match &context.surroundings.keymap {
        Some(path) => Ok(keymaps::open(path)?),
        None => Ok(None),
    }
}

fn files<'a>(source: Option<&'a Source>, found: &'a [Diagnostic]) -> Vec<report::File<'a>> {
    source.into_iter().map(|source| (source, found)).collect()
}

fn check(
    context: &Context,
    (source, found): (Option<&Source>, &[Diagnostic]),
    keymap: &Keymap,
    out: &mut Out,
) {
    let look = look(out);
    out.bytes(report::draw(&files(source, found), look).as_bytes());
    match source {
        Some(source) if found.is_empty() => {
            out.line(format!("{}: no problems, {}", source.name, changed(keymap)));
        }
        Some(_) => {}
        None => none(context, out),
    }
}

fn changed(keymap: &Keymap) -> String {
    match keymap.all().filter(|it| it.is_changed()).count() {
        0 => "nothing changed".to_owned(),
        count => format!("{} changed", plural(count, "binding")),
    }
}

fn none(context: &Context, out: &mut Out) {
    match &context.surroundings.keymap {
        Some(path) => out.line(format!(
            "you have no keymap; it would be `{}`, and `sortie help settings` says how it is written",
            path.display()
        )),
        None => out.line("you have no keymap, and no home to put it in"),
    }
}

/// Returns what an action does, in words.
fn words(it: &Bound) -> String {
    if it.about.is_empty() { it.word.to_owned() } else { format!("{}: {}", it.word, it.about) }
}

fn list(keymap: &Keymap, out: &mut Out) {
    for place in Place::ALL {
        let heading = format!("{}  {}", out.paint.bold(place.name()), out.paint.dim(place.about()));
        out.line(heading);
        let mut table = Table::default();
        for it in keymap.at(place) {
            let mark = if it.is_changed() { "*" } else { " " };
            let before = match (it.is_changed(), it.default_keys()) {
                (false, _) => String::new(),
                (true, []) => " (not bound here before)".to_owned(),
                (true, keys) => format!(" (before: {})", keys.join(" ")),
            };
            let keys = if it.keys.is_empty() { "-".to_owned() } else { it.keys.join(" ") };
            let row = [keys, it.action.name().to_owned(), format!("{}{before}", words(it))];
            table.marked(format!(" {mark}"), 2, row);
        }
        table.print(out);
        out.line("");
    }
}

fn close(context: &Context, source: Option<&Source>, keymap: &Keymap, out: &mut Out) {
    match source {
        Some(source) => out.line(format!("{} by {}", changed(keymap), source.name)),
        None => none(context, out),
    }
}

fn all(source: Option<&Source>, keymap: &Keymap, found: &[Diagnostic]) -> Json {
    let binding = |it: &Bound| {
        json!({
            "place": it.place.name(),
            "action": it.action.name(),
            "keys": it.keys,
            "default": it.default_keys(),
            "changed": it.is_changed(),
            "about": words(it),
        })
    };
    let bindings: Vec<Json> =
        Place::ALL.into_iter().flat_map(|place| keymap.at(place)).map(binding).collect();
    let mut all = report::to_json(&files(source, found));
    all["file"] = source.map(|source| source.name.to_string()).into();
    all["bindings"] = bindings.into();
    all
}
