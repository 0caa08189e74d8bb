//! Evaluates a tree in a scope.
//!
//! Not here: comparison and conversion (`coerce.rs`), what the functions do (`functions.rs`).
//! Start at [`Expr::eval`]. Only what decides the value is evaluated: the rest of a `&&` or `||`,
//! and arguments a function does not look at, may fail without harm.

use std::cmp::Ordering;
use std::sync::Arc;

use super::Scope;
use super::coerce;
use super::error::{ErrorKind, ExprError, UNKNOWN_CONTEXT};
use super::functions::Call;
use super::lex::Operator;
use super::memory::{ITEM_SIZE, Memory, VALUE_SIZE, text_size};
use super::tree::{Expr, NodeId, Shape};
use crate::logic::value::Value;

impl Expr {
    /// Returns the value of the expression.
    ///
    /// # Errors
    /// If a context is not in the scope, a function cannot work with its arguments, the values
    /// need too much memory, or the scope gives an error.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, ExprError> {
        let Some(root) = self.root else { return Ok(Value::Null) };
        let mut evaluation = Evaluation { expr: self, scope, memory: Memory::new(scope.memory_limit()) };
        Ok(evaluation.node(root, 0)?.value)
    }
}

/// A value, and whether it came from a filter: the members of its items are looked up, not its own.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub value: Value,
    pub filtered: bool,
}

impl From<Value> for Found {
    fn from(value: Value) -> Self {
        Self { value, filtered: false }
    }
}

pub(super) struct Evaluation<'e> {
    expr: &'e Expr,
    pub scope: &'e dyn Scope,
    memory: Memory,
}

impl<'e> Evaluation<'e> {
    /// Returns the most memory in bytes that one text may need.
    pub(super) fn memory_limit(&self) -> usize {
        self.memory.limit()
    }

    pub(super) fn node(&mut self, id: NodeId, level: usize) -> Result<Found, ExprError> {
        let expr = self.expr;
        let found = match &expr.nodes[id as usize].shape {
            Shape::Literal(value) => Ok(value.clone().into()),
            Shape::Star => Ok(Value::string("*").into()),
            Shape::Context(name) => self.context(name, id).map(Found::from),
            Shape::Call(function, args) => (function.run)(&mut Call { evaluation: self, args, level })
                .map_err(|error| self.placed(error, id)),
            Shape::Index(base, index) => self.index(*base, *index, level),
            Shape::Not(inner) => {
                let inner = self.node(*inner, level + 1)?;
                Ok(Value::Bool(!coerce::is_truthy(&inner.value)).into())
            }
            Shape::Compare(operator, left, right) => {
                let left = self.node(*left, level + 1)?.value;
                let right = self.node(*right, level + 1)?.value;
                Ok(Value::Bool(compare(*operator, &left, &right)).into())
            }
            Shape::And(parts) => self.first(parts, false, level),
            Shape::Or(parts) => self.first(parts, true, level),
        }?;
        let (bytes, frees) = match &found.value {
            Value::String(text) => (text_size(text), true),
            Value::Array(items) if found.filtered => (VALUE_SIZE + ITEM_SIZE * items.len(), false),
            value => (VALUE_SIZE, coerce::is_primitive(value)),
        };
        self.memory.add(level, bytes, frees).map_err(|error| self.placed(error, id))?;
        Ok(found)
    }

    fn context(&self, name: &Arc<str>, id: NodeId) -> Result<Value, ExprError> {
        self.scope.context(name).ok_or_else(|| {
            let node = &self.expr.nodes[id as usize];
            let class = (UNKNOWN_CONTEXT, ErrorKind::Parsing);
            ExprError::located(class, "Unrecognized named-value", &self.expr.text, (node.at, node.end))
        })
    }

    /// Says where an error happened, unless that is known from a node further in.
    fn placed(&self, mut error: ExprError, id: NodeId) -> ExprError {
        if error.len == 0 {
            let node = &self.expr.nodes[id as usize];
            (error.at, error.len) = (node.at, node.end - node.at);
        }
        error
    }

    /// Returns the first part that is true (or false), or else the last part.
    fn first(&mut self, parts: &[NodeId], wanted: bool, level: usize) -> Result<Found, ExprError> {
        let mut found = Found::from(Value::Null);
        for part in parts {
            found = self.node(*part, level + 1)?;
            if coerce::is_truthy(&found.value) == wanted {
                break;
            }
        }
        Ok(found)
    }

    fn index(&mut self, base: NodeId, index: NodeId, level: usize) -> Result<Found, ExprError> {
        let base = self.node(base, level + 1)?;
        let by_star = matches!(self.expr.nodes[index as usize].shape, Shape::Star);
        if coerce::is_primitive(&base.value) {
            let value = if by_star { Value::array(Vec::new()) } else { Value::Null };
            return Ok(Found { value, filtered: by_star });
        }
        if by_star {
            let items = if base.filtered {
                each_item(&base.value, |item, out| out.extend(children(item)))
            } else {
                children(&base.value).collect()
            };
            return Ok(Found { value: Value::array(items), filtered: true });
        }
        let key = Key(self.node(index, level + 1)?.value);
        if base.filtered {
            let items = each_item(&base.value, |item, out| out.extend(key.member_of(item).cloned()));
            return Ok(Found { value: Value::array(items), filtered: true });
        }
        Ok(key.member_of(&base.value).cloned().unwrap_or(Value::Null).into())
    }
}

fn each_item(array: &Value, mut take: impl FnMut(&Value, &mut Vec<Value>)) -> Vec<Value> {
    let mut out = Vec::new();
    if let Value::Array(items) = array {
        items.iter().for_each(|item| take(item, &mut out));
    }
    out
}

/// Iterates over the items of an array or the values of an object; anything else has none.
fn children(value: &Value) -> impl Iterator<Item = Value> {
    let (items, members) = match value {
        Value::Array(items) => (Some(items.iter().cloned()), None),
        Value::Object(object) => (None, Some(object.iter().map(|(_, value)| value.clone()))),
        _ => (None, None),
    };
    items.into_iter().flatten().chain(members.into_iter().flatten())
}

/// The value between `[` and `]`.
struct Key(Value);

impl Key {
    fn member_of<'v>(&self, collection: &'v Value) -> Option<&'v Value> {
        match collection {
            Value::Object(object) if coerce::is_primitive(&self.0) => object.get(&coerce::text(&self.0)),
            Value::Array(items) => items.get(self.position()?),
            _ => None,
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
    fn position(&self) -> Option<usize> {
        let number = coerce::to_number(&self.0);
        (number >= 0.0 && number <= f64::from(i32::MAX)).then(|| number.floor() as usize)
    }
}

fn compare(operator: Operator, left: &Value, right: &Value) -> bool {
    let order = || coerce::loose_order(left, right);
    match operator {
        Operator::Equal => coerce::loose_eq(left, right),
        Operator::NotEqual => !coerce::loose_eq(left, right),
        Operator::Greater => order() == Some(Ordering::Greater),
        Operator::Less => order() == Some(Ordering::Less),
        Operator::GreaterOrEqual => coerce::loose_eq(left, right) || order() == Some(Ordering::Greater),
        Operator::LessOrEqual => coerce::loose_eq(left, right) || order() == Some(Ordering::Less),
        Operator::Not | Operator::And | Operator::Or => false,
    }
}
