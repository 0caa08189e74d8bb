//! YAML text to a tree of nodes that know their places.
//!
//! Not here: what the keys mean (`read_*.rs`), kinds of scalars (`scalar.rs`), merge keys (`merge.rs`).
//! Start with `parse`. Aliased nodes are shared by their number, never copied; a running count of what the
//! document would be after expansion keeps a small file from becoming a large one.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, options};

use super::decode::meant;
use super::merge;
use super::source::{Source, Span};
use super::syntax;
use crate::logic::diag::Diagnostic;

/// Most nested collections, aliases counted as if written out.
pub const DEPTH_LIMIT: usize = 64;
/// Most nodes after expansion of aliases and merge keys.
pub const NODE_LIMIT: u64 = 250_000;
/// Most aliases in one file.
pub const ALIAS_LIMIT: usize = 10_000;

/// Position of a node in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(u32);

/// A value of the document.
#[derive(Debug)]
pub struct Node<'s> {
    pub kind: Kind<'s>,
    pub span: Span,
    /// Nodes at and below this one, aliases counted as if written out.
    weight: u32,
    /// Nested collections from here on; `None` while the node is still being read.
    height: Option<u8>,
}

/// What a node is.
#[derive(Debug)]
pub enum Kind<'s> {
    Scalar(Scalar<'s>),
    Seq(Vec<NodeId>),
    Map(Vec<Entry>),
}

/// A scalar as it was written, without quotes and escapes.
#[derive(Debug)]
pub struct Scalar<'s> {
    pub text: Cow<'s, str>,
    pub style: Style,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

/// A key with its value.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub key: NodeId,
    pub value: NodeId,
}

/// A document.
#[derive(Debug)]
pub struct Tree<'s> {
    nodes: Vec<Node<'s>>,
    pub root: NodeId,
}

impl<'s> Tree<'s> {
    /// Returns a node of this tree.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node<'s> {
        &self.nodes[id.0 as usize]
    }

    /// Returns the text of a key; keys that are no text were refused while reading.
    #[must_use]
    pub fn key(&self, entry: Entry) -> &str {
        match &self.node(entry.key).kind {
            Kind::Scalar(scalar) => &scalar.text,
            Kind::Seq(_) | Kind::Map(_) => "",
        }
    }

    /// Returns the value of a key, compared exactly.
    #[must_use]
    pub fn get(&self, map: NodeId, key: &str) -> Option<NodeId> {
        let Kind::Map(entries) = &self.node(map).kind else { return None };
        entries.iter().find(|entry| self.key(**entry) == key).map(|entry| entry.value)
    }
}

/// Reads one document. Without a tree there is at least one error among the diagnostics.
#[must_use]
pub fn parse(source: &Source) -> (Option<Tree<'_>>, Vec<Diagnostic>) {
    let mut builder = Builder { guesses: 20, ..Builder::default() };
    let result = builder.read(source);
    let Builder { nodes, mut found, root, .. } = builder;
    match result {
        Err(stop) => {
            found.push(*stop);
            (None, found)
        }
        Ok(()) => match root {
            Some(root) => (Some(Tree { nodes, root }), found),
            None => (None, found),
        },
    }
}

/// A collection that is being read.
struct Frame {
    node: NodeId,
    is_map: bool,
    /// Items, or keys and values in turn.
    children: Vec<NodeId>,
}

/// An error after which the rest would be guesswork; in a box, as it is rare and large.
pub(super) type Stop = Box<Diagnostic>;

/// Turns events into nodes.
#[derive(Default)]
pub(super) struct Builder<'s> {
    nodes: Vec<Node<'s>>,
    frames: Vec<Frame>,
    anchors: HashMap<usize, NodeId>,
    anchor_names: Vec<Cow<'s, str>>,
    aliases: usize,
    /// How many more times an unknown anchor is compared with all known ones.
    guesses: usize,
    /// Nodes so far as if all aliases and merge keys were written out.
    expanded: u64,
    root: Option<NodeId>,
    documents: usize,
    found: Vec<Diagnostic>,
}

