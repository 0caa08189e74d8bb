//! Needs and matrices of a stage.
//!
//! Not here: how a list is changed (`pen.rs`).

use super::super::layout::plain::Plain;
use super::super::layout::{Doc, Id, Shape};
use super::part::{Part, one_line};
use super::pen::{Member, Pen, odd};
use super::references::effective;
use super::stages::{body, insert_key};
use super::{Draft, Fault, Needs, fault};
use crate::logic::diag::Diagnostic;
use crate::logic::text::{listed_names, near_miss};

pub(super) fn needs(draft: &mut Draft, stage: &str, change: &Needs) -> Result<(), Fault> {
    match change {
        Needs::Add(names) => names.iter().try_for_each(|name| draft.step(|pen| add_need(pen, stage, name))),
        Needs::Remove(names) => {
            names.iter().try_for_each(|name| draft.step(|pen| remove_need(pen, stage, name)))
        }
        Needs::Set(names) => set_needs(draft, stage, names),
    }
}

/// Returns the position of a key in a stage.
fn own_key(pen: &Pen<'_, '_>, body: Id, key: &str) -> Result<Option<usize>, Fault> {
    let doc = pen.doc;
    if let Some(at) = doc.find(body, key) {
        let value = doc.pairs(body)[at].value;
        if let Shape::Alias(_) = doc.node(value).shape {
            return Err(Box::new(
                fault(doc.span(value), format!("`{key}` is repeated here by an alias"))
                    .help("write it out, then try again"),
            ));
        }
        return Ok(Some(at));
    }
    match effective(doc, body, key) {
        None => Ok(None),
        Some((value, _)) => Err(Box::new(
            fault(doc.span(value), format!("`{key}` of this stage comes from here, by a merge key"))
                .help(format!("write `{key}` into the stage itself, then try again")),
        )),
    }
}

/// Returns the names that the value of `needs` lists.
fn names<'a>(doc: &'a Doc<'_>, value: Id) -> Result<Vec<&'a str>, Fault> {
    let name = |id: Id| doc.text_of(doc.meant(id)).ok_or_else(|| odd(doc, id));
    match &doc.node(value).shape {
        Shape::Null => Ok(Vec::new()),
        Shape::Scalar { .. } => Ok(vec![name(value)?]),
        Shape::Seq { items, .. } => items.iter().map(|it| name(it.value)).collect(),
        _ => Err(odd(doc, value)),
    }
}

fn add_need(pen: &mut Pen<'_, '_>, stage: &str, need: &str) -> Result<(), Fault> {
    let doc = pen.doc;
    let body = body(pen, stage)?;
    let Some(at) = own_key(pen, body, "needs")? else {
        return insert_key(pen, body, "needs", &Part::text(need));
    };
    let value = doc.pairs(body)[at].value;
    let known = names(doc, value)?;
    if known.iter().any(|it| it.eq_ignore_ascii_case(need)) {
        return Ok(());
    }
    let node = doc.node(value);
    match &node.shape {
        Shape::Null => pen.set(body, at, &Part::text(need)),
        Shape::Scalar { .. } if node.body.is_some() => Err(odd(doc, value)),
        Shape::Scalar { .. } => {
            if node.aliases > 0 {
                pen.check_own(value)?;
            }
            let pad = if pen.hand.is_list_padded { " " } else { "" };
            pen.replace(node.start, node.start, format!("[{pad}"));
            pen.replace(node.end, node.end, format!(", {}{pad}]", one_line(need, true)));
            Ok(())
        }
        _ => pen.insert(value, known.len(), &Member::Item(&Part::text(need))),
    }
}

fn remove_need(pen: &mut Pen<'_, '_>, stage: &str, need: &str) -> Result<(), Fault> {
    let doc = pen.doc;
    let body = body(pen, stage)?;
    let at = own_key(pen, body, "needs")?;
    let value = at.map(|at| doc.pairs(body)[at].value);
    let known = value.map_or(Ok(Vec::new()), |value| names(doc, value))?;
    let position = known.iter().position(|it| it.eq_ignore_ascii_case(need));
    let (Some(at), Some(value), Some(position)) = (at, value, position) else {
        let place = value.unwrap_or(body);
        let help = match near_miss(need, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "it needs no stage".to_owned(),
            None => format!("it needs {}", listed_names(&known, "and")),
        };
        let message = format!("stage `{stage}` does not need `{need}`");
        return Err(Box::new(Diagnostic::error("unknown-need", first_line(doc, place), message).help(help)));
    };
    match doc.node(value).shape {
        Shape::Seq { .. } => pen.remove(value, position),
        _ => pen.remove(body, at),
    }
}

