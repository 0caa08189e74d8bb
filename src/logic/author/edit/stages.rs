//! Stages: add, rename, remove.
//!
//! Not here: their needs and matrices (`lists.rs`).

use super::super::layout::{Doc, Id, Shape};
use super::part::{Part, like};
use super::pen::{Member, Pen, odd};
use super::references::{self, Named, Reference};
use super::{Draft, Fault, NewStage, NewStep, Spot, fault};
use crate::logic::diag::Diagnostic;
use crate::logic::text::{listed_names, near_miss};

/// Most places that are shown of those that name something.
const SHOWN: usize = 8;

/// A stage where it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The map or list that it is a member of.
    pub list: Id,
    pub at: usize,
    pub name: Id,
    pub value: Id,
}

/// Returns all stages, those of `finally` behind those of `stages`.
pub(super) fn all(doc: &Doc<'_>) -> Vec<Place> {
    let mut found = Vec::new();
    for key in ["stages", "finally"] {
        let Some(list) = doc.get(doc.root, key).map(|it| doc.meant(it)) else { continue };
        for (at, pair) in doc.pairs(list).iter().enumerate() {
            let is_stage = doc.text_of(pair.key).is_some_and(|name| !name.starts_with("x-") && name != "<<");
            if is_stage {
                found.push(Place { list, at, name: pair.key, value: pair.value });
            }
        }
        for (at, item) in doc.items(list).iter().enumerate() {
            if let Some(name) = doc.get(doc.meant(item.value), "id") {
                found.push(Place { list, at, name, value: item.value });
            }
        }
    }
    found
}

/// Finds a stage by its name.
///
/// # Errors
/// If there is none.
pub(super) fn find(doc: &Doc<'_>, name: &str) -> Result<Place, Fault> {
    let all = all(doc);
    let name_of = |it: &Place| doc.text_of(doc.meant(it.name)).unwrap_or_default().to_owned();
    if let Some(found) = all.iter().find(|it| name_of(it).eq_ignore_ascii_case(name)) {
        return Ok(*found);
    }
    let names: Vec<String> = all.iter().map(name_of).collect();
    let place = doc.find(doc.root, "stages").map_or(doc.root, |at| doc.pairs(doc.root)[at].key);
    let help = match near_miss(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "this playbook has no stages".to_owned(),
        None => format!("there are {}", listed_names(&names[..names.len().min(20)], "and")),
    };
    let problem = Diagnostic::error("unknown-stage", doc.span(place), format!("there is no stage `{name}`"));
    Err(Box::new(problem.help(help)))
}

/// Returns the map with the keys of a stage, which may be changed.
pub(super) fn body(pen: &Pen<'_, '_>, name: &str) -> Result<Id, Fault> {
    let place = find(pen.doc, name)?;
    match pen.doc.node(place.value).shape {
        Shape::Map { .. } => {}
        Shape::Alias(_) => {
            return Err(Box::new(
                fault(
                    pen.doc.span(place.value),
                    format!("stage `{name}` is another one, repeated by an alias"),
                )
                .help("write the stage out, then try again"),
            ));
        }
        _ => return Err(odd(pen.doc, place.name)),
    }
    pen.check_own(place.value)?;
    Ok(place.value)
}

/// Puts a key into a stage, behind those that say what it is.
pub(super) fn insert_key(pen: &mut Pen<'_, '_>, body: Id, key: &str, value: &Part) -> Result<(), Fault> {
    let before: &[&str] =
        if key == "needs" { &["id", "name"] } else { &["id", "name", "needs", "if", "run-when"] };
    let pairs = pen.doc.pairs(body);
    let is_before = |at: &usize| pen.doc.text_of(pairs[*at].key).is_some_and(|it| before.contains(&it));
    let at = (0..pairs.len()).take_while(is_before).last().map_or(0, |at| at + 1);
    pen.insert(body, at, &Member::Pair(key, value))
}

