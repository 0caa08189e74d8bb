//! From the events of the parser to a `Doc`: the parser says what is what, the tokens say where its signs stand.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, options};

use super::lex::{self, Extent};
use super::{Doc, Id, Item, Node, Pair, Shape, Sort, Token};
use crate::logic::playbook::tree::Style;

impl<'s> Doc<'s> {
    /// Takes a text apart. Nothing if it is no YAML, has no value, or a sign in it cannot be told; who calls this has had the
    /// text read by `playbook/tree.rs`, which bounds its size.
    pub(in super::super) fn parse(text: &'s str) -> Option<Self> {
        let mut builder = Builder::default();
        builder.read(text)?;
        let root = builder.root?;
        let tokens = lex::lex(text, &builder.extents)?;
        let mut doc = Self { text, nodes: builder.nodes, root, tokens };
        doc.place_headers()?;
        // A node stands before its children, so that this goes from the inside to the outside.
        for at in (0..doc.nodes.len()).rev() {
            doc.place(Id(at))?;
        }
        Some(doc)
    }

    /// Moves the start of each text in lines to its `|` or `>`, and its end to where its lines end.
    fn place_headers(&mut self) -> Option<()> {
        let mut headers = self.tokens.iter().enumerate().filter(|(_, it)| it.sort == Sort::Header);
        for node in self.nodes.iter_mut().filter(|it| it.body.is_some()) {
            let (at, header) = headers.next()?;
            node.start = header.start;
            let body = self.tokens[at..].iter().take(3).find(|it| it.sort == Sort::Body);
            let rest = &self.text[header.end..];
            let next = header.end + rest.find('\n').map_or(rest.len(), |found| found + 1);
            node.end = body.filter(|it| it.start == next).map_or(next, |it| it.end);
            if !node.is_anchored {
                node.from = node.start;
            }
        }
        Some(())
    }

    fn place(&mut self, id: Id) -> Option<()> {
        match &self.node(id).shape {
            Shape::Seq { items, is_flow: false } => {
                let values: Vec<Id> = items.iter().map(|it| it.value).collect();
                let mut placed = Vec::with_capacity(values.len());
                for value in values {
                    let dash = self.last_before(self.node(value).from, Sort::Dash)?;
                    if placed.last().is_some_and(|it: &Item| it.start >= dash) {
                        return None;
                    }
                    self.put_nothing(value, dash + 1);
                    placed.push(Item { start: dash, value });
                }
                self.finish(id, Shape::Seq { items: placed, is_flow: false });
            }
            Shape::Map { pairs, is_flow } => {
                let (is_flow, pairs) = (*is_flow, pairs.clone());
                let mut placed = Vec::with_capacity(pairs.len());
                for pair in pairs {
                    placed.push(self.place_pair(pair)?);
                }
                self.finish(id, Shape::Map { pairs: placed, is_flow });
            }
            Shape::Seq { items, is_flow: true } => {
                for value in items.iter().map(|it| it.value).collect::<Vec<_>>() {
                    let at = self.node(value).start;
                    self.put_nothing(value, at);
                }
                let items = self.items(id).iter().map(|it| Item { start: self.node(it.value).from, ..*it });
                let items = items.collect();
                self.nodes[id.0].shape = Shape::Seq { items, is_flow: true };
            }
            _ => {}
        }
        Some(())
    }

    fn place_pair(&mut self, pair: Pair) -> Option<Pair> {
        let key = self.node(pair.key);
        let (from, end) = (key.from, key.end);
        // A key without text is not accepted by the reader either.
        if matches!(key.shape, Shape::Null) {
            return None;
        }
        let before = self.tokens[..self.tokens.partition_point(|it| it.start < from)].iter();
        let before = before.rev().find(|it| it.sort != Sort::Comment);
        let start = before.filter(|it| it.sort == Sort::Question).map_or(from, |it| it.start);
        let behind = &self.tokens[self.tokens.partition_point(|it| it.start < end)..];
        let colon = behind.iter().find(|it| it.sort != Sort::Comment);
        let colon = colon.filter(|it| it.sort == Sort::Colon).map(|it| it.start);
        self.put_nothing(pair.value, colon.map_or(end, |it| it + 1));
        Some(Pair { start, colon, ..pair })
    }

    /// Says where a value is that is not written.
    fn put_nothing(&mut self, id: Id, at: usize) {
        let node = &mut self.nodes[id.0];
        if matches!(node.shape, Shape::Null) {
            let at = if node.is_anchored { node.end } else { at };
            node.start = at;
            node.end = at;
            if !node.is_anchored {
                node.from = at;
            }
        }
    }

