//! Changes of a text: a member of a map or list goes in or out, a value becomes another one. Nothing else is touched.
//!
//! Not here: which member it is (`stages.rs` and its neighbours). Start with `Pen::insert`, `Pen::remove` and `Pen::set`.

use std::collections::HashMap;
use std::ops::Range;

use super::super::layout::{Doc, Id, Shape, Sort, span};
use super::part::{Hand, Part, like};
use super::{Fault, fault};

/// Changes one text; its places are those of the text as it was.
pub(super) struct Pen<'d, 's> {
    pub doc: &'d Doc<'s>,
    pub hand: Hand,
    changes: Vec<(Range<usize>, String)>,
}

/// A member to put into a map or a list.
pub(super) enum Member<'p> {
    Pair(&'p str, &'p Part),
    Item(&'p Part),
}

impl<'d, 's> Pen<'d, 's> {
    pub(super) fn new(doc: &'d Doc<'s>) -> Self {
        Self { doc, hand: hand_of(doc), changes: Vec::new() }
    }

    /// Returns the changed text. Changes do not overlap; if they did, it would be the text as it was.
    pub(super) fn finish(mut self) -> String {
        self.changes.sort_by_key(|(range, _)| (range.start, range.end));
        let mut text = String::with_capacity(self.doc.text.len() + 64);
        let mut done = 0;
        for (range, new) in &self.changes {
            if range.start < done {
                return self.doc.text.to_owned();
            }
            text.push_str(&self.doc.text[done..range.start]);
            text.push_str(new);
            done = range.end;
        }
        text.push_str(&self.doc.text[done..]);
        text
    }

    pub(super) fn replace(&mut self, start: usize, end: usize, text: impl Into<String>) {
        self.changes.push((start..end, text.into()));
    }

    /// Refuses to change what an alias repeats elsewhere: it would change there, too.
    pub(super) fn check_own(&self, id: Id) -> Result<(), Fault> {
        let doc = self.doc;
        let shared =
            std::iter::successors(Some(id), |id| doc.node(*id).parent).find(|it| doc.node(*it).aliases > 0);
        let Some(shared) = shared else { return Ok(()) };
        let node = doc.node(shared);
        let alias =
            doc.ids().find(|it| matches!(doc.node(*it).shape, Shape::Alias(target) if target == shared));
        let anchor = doc.text[node.from..node.start].split_whitespace().next().unwrap_or("&").to_owned();
        let problem = fault(
            span(node.from, node.from + anchor.len()),
            format!("this part is repeated elsewhere by its anchor `{anchor}`, and would change there, too"),
        )
        .help("write it out where it is repeated, or make this change by hand");
        Err(Box::new(match alias {
            Some(alias) => problem.also(doc.span(alias), "repeated here"),
            None => problem,
        }))
    }

    /// Refuses to remove a range with an anchor that is repeated outside of it.
    fn check_anchors(&self, range: &Range<usize>) -> Result<(), Fault> {
        let doc = self.doc;
        let lost = doc.ids().find_map(|id| match doc.node(id).shape {
            Shape::Alias(target) => {
                let (alias, anchor) = (doc.node(id).start, doc.node(target).from);
                (range.contains(&anchor) && !range.contains(&alias)).then_some((id, target))
            }
            _ => None,
        });
        let Some((alias, target)) = lost else { return Ok(()) };
        let node = doc.node(target);
        Err(Box::new(
            fault(
                span(node.from, node.start.max(node.from + 1)),
                "this anchor would go, and it is repeated elsewhere",
            )
            .also(doc.span(alias), "repeated here")
            .help("write the value out where it is repeated, then try again"),
        ))
    }

    fn cut(&mut self, start: usize, end: usize) -> Result<(), Fault> {
        self.check_anchors(&(start..end))?;
        self.replace(start, end, "");
        Ok(())
    }