pub(super) fn add(pen: &mut Pen<'_, '_>, name: &str, stage: &NewStage, at: &Spot) -> Result<(), Fault> {
    let doc = pen.doc;
    if let Ok(known) = find(doc, name) {
        return Err(taken(doc, "a stage", known.name));
    }
    let (list, position) = match at {
        Spot::Before(other) => find(doc, other).map(|it| (it.list, it.at))?,
        Spot::After(other) => find(doc, other).map(|it| (it.list, it.at + 1))?,
        Spot::End => {
            let Some(at) = doc.find(doc.root, "stages") else {
                return Err(Box::new(
                    Diagnostic::error("missing-key", doc.span(doc.root), "this playbook has no key `stages`")
                        .help("write `stages:` into it"),
                ));
            };
            let list = doc.pairs(doc.root)[at].value;
            if matches!(doc.node(list).shape, Shape::Null) {
                return pen.add_to(doc.root, at, &Member::Pair(name, &stage.part()));
            }
            if matches!(doc.node(list).shape, Shape::Alias(_)) || !doc.is_collection(list) {
                return Err(odd(doc, list));
            }
            (list, doc.children(list).len())
        }
    };
    if matches!(doc.node(list).shape, Shape::Map { .. }) {
        return pen.insert(list, position, &Member::Pair(name, &stage.part()));
    }
    let mut keys = vec![("id".to_owned(), Part::text(name))];
    if let Part::Map(pairs) = stage.part() {
        keys.extend(pairs);
    }
    pen.insert(list, position, &Member::Item(&Part::Map(keys)))
}

impl NewStage {
    /// Returns the stage as it is written, its name left out.
    pub(super) fn part(&self) -> Part {
        let mut keys: Vec<(String, Part)> = Vec::new();
        let mut add = |key: &str, value: Part| keys.push((key.to_owned(), value));
        match &self.needs[..] {
            [] => {}
            [only] => add("needs", Part::text(only)),
            several => add("needs", Part::List(several.iter().map(Part::text).collect())),
        }
        if !self.matrix.is_empty() {
            let axis = |(name, values): &(String, Vec<Part>)| (name.clone(), Part::List(values.clone()));
            add("matrix", Part::Map(self.matrix.iter().map(axis).collect()));
        }
        self.keys.iter().for_each(|(key, value)| add(key, value.clone()));
        match &self.steps[..] {
            [] => {}
            [NewStep::Run(command)] => add("run", Part::text(command)),
            steps => {
                let step = |it: &NewStep| match it {
                    NewStep::Run(command) => ("run".to_owned(), Part::text(command)),
                    NewStep::Script(one) if one.len() == 1 => ("script".to_owned(), Part::text(&one[0])),
                    NewStep::Script(several) => {
                        ("script".to_owned(), Part::List(several.iter().map(Part::text).collect()))
                    }
                };
                add("steps", Part::List(steps.iter().map(|it| Part::Map(vec![step(it)])).collect()));
            }
        }
        Part::Map(keys)
    }
}

/// Says that a name is in use.
pub(super) fn taken(doc: &Doc<'_>, what: &str, place: Id) -> Fault {
    let name = doc.text_of(place).unwrap_or_default();
    let problem =
        Diagnostic::error("duplicate-id", doc.span(place), format!("there is {what} `{name}` already"));
    Box::new(problem.help("take another name; upper and lower case are the same"))
}

pub(super) fn rename(pen: &mut Pen<'_, '_>, from: &str, to: &str) -> Result<(), Fault> {
    let doc = pen.doc;
    let place = find(doc, from)?;
    if doc.text_of(place.name) == Some(to) {
        return Ok(());
    }
    if let Ok(known) = find(doc, to)
        && known.name != place.name
    {
        return Err(taken(doc, "a stage", known.name));
    }
    rename_scalar(pen, place.name, to)?;
    let references = references::find(doc, Named::Stage, from)?;
    rename_references(pen, &references, to)
}

/// Writes another name where one is the whole of a scalar.
pub(super) fn rename_scalar(pen: &mut Pen<'_, '_>, id: Id, to: &str) -> Result<(), Fault> {
    let doc = pen.doc;
    let node = doc.node(id);
    let Shape::Scalar { style, .. } = node.shape else {
        return Err(Box::new(
            fault(doc.span(id), "this name is repeated by an alias")
                .help("write the name out, then try again"),
        ));
    };
    if node.aliases > 0 {
        pen.check_own(id)?;
    }
    if node.body.is_some() {
        return Err(odd(doc, id));
    }
    let is_in_flow = node.parent.is_some_and(|it| doc.is_flow(it));
    pen.replace(node.start, node.end, like(to, style, is_in_flow));
    Ok(())
}

