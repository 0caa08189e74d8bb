//! The tree of a parsed expression, and what can be seen in it without evaluating it.
//!
//! Not here: how it is built (`parse.rs`) and evaluated (`eval.rs`). Start at [`Expr`]. The nodes
//! lie in one list, children before their parents, so that dropping a tree never recurses.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::functions::Function;
use super::lex::Operator;
use crate::logic::value::Value;

/// The place of a node in its tree.
pub(super) type NodeId = u32;

/// A parsed expression.
#[derive(Clone, Debug)]
pub struct Expr {
    pub(super) text: Arc<str>,
    pub(super) nodes: Vec<Node>,
    /// Nothing for an expression without any text, whose value is null.
    pub(super) root: Option<NodeId>,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub shape: Shape,
    /// First byte in the text.
    pub at: usize,
    /// Byte after the last one.
    pub end: usize,
    /// Levels of the tree below and with this node.
    pub depth: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Shape {
    Literal(Value),
    /// The `*` of a filter.
    Star,
    /// The name in lower case.
    Context(Arc<str>),
    Call(&'static Function, Vec<NodeId>),
    Index(NodeId, NodeId),
    Not(NodeId),
    Compare(Operator, NodeId, NodeId),
    And(Vec<NodeId>),
    Or(Vec<NodeId>),
}

/// Kept as its text.
impl Serialize for Expr {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Expr {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        super::parse(&text).map_err(|error| serde::de::Error::custom(error.message))
    }
}

/// Two expressions are equal if their texts are.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// One use of a context in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextUse {
    /// The context's name in lower case.
    pub name: String,
    /// The members named after it, as far as they are written out.
    pub path: Vec<String>,
    /// First byte of the context's name in the text.
    pub at: usize,
    /// Bytes of the name and the members in `path`.
    pub len: usize,
}

/// One call of a function in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionUse {
    /// The name as the language documents it.
    pub name: &'static str,
    /// First byte of the name in the text.
    pub at: usize,
    /// Bytes of the name.
    pub len: usize,
}

impl Expr {
    /// Returns the text that was parsed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Says whether there was no text to parse, only blanks.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.root.is_none()
    }

    /// Returns every use of a context, in the order of the text.
    #[must_use]
    pub fn contexts(&self) -> Vec<ContextUse> {
        let mut uses: Vec<ContextUse> = Vec::new();
        // For each node: the use whose path it continues.
        let mut chains: Vec<Option<usize>> = vec![None; self.nodes.len()];
        for (id, node) in self.nodes.iter().enumerate() {
            match &node.shape {
                Shape::Context(name) => {
                    chains[id] = Some(uses.len());
                    let (name, at, len) = (name.to_string(), node.at, node.end - node.at);
                    uses.push(ContextUse { name, path: Vec::new(), at, len });
                }
                Shape::Index(base, index) => {
                    let (Some(chain), Shape::Literal(Value::String(member))) =
                        (chains[*base as usize], &self.nodes[*index as usize].shape)
                    else {
                        continue;
                    };
                    chains[id] = Some(chain);
                    uses[chain].path.push(member.to_string());
                    uses[chain].len = node.end - uses[chain].at;
                }
                _ => {}
            }
        }
        uses
    }

    /// Returns every call of a function, in the order of the text.
    #[must_use]
    pub fn functions(&self) -> Vec<FunctionUse> {
        let mut uses: Vec<FunctionUse> = self
            .calls()
            .map(|(function, at)| FunctionUse { name: function.name, at, len: function.name.len() })
            .collect();
        uses.sort_by_key(|call| call.at);
        uses
    }

    /// Says whether `success`, `failure`, `cancelled` or `always` is called anywhere.
    #[must_use]
    pub fn has_status_function(&self) -> bool {
        self.calls().any(|(function, _)| function.is_status())
    }

    fn calls(&self) -> impl Iterator<Item = (&'static Function, usize)> {
        self.nodes.iter().filter_map(|node| match &node.shape {
            Shape::Call(function, _) => Some((*function, node.at)),
            _ => None,
        })
    }
}
