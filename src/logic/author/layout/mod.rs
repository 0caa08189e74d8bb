//! A YAML text with the place of everything in it, comments, dashes and colons included.
//!
//! Not here: whether it is a playbook (`logic/playbook`), which bounds and refuses what is no sound YAML first. Start with
//! `Doc::parse`. Other than `playbook/tree.rs`, this keeps what only an author cares about: aliases and merge keys as they
//! are written, flow and block style, anchors.

mod build;
mod lex;
mod lines;
pub(super) mod plain;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub(super) use lex::{Sort, Token};

use crate::logic::playbook::source::Span;
use crate::logic::playbook::tree::Style;

/// Position of a node in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id(usize);

/// A text taken apart. All places are bytes of the text.
#[derive(Debug)]
pub(super) struct Doc<'s> {
    pub text: &'s str,
    nodes: Vec<Node<'s>>,
    pub root: Id,
    /// Everything that is no blank, in order.
    pub tokens: Vec<Token>,
}

/// A value, as it is written.
#[derive(Debug)]
pub(super) struct Node<'s> {
    pub shape: Shape<'s>,
    /// Where it begins with its anchor, and without.
    pub from: usize,
    pub start: usize,
    /// Of a text in lines (`|`, `>`), this is the begin of the first line that does not belong to it.
    pub end: usize,
    /// Of a text in lines: what the parser read of it, without the `|` or `>`.
    pub body: Option<(usize, usize)>,
    pub is_anchored: bool,
    /// How often its anchor is repeated.
    pub aliases: usize,
    pub parent: Option<Id>,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Shape<'s> {
    Scalar {
        value: Cow<'s, str>,
        style: Style,
    },
    /// Nothing is written.
    Null,
    Alias(Id),
    Seq {
        items: Vec<Item>,
        is_flow: bool,
    },
    Map {
        pairs: Vec<Pair>,
        is_flow: bool,
    },
}

/// A member of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Its dash; in flow style the value itself.
    pub start: usize,
    pub value: Id,
}

/// A member of a map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// The key with its anchor, or the `?` before it.
    pub start: usize,
    pub key: Id,
    pub colon: Option<usize>,
    pub value: Id,
}

impl<'s> Doc<'s> {
    pub(super) fn node(&self, id: Id) -> &Node<'s> {
        &self.nodes[id.0]
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        (0..self.nodes.len()).map(Id)
    }

    pub(super) fn span(&self, id: Id) -> Span {
        let node = self.node(id);
        span(node.start, node.end)
    }

    /// Returns what an alias stands for; everything else stands for itself.
    pub(super) fn meant(&self, id: Id) -> Id {
        let mut id = id;
        while let Shape::Alias(target) = self.node(id).shape {
            id = target;
        }
        id
    }

    /// Returns the text of a scalar.
    pub(super) fn text_of(&self, id: Id) -> Option<&str> {
        match &self.node(id).shape {
            Shape::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    pub(super) fn pairs(&self, id: Id) -> &[Pair] {
        match &self.node(id).shape {
            Shape::Map { pairs, .. } => pairs,
            _ => &[],
        }
    }

    pub(super) fn items(&self, id: Id) -> &[Item] {
        match &self.node(id).shape {
            Shape::Seq { items, .. } => items,
            _ => &[],
        }
    }

    pub(super) fn is_flow(&self, id: Id) -> bool {
        matches!(self.node(id).shape, Shape::Map { is_flow: true, .. } | Shape::Seq { is_flow: true, .. })
    }

    pub(super) fn is_collection(&self, id: Id) -> bool {
        matches!(self.node(id).shape, Shape::Map { .. } | Shape::Seq { .. })
    }

    /// Returns the position of a key among those that are written in this very map.
    pub(super) fn find(&self, map: Id, key: &str) -> Option<usize> {
        self.pairs(map).iter().position(|pair| self.text_of(pair.key) == Some(key))
    }

    /// Returns the value of a key that is written in this very map.
    pub(super) fn get(&self, map: Id, key: &str) -> Option<Id> {
        self.find(map, key).map(|at| self.pairs(map)[at].value)
    }

    /// Returns where each child begins and where its value ends, and which value it is.
    pub(super) fn children(&self, id: Id) -> Vec<(usize, usize, Id)> {
        let end = |value: Id| self.node(value).end;
        match &self.node(id).shape {
            Shape::Map { pairs, .. } => {
                let key_end = |pair: &Pair| pair.colon.map_or(self.node(pair.key).end, |it| it + 1);
                pairs.iter().map(|it| (it.start, end(it.value).max(key_end(it)), it.value)).collect()
            }
            Shape::Seq { items, .. } => {
                items.iter().map(|it| (it.start, end(it.value).max(it.start + 1), it.value)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Says whether a node stands inside of another one, or is it.
    pub(super) fn is_in(&self, id: Id, outer: Id) -> bool {
        std::iter::successors(Some(id), |id| self.node(*id).parent).any(|it| it == outer)
    }

    /// Returns the comments that begin in a range.
    pub(super) fn comments(&self, from: usize, to: usize) -> impl Iterator<Item = &Token> {
        let first = self.tokens.partition_point(|it| it.start < from);
        self.tokens[first..].iter().take_while(move |it| it.start < to).filter(|it| it.sort == Sort::Comment)
    }
}

pub(super) fn span(start: usize, end: usize) -> Span {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { start: place(start), end: place(end) }
}
