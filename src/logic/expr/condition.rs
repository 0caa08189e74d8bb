//! The text of an `if`: an expression with or without `${{ }}`.
//!
//! Not here: what `success()` means for a step or a stage; the scope answers that. Start at
//! [`parse_condition`].

use serde::{Deserialize, Serialize};

use super::coerce;
use super::{Expr, ExprError, Scope, StatusFn, Template, TemplateExpr, parse_known};

/// The condition of an `if`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    body: Body,
    needs_success: bool,
    /// Literal text stands around a `${{ }}`. The whole is then a text, and a text that is not
    /// empty is true, whatever the expression in it says.
    pub always_true_text: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Body {
    /// Nothing was written: only the status counts.
    Blank,
    Bare(TemplateExpr),
    Text(Template),
}

/// Reads the text of an `if`. Contexts are not checked.
///
/// If no status function is called in it, `success() &&` stands before it unwritten.
///
/// # Errors
/// If the text is no condition.
pub fn parse_condition(text: &str) -> Result<Condition, ExprError> {
    Condition::parse_known(text, &|_| true)
}

impl Condition {
    /// Reads the text of an `if` in which only the contexts may occur that `is_known` answers yes for.
    ///
    /// # Errors
    /// If the text is no condition, or names an unknown context.
    pub fn parse_known(text: &str, is_known: &dyn Fn(&str) -> bool) -> Result<Self, ExprError> {
        let body = if text.contains("${{") {
            Body::Text(Template::parse_known(text, is_known)?)
        } else {
            let expr = parse_known(text, is_known)?;
            if expr.is_blank() {
                Body::Blank
            } else {
                Body::Bare(TemplateExpr { start: 0, at: 0, end: text.len(), expr })
            }
        };
        let always_true_text = matches!(&body, Body::Text(template) if !template.is_single());
        let mut condition = Self { body, needs_success: true, always_true_text };
        condition.needs_success = !condition.exprs().iter().any(|part| part.expr.has_status_function());
        Ok(condition)
    }

    /// Returns the expressions in the condition, with their places in the text.
    #[must_use]
    pub fn exprs(&self) -> &[TemplateExpr] {
        match &self.body {
            Body::Blank => &[],
            Body::Bare(part) => std::slice::from_ref(part),
            Body::Text(template) => template.exprs(),
        }
    }

    /// Returns the expression if the condition is one and no text around it.
    #[must_use]
    pub fn as_expr(&self) -> Option<&Expr> {
        if self.always_true_text { None } else { self.exprs().first().map(|part| &part.expr) }
    }

    /// Says whether `success()` is asked first, because no status function was written.
    #[must_use]
    pub fn needs_success(&self) -> bool {
        self.needs_success
    }

    /// Says whether the condition holds.
    ///
    /// # Errors
    /// If an expression cannot be evaluated; places count bytes of the condition's text.
    pub fn eval(&self, scope: &dyn Scope) -> Result<bool, ExprError> {
        if self.needs_success && !coerce::is_truthy(&scope.status(StatusFn::Success, &[])?) {
            return Ok(false);
        }
        match &self.body {
            Body::Blank => Ok(true),
            Body::Bare(part) => Ok(coerce::is_truthy(&part.eval(scope)?)),
            Body::Text(template) => Ok(coerce::is_truthy(&template.eval_value(scope)?)),
        }
    }
}
