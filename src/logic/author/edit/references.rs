//! Who names a stage or an input: lists of needs, profiles, expressions.
//!
//! Not here: what becomes of them. Start with `find`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use super::super::layout::{Doc, Id, Shape, span};
use super::stages;
use super::{Fault, fault};
use crate::logic::expr::{ContextUse, Template, parse_condition};
use crate::logic::playbook::offsets::{self, Pair as Walked};
use crate::logic::playbook::source::Span;
use crate::logic::playbook::tree::Style;

/// What is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Stage,
    Input,
}

impl Named {
    fn contexts(self) -> &'static [&'static str] {
        match self {
            Self::Stage => &["needs", "stages", "jobs"],
            Self::Input => &["inputs"],
        }
    }
}

/// A place that names it.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    pub scalar: Id,
    /// Bytes of the scalar's value; nothing if the whole of it is the name.
    pub within: Option<Range<usize>>,
    pub words: &'static str,
}

/// Returns the byte of the file at which a part of a scalar's text stands; nothing where that cannot be told for sure, as
/// it is written with escapes or over several lines.
pub(super) fn place_of(doc: &Doc<'_>, scalar: Id, within: &Range<usize>) -> Option<usize> {
    let node = doc.node(scalar);
    let Shape::Scalar { value, style } = &node.shape else { return None };
    let (start, end) = node.body.unwrap_or((node.start, node.end));
    let mut walked = Walked::default();
    let at = start + offsets::in_source(&doc.text[start..end], value, *style, within.start, &mut walked);
    let part = &value[within.clone()];
    let is_there = doc.text.get(at..at + part.len()) == Some(part);
    // In a folded text a name may be anywhere; its neighbours tell that it is this one.
    let before = value[..within.start].chars().next_back();
    let is_it = before
        .is_none_or(|c| c.is_whitespace() || doc.text[..at].ends_with(c) || *style == Style::DoubleQuoted);
    (is_there && is_it).then_some(at)
}

/// Returns where a part of a scalar's text stands, or else the whole of it.
pub(super) fn span_of(doc: &Doc<'_>, scalar: Id, within: &Range<usize>) -> Span {
    place_of(doc, scalar, within).map_or_else(|| doc.span(scalar), |at| span(at, at + within.len()))
}

/// Returns all places that name a stage or an input, in the order of the text.
///
/// # Errors
/// If one cannot be told for sure: an expression that computes the name, or a part that is repeated by an alias and named there.
pub(super) fn find(doc: &Doc<'_>, named: Named, name: &str) -> Result<Vec<Reference>, Fault> {
    let mut found = Vec::new();
    if named == Named::Stage {
        for (scalar, (words, is_direct)) in lists(doc) {
            if doc.text_of(scalar).is_some_and(|text| text.eq_ignore_ascii_case(name)) {
                if !is_direct {
                    return Err(shared(doc, scalar));
                }
                found.push(Reference { scalar, within: None, words });
            }
        }
    }
    let conditions = conditions(doc);
    let keys: HashSet<Id> = doc.ids().flat_map(|id| doc.pairs(id)).map(|it| it.key).collect();
    for scalar in doc.ids().filter(|id| !keys.contains(id)) {
        let Some(text) = doc.text_of(scalar) else { continue };
        let condition = conditions.get(&scalar).copied();
        let places = in_text(text, condition.is_some(), named.contexts(), name);
        let places = places.map_err(|computed| computed_name(doc, scalar, text, computed))?;
        if places.is_empty() {
            continue;
        }
        if condition == Some(false) && !text.contains("${{") {
            return Err(shared(doc, scalar));
        }
        let words = "in this expression";
        found.extend(places.into_iter().map(|within| Reference { scalar, within: Some(within), words }));
    }
    found.sort_by_key(|it| (doc.node(it.scalar).start, it.within.as_ref().map_or(0, |it| it.start)));
    Ok(found)
}

fn shared(doc: &Doc<'_>, id: Id) -> Fault {
    Box::new(
        fault(doc.span(id), "this part names it, and reaches its place by an alias or a merge key")
            .help("write it out where it is used, then try again"),
    )
}

fn computed_name(doc: &Doc<'_>, id: Id, text: &str, within: Range<usize>) -> Fault {
    let part = &text[within.clone()];
    Box::new(
        fault(
            span_of(doc, id, &within),
            format!("`{part}[…]` computes a name, so nobody can tell whether this one is meant"),
        )
        .help("write the name out in the expression, or make this change by hand"),
    )
}

/// Returns the names in lists of needs and of profiles: what they are, and whether each stands right there.
fn lists(doc: &Doc<'_>) -> BTreeMap<Id, (&'static str, bool)> {
    let mut found = BTreeMap::new();
    let mut add = |value: Id, words: &'static str, is_direct: bool| {
        let is_direct = is_direct && doc.meant(value) == value;
        let value = doc.meant(value);
        let mut note = |id: Id, is_direct: bool| {
            let known = found.entry(id).or_insert((words, is_direct));
            known.1 |= is_direct;
        };
        match &doc.node(value).shape {
            Shape::Scalar { .. } => note(value, is_direct),
            Shape::Seq { items, .. } => {
                for item in items {
                    let inner = doc.meant(item.value);
                    note(inner, is_direct && inner == item.value);
                }
            }
            _ => {}
        }
    };
    for stage in stages::all(doc) {
        let map = doc.meant(stage.value);
        if let Some((value, is_own)) = effective(doc, map, "needs") {
            add(value, "needs it", is_own && map == stage.value);
        }
    }
    if let Some(profiles) = doc.get(doc.root, "profiles") {
        for pair in doc.pairs(doc.meant(profiles)) {
            let map = doc.meant(pair.value);
            for key in ["include", "exclude"] {
                if let Some((value, is_own)) = effective(doc, map, key) {
                    add(value, "this profile names it", is_own && map == pair.value);
                }
            }
        }
    }
    found
}