    /// Gives a collection in block style its place, which is that of its children.
    fn finish(&mut self, id: Id, shape: Shape<'s>) {
        self.nodes[id.0].shape = shape;
        if self.is_flow(id) {
            return;
        }
        let children = self.children(id);
        let (Some(first), Some(last)) = (children.first(), children.last()) else { return };
        let (start, end) = (first.0, last.1);
        let node = &mut self.nodes[id.0];
        node.start = start;
        node.end = end;
        if !node.is_anchored {
            node.from = start;
        }
    }

    fn last_before(&self, at: usize, sort: Sort) -> Option<usize> {
        let before = &self.tokens[..self.tokens.partition_point(|it: &Token| it.start < at)];
        before.iter().rev().find(|it| it.sort == sort).map(|it| it.start)
    }
}

#[derive(Default)]
struct Builder<'s> {
    nodes: Vec<Node<'s>>,
    extents: Vec<Extent>,
    open: Vec<(Id, Vec<Id>)>,
    anchors: HashMap<usize, Id>,
    last: Option<Id>,
    root: Option<Id>,
}

impl<'s> Builder<'s> {
    fn read(&mut self, text: &'s str) -> Option<()> {
        let options = options! {
            emit_comments: false,
            emit_anchor_events: true,
        };
        for next in Parser::new_from_str_with_options(text, options) {
            let (event, span) = next.ok()?;
            let (start, end) = (span.start.byte_offset()?, span.end.byte_offset()?);
            match event {
                Event::Scalar(value, style, anchor, None) => {
                    self.scalar(text, value, style, anchor, (start, end))
                }
                Event::SequenceStart(style, anchor, None) => {
                    let shape = Shape::Seq { items: Vec::new(), is_flow: style == StructureStyle::Flow };
                    self.open(shape, anchor, start);
                }
                Event::MappingStart(style, anchor, None) => {
                    let shape = Shape::Map { pairs: Vec::new(), is_flow: style == StructureStyle::Flow };
                    self.open(shape, anchor, start);
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(end)?,
                Event::Alias(anchor) => {
                    let target = *self.anchors.get(&anchor)?;
                    self.nodes[target.0].aliases += 1;
                    self.add(Shape::Alias(target), 0, (start, end));
                }
                Event::Anchor(..) => {
                    let node = &mut self.nodes[self.last?.0];
                    node.from = start;
                    if matches!(node.shape, Shape::Null) {
                        node.start = end;
                        node.end = end;
                    }
                }
                Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
                _ => return None,
            }
        }
        Some(())
    }

    fn scalar(
        &mut self,
        text: &str,
        value: Cow<'s, str>,
        style: ScalarStyle,
        anchor: usize,
        (start, end): (usize, usize),
    ) {
        let style = match style {
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
            _ => Style::Plain,
        };
        let is_written =
            start < end && (style != Style::Plain || value != "~" || text.get(start..end) == Some("~"));
        if style == Style::Plain && !is_written {
            self.add(Shape::Null, anchor, (start, start));
            return;
        }
        let is_block = matches!(style, Style::Literal | Style::Folded);
        self.extents.push(if is_block { Extent::Lines(end) } else { Extent::Inline(start, end) });
        let id = self.add(Shape::Scalar { value, style }, anchor, (start, end));
        self.nodes[id.0].body = is_block.then_some((start, end));
    }

    fn add(&mut self, shape: Shape<'s>, anchor: usize, (start, end): (usize, usize)) -> Id {
        let id = Id(self.nodes.len());
        let parent = self.open.last().map(|(id, _)| *id);
        let is_anchored = anchor != 0;
        self.nodes.push(Node { shape, from: start, start, end, body: None, is_anchored, aliases: 0, parent });
        if is_anchored {
            self.anchors.insert(anchor, id);
        }
        match self.open.last_mut() {
            Some((_, children)) => children.push(id),
            None => self.root = self.root.or(Some(id)),
        }
        self.last = Some(id);
        id
    }

    fn open(&mut self, shape: Shape<'s>, anchor: usize, start: usize) {
        let id = self.add(shape, anchor, (start, start));
        self.open.push((id, Vec::new()));
    }

    fn close(&mut self, end: usize) -> Option<()> {
        let (id, children) = self.open.pop()?;
        let node = &mut self.nodes[id.0];
        node.end = end;
        match &mut node.shape {
            Shape::Seq { items, .. } => {
                items.extend(children.into_iter().map(|value| Item { start: 0, value }));
            }
            Shape::Map { pairs, .. } => {
                let pair = |it: &[Id]| Pair { start: 0, key: it[0], colon: None, value: it[1] };
                pairs.extend(children.chunks_exact(2).map(pair));
            }
            _ => return None,
        }
        Some(())
    }
}