impl<'s> Builder<'s> {
    /// Reads all events.
    fn read(&mut self, source: &'s Source) -> Result<(), Stop> {
        // One value for each dozen bytes is usual; growing step by step would copy all nodes again and again.
        self.nodes.reserve(source.text.len() / 12);
        let options = options! {
            emit_comments: false,
            emit_unresolved_aliases: true,
            emit_anchor_events: true,
        };
        for next in Parser::new_from_str_with_options(&source.text, options) {
            let (event, span) = next.map_err(|error| Box::new(syntax::diagnose(source, &error)))?;
            let at = place(span, source);
            if let (Some(tag), Some(start)) = (event.tag(), span.tag_start()) {
                let start = to_u32(start.byte_offset().unwrap_or(0));
                let end = span.tag_span().and_then(|tag| tag.end.byte_offset()).map_or(start + 1, to_u32);
                self.found.push(syntax::tag(source, Span { start, end }, &tag.original()));
            }
            self.event(event, at)?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'s>, span: Span) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Box::new(
                        Diagnostic::error(
                            "several-documents",
                            span,
                            "this file holds more than one document",
                        )
                        .label("a second document starts here")
                        .help("keep one playbook per file"),
                    ));
                }
            }
            Event::Scalar(text, style, anchor, _) => {
                let id = self.add(Kind::Scalar(Scalar { text, style: style_of(style) }), span, 0)?;
                self.anchor(anchor, id);
                self.child(id);
            }
            Event::SequenceStart(_, anchor, _) => self.open(false, anchor, span)?,
            Event::MappingStart(_, anchor, _) => self.open(true, anchor, span)?,
            Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
            Event::Alias(anchor) => self.alias(anchor, span)?,
            Event::UnresolvedAlias(name) => {
                let mut problem = Diagnostic::error(
                    "unknown-anchor",
                    span,
                    format!("there is no anchor `&{name}` above this place"),
                );
                let names = self.anchor_names.iter().map(|name| &**name);
                if let Some(near) = meant(&mut self.guesses, &name, names) {
                    problem = problem.help(format!("did you mean `*{near}`?"));
                } else {
                    problem = problem.help("text that begins with `*` has to stand in quotes");
                }
                self.found.push(problem);
                let id =
                    self.add(Kind::Scalar(Scalar { text: Cow::Borrowed(""), style: Style::Plain }), span, 0)?;
                self.child(id);
            }
            Event::Anchor(_, name) => self.anchor_names.push(name),
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, kind: Kind<'s>, span: Span, height: u8) -> Result<NodeId, Stop> {
        self.spend(1, span)?;
        let id = NodeId(to_u32(self.nodes.len()));
        self.nodes.push(Node { kind, span, weight: 1, height: Some(height) });
        Ok(id)
    }

    /// Counts nodes against the budget.
    pub(super) fn spend(&mut self, nodes: u64, span: Span) -> Result<(), Stop> {
        self.expanded = self.expanded.saturating_add(nodes);
        if self.expanded <= NODE_LIMIT {
            return Ok(());
        }
        Err(Box::new(
            Diagnostic::error(
                "too-many-nodes",
                span,
                format!("this file has more than {NODE_LIMIT} values once its aliases are written out"),
            )
            .label("the limit is reached here")
            .help("split the playbook, or use fewer aliases of large parts"),
        ))
    }

    fn anchor(&mut self, anchor: usize, id: NodeId) {
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
    }

    fn child(&mut self, id: NodeId) {
        match self.frames.last_mut() {
            Some(frame) => frame.children.push(id),
            None => self.root = self.root.or(Some(id)),
        }
    }

    fn open(&mut self, is_map: bool, anchor: usize, span: Span) -> Result<(), Stop> {
        self.check_depth(1, span)?;
        let kind = if is_map { Kind::Map(Vec::new()) } else { Kind::Seq(Vec::new()) };
        let id = self.add(kind, span, 0)?;
        self.nodes[id.0 as usize].height = None;
        self.anchor(anchor, id);
        self.frames.push(Frame { node: id, is_map, children: Vec::new() });
        Ok(())
    }

    fn check_depth(&self, more: usize, span: Span) -> Result<(), Stop> {
        if self.frames.len() + more <= DEPTH_LIMIT {
            return Ok(());
        }
        Err(Box::new(
            Diagnostic::error("too-deep", span, format!("values are nested more than {DEPTH_LIMIT} deep"))
                .help("a playbook needs far fewer levels; is a bracket missing?"),
        ))
    }

    fn close(&mut self, end: Span) -> Result<(), Stop> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let mut weight = 1_u32;
        let mut height = 0;
        for child in &frame.children {
            let child = &self.nodes[child.0 as usize];
            weight = weight.saturating_add(child.weight);
            height = height.max(child.height.unwrap_or(0));
        }
        let at = frame.node.0 as usize;
        self.nodes[at].span.end = self.nodes[at].span.end.max(end.end);
        self.nodes[at].weight = weight;
        self.nodes[at].height = Some(height.saturating_add(1));
        if frame.is_map {
            let entries =
                frame.children.chunks_exact(2).map(|pair| Entry { key: pair[0], value: pair[1] }).collect();
            let entries = self.finish_map(entries)?;
            self.nodes[at].kind = Kind::Map(entries);
        } else {
            self.nodes[at].kind = Kind::Seq(frame.children);
        }
        self.child(frame.node);
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        self.aliases += 1;
        if self.aliases > ALIAS_LIMIT {
            return Err(Box::new(
                Diagnostic::error(
                    "too-many-aliases",
                    span,
                    format!("this file has more than {ALIAS_LIMIT} aliases"),
                )
                .help("write the values out, or generate the file in parts"),
            ));
        }
        let Some(&id) = self.anchors.get(&anchor) else { return Ok(()) };
        let (weight, height) = (self.node(id).weight, self.node(id).height);
        let Some(height) = height else {
            return Err(Box::new(
                Diagnostic::error("alias-loop", span, "this alias stands inside the value that it repeats")
                    .also(self.node(id).span, "the value begins here")
                    .help("an alias may only repeat a value that ended before it"),
            ));
        };
        self.check_depth(usize::from(height), span)?;
        self.spend(u64::from(weight), span)?;
        self.child(id);
        Ok(())
    }

    /// Returns a node that was read before.
    pub(super) fn node(&self, id: NodeId) -> &Node<'s> {
        &self.nodes[id.0 as usize]
    }

    /// Returns what a node counts against the budget.
    pub(super) fn weight(&self, id: NodeId) -> u64 {
        u64::from(self.node(id).weight)
    }

    /// Keeps a problem that does not stop the reading.
    pub(super) fn report(&mut self, problem: Diagnostic) {
        self.found.push(problem);
    }

    /// Returns the text of a key, if it is one.
    pub(super) fn key_text(&self, entry: Entry) -> Option<&str> {
        match &self.node(entry.key).kind {
            Kind::Scalar(scalar) => Some(&scalar.text),
            Kind::Seq(_) | Kind::Map(_) => None,
        }
    }

    /// Refuses doubled keys and keys that are no text, then carries out merge keys.
    fn finish_map(&mut self, entries: Vec<Entry>) -> Result<Vec<Entry>, Stop> {
        let mut kept = Vec::with_capacity(entries.len());
        let mut merges = Vec::new();
        let mut faults = Vec::new();
        let mut known: HashSet<&str> = HashSet::new();
        for entry in entries {
            let span = self.node(entry.key).span;
            let Some(text) = self.key_text(entry) else {
                faults.push(
                    Diagnostic::error("key-not-text", span, "a key has to be a single word or text")
                        .help("text with `{`, `[` or `?` at its beginning has to stand in quotes"),
                );
                continue;
            };
            if merge::is_merge_key(&self.node(entry.key).kind) {
                merges.push(entry);
                continue;
            }
            let doubled = if kept.len() < 8 {
                kept.iter().any(|other: &Entry| self.key_text(*other) == Some(text))
            } else {
                if known.is_empty() {
                    known.extend(kept.iter().filter_map(|other| self.key_text(*other)));
                }
                !known.insert(text)
            };
            if doubled {
                let first = kept.iter().find(|other| self.key_text(**other) == Some(text));
                let mut problem = Diagnostic::error(
                    "duplicate-key",
                    span,
                    format!("the key `{text}` stands twice in the same map"),
                )
                .label("second time")
                .help("remove one of the two, or rename it");
                if let Some(first) = first {
                    problem = problem.also(self.node(first.key).span, "first time");
                }
                faults.push(problem);
                continue;
            }
            kept.push(entry);
        }
        // One anchor may be read again by aliases, so its faults are told once, here.
        for fault in faults.into_iter().take(100) {
            self.report(fault);
        }
        if merges.is_empty() { Ok(kept) } else { merge::apply(self, kept, &merges) }
    }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
        _ => Style::Plain,
    }
}

/// Turns the parser's range into ours, kept inside the text.
fn place(span: granit_parser::Span, source: &Source) -> Span {
    let most = source.text.len();
    let start = span.start.byte_offset().unwrap_or(0).min(most);
    let end = span.end.byte_offset().unwrap_or(start).clamp(start, most);
    Span { start: to_u32(start), end: to_u32(end) }
}

fn to_u32(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