/// Returns the value of a key with merge keys followed, and whether it is written in this very map.
pub(super) fn effective(doc: &Doc<'_>, map: Id, key: &str) -> Option<(Id, bool)> {
    if let Some(value) = doc.get(map, key) {
        return Some((value, true));
    }
    let merges = doc.pairs(map).iter().filter(|pair| {
        matches!(&doc.node(pair.key).shape, Shape::Scalar { value, style: Style::Plain } if value == "<<")
    });
    merges
        .flat_map(|pair| {
            let value = doc.meant(pair.value);
            let items: Vec<Id> = doc.items(value).iter().map(|it| doc.meant(it.value)).collect();
            if items.is_empty() { vec![value] } else { items }
        })
        .find_map(|source| effective(doc, source, key))
        .map(|(value, _)| (value, false))
}

/// Returns the values that are conditions, which are expressions without marks, and whether each stands right there.
fn conditions(doc: &Doc<'_>) -> HashMap<Id, bool> {
    let mut found = HashMap::new();
    for stage in stages::all(doc) {
        of_map(doc, stage.value, true, &mut found);
    }
    for key in ["pre", "post"] {
        let Some(list) = doc.get(doc.root, key) else { continue };
        for item in doc.items(doc.meant(list)) {
            of_map(doc, item.value, true, &mut found);
        }
    }
    found
}

fn of_map(doc: &Doc<'_>, map: Id, is_direct: bool, found: &mut HashMap<Id, bool>) {
    let is_direct = is_direct && doc.meant(map) == map;
    let map = doc.meant(map);
    for key in ["if", "continue-on-error"] {
        if let Some((value, is_own)) = effective(doc, map, key) {
            let inner = doc.meant(value);
            *found.entry(inner).or_insert(false) |= is_direct && is_own && inner == value;
        }
    }
    for key in ["steps", "block", "rescue", "always", "parallel"] {
        let Some((list, is_own)) = effective(doc, map, key) else { continue };
        let inner = doc.meant(list);
        for item in doc.items(inner) {
            of_map(doc, item.value, is_direct && is_own && inner == list, found);
        }
    }
}

/// Returns where a text with expressions names a member of one of these contexts.
///
/// # Errors
/// The name of the context whose member is computed.
pub(super) fn in_text(
    text: &str,
    is_condition: bool,
    contexts: &[&str],
    name: &str,
) -> Result<Vec<Range<usize>>, Range<usize>> {
    let mut found = Vec::new();
    let mut look = |used: &ContextUse, at: usize| {
        if !contexts.contains(&used.name.as_str()) {
            return Ok(());
        }
        let start = at + used.at;
        match member(text, start + used.name.len()) {
            Member::Named(range) if text[range.clone()].eq_ignore_ascii_case(name) => found.push(range),
            Member::Named(_) | Member::All => {}
            Member::Computed => return Err(start..start + used.name.len()),
        }
        Ok(())
    };
    // What is no expression is told by the reader, and names nothing.
    if text.contains("${{") {
        if let Ok(template) = Template::parse(text) {
            for part in template.exprs() {
                part.expr.contexts().iter().try_for_each(|it| look(it, part.at))?;
            }
        }
    } else if is_condition && let Ok(condition) = parse_condition(text) {
        for part in condition.exprs() {
            part.expr.contexts().iter().try_for_each(|it| look(it, part.at))?;
        }
    }
    found.sort_by_key(|it| it.start);
    Ok(found)
}

enum Member {
    Named(Range<usize>),
    /// The context as a whole.
    All,
    Computed,
}

/// Reads what follows the name of a context: `.name`, `['name']`, or something else.
fn member(text: &str, at: usize) -> Member {
    let skip = |at: usize| at + (text[at..].len() - text[at..].trim_start().len());
    let sign = skip(at);
    let rest = &text[sign..];
    if rest.starts_with('.') {
        let start = skip(sign + 1);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let len = text[start..].find(|c| !is_name(c)).unwrap_or(text.len() - start);
        return if len == 0 { Member::All } else { Member::Named(start..start + len) };
    }
    if !rest.starts_with('[') {
        return Member::All;
    }
    let inner = skip(sign + 1);
    if text[inner..].starts_with('*') {
        return Member::All;
    }
    let literal = text[inner..].strip_prefix('\'').and_then(|it| it.find('\''));
    match literal {
        Some(len) if text[skip(inner + len + 2)..].starts_with(']') => {
            Member::Named(inner + 1..inner + 1 + len)
        }
        _ => Member::Computed,
    }
}