    /// Puts a member before the one at a position, or behind all.
    pub(super) fn insert(&mut self, collection: Id, at: usize, member: &Member<'_>) -> Result<(), Fault> {
        self.check_own(collection)?;
        let children = self.doc.children(collection);
        if self.doc.is_flow(collection) {
            let text = match member {
                Member::Pair(key, value) => self.hand.inline_pair(key, value),
                Member::Item(value) => self.hand.inline(value, true),
            };
            return self.insert_inline(collection, &children, at, &text);
        }
        let column = self.doc.column(children[0].0);
        let lines = self.lines(member, column);
        let newline = self.hand.newline;
        let between = if self.is_airy(&children, column) { newline } else { "" };
        if at == 0 {
            let first = children[0].0;
            if !self.doc.is_first(first) {
                let text = format!("{}{}", lines.trim_start_matches(' '), " ".repeat(column));
                self.replace(first, first, text);
                return Ok(());
            }
            let top = self.doc.with_comments_above(self.doc.line_start(first), column);
            self.replace(top, top, format!("{lines}{between}"));
            return Ok(());
        }
        let end = self.doc.end_of_lines(children[at - 1].1, column);
        let text = if self.doc.text[..end].ends_with('\n') {
            format!("{between}{lines}")
        } else {
            format!("{newline}{between}{}", self.unended(member, &lines))
        };
        self.replace(end, end, text);
        Ok(())
    }

    fn lines(&self, member: &Member<'_>, column: usize) -> String {
        match member {
            Member::Pair(key, value) => self.hand.pair(key, value, column),
            Member::Item(value) => self.hand.item(value, column),
        }
    }

    /// Returns lines for the end of a file whose last line has no break, which a text in lines does not go without.
    fn unended<'l>(&self, member: &Member<'_>, lines: &'l str) -> &'l str {
        let (Member::Pair(_, value) | Member::Item(value)) = member;
        if value.ends_in_lines() { lines } else { lines.trim_end_matches(['\r', '\n']) }
    }

    /// Says whether blank lines stand between most members.
    fn is_airy(&self, children: &[(usize, usize, Id)], column: usize) -> bool {
        let doc = self.doc;
        let is_gap =
            |pair: &&[(usize, usize, Id)]| doc.has_blank_line(doc.end_of_lines(pair[0].1, column), pair[1].0);
        let gaps = children.windows(2).filter(is_gap);
        let (gaps, all) = (gaps.count(), children.len().saturating_sub(1));
        gaps > 0 && gaps * 2 >= all
    }

    fn insert_inline(
        &mut self,
        collection: Id,
        children: &[(usize, usize, Id)],
        at: usize,
        text: &str,
    ) -> Result<(), Fault> {
        let doc = self.doc;
        let node = doc.node(collection);
        if children.is_empty() {
            if doc.comments(node.start, node.end).next().is_some() {
                return Err(odd(doc, collection));
            }
            let is_map = matches!(node.shape, Shape::Map { .. });
            let is_padded = if is_map { self.hand.is_map_padded } else { self.hand.is_list_padded };
            let pad = if is_padded { " " } else { "" };
            self.replace(node.start + 1, node.end - 1, format!("{pad}{text}{pad}"));
            return Ok(());
        }
        if at == 0 {
            let first = children[0].0;
            self.replace(first, first, format!("{text}, "));
            return Ok(());
        }
        let (start, end, _) = children[at - 1];
        let behind = &doc.tokens[doc.tokens.partition_point(|it| it.start < end)..];
        let comma = behind.iter().find(|it| it.sort != Sort::Comment).filter(|it| it.sort == Sort::Comma);
        let line_end = doc.line_end(end);
        let rest = &doc.text[comma.map_or(end, |it| it.end).min(line_end)..line_end];
        let is_alone = doc.is_first(start)
            && (rest.trim().is_empty() || rest.trim_start().starts_with('#'))
            && comma.is_none_or(|it| it.start < line_end);
        if !is_alone {
            self.replace(end, end, format!(", {text}"));
            return Ok(());
        }
        // One in each line.
        if comma.is_none() {
            self.replace(end, end, ",");
        }
        let next = doc.next_line(end);
        let comma = if comma.is_some() { "," } else { "" };
        let indent = " ".repeat(doc.column(start));
        self.replace(next, next, format!("{indent}{text}{comma}{}", self.hand.newline));
        Ok(())
    }

