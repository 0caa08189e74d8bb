//! The bare values of a text, in their order, with aliases written out: what an edit may change and a layout may not.

use super::{Doc, Id, Shape};
use crate::logic::playbook::scalar::{self, Core};
use crate::logic::playbook::tree::Style;

/// A value without its looks. A merge key stays a key, `<<`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Plain {
    Null,
    /// A number or a boolean, as it is written.
    Word(String),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
}

impl Plain {
    pub(in super::super) fn of(doc: &Doc<'_>, id: Id) -> Self {
        match &doc.node(id).shape {
            Shape::Null => Self::Null,
            Shape::Alias(target) => Self::of(doc, *target),
            Shape::Scalar { value, style } => Self::scalar(value, *style),
            Shape::Seq { items, .. } => Self::List(items.iter().map(|it| Self::of(doc, it.value)).collect()),
            Shape::Map { pairs, .. } => {
                let pair = |key: Id, value: Id| (Self::of(doc, key), Self::of(doc, value));
                Self::Map(pairs.iter().map(|it| pair(it.key, it.value)).collect())
            }
        }
    }

    fn scalar(value: &str, style: Style) -> Self {
        if style != Style::Plain {
            return Self::Text(value.to_owned());
        }
        match scalar::plain(value) {
            Core::Null => Self::Null,
            Core::Bool(_) | Core::Int(_) | Core::Float(_) => Self::Word(value.to_owned()),
            Core::Text(_) => Self::Text(value.to_owned()),
        }
    }
}
