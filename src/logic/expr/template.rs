//! Text with `${{ }}` in it.
//!
//! Not here: conditions, which may leave the marks out (`condition.rs`). Start at
//! [`Template::parse`]. A text that is one expression and nothing else keeps the kind of its
//! value; everything else becomes text.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::coerce;
use super::error::{EMPTY, ErrorKind, ExprError, TOO_LARGE, UNCLOSED};
use super::{Expr, Scope, parse_known};
use crate::logic::value::Value;

const OPEN: &str = "${{";
/// How many times the memory of one evaluation the values in one text may fill together.
const VALUES_LIMIT: usize = 16;

/// A text with expressions in it, or a literal text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Template {
    text: Arc<str>,
    /// In the order of the text; empty for a literal.
    exprs: Vec<TemplateExpr>,
}

/// One `${{ }}` of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateExpr {
    /// First byte of the `${{`.
    pub start: usize,
    /// First byte of the expression, right after the `${{`. Places in `expr` count from here.
    pub at: usize,
    /// Byte after the `}}`.
    pub end: usize,
    pub expr: Expr,
}

impl Template {
    /// Reads a text; places in errors count bytes of it. Contexts are not checked.
    ///
    /// # Errors
    /// If a `${{` is not closed, or what is between the marks is empty or no expression.
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        Self::parse_known(text, &|_| true)
    }

    /// Reads a text in which only the contexts may occur that `is_known` answers yes for.
    ///
    /// # Errors
    /// As [`Template::parse`], and if an unknown context is named.
    pub fn parse_known(text: &str, is_known: &dyn Fn(&str) -> bool) -> Result<Self, ExprError> {
        let mut exprs = Vec::new();
        let mut from = 0;
        while let Some(found) = text[from..].find(OPEN) {
            let start = from + found;
            let at = start + OPEN.len();
            let Some(close) = closing(&text[at..]) else {
                let message =
                    "the expression is not closed: a `${{` was found, but no `}}` after it".to_owned();
                return Err(marked(UNCLOSED, message, start, text.len()));
            };
            let end = at + close + 2;
            let expr = parse_known(&text[at..at + close], is_known).map_err(|error| error.moved(at))?;
            if expr.is_blank() {
                let message = "an expression was expected between `${{` and `}}`".to_owned();
                return Err(marked(EMPTY, message, start, end));
            }
            exprs.push(TemplateExpr { start, at, end, expr });
            from = end;
        }
        Ok(Self { text: text.into(), exprs })
    }

    /// Returns a template whose text means itself, whatever stands in it.
    pub fn literal(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), exprs: Vec::new() }
    }

    /// Returns the text if there is no expression in it.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        self.exprs.is_empty().then_some(&*self.text)
    }

    /// Returns the text as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.text
    }

    /// Returns the expressions in the order of the text.
    #[must_use]
    pub fn exprs(&self) -> &[TemplateExpr] {
        &self.exprs
    }

    /// Says whether the text is one expression and nothing else.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.single().is_some()
    }

    /// Returns the text with every expression replaced by its value.
    ///
    /// # Errors
    /// If an expression cannot be evaluated, or the values are too large together.
    pub fn eval_text(&self, scope: &dyn Scope) -> Result<String, ExprError> {
        let mut out = String::with_capacity(self.text.len());
        let (mut from, mut grown) = (0, 0usize);
        for part in &self.exprs {
            out.push_str(&self.text[from..part.start]);
            let value = part.eval(scope)?;
            let text = coerce::text(&value);
            grown = grown.saturating_add(text.len());
            if grown > scope.memory_limit().saturating_mul(VALUES_LIMIT) {
                let limit = scope.memory_limit().saturating_mul(VALUES_LIMIT);
                let message = format!("the values in this text are larger than {limit} bytes together");
                return Err(ExprError {
                    kind: ErrorKind::Evaluation,
                    ..marked(TOO_LARGE, message, part.start, part.end)
                });
            }
            out.push_str(&text);
            from = part.end;
        }
        out.push_str(&self.text[from..]);
        Ok(out)
    }

    /// Returns the value: of its own kind if the text is one expression, else a string. A literal
    /// is not copied.
    ///
    /// # Errors
    /// As [`Template::eval_text`].
    pub fn eval_value(&self, scope: &dyn Scope) -> Result<Value, ExprError> {
        if let Some(part) = self.single() {
            return part.eval(scope);
        }
        if self.exprs.is_empty() {
            return Ok(Value::String(Arc::clone(&self.text)));
        }
        self.eval_text(scope).map(Value::string)
    }

    fn single(&self) -> Option<&TemplateExpr> {
        match self.exprs.as_slice() {
            [part] if part.start == 0 && part.end == self.text.len() => Some(part),
            _ => None,
        }
    }
}

impl TemplateExpr {
    /// Returns the value of the expression; places in errors count from the start of the text.
    ///
    /// # Errors
    /// If the expression cannot be evaluated.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, ExprError> {
        self.expr.eval(scope).map_err(|error| error.moved(self.at))
    }
}

fn marked(slug: &'static str, message: String, start: usize, end: usize) -> ExprError {
    ExprError { slug, kind: ErrorKind::Lexing, message, at: start, len: end - start, wanted_hash: None }
}

/// Returns where the `}}` begins that is not inside a string.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut in_string = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\'' => in_string = !in_string,
            b'}' if !in_string && bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
    }
    None
}