    /// Takes a member out. Comments right above it and in its lines go with it; a map or list that nothing is left in goes,
    /// too, unless there are other comments in it.
    pub(super) fn remove(&mut self, collection: Id, at: usize) -> Result<(), Fault> {
        self.check_own(collection)?;
        let children = self.doc.children(collection);
        if children.len() == 1 {
            return self.remove_last(collection, children[0]);
        }
        if self.doc.is_flow(collection) {
            return self.remove_inline(collection, &children, at);
        }
        let (start, end, _) = children[at];
        if !self.doc.is_first(start) {
            return self.remove_beside_dash(collection, &children);
        }
        let (mut top, mut end) = self.lines_of((start, end));
        let doc = self.doc;
        let (before, after) = (doc.before_blanks(top), doc.past_blanks(end));
        if after > end && (before < top || at == 0) {
            end = after;
        } else if end == doc.text.len() && before < top {
            top = before;
        }
        self.cut(top, end)
    }

    /// Takes a key out of a map that stays, if with nothing in it.
    pub(super) fn remove_key(&mut self, map: Id, at: usize) -> Result<(), Fault> {
        self.check_own(map)?;
        match self.doc.children(map)[..] {
            [only] => self.empty(map, only),
            _ => self.remove(map, at),
        }
    }

    /// Returns the lines of a member, with the comments that belong to it.
    fn lines_of(&self, (start, end): (usize, usize)) -> (usize, usize) {
        let column = self.doc.column(start);
        let top = self.doc.with_comments_above(self.doc.line_start(start), column);
        (top, self.doc.end_of_lines(end, column))
    }

    /// Takes the first member out, which shares its line with the dash of a list: the second one takes its place.
    fn remove_beside_dash(&mut self, collection: Id, children: &[(usize, usize, Id)]) -> Result<(), Fault> {
        let doc = self.doc;
        let ((start, end, _), (next, ..)) = (children[0], children[1]);
        let line_end = doc.line_end(end);
        if doc.comments(line_end, next).next().is_some() || doc.has_blank_line(start, next) {
            return Err(odd(doc, collection));
        }
        self.cut(start, next)
    }

    /// Takes the only member out, and with it what it is a member of, if that is all that would be left.
    fn remove_last(&mut self, collection: Id, child: (usize, usize, Id)) -> Result<(), Fault> {
        let doc = self.doc;
        let Some((owner, at)) = self.owner(collection) else { return Err(odd(doc, collection)) };
        if self.has_other_comments(collection, child) {
            return self.empty(collection, child);
        }
        let siblings = doc.children(owner);
        match siblings.len() {
            // Whoever asked did not ask for that one to go, too.
            1 => self.empty(owner, siblings[0]),
            _ => self.remove(owner, at),
        }
    }

    /// Returns the map in which a collection is the value of a key, and the position of that.
    fn owner(&self, collection: Id) -> Option<(Id, usize)> {
        let owner = self.doc.node(collection).parent?;
        let at = self.doc.pairs(owner).iter().position(|it| it.value == collection)?;
        Some((owner, at))
    }

    /// Says whether comments stand in a collection that belong to none of its members, of which there is one.
    fn has_other_comments(&self, collection: Id, child: (usize, usize, Id)) -> bool {
        let doc = self.doc;
        let node = doc.node(collection);
        if doc.is_flow(collection) {
            return doc.comments(node.start, node.end).next().is_some();
        }
        let Some((owner, at)) = self.owner(collection) else { return false };
        let pair = doc.pairs(owner)[at];
        let colon = pair.colon.unwrap_or(node.start);
        let line_end = doc.line_end(colon);
        let (top, end) = self.lines_of((child.0, child.1));
        let end_of_owner = doc.end_of_lines(child.1, doc.column(pair.start));
        doc.comments(line_end, end_of_owner).any(|it| !(top..end).contains(&it.start))
    }