/// Returns the place of a node, or of its first line.
fn first_line(doc: &Doc<'_>, id: Id) -> crate::logic::playbook::source::Span {
    let node = doc.node(id);
    super::super::layout::span(node.start, node.end.min(doc.line_end(node.start)))
}

fn set_needs(draft: &mut Draft, stage: &str, wanted: &[String]) -> Result<(), Fault> {
    let known = draft.step(|pen| {
        let body = body(pen, stage)?;
        let at = own_key(pen, body, "needs")?;
        let known = at.map_or(Ok(Vec::new()), |at| names(pen.doc, pen.doc.pairs(body)[at].value))?;
        Ok(known.into_iter().map(str::to_owned).collect::<Vec<String>>())
    })?;
    let is_wanted = |name: &&String| wanted.iter().any(|it| it.eq_ignore_ascii_case(name));
    let kept: Vec<&String> = known.iter().filter(is_wanted).collect();
    let is_beginning = kept.iter().zip(wanted).all(|(a, b)| a.eq_ignore_ascii_case(b));
    if is_beginning {
        // Adding first, so that the list is never empty in between.
        needs(draft, stage, &Needs::Add(wanted.to_vec()))?;
        let gone = known.iter().filter(|it| !is_wanted(it)).cloned().collect();
        return needs(draft, stage, &Needs::Remove(gone));
    }
    draft.step(|pen| {
        let body = body(pen, stage)?;
        let Some(at) = own_key(pen, body, "needs")? else { return Ok(()) };
        pen.set(body, at, &Part::List(wanted.iter().map(Part::text).collect()))
    })
}

/// Returns the map and the position in it that a stage's matrix has.
fn matrix(pen: &Pen<'_, '_>, body: Id) -> Result<Option<(Id, usize)>, Fault> {
    if let Some(at) = own_key(pen, body, "matrix")? {
        return Ok(Some((body, at)));
    }
    let Some(at) = own_key(pen, body, "strategy")? else { return Ok(None) };
    let strategy = pen.doc.pairs(body)[at].value;
    Ok(own_key(pen, strategy, "matrix")?.map(|at| (strategy, at)))
}

fn find_axis(doc: &Doc<'_>, matrix: Id, axis: &str) -> Option<usize> {
    doc.pairs(matrix)
        .iter()
        .position(|it| doc.text_of(it.key).is_some_and(|it| it.eq_ignore_ascii_case(axis)))
}

pub(super) fn set_axis(draft: &mut Draft, stage: &str, axis: &str, values: &[Part]) -> Result<(), Fault> {
    let Some(known) = draft.step(|pen| known_values(pen, stage, axis, values))? else { return Ok(()) };
    let wanted: Vec<Plain> = values.iter().map(Part::plain).collect();
    let kept: Vec<&Plain> = known.iter().filter(|it| wanted.contains(it)).collect();
    let is_beginning = kept.len() <= wanted.len() && kept.iter().zip(&wanted).all(|(a, b)| *a == b);
    if !is_beginning || kept.is_empty() {
        return draft.step(|pen| {
            let (map, at, _) = axis_place(pen, stage, axis)?;
            pen.set(map, at, &Part::List(values.to_vec()))
        });
    }
    for value in &values[kept.len()..] {
        draft.step(|pen| {
            let (_, _, list) = axis_place(pen, stage, axis)?;
            pen.insert(list, pen.doc.children(list).len(), &Member::Item(value))
        })?;
    }
    let gone: Vec<usize> = (0..known.len()).filter(|at| !wanted.contains(&known[*at])).rev().collect();
    for at in gone {
        draft.step(|pen| {
            let (_, _, list) = axis_place(pen, stage, axis)?;
            pen.remove(list, at)
        })?;
    }
    Ok(())
}

