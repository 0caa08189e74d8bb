//! What is in a playbook that can be changed, as it is written: also where it has errors.
//!
//! Not here: what it means (`logic/playbook`).

use super::super::layout::plain::Plain;
use super::super::layout::{Doc, Id, Shape};
use super::stages;
use crate::logic::playbook::source::Source;

/// What is in a playbook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Those of `finally` behind those of `stages`.
    pub stages: Vec<StageOutline>,
    pub inputs: Vec<InputOutline>,
}

/// A stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageOutline {
    pub name: String,
    pub needs: Vec<String>,
    /// Axes with their values; those that an expression makes have none here.
    pub axes: Vec<(String, Vec<String>)>,
    /// It has a matrix, of whatever kind.
    pub has_matrix: bool,
}

/// An input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputOutline {
    pub name: String,
    pub kind: String,
    pub options: Vec<String>,
    pub default: Option<String>,
    pub required: bool,
    pub description: String,
}

/// Returns what is in a playbook; nothing of what cannot be read.
#[must_use]
pub fn outline(source: &Source) -> Outline {
    if !super::unsound(source).is_empty() {
        return Outline::default();
    }
    let Some(doc) = Doc::parse(&source.text) else { return Outline::default() };
    let stages = stages::all(&doc).iter().map(|it| stage(&doc, it)).collect();
    let inputs = doc.get(doc.root, "inputs").map_or(&[][..], |it| doc.pairs(doc.meant(it)));
    let inputs = inputs.iter().filter_map(|pair| input(&doc, pair.key, doc.meant(pair.value)));
    Outline { stages, inputs: inputs.collect() }
}

fn text(doc: &Doc<'_>, id: Id) -> String {
    match Plain::of(doc, id) {
        Plain::Word(word) | Plain::Text(word) => word,
        _ => String::new(),
    }
}

fn texts(doc: &Doc<'_>, id: Id) -> Vec<String> {
    match &doc.node(doc.meant(id)).shape {
        Shape::Scalar { .. } => vec![text(doc, doc.meant(id))],
        Shape::Seq { items, .. } => items.iter().map(|it| text(doc, it.value)).collect(),
        _ => Vec::new(),
    }
}

fn stage(doc: &Doc<'_>, place: &stages::Place) -> StageOutline {
    let body = doc.meant(place.value);
    let matrix = doc.get(body, "matrix").or_else(|| {
        let strategy = doc.get(body, "strategy")?;
        doc.get(doc.meant(strategy), "matrix")
    });
    let pairs = matrix.map_or(&[][..], |it| doc.pairs(doc.meant(it)));
    let axes = pairs.iter().map(|pair| (text(doc, pair.key), pair.value));
    let is_axis = |name: &str| !["include", "exclude", "<<"].contains(&name);
    let list = |id: Id| if doc.items(doc.meant(id)).is_empty() { Vec::new() } else { texts(doc, id) };
    StageOutline {
        name: text(doc, doc.meant(place.name)),
        needs: doc.get(body, "needs").map_or_else(Vec::new, |it| texts(doc, it)),
        axes: axes.filter(|(name, _)| is_axis(name)).map(|(name, id)| (name, list(id))).collect(),
        has_matrix: matrix.is_some(),
    }
}

fn input(doc: &Doc<'_>, key: Id, body: Id) -> Option<InputOutline> {
    let name = doc.text_of(doc.meant(key)).filter(|it| *it != "<<" && !it.starts_with("x-"))?.to_owned();
    let get = |key: &str| doc.get(body, key).map(|it| text(doc, it)).filter(|it| !it.is_empty());
    Some(InputOutline {
        name,
        kind: get("type").unwrap_or_else(|| "string".to_owned()),
        options: doc.get(body, "options").map_or_else(Vec::new, |it| texts(doc, it)),
        default: get("default"),
        required: get("required").as_deref() == Some("true"),
        description: get("description").unwrap_or_default(),
    })
}