pub(super) fn rename_references(
    pen: &mut Pen<'_, '_>,
    references: &[Reference],
    to: &str,
) -> Result<(), Fault> {
    let doc = pen.doc;
    for reference in references {
        let Some(within) = &reference.within else {
            rename_scalar(pen, reference.scalar, to)?;
            continue;
        };
        let Some(old) = doc.text_of(reference.scalar).and_then(|it| it.get(within.clone())) else { continue };
        let Some(at) = references::place_of(doc, reference.scalar, within) else {
            return Err(Box::new(
                fault(
                    doc.span(reference.scalar),
                    format!("the name `{old}` is written here in an unusual way"),
                )
                .help("write it without escapes and in one line, then try again"),
            ));
        };
        pen.replace(at, at + old.len(), to);
    }
    Ok(())
}

/// Says that something is in use, with the places.
pub(super) fn still_used(
    doc: &Doc<'_>,
    what: &str,
    place: Id,
    references: &[&Reference],
    help: &str,
) -> Fault {
    let mut problem = Diagnostic::error("still-used", doc.span(place), format!("{what} is still used"));
    for reference in references.iter().take(SHOWN) {
        let whole = || doc.span(reference.scalar);
        let span = reference.within.as_ref();
        let span = span.map_or_else(whole, |it| references::span_of(doc, reference.scalar, it));
        problem = problem.also(span, reference.words);
    }
    let more = references.len().saturating_sub(SHOWN);
    let more = if more == 0 { String::new() } else { format!("; {more} more places are not shown") };
    Box::new(problem.label("used elsewhere").help(format!("{help}{more}")))
}

pub(super) fn remove(draft: &mut Draft, name: &str, unlink: bool) -> Result<(), Fault> {
    draft.step(|pen| check_unused(pen, name, unlink))?;
    while draft.step(|pen| unlink_one(pen, name))? {}
    draft.step(|pen| {
        let place = find(pen.doc, name)?;
        pen.remove(place.list, place.at)
    })
}

fn check_unused(pen: &Pen<'_, '_>, name: &str, unlink: bool) -> Result<(), Fault> {
    let doc = pen.doc;
    let place = find(doc, name)?;
    let is_first_list = doc.get(doc.root, "stages").is_some_and(|it| doc.meant(it) == place.list);
    if is_first_list && doc.children(place.list).len() == 1 {
        return Err(Box::new(
            fault(doc.span(place.name), format!("`{name}` is the only stage of this playbook"))
                .help("add another one first, or remove the file"),
        ));
    }
    let references = references::find(doc, Named::Stage, name)?;
    // What the stage says about itself goes with it.
    let others: Vec<&Reference> = references.iter().filter(|it| !doc.is_in(it.scalar, place.value)).collect();
    let in_expressions: Vec<&Reference> = others.iter().copied().filter(|it| it.within.is_some()).collect();
    if unlink && !in_expressions.is_empty() {
        let help = "change these expressions first; `--unlink` takes it out of lists only";
        return Err(still_used(doc, &format!("stage `{name}`"), place.name, &in_expressions, help));
    }
    if !unlink && !others.is_empty() {
        let help = "`--unlink` takes it out of the lists that name it";
        return Err(still_used(doc, &format!("stage `{name}`"), place.name, &others, help));
    }
    Ok(())
}

/// Takes a stage out of one of the lists that name it; says whether there was one.
fn unlink_one(pen: &mut Pen<'_, '_>, name: &str) -> Result<bool, Fault> {
    let doc = pen.doc;
    let place = find(doc, name)?;
    let references = references::find(doc, Named::Stage, name)?;
    let listed = references.iter().filter(|it| it.within.is_none() && !doc.is_in(it.scalar, place.value));
    let Some(scalar) = listed.map(|it| it.scalar).next() else { return Ok(false) };
    let Some(parent) = doc.node(scalar).parent else { return Ok(false) };
    let Some(at) = doc.children(parent).iter().position(|(_, _, value)| *value == scalar) else {
        return Err(odd(doc, scalar));
    };
    match doc.node(parent).shape {
        Shape::Map { .. } => pen.remove_key(parent, at)?,
        _ => pen.remove(parent, at)?,
    }
    Ok(true)
}