/// Returns the values of an axis that is there as a list; where it is not, it is made.
fn known_values(
    pen: &mut Pen<'_, '_>,
    stage: &str,
    axis: &str,
    values: &[Part],
) -> Result<Option<Vec<Plain>>, Fault> {
    let doc = pen.doc;
    let body = body(pen, stage)?;
    let list = Part::List(values.to_vec());
    let Some((owner, at)) = matrix(pen, body)? else {
        let new = Part::Map(vec![(axis.to_owned(), list)]);
        match doc.get(body, "strategy") {
            Some(strategy) => pen.insert(strategy, 0, &Member::Pair("matrix", &new))?,
            None => insert_key(pen, body, "matrix", &new)?,
        }
        return Ok(None);
    };
    let value = doc.pairs(owner)[at].value;
    match &doc.node(value).shape {
        Shape::Null => pen.add_to(owner, at, &Member::Pair(axis, &list)).map(|()| None),
        Shape::Map { pairs, .. } => match find_axis(doc, value, axis) {
            Some(at) => {
                let known = pairs[at].value;
                Ok(Some(doc.items(known).iter().map(|it| Plain::of(doc, it.value)).collect()))
            }
            None => {
                let is_extra = |it: &super::super::layout::Pair| {
                    doc.text_of(it.key).is_some_and(|it| ["include", "exclude"].contains(&it))
                };
                let at = pairs.iter().position(is_extra).unwrap_or(pairs.len());
                pen.insert(value, at, &Member::Pair(axis, &list)).map(|()| None)
            }
        },
        _ => Err(made(doc, stage, value)),
    }
}

fn made(doc: &Doc<'_>, stage: &str, value: Id) -> Fault {
    Box::new(
        fault(doc.span(value), format!("the matrix of stage `{stage}` is made by an expression"))
            .help("change what makes it, or write the axes out"),
    )
}

/// Returns map, position and value of an axis that is there.
fn axis_place(pen: &Pen<'_, '_>, stage: &str, axis: &str) -> Result<(Id, usize, Id), Fault> {
    let doc = pen.doc;
    let body = body(pen, stage)?;
    let found = matrix(pen, body)?.map(|(owner, at)| doc.pairs(owner)[at].value);
    let map = found.filter(|it| doc.is_collection(*it));
    let names: Vec<&str> =
        map.map_or(&[][..], |map| doc.pairs(map)).iter().filter_map(|it| doc.text_of(it.key)).collect();
    if let Some(map) = map
        && let Some(at) = find_axis(doc, map, axis)
    {
        return Ok((map, at, doc.pairs(map)[at].value));
    }
    if let (None, Some(value)) = (map, found) {
        return Err(made(doc, stage, value));
    }
    let help = match near_miss(axis, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "it has no matrix".to_owned(),
        None => format!("there are {}", listed_names(&names, "and")),
    };
    let message = format!("the matrix of stage `{stage}` has no axis `{axis}`");
    Err(Box::new(Diagnostic::error("unknown-axis", first_line(doc, map.unwrap_or(body)), message).help(help)))
}

pub(super) fn remove_axis(pen: &mut Pen<'_, '_>, stage: &str, axis: &str) -> Result<(), Fault> {
    let (map, at, _) = axis_place(pen, stage, axis)?;
    if pen.doc.pairs(map).len() == 1 {
        return remove_matrix(pen, stage);
    }
    pen.remove(map, at)
}

pub(super) fn remove_matrix(pen: &mut Pen<'_, '_>, stage: &str) -> Result<(), Fault> {
    let doc = pen.doc;
    let body = body(pen, stage)?;
    let Some((owner, at)) = matrix(pen, body)? else {
        let message = format!("stage `{stage}` has no matrix");
        return Err(Box::new(
            Diagnostic::error("unknown-axis", first_line(doc, body), message)
                .help("there is nothing to remove"),
        ));
    };
    if owner == body {
        return pen.remove(body, at);
    }
    // Without a matrix the rest of `strategy` means nothing.
    match doc.find(body, "strategy") {
        Some(at) => pen.remove(body, at),
        None => Err(odd(doc, owner)),
    }
}