    /// Takes the only member out and leaves `[]` or `{}`.
    fn empty(&mut self, collection: Id, child: (usize, usize, Id)) -> Result<(), Fault> {
        let doc = self.doc;
        let node = doc.node(collection);
        self.check_own(collection)?;
        if doc.is_flow(collection) {
            if doc.comments(node.start, node.end).next().is_some() {
                return Err(odd(doc, collection));
            }
            return self.cut(node.start + 1, node.end - 1);
        }
        let colon = self.owner(collection).and_then(|(owner, at)| doc.pairs(owner)[at].colon);
        let Some(colon) = colon.filter(|_| doc.is_first(child.0)) else { return Err(odd(doc, collection)) };
        let nothing = if matches!(node.shape, Shape::Map { .. }) { " {}" } else { " []" };
        self.replace(colon + 1, colon + 1, nothing);
        let (top, end) = self.lines_of((child.0, child.1));
        self.cut(top, end)
    }

    fn remove_inline(
        &mut self,
        collection: Id,
        children: &[(usize, usize, Id)],
        at: usize,
    ) -> Result<(), Fault> {
        let doc = self.doc;
        let (start, end, _) = children[at];
        let line_end = doc.line_end(end);
        let rest = doc.text[end..line_end].trim_start();
        let rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        if doc.is_first(start) && (rest.is_empty() || rest.starts_with('#')) {
            let top = doc.with_comments_above(doc.line_start(start), doc.column(start));
            return self.cut(top, doc.next_line(end));
        }
        let (from, to) = match children.get(at + 1) {
            Some((next, ..)) => (start, *next),
            None => (children[at - 1].1, end),
        };
        if doc.comments(from, to).next().is_some() {
            return Err(odd(doc, collection));
        }
        self.cut(from, to)
    }

    /// Gives a key of a map another value, in the style of the one that it has.
    pub(super) fn set(&mut self, map: Id, at: usize, value: &Part) -> Result<(), Fault> {
        self.check_own(map)?;
        let doc = self.doc;
        let pair = doc.pairs(map)[at];
        let old = doc.node(pair.value);
        let is_in_flow = doc.is_flow(map);
        if old.aliases > 0 {
            self.check_own(pair.value)?;
        }
        match &old.shape {
            Shape::Null => {
                let colon = if pair.colon.is_some() { "" } else { ":" };
                let text = format!("{colon} {}", self.hand.inline(value, is_in_flow));
                self.replace(old.start, old.start, text);
            }
            Shape::Scalar { style, .. } if old.body.is_none() => {
                let text = match value {
                    Part::Text(text) => like(text, *style, is_in_flow),
                    other => self.hand.inline(other, is_in_flow),
                };
                self.replace(old.start, old.end, text);
            }
            Shape::Scalar { .. } => {
                if doc.comments(old.start, old.end).next().is_some() {
                    return Err(odd(doc, pair.value));
                }
                let is_last = old.end == doc.text.len() && !doc.text.ends_with('\n');
                let newline = if is_last { "" } else { self.hand.newline };
                self.replace(old.start, old.end, format!("{}{newline}", self.hand.inline(value, false)));
            }
            Shape::Alias(_) => self.replace(old.start, old.end, self.hand.inline(value, is_in_flow)),
            Shape::Seq { .. } | Shape::Map { .. } => self.set_collection(map, at, value)?,
        }
        Ok(())
    }

    fn set_collection(&mut self, map: Id, at: usize, value: &Part) -> Result<(), Fault> {
        let doc = self.doc;
        let pair = doc.pairs(map)[at];
        let old = doc.node(pair.value);
        if doc.is_flow(pair.value) {
            if doc.comments(old.start, old.end).next().is_some() {
                return Err(odd(doc, pair.value));
            }
            self.check_anchors(&(old.start..old.end))?;
            self.replace(old.start, old.end, self.hand.inline(value, true));
            return Ok(());
        }
        let column = doc.column(old.start);
        let line = doc.line_start(old.start);
        let end = doc.end_of_lines(old.end, column);
        let colon_line = doc.line_end(pair.colon.unwrap_or(old.start));
        if !doc.is_first(old.start) || doc.comments(colon_line.min(line), end).any(|it| it.start > colon_line)
        {
            return Err(odd(doc, pair.value));
        }
        self.check_anchors(&(line..end))?;
        let lines: String = match (value, &old.shape) {
            (Part::List(items), Shape::Seq { .. }) => {
                items.iter().map(|it| self.hand.item(it, column)).collect()
            }
            (Part::Map(pairs), Shape::Map { .. }) => {
                pairs.iter().map(|(key, it)| self.hand.pair(key, it, column)).collect()
            }
            _ => return Err(odd(doc, pair.value)),
        };
        let is_whole = doc.text[..end].ends_with('\n');
        let lines = if is_whole { &lines[..] } else { lines.trim_end_matches(['\r', '\n']) };
        self.replace(line, end, lines);
        Ok(())
    }

