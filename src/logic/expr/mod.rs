//! The expression language of `${{ }}`: GitHub's, exactly, without functions of our own.
//!
//! Not here: which contexts a key of a playbook may use, and what they hold; that is what a
//! [`Scope`] answers. Start at [`parse`] for one expression, [`Template`] for text with `${{ }}`
//! in it, and [`parse_condition`] for the text of an `if`.

pub mod coerce;
mod condition;
pub mod error;
mod eval;
pub mod functions;
mod json;
mod lex;
mod memory;
mod parse;
mod template;
mod tree;

#[cfg(test)]
mod template_tests;
#[cfg(test)]
mod tests;

pub use condition::{Condition, parse_condition};
pub use error::{ErrorKind, ExprError};
pub use parse::{parse, parse_known};
pub use template::{Template, TemplateExpr};
pub use tree::{ContextUse, Expr, FunctionUse};

use crate::logic::value::Value;

/// The longest expression, in UTF-16 units.
pub const MAX_LENGTH: usize = 21_000;
/// The deepest nesting of operators and calls.
pub const MAX_DEPTH: usize = 50;
/// The memory in bytes one evaluation may use where the scope says nothing else.
pub const MAX_MEMORY: usize = 1024 * 1024;

/// A function that asks how things went so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFn {
    Success,
    Failure,
    Cancelled,
    Always,
}

/// What an expression may see while it is evaluated.
///
/// Everything has a default, so that a scope names only what it knows.
pub trait Scope {
    /// Returns the context of that name, or nothing if there is none here.
    ///
    /// The name arrives in lower case. The same context must come back as the same shared value,
    /// because the language compares arrays and objects by identity.
    fn context(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }

    /// Answers a status function; the arguments are the values in its parentheses.
    ///
    /// # Errors
    /// If the arguments do not fit.
    fn status(&self, function: StatusFn, args: &[Value]) -> Result<Value, ExprError> {
        let _ = args;
        Ok(Value::Bool(matches!(function, StatusFn::Success | StatusFn::Always)))
    }

    /// Returns the digest of the files that the patterns name.
    ///
    /// # Errors
    /// [`ExprError::hash_not_known`] if the digest has to be made first.
    fn hash_files(&self, patterns: &[String]) -> Result<Value, ExprError> {
        Err(ExprError::hash_not_known(patterns))
    }

    /// Returns how much memory in bytes the values of one evaluation may use together. GitHub's
    /// evaluator allows 1 MiB by itself and 10 MiB in its job runner.
    fn memory_limit(&self) -> usize {
        MAX_MEMORY
    }
}
