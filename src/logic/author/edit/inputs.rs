//! Inputs of a playbook: add, change, rename, remove.

use super::super::layout::{Doc, Id, Shape};
use super::part::Part;
use super::pen::{Member, Pen, odd};
use super::references::{self, Named, Reference};
use super::stages::{rename_references, rename_scalar, still_used, taken};
use super::{Draft, Fault, fault};
use crate::logic::diag::Diagnostic;
use crate::logic::text::{listed_names, near_miss};

/// Keys of a playbook that stand before `inputs`.
const BEFORE: &[&str] = &["version", "name", "description", "category", "tags", "run-name"];

/// Returns the map of inputs and the position of one in it.
fn find(doc: &Doc<'_>, name: &str) -> Option<(Id, usize)> {
    let map = doc.get(doc.root, "inputs")?;
    let is_it = |key: Id| doc.text_of(key).is_some_and(|it| it.eq_ignore_ascii_case(name));
    doc.pairs(map).iter().position(|pair| is_it(pair.key)).map(|at| (map, at))
}

fn known(doc: &Doc<'_>, name: &str) -> Result<(Id, usize), Fault> {
    if let Some(found) = find(doc, name) {
        return Ok(found);
    }
    let inputs = doc.find(doc.root, "inputs").map(|at| doc.pairs(doc.root)[at]);
    let names: Vec<&str> = inputs
        .map_or(&[][..], |it| doc.pairs(it.value))
        .iter()
        .filter_map(|pair| doc.text_of(pair.key))
        .collect();
    let help = match near_miss(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "this playbook has no inputs".to_owned(),
        None => format!("there are {}", listed_names(&names, "and")),
    };
    let place = inputs.map_or_else(Default::default, |it| doc.span(it.key));
    Err(Box::new(Diagnostic::error("unknown-input", place, format!("there is no input `{name}`")).help(help)))
}

pub(super) fn set(draft: &mut Draft, name: &str, keys: &[(String, Part)]) -> Result<(), Fault> {
    if draft.step(|pen| add(pen, name, keys))? {
        return Ok(());
    }
    keys.iter().try_for_each(|(key, value)| draft.step(|pen| set_key(pen, name, key, value)))
}

/// Adds an input if there is none of that name; says whether it did.
fn add(pen: &mut Pen<'_, '_>, name: &str, keys: &[(String, Part)]) -> Result<bool, Fault> {
    let doc = pen.doc;
    if find(doc, name).is_some() {
        return Ok(false);
    }
    let inputs = doc.find(doc.root, "inputs");
    let siblings = inputs.map_or(&[][..], |at| doc.pairs(doc.pairs(doc.root)[at].value));
    let map = Part::Map(keys.to_vec());
    let in_lines = siblings.iter().any(|it| doc.is_collection(it.value) && !doc.is_flow(it.value));
    let input = if in_lines && !keys.is_empty() { map } else { Part::Flow(Box::new(map)) };
    if let Some(at) = inputs {
        return pen.add_to(doc.root, at, &Member::Pair(name, &input)).map(|()| true);
    }
    let pairs = doc.pairs(doc.root);
    let is_before = |at: &usize| doc.text_of(pairs[*at].key).is_some_and(|it| BEFORE.contains(&it));
    let at = (0..pairs.len()).rfind(is_before).map_or(0, |at| at + 1);
    let inputs = Part::Map(vec![(name.to_owned(), input)]);
    pen.insert(doc.root, at, &Member::Pair("inputs", &inputs)).map(|()| true)
}

fn set_key(pen: &mut Pen<'_, '_>, name: &str, key: &str, value: &Part) -> Result<(), Fault> {
    let doc = pen.doc;
    let (inputs, at) = known(doc, name)?;
    let pair = doc.pairs(inputs)[at];
    match &doc.node(pair.value).shape {
        Shape::Null => {
            let map = Part::Flow(Box::new(Part::Map(vec![(key.to_owned(), value.clone())])));
            pen.set(inputs, at, &map)
        }
        Shape::Map { pairs, .. } => match doc.find(pair.value, key) {
            Some(at) => {
                let old = pairs[at].value;
                if super::Plain::of(doc, old) == value.plain() {
                    return Ok(());
                }
                pen.set(pair.value, at, value)
            }
            None => pen.insert(pair.value, pairs.len(), &Member::Pair(key, value)),
        },
        Shape::Alias(_) => Err(Box::new(
            fault(doc.span(pair.value), format!("input `{name}` is another one, repeated by an alias"))
                .help("write the input out, then try again"),
        )),
        _ => Err(odd(doc, pair.value)),
    }
}

pub(super) fn rename(pen: &mut Pen<'_, '_>, from: &str, to: &str) -> Result<(), Fault> {
    let doc = pen.doc;
    let (inputs, at) = known(doc, from)?;
    let key = doc.pairs(inputs)[at].key;
    if doc.text_of(key) == Some(to) {
        return Ok(());
    }
    if let Some((_, other)) = find(doc, to)
        && other != at
    {
        return Err(taken(doc, "an input", doc.pairs(inputs)[other].key));
    }
    let variable = format!("SORTIE_INPUT_{}", from.to_ascii_uppercase().replace('-', "_"));
    let reader = doc.ids().find_map(|id| Some((id, doc.text_of(id)?.find(&variable)?)));
    if let Some((reader, at)) = reader {
        let place = references::span_of(doc, reader, &(at..at + variable.len()));
        return Err(Box::new(
            fault(place, format!("this reads the input by its variable `{variable}`"))
                .help("read `${{ inputs.NAME }}` here, or make this change by hand"),
        ));
    }
    rename_scalar(pen, key, to)?;
    let references = references::find(doc, Named::Input, from)?;
    rename_references(pen, &references, to)
}

pub(super) fn remove(pen: &mut Pen<'_, '_>, name: &str) -> Result<(), Fault> {
    let doc = pen.doc;
    let (inputs, at) = known(doc, name)?;
    let references = references::find(doc, Named::Input, name)?;
    if !references.is_empty() {
        let references: Vec<&Reference> = references.iter().collect();
        let place = doc.pairs(inputs)[at].key;
        let help = "change these expressions first";
        return Err(still_used(doc, &format!("input `{name}`"), place, &references, help));
    }
    pen.remove(inputs, at)
}