    /// Puts a member into what a key has, however that is written: a map, a list, `{}`, or nothing.
    pub(super) fn add_to(&mut self, map: Id, at: usize, member: &Member<'_>) -> Result<(), Fault> {
        let doc = self.doc;
        let pair = doc.pairs(map)[at];
        let value = doc.node(pair.value);
        if !matches!(value.shape, Shape::Null) {
            return match doc.is_collection(pair.value) {
                true => self.insert(pair.value, doc.children(pair.value).len(), member),
                false => Err(odd(doc, pair.value)),
            };
        }
        self.check_own(pair.value)?;
        if doc.is_flow(map) || value.is_anchored || pair.colon.is_none() {
            return Err(odd(doc, pair.key));
        }
        let step = if matches!(member, Member::Item(_)) { self.hand.list_step } else { self.hand.step };
        let lines = self.lines(member, doc.column(pair.start) + step);
        let next = doc.next_line(value.start);
        let text = match doc.text[..next].ends_with('\n') {
            true => lines,
            false => format!("{}{}", self.hand.newline, self.unended(member, &lines)),
        };
        self.replace(next, next, text);
        Ok(())
    }
}

/// Says that a part is written in a way in which nobody would want it to be changed.
pub(super) fn odd(doc: &Doc<'_>, id: Id) -> Fault {
    Box::new(
        fault(
            doc.span(id),
            "this part is written in a way in which the change would move comments or other parts",
        )
        .help("put each member into a line of its own, or make this change by hand"),
    )
}

/// Returns what the author of a text does most often.
fn hand_of(doc: &Doc<'_>) -> Hand {
    let (mut steps, mut lists, mut dashes) = (HashMap::new(), HashMap::new(), HashMap::new());
    let mut is_padded = (None, None);
    for id in doc.ids() {
        let node = doc.node(id);
        match &node.shape {
            Shape::Map { pairs, is_flow: false } => {
                let column = doc.column(node.start);
                for value in pairs.iter().map(|it| it.value).filter(|it| !doc.is_flow(*it)) {
                    let inner = doc.node(value);
                    let inner_column = doc.column(inner.start);
                    match inner.shape {
                        Shape::Map { .. } if inner_column > column => {
                            *steps.entry(inner_column - column).or_insert(0_usize) += 1;
                        }
                        Shape::Seq { .. } if inner_column >= column => {
                            *lists.entry(inner_column - column).or_insert(0_usize) += 1;
                        }
                        _ => {}
                    }
                }
            }
            Shape::Seq { items, is_flow: false } => {
                for item in items {
                    let inner = doc.node(item.value).start;
                    let is_beside =
                        doc.is_collection(item.value) && doc.line_start(inner) == doc.line_start(item.start);
                    if is_beside && !doc.is_flow(item.value) {
                        *dashes.entry(inner - item.start).or_insert(0_usize) += 1;
                    }
                }
            }
            Shape::Map { pairs, .. } if !pairs.is_empty() => {
                is_padded.0 = is_padded.0.or(Some(doc.text[node.start + 1..].starts_with(' ')));
            }
            Shape::Seq { items, .. } if !items.is_empty() => {
                is_padded.1 = is_padded.1.or(Some(doc.text[node.start + 1..].starts_with(' ')));
            }
            _ => {}
        }
    }
    let most = |counts: HashMap<usize, usize>, otherwise: usize| {
        counts
            .into_iter()
            .max_by_key(|(width, count)| (*count, std::cmp::Reverse(*width)))
            .map_or(otherwise, |it| it.0)
    };
    Hand {
        step: most(steps, 2),
        list_step: most(lists, 2),
        dash_step: most(dashes, 2),
        is_map_padded: is_padded.0.unwrap_or(true),
        is_list_padded: is_padded.1.unwrap_or(false),
        newline: doc.newline(),
    }
}
